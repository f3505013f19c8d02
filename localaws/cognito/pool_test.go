package cognito_test

import (
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func TestAPoolIsListedAndDescribedAsItWasCreated(t *testing.T) {
	t.Parallel()
	api := clientOf(localawstest.Start(t))
	id := createPool(t, api, func(in *cognito.CreateUserPoolInput) {
		in.Policies = &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(12), RequireNumbers: true}}
	})
	if !regexp.MustCompile(`^us-east-1_[A-Za-z0-9]{9}$`).MatchString(id) {
		t.Errorf("the pool's id is %q", id)
	}
	listed, err := api.ListUserPools(t.Context(), &cognito.ListUserPoolsInput{MaxResults: aws.Int32(10)})
	if err != nil {
		t.Fatal(err)
	}
	if len(listed.UserPools) != 1 || *listed.UserPools[0].Id != id || *listed.UserPools[0].Name != "gatehouse" {
		t.Errorf("listed %+v", listed.UserPools)
	}
	out, err := api.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &id})
	if err != nil {
		t.Fatal(err)
	}
	pool := out.UserPool
	policy := pool.Policies.PasswordPolicy
	if *policy.MinimumLength != 12 || !policy.RequireNumbers || policy.RequireSymbols {
		t.Errorf("the policy is %+v", policy)
	}
	if pool.UserPoolTags["localaws:auto-confirm"] != "true" || pool.UsernameAttributes[0] != types.UsernameAttributeTypeEmail {
		t.Errorf("the pool is %+v", pool)
	}
	if want := "arn:aws:cognito-idp:us-east-1:000000000000:userpool/" + id; *pool.Arn != want {
		t.Errorf("the ARN is %s, want %s", *pool.Arn, want)
	}
}

func TestAPoolRequiresNoSecondFactor(t *testing.T) {
	t.Parallel()
	api := clientOf(localawstest.Start(t))
	id := createPool(t, api, nil)
	out, err := api.GetUserPoolMfaConfig(t.Context(), &cognito.GetUserPoolMfaConfigInput{UserPoolId: &id})
	if err != nil || out.MfaConfiguration != types.UserPoolMfaTypeOff || out.SoftwareTokenMfaConfiguration != nil {
		t.Errorf("its configuration is %+v, %v", out, err)
	}
	if _, err := api.SetUserPoolMfaConfig(t.Context(), &cognito.SetUserPoolMfaConfigInput{UserPoolId: &id, MfaConfiguration: types.UserPoolMfaTypeOff}); err != nil {
		t.Errorf("leaving it off: %v", err)
	}
	_, err = api.SetUserPoolMfaConfig(t.Context(), &cognito.SetUserPoolMfaConfigInput{UserPoolId: &id, MfaConfiguration: types.UserPoolMfaTypeOn})
	refused(t, err, "NotImplementedException", "")
	_, err = api.GetUserPoolMfaConfig(t.Context(), &cognito.GetUserPoolMfaConfigInput{UserPoolId: aws.String("us-east-1_nothing00")})
	refused(t, err, "ResourceNotFoundException", "")
}

func TestPoolListsArePaged(t *testing.T) {
	t.Parallel()
	api := clientOf(localawstest.Start(t))
	want, got := map[string]bool{}, map[string]bool{}
	for range 3 {
		want[createPool(t, api, nil)] = true
	}
	pages := cognito.NewListUserPoolsPaginator(api, &cognito.ListUserPoolsInput{MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.UserPools {
			got[*p.Id] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err := api.ListUserPools(t.Context(), &cognito.ListUserPoolsInput{MaxResults: aws.Int32(61)})
	refused(t, err, "InvalidParameterException", "less than or equal to 60")
}

func TestUnsupportedPoolSettingsAreRefused(t *testing.T) {
	t.Parallel()
	api := clientOf(localawstest.Start(t))
	for name, in := range map[string]*cognito.CreateUserPoolInput{
		"multi-factor":       {PoolName: aws.String("p"), MfaConfiguration: types.UserPoolMfaTypeOn},
		"phone numbers":      {PoolName: aws.String("p"), UsernameAttributes: []types.UsernameAttributeType{types.UsernameAttributeTypePhoneNumber}},
		"a password history": {PoolName: aws.String("p"), Policies: &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{PasswordHistorySize: aws.Int32(3)}}},
		"mail through SES":   {PoolName: aws.String("p"), EmailConfiguration: &types.EmailConfigurationType{EmailSendingAccount: types.EmailSendingAccountTypeDeveloper}},
		"triggers":           {PoolName: aws.String("p"), LambdaConfig: &types.LambdaConfigType{PreSignUp: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f")}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := api.CreateUserPool(t.Context(), in)
			refused(t, err, "NotImplementedException", "not implemented by this local AWS")
		})
	}
	_, err := api.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{PoolName: aws.String("p"), Policies: &types.UserPoolPolicyType{
		PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(5)},
	}})
	refused(t, err, "InvalidParameterException", "greater than or equal to 6")
	_, err = api.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: aws.String("us-east-1_none")})
	refused(t, err, "ResourceNotFoundException", "User pool us-east-1_none does not exist.")
}

func TestAClientIsListedDescribedAndUpdatedAsAWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(in *cognito.CreateUserPoolClientInput) {
		in.GenerateSecret = true
		in.AccessTokenValidity = aws.Int32(10)
		in.TokenValidityUnits = &types.TokenValidityUnitsType{AccessToken: types.TimeUnitsTypeMinutes}
	})
	if len(w.clientID) != 26 || len(w.secret) < 50 {
		t.Errorf("the client is %q with a secret of %d characters", w.clientID, len(w.secret))
	}
	listed, err := w.api.ListUserPoolClients(t.Context(), &cognito.ListUserPoolClientsInput{UserPoolId: &w.poolID})
	if err != nil {
		t.Fatal(err)
	}
	if len(listed.UserPoolClients) != 1 || *listed.UserPoolClients[0].ClientId != w.clientID || *listed.UserPoolClients[0].ClientName != "Gatehouse" {
		t.Errorf("listed %+v", listed.UserPoolClients)
	}

	moved := "http://localhost:9090/sign-in/callback"
	_, err = w.api.UpdateUserPoolClient(t.Context(), &cognito.UpdateUserPoolClientInput{
		UserPoolId: &w.poolID, ClientId: &w.clientID, CallbackURLs: []string{moved},
		ReadAttributes: []string{}, WriteAttributes: []string{}, // as Terraform sends them
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.api.UpdateUserPoolClient(t.Context(), &cognito.UpdateUserPoolClientInput{
		UserPoolId: &w.poolID, ClientId: &w.clientID, ReadAttributes: []string{"email"},
	})
	refused(t, err, "NotImplementedException", "")
	out, err := w.api.DescribeUserPoolClient(t.Context(), &cognito.DescribeUserPoolClientInput{UserPoolId: &w.poolID, ClientId: &w.clientID})
	if err != nil {
		t.Fatal(err)
	}
	c := out.UserPoolClient
	if diff := cmp.Diff([]string{moved}, c.CallbackURLs); diff != "" {
		t.Errorf("callback URLs (-want +got):\n%s", diff)
	}
	if *c.ClientSecret != w.secret || *c.ClientName != "Gatehouse" {
		t.Error("the update changed the secret or the name")
	}
	if c.LogoutURLs != nil || c.AccessTokenValidity != nil || c.RefreshTokenValidity != 30 {
		t.Errorf("an omitted setting did not return to its default: %+v", c)
	}
}

func TestClientSettingsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		change     func(*cognito.CreateUserPoolClientInput)
		code, text string
	}{
		"plain HTTP to another machine": {func(in *cognito.CreateUserPoolClientInput) {
			in.CallbackURLs = []string{"http://example.com/cb"}
		}, "InvalidParameterException", "cannot use the HTTP protocol"},
		"a fragment": {func(in *cognito.CreateUserPoolClientInput) {
			in.CallbackURLs = []string{"https://example.com/#cb"}
		}, "InvalidParameterException", "fragment"},
		"a script": {func(in *cognito.CreateUserPoolClientInput) {
			in.LogoutURLs = []string{"javascript:alert(1)"}
		}, "InvalidParameterException", "not a valid redirect URI"},
		"an unknown scope": {func(in *cognito.CreateUserPoolClientInput) {
			in.AllowedOAuthScopes = []string{"api/read"}
		}, "ScopeDoesNotExistException", "api/read"},
		"the implicit flow": {func(in *cognito.CreateUserPoolClientInput) {
			in.AllowedOAuthFlows = []types.OAuthFlowType{types.OAuthFlowTypeImplicit}
		}, "NotImplementedException", "implicit"},
		"OAuth without flows": {func(in *cognito.CreateUserPoolClientInput) {
			in.AllowedOAuthFlowsUserPoolClient, in.CallbackURLs = true, []string{callbackURL}
		}, "InvalidParameterException", "AllowedOAuthFlows and AllowedOAuthScopes are required"},
		"another identity provider": {func(in *cognito.CreateUserPoolClientInput) {
			in.SupportedIdentityProviders = []string{"Google"}
		}, "NotImplementedException", "Google"},
		"an ID token valid for more than a day": {func(in *cognito.CreateUserPoolClientInput) {
			in.IdTokenValidity = aws.Int32(25)
		}, "InvalidParameterException", "Invalid range for id token"},
		"an unknown pool": {func(in *cognito.CreateUserPoolClientInput) {
			in.UserPoolId = aws.String("us-east-1_none")
		}, "ResourceNotFoundException", "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &cognito.CreateUserPoolClientInput{UserPoolId: &w.poolID, ClientName: aws.String("c")}
			c.change(in)
			_, err := w.api.CreateUserPoolClient(t.Context(), in)
			refused(t, err, c.code, c.text)
		})
	}
}

func TestADomainBelongsToOnePool(t *testing.T) {
	t.Parallel()
	api := clientOf(localawstest.Start(t))
	one, other := createPool(t, api, nil), createPool(t, api, nil)
	create := func(domain, pool string) error {
		_, err := api.CreateUserPoolDomain(t.Context(), &cognito.CreateUserPoolDomainInput{Domain: &domain, UserPoolId: &pool})
		return err
	}
	if err := create("gatehouse", one); err != nil {
		t.Fatal(err)
	}
	refused(t, create("gatehouse", other), "InvalidParameterException", "already associated")
	refused(t, create("second", one), "InvalidParameterException", "already has a domain")
	refused(t, create("Upper", other), "InvalidParameterException", "regular expression")
	found, err := api.DescribeUserPoolDomain(t.Context(), &cognito.DescribeUserPoolDomainInput{Domain: aws.String("gatehouse")})
	if err != nil || aws.ToString(found.DomainDescription.UserPoolId) != one {
		t.Errorf("the domain is %+v (%v)", found.DomainDescription, err)
	}
	if found.DomainDescription.ManagedLoginVersion == nil || *found.DomainDescription.ManagedLoginVersion != 1 {
		t.Errorf("without a version, the domain is %+v", found.DomainDescription)
	}
	if _, err := api.CreateUserPoolDomain(t.Context(), &cognito.CreateUserPoolDomainInput{Domain: aws.String("newer"), UserPoolId: &other, ManagedLoginVersion: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	newer, err := api.DescribeUserPoolDomain(t.Context(), &cognito.DescribeUserPoolDomainInput{Domain: aws.String("newer")})
	if err != nil || newer.DomainDescription.ManagedLoginVersion == nil || *newer.DomainDescription.ManagedLoginVersion != 2 {
		t.Errorf("with managed login, the domain is %+v (%v)", newer.DomainDescription, err)
	}
	absent, err := api.DescribeUserPoolDomain(t.Context(), &cognito.DescribeUserPoolDomainInput{Domain: aws.String("none")})
	if err != nil || absent.DomainDescription.UserPoolId != nil {
		t.Errorf("the unknown domain is %+v (%v)", absent.DomainDescription, err)
	}
}

func TestAPoolSaysWhoSendsItsMailAndWhichAddressesItVerifies(t *testing.T) {
	t.Parallel()
	api := clientOf(localawstest.Start(t))
	plain := createPool(t, api, nil)
	verifying := createPool(t, api, func(in *cognito.CreateUserPoolInput) {
		in.EmailConfiguration = &types.EmailConfigurationType{EmailSendingAccount: types.EmailSendingAccountTypeCognitoDefault}
		in.UserAttributeUpdateSettings = &types.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail}}
	})
	for id, want := range map[string]int{plain: 0, verifying: 1} {
		out, err := api.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &id})
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		if settings := out.UserPool.UserAttributeUpdateSettings; settings != nil {
			got = len(settings.AttributesRequireVerificationBeforeUpdate)
		}
		if out.UserPool.EmailConfiguration.EmailSendingAccount != types.EmailSendingAccountTypeCognitoDefault || got != want {
			t.Errorf("the pool is %+v", out.UserPool)
		}
	}
	if _, err := api.UpdateUserPool(t.Context(), &cognito.UpdateUserPoolInput{UserPoolId: &plain, UserAttributeUpdateSettings: &types.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail}}}); err != nil {
		t.Fatal(err)
	}
	if out, err := api.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &plain}); err != nil || out.UserPool.UserAttributeUpdateSettings == nil {
		t.Errorf("once changed, the pool is %+v (%v)", out, err)
	}
	_, err := api.UpdateUserPool(t.Context(), &cognito.UpdateUserPoolInput{UserPoolId: &plain, EmailConfiguration: &types.EmailConfigurationType{EmailSendingAccount: types.EmailSendingAccountTypeDeveloper}})
	refused(t, err, "NotImplementedException", "through SES")
	address := func(email string) []types.AttributeType {
		return []types.AttributeType{{Name: aws.String("email"), Value: &email}}
	}
	if _, err := api.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{UserPoolId: &verifying, Username: aws.String("ada@example.com"), UserAttributes: address("ada@example.com"), MessageAction: types.MessageActionTypeSuppress}); err != nil {
		t.Fatal(err)
	}
	_, err = api.AdminUpdateUserAttributes(t.Context(), &cognito.AdminUpdateUserAttributesInput{UserPoolId: &verifying, Username: aws.String("ada@example.com"), UserAttributes: address("new@example.com")})
	refused(t, err, "NotImplementedException", "waits until it is verified")
	verified := append(address("new@example.com"), types.AttributeType{Name: aws.String("email_verified"), Value: aws.String("true")})
	if _, err := api.AdminUpdateUserAttributes(t.Context(), &cognito.AdminUpdateUserAttributesInput{UserPoolId: &verifying, Username: aws.String("ada@example.com"), UserAttributes: verified}); err != nil {
		t.Errorf("an admin who vouches for the address: %v", err)
	}
}
