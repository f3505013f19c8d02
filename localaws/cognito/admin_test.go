package cognito_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

const ann = "ann@example.com"

func TestADisabledUserIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, ann)
	a, b := newApp(t, w), newBrowser(t)
	token, err := a.exchange(t, a.code(t, b.submit(t, b.open(t, a.authURL()), credentials(ann, password))), a.verifier)
	if err != nil {
		t.Fatal(err)
	}
	result := w.mustSignIn(t, ann)
	if _, err := w.api.AdminDisableUser(t.Context(), &cognito.AdminDisableUserInput{UserPoolId: &w.poolID, Username: aws.String(ann)}); err != nil {
		t.Fatal(err)
	}
	if w.user(t, ann).Enabled {
		t.Error("the user is shown as enabled")
	}
	_, err = w.signIn(t, ann, password)
	refused(t, err, "NotAuthorizedException", "User is disabled.")
	_, err = w.signIn(t, ann, "Wrong-horse-7")
	refused(t, err, "NotAuthorizedException", "Incorrect username or password.")
	_, err = w.refresh(t, token.RefreshToken)
	refused(t, err, "NotAuthorizedException", "User is disabled.")
	_, err = w.api.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: result.AccessToken})
	refused(t, err, "NotAuthorizedException", "User is disabled.")
	_, err = w.forgot(t, ann)
	refused(t, err, "NotAuthorizedException", "User is disabled.")
	if p := b.open(t, a.authURL()); p.leaving != nil {
		t.Errorf("the browser is still signed in: it goes to %s", p.leaving)
	}
	found, err := w.api.ListUsers(t.Context(), &cognito.ListUsersInput{UserPoolId: &w.poolID, Filter: aws.String(`status = "Disabled"`)})
	if err != nil || len(found.Users) != 1 {
		t.Errorf("the disabled users are %v (%v)", found, err)
	}
	if _, err := w.api.AdminEnableUser(t.Context(), &cognito.AdminEnableUserInput{UserPoolId: &w.poolID, Username: aws.String(ann)}); err != nil {
		t.Fatal(err)
	}
	w.mustSignIn(t, ann)
	if _, err := w.refresh(t, token.RefreshToken); err != nil {
		t.Error(err)
	}
}

func TestGlobalSignOutRevokesAllTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, ann)
	w.signUp(t, "bob@example.com")
	bobs := w.mustSignIn(t, "bob@example.com")
	for name, signOut := range map[string]func(*types.AuthenticationResultType) error{
		"by an administrator": func(*types.AuthenticationResultType) error {
			_, err := w.api.AdminUserGlobalSignOut(t.Context(), &cognito.AdminUserGlobalSignOutInput{UserPoolId: &w.poolID, Username: aws.String(ann)})
			return err
		},
		"by the user": func(result *types.AuthenticationResultType) error {
			_, err := w.api.GlobalSignOut(t.Context(), &cognito.GlobalSignOutInput{AccessToken: result.AccessToken})
			return err
		},
	} {
		one, other := w.mustSignIn(t, ann), w.mustSignIn(t, ann)
		if err := signOut(one); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, result := range []*types.AuthenticationResultType{one, other} {
			_, err := w.refresh(t, *result.RefreshToken)
			refused(t, err, "NotAuthorizedException", "Refresh Token has been revoked")
			_, err = w.api.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: result.AccessToken})
			refused(t, err, "NotAuthorizedException", "Access Token has been revoked")
		}
	}
	if _, err := w.refresh(t, *bobs.RefreshToken); err != nil {
		t.Errorf("another user's token was revoked too: %v", err)
	}
}

func (w world) updateUser(t *testing.T, name string, pairs ...string) error {
	t.Helper()
	in := &cognito.AdminUpdateUserAttributesInput{UserPoolId: &w.poolID, Username: &name}
	for i := 0; i < len(pairs); i += 2 {
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: &pairs[i], Value: &pairs[i+1]})
	}
	_, err := w.api.AdminUpdateUserAttributes(t.Context(), in)
	return err
}

func TestAnAdministratorChangesAttributes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sub := w.signUp(t, ann)
	w.signUp(t, "bob@example.com")
	if err := w.updateUser(t, ann, "name", "Ann", "locale", "nl"); err != nil {
		t.Fatal(err)
	}
	if err := w.updateUser(t, ann, "locale", "", "email", "new@example.com"); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"sub": sub, "name": "Ann", "email": "new@example.com", "email_verified": "false"}
	if diff := cmp.Diff(want, attributesOf(w.user(t, "new@example.com").UserAttributes)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	w.mustSignIn(t, "new@example.com")
	_, err := w.signIn(t, ann, password)
	refused(t, err, "UserNotFoundException", "")
	w.signUp(t, ann) // the address is free again
	refused(t, w.updateUser(t, ann, "email", "BOB@example.com"), "AliasExistsException", "")
	refused(t, w.updateUser(t, ann, "sub", "x"), "InvalidParameterException", "")
	refused(t, w.updateUser(t, ann, "custom:plan", "x"), "InvalidParameterException", "does not exist in the schema")
	refused(t, w.updateUser(t, ann, "email", ""), "InvalidParameterException", "")
	if err := w.updateUser(t, ann, "email", "third@example.com", "email_verified", "true"); err != nil {
		t.Fatal(err)
	}
	if got := attributesOf(w.user(t, "third@example.com").UserAttributes)["email_verified"]; got != "true" {
		t.Errorf("email_verified is %s", got)
	}
	if err := w.updateUser(t, "third@example.com", "email_verified", "False"); err != nil {
		t.Errorf("False is refused: %v", err)
	}
	refused(t, w.updateUser(t, "third@example.com", "email_verified", "maybe"), "InvalidParameterException", "")
}

func TestAResetPasswordMustBeReplaced(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	mails := &mailbox{}
	srv.Cognito().OnMail(mails.take)
	w := newWorldAt(t, srv)
	w.signUp(t, ann)
	if _, err := w.api.AdminResetUserPassword(t.Context(), &cognito.AdminResetUserPasswordInput{UserPoolId: &w.poolID, Username: aws.String(ann)}); err != nil {
		t.Fatal(err)
	}
	_, err := w.signIn(t, ann, password)
	refused(t, err, "PasswordResetRequiredException", "")
	if err := w.reset(t, ann, mails.code(t, ann), "Other-horse-8"); err != nil {
		t.Fatal(err)
	}
	if result, err := w.signIn(t, ann, "Other-horse-8"); err != nil || result == nil {
		t.Errorf("signing in with the new password: %v, %v", result, err)
	}
}

func TestAUserChangesThePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, ann)
	access := w.mustSignIn(t, ann).AccessToken
	change := func(before, after string) error {
		_, err := w.api.ChangePassword(t.Context(), &cognito.ChangePasswordInput{AccessToken: access, PreviousPassword: &before, ProposedPassword: &after})
		return err
	}
	refused(t, change("Wrong-horse-7", "Other-horse-8"), "NotAuthorizedException", "Incorrect username or password.")
	refused(t, change(password, "weak"), "InvalidPasswordException", "")
	if err := change(password, "Other-horse-8"); err != nil {
		t.Fatal(err)
	}
	_, err := w.signIn(t, ann, password)
	refused(t, err, "NotAuthorizedException", "")
}

func TestGroupsAreShownChangedAndDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, ann)
	w.signUp(t, "bob@example.com")
	ctx, admins := t.Context(), aws.String("admins")
	if _, err := w.api.CreateGroup(ctx, &cognito.CreateGroupInput{UserPoolId: &w.poolID, GroupName: admins, Description: aws.String("before")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.api.AdminAddUserToGroup(ctx, &cognito.AdminAddUserToGroupInput{UserPoolId: &w.poolID, GroupName: admins, Username: aws.String(ann)}); err != nil {
		t.Fatal(err)
	}
	members, err := w.api.ListUsersInGroup(ctx, &cognito.ListUsersInGroupInput{UserPoolId: &w.poolID, GroupName: admins})
	if err != nil || len(members.Users) != 1 || attributesOf(members.Users[0].Attributes)["email"] != ann {
		t.Errorf("members are %+v (%v)", members, err)
	}
	if _, err := w.api.UpdateGroup(ctx, &cognito.UpdateGroupInput{UserPoolId: &w.poolID, GroupName: admins, Precedence: aws.Int32(3)}); err != nil {
		t.Fatal(err)
	}
	group, err := w.api.GetGroup(ctx, &cognito.GetGroupInput{UserPoolId: &w.poolID, GroupName: admins})
	if err != nil || aws.ToInt32(group.Group.Precedence) != 3 || *group.Group.Description != "before" {
		t.Errorf("the group is %+v (%v)", group, err)
	}
	for range 2 {
		if _, err = w.api.DeleteGroup(ctx, &cognito.DeleteGroupInput{UserPoolId: &w.poolID, GroupName: admins}); err != nil {
			break
		}
	}
	refused(t, err, "ResourceNotFoundException", "Group not found.")
	if claims := claimsOf(t, *w.mustSignIn(t, ann).IdToken); claims["cognito:groups"] != nil {
		t.Errorf("the ID token says %v", claims["cognito:groups"])
	}
	_, err = w.api.ListUsersInGroup(ctx, &cognito.ListUsersInGroupInput{UserPoolId: &w.poolID, GroupName: admins})
	refused(t, err, "ResourceNotFoundException", "Group not found.")
}

func TestAPoolIsDeletedWithItsContents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept := newWorldAt(t, w.srv)
	w.signUp(t, ann)
	kept.signUp(t, ann)
	access := w.mustSignIn(t, ann).AccessToken
	ctx := t.Context()
	if _, err := w.api.CreateUserPoolDomain(ctx, &cognito.CreateUserPoolDomainInput{UserPoolId: &w.poolID, Domain: aws.String("gatehouse")}); err != nil {
		t.Fatal(err)
	}
	deletePool := func(id string) error {
		_, err := w.api.DeleteUserPool(ctx, &cognito.DeleteUserPoolInput{UserPoolId: &id})
		return err
	}
	refused(t, deletePool(w.poolID), "InvalidParameterException", "It has a domain configured")
	if _, err := w.api.DeleteUserPoolDomain(ctx, &cognito.DeleteUserPoolDomainInput{UserPoolId: &w.poolID, Domain: aws.String("gatehouse")}); err != nil {
		t.Fatal(err)
	}
	protected := createPool(t, w.api, func(in *cognito.CreateUserPoolInput) { in.DeletionProtection = types.DeletionProtectionTypeActive })
	refused(t, deletePool(protected), "InvalidParameterException", "deletion protection is activated")
	if err := deletePool(w.poolID); err != nil {
		t.Fatal(err)
	}
	refused(t, deletePool(w.poolID), "ResourceNotFoundException", "")
	_, err := w.signIn(t, ann, password)
	refused(t, err, "ResourceNotFoundException", "User pool client")
	_, err = w.api.GetUser(ctx, &cognito.GetUserInput{AccessToken: access})
	refused(t, err, "NotAuthorizedException", "Invalid Access Token")
	kept.mustSignIn(t, ann)

	if _, err := w.api.DeleteUserPoolClient(ctx, &cognito.DeleteUserPoolClientInput{UserPoolId: &kept.poolID, ClientId: &kept.clientID}); err != nil {
		t.Fatal(err)
	}
	_, err = kept.signIn(t, ann, password)
	refused(t, err, "ResourceNotFoundException", "User pool client")
}
