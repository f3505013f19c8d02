package cognito_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
)

func attributesOf(list []types.AttributeType) map[string]string {
	m := map[string]string{}
	for _, a := range list {
		m[*a.Name] = aws.ToString(a.Value)
	}
	return m
}

func TestAUserSignsUpByEmailAndIsConfirmedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, err := w.api.SignUp(t.Context(), &cognito.SignUpInput{
		ClientId: &w.clientID, Username: aws.String("ann@example.com"), Password: aws.String(password),
		UserAttributes: []types.AttributeType{{Name: aws.String("name"), Value: aws.String("Ann")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !out.UserConfirmed {
		t.Error("the user is not confirmed")
	}
	user, err := w.api.AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: &w.poolID, Username: aws.String("ANN@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"sub": *out.UserSub, "email": "ann@example.com", "email_verified": "true", "name": "Ann"}
	if diff := cmp.Diff(want, attributesOf(user.UserAttributes)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if *user.Username != *out.UserSub || user.UserStatus != types.UserStatusTypeConfirmed || !user.Enabled {
		t.Errorf("the user is %+v", user)
	}
}

func TestSignUpsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "taken@example.com")
	for name, c := range map[string]struct {
		username, password, code, text string
		attributes                     map[string]string
	}{
		"a taken address":       {"Taken@Example.com", password, "UsernameExistsException", "An account with the given email already exists.", nil},
		"no address":            {"ann", password, "InvalidParameterException", "Username should be an email.", nil},
		"a short password":      {"a@b.c", "Aa1-", "InvalidPasswordException", "Password not long enough", nil},
		"no lower case":         {"a@b.c", "PASSWORD-1", "InvalidPasswordException", "lowercase", nil},
		"no upper case":         {"a@b.c", "password-1", "InvalidPasswordException", "uppercase", nil},
		"no digit":              {"a@b.c", "Password-", "InvalidPasswordException", "numeric", nil},
		"no symbol":             {"a@b.c", "Password1", "InvalidPasswordException", "symbol", nil},
		"a space at the end":    {"a@b.c", password + " ", "InvalidParameterException", "regular expression", nil},
		"an unknown attribute":  {"a@b.c", password, "InvalidParameterException", "Attribute does not exist in the schema", map[string]string{"shoe": "44"}},
		"verifying the address": {"a@b.c", password, "NotAuthorizedException", "unauthorized attribute", map[string]string{"email_verified": "true"}},
		"another address":       {"a@b.c", password, "InvalidParameterException", "email attribute", map[string]string{"email": "x@y.z"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := &cognito.SignUpInput{ClientId: &w.clientID, Username: &c.username, Password: &c.password}
			for name, value := range c.attributes {
				in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: &name, Value: &value})
			}
			_, err := w.api.SignUp(t.Context(), in)
			refused(t, err, c.code, c.text)
		})
	}
	_, err := w.api.SignUp(t.Context(), &cognito.SignUpInput{ClientId: aws.String("none"), Username: aws.String("a@b.c"), Password: aws.String(password)})
	refused(t, err, "ResourceNotFoundException", "User pool client none does not exist.")
}

func TestWithoutAutoConfirmAUserWaitsForAnAdministrator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.poolID = createPool(t, w.api, func(in *cognito.CreateUserPoolInput) {
		in.UserPoolTags, in.UsernameAttributes = nil, nil
		in.Policies = &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(8)}}
	})
	client, err := w.api.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: &w.poolID, ClientName: aws.String("c"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.clientID = *client.UserPoolClient.ClientId
	sub := w.signUp(t, "ann")
	_, err = w.signIn(t, "ann", password)
	refused(t, err, "UserNotConfirmedException", "User is not confirmed.")
	_, err = w.signIn(t, "ann", "wrong-password")
	refused(t, err, "NotAuthorizedException", "Incorrect username or password.")
	confirm := func() error {
		_, err := w.api.AdminConfirmSignUp(t.Context(), &cognito.AdminConfirmSignUpInput{UserPoolId: &w.poolID, Username: aws.String("ann")})
		return err
	}
	if err := confirm(); err != nil {
		t.Fatal(err)
	}
	refused(t, confirm(), "NotAuthorizedException", "Current status is CONFIRMED")
	w.mustSignIn(t, "ann")
	user, err := w.api.AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: &w.poolID, Username: aws.String("ann")})
	if err != nil || *user.Username != "ann" || attributesOf(user.UserAttributes)["sub"] != sub || sub == "ann" {
		t.Errorf("the user is %+v (%v)", user, err)
	}
	_, err = w.api.ResendConfirmationCode(t.Context(), &cognito.ResendConfirmationCodeInput{ClientId: &w.clientID, Username: aws.String("ann")})
	refused(t, err, "InvalidParameterException", "User is already confirmed.")
}

func TestAnAdministratorCreatesAUserWhoSignsInWithThePermanentPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &cognito.AdminCreateUserInput{
		UserPoolId: &w.poolID, Username: aws.String("admin@example.com"), MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email_verified"), Value: aws.String("true")}},
	}
	out, err := w.api.AdminCreateUser(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if out.User.UserStatus != types.UserStatusTypeForceChangePassword {
		t.Errorf("the user's status is %s", out.User.UserStatus)
	}
	_, err = w.api.AdminCreateUser(t.Context(), in)
	refused(t, err, "UsernameExistsException", "")
	in.MessageAction = ""
	_, err = w.api.AdminCreateUser(t.Context(), in)
	refused(t, err, "NotImplementedException", "text message")

	set := func(password string, permanent bool) error {
		_, err := w.api.AdminSetUserPassword(t.Context(), &cognito.AdminSetUserPasswordInput{
			UserPoolId: &w.poolID, Username: in.Username, Password: &password, Permanent: permanent,
		})
		return err
	}
	refused(t, set("weak", true), "InvalidPasswordException", "")
	if err := set(password, false); err != nil {
		t.Fatal(err)
	}
	if result, err := w.signIn(t, *in.Username, password); err != nil || result != nil {
		t.Errorf("the temporary password signs in: %v, %v", result, err)
	}
	if err := set(password, true); err != nil {
		t.Fatal(err)
	}
	w.mustSignIn(t, *in.Username)
}

func TestUsersAreFoundByFilterAndListedInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	subs := map[string]string{}
	for _, email := range []string{"ann@example.com", "bob@example.com", "cid@example.org"} {
		subs[email] = w.signUp(t, email)
	}
	find := func(filter string) []string {
		var emails []string
		pages := cognito.NewListUsersPaginator(w.api, &cognito.ListUsersInput{UserPoolId: &w.poolID, Filter: &filter, Limit: aws.Int32(1)})
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", filter, err)
			}
			for _, u := range out.Users {
				emails = append(emails, attributesOf(u.Attributes)["email"])
			}
		}
		return emails
	}
	for filter, want := range map[string]int{"": 3, `email ^= "a"`: 1, `cognito:user_status = "CONFIRMED"`: 3, `email = "none@example.com"`: 0} {
		if got := find(filter); len(got) != want {
			t.Errorf("%q finds %v, want %d", filter, got, want)
		}
	}
	for filter, want := range map[string]string{
		`email = "bob@example.com"`:                    "bob@example.com",
		`"sub"="` + subs["cid@example.org"] + `"`:      "cid@example.org",
		`username = "` + subs["ann@example.com"] + `"`: "ann@example.com",
	} {
		if got := find(filter); len(got) != 1 || got[0] != want {
			t.Errorf("%q finds %v, want %s", filter, got, want)
		}
	}
	for _, filter := range []string{"email", `email > "a"`, `shoe = "44"`, `email = a`} {
		_, err := w.api.ListUsers(t.Context(), &cognito.ListUsersInput{UserPoolId: &w.poolID, Filter: &filter})
		refused(t, err, "InvalidParameterException", "")
	}
}

func TestADeletedUsersTokensAreInvalidAndTheAddressIsFree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.signUp(t, "ann@example.com")
	tokens := w.mustSignIn(t, "ann@example.com")
	remove := func() error {
		_, err := w.api.AdminDeleteUser(t.Context(), &cognito.AdminDeleteUserInput{UserPoolId: &w.poolID, Username: aws.String("ann@example.com")})
		return err
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	refused(t, remove(), "UserNotFoundException", "User does not exist.")
	if second := w.signUp(t, "ann@example.com"); second == first {
		t.Error("the second user has the first one's sub")
	}
	_, err := w.api.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: tokens.AccessToken})
	refused(t, err, "UserNotFoundException", "")
}

func TestTokensOfADeletedUserAreNotValidForANewUserOfTheSameName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.poolID = createPool(t, w.api, func(in *cognito.CreateUserPoolInput) { in.UsernameAttributes = nil })
	client, err := w.api.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: &w.poolID, ClientName: aws.String("c"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.clientID = *client.UserPoolClient.ClientId
	w.signUp(t, "ann")
	tokens := w.mustSignIn(t, "ann")
	_, err = w.api.AdminDeleteUser(t.Context(), &cognito.AdminDeleteUserInput{UserPoolId: &w.poolID, Username: aws.String("ann")})
	if err != nil {
		t.Fatal(err)
	}
	w.signUp(t, "ann")
	_, err = w.api.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: tokens.AccessToken})
	refused(t, err, "UserNotFoundException", "")
	_, err = w.refresh(t, *tokens.RefreshToken)
	refused(t, err, "UserNotFoundException", "")
}

func TestTokensListTheUsersGroupsByPrecedence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "ann@example.com")
	create := func(name string, precedence *int32) error {
		_, err := w.api.CreateGroup(t.Context(), &cognito.CreateGroupInput{UserPoolId: &w.poolID, GroupName: &name, Precedence: precedence})
		return err
	}
	for name, precedence := range map[string]*int32{"beta": nil, "admins": aws.Int32(5), "zebras": aws.Int32(1)} {
		if err := create(name, precedence); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, create("admins", nil), "GroupExistsException", "")
	if _, has := claimsOf(t, *w.mustSignIn(t, "ann@example.com").IdToken)["cognito:groups"]; has {
		t.Error("the tokens of a user without groups have the claim")
	}

	add := func(user, group string) error {
		_, err := w.api.AdminAddUserToGroup(t.Context(), &cognito.AdminAddUserToGroupInput{UserPoolId: &w.poolID, Username: &user, GroupName: &group})
		return err
	}
	for _, name := range []string{"beta", "admins", "zebras", "admins"} {
		if err := add("ann@example.com", name); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, add("ann@example.com", "none"), "ResourceNotFoundException", "Group not found.")
	refused(t, add("bob@example.com", "admins"), "UserNotFoundException", "User does not exist.")
	tokens := w.mustSignIn(t, "ann@example.com")
	for _, token := range []string{*tokens.IdToken, *tokens.AccessToken} {
		want := []any{"zebras", "admins", "beta"}
		if diff := cmp.Diff(want, claimsOf(t, token)["cognito:groups"]); diff != "" {
			t.Errorf("groups (-want +got):\n%s", diff)
		}
	}

	_, err := w.api.AdminRemoveUserFromGroup(t.Context(), &cognito.AdminRemoveUserFromGroupInput{
		UserPoolId: &w.poolID, Username: aws.String("ann@example.com"), GroupName: aws.String("beta"),
	})
	if err != nil {
		t.Fatal(err)
	}
	groups, err := w.api.AdminListGroupsForUser(t.Context(), &cognito.AdminListGroupsForUserInput{UserPoolId: &w.poolID, Username: aws.String("ann@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	if len(groups.Groups) != 2 || *groups.Groups[0].GroupName != "admins" || *groups.Groups[1].GroupName != "zebras" {
		t.Errorf("the user's groups are %+v", groups.Groups)
	}
	all, err := w.api.ListGroups(t.Context(), &cognito.ListGroupsInput{UserPoolId: &w.poolID})
	if err != nil || len(all.Groups) != 3 {
		t.Errorf("%d groups (%v)", len(all.Groups), err)
	}
}
