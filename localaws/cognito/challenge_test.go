package cognito_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// invite adds a user with a temporary password.
func (w world) invite(t *testing.T, email, temporary string) {
	t.Helper()
	_, err := w.api.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{
		UserPoolId: &w.poolID, Username: &email, TemporaryPassword: &temporary, MessageAction: types.MessageActionTypeSuppress,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// challenge signs in with a temporary password.
func (w world) challenge(t *testing.T, email, temporary string) (parameters map[string]string, session string) {
	t.Helper()
	out, err := w.api.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: &w.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": email, "PASSWORD": temporary},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.ChallengeName != types.ChallengeNameTypeNewPasswordRequired || out.AuthenticationResult != nil {
		t.Fatalf("signing in answers %+v", out)
	}
	return out.ChallengeParameters, *out.Session
}

func (w world) respond(t *testing.T, email, session, password string, more ...string) (*types.AuthenticationResultType, error) {
	t.Helper()
	responses := map[string]string{"USERNAME": email, "NEW_PASSWORD": password}
	for i := 0; i < len(more); i += 2 {
		responses[more[i]] = more[i+1]
	}
	out, err := w.api.RespondToAuthChallenge(t.Context(), &cognito.RespondToAuthChallengeInput{
		ClientId: &w.clientID, ChallengeName: types.ChallengeNameTypeNewPasswordRequired, Session: &session, ChallengeResponses: responses,
	})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}

const temporary = "Temporary-horse-1"

func TestATemporaryPasswordIsChangedAtTheFirstSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite(t, "ann@example.com", temporary)
	w.invite(t, "bob@example.com", temporary)
	parameters, session := w.challenge(t, "ann@example.com", temporary)
	if parameters["requiredAttributes"] != "[]" || parameters["userAttributes"] != `{"email":"ann@example.com"}` {
		t.Errorf("the challenge's parameters are %v", parameters)
	}
	_, err := w.respond(t, "ann@example.com", session, "weak")
	refused(t, err, "InvalidPasswordException", "")
	_, err = w.respond(t, "bob@example.com", session, password)
	refused(t, err, "NotAuthorizedException", "Invalid session for the user.")
	_, err = w.respond(t, "ann@example.com", "none", password)
	refused(t, err, "NotAuthorizedException", "Invalid session for the user.")
	_, err = w.respond(t, "ann@example.com", session, password, "userAttributes.email", "eve@example.com")
	refused(t, err, "NotAuthorizedException", "Cannot modify an already provided email")
	result, err := w.respond(t, "Ann@example.com", session, password, "userAttributes.name", "Ann")
	if err != nil {
		t.Fatal(err)
	}
	if claims := claimsOf(t, *result.IdToken); claims["name"] != "Ann" || claims["email"] != "ann@example.com" {
		t.Errorf("the ID token says %v", claims)
	}
	_, err = w.respond(t, "ann@example.com", session, "Third-horse-9")
	refused(t, err, "NotAuthorizedException", "Invalid session for the user.")
	w.mustSignIn(t, "ann@example.com")
	if status := w.user(t, "ann@example.com").UserStatus; status != types.UserStatusTypeConfirmed {
		t.Errorf("the user's status is %s", status)
	}
	_, err = w.api.RespondToAuthChallenge(t.Context(), &cognito.RespondToAuthChallengeInput{
		ClientId: &w.clientID, ChallengeName: types.ChallengeNameTypeSmsMfa, Session: aws.String(session),
	})
	refused(t, err, "NotImplementedException", "SMS_MFA")
}

func TestAChallengeAndATemporaryPasswordExpire(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w := newWorldAt(t, localawstest.Start(t, clock.use))
	w.invite(t, "ann@example.com", temporary)
	_, session := w.challenge(t, "ann@example.com", temporary)
	clock.advance(3 * time.Minute)
	_, err := w.respond(t, "ann@example.com", session, password)
	refused(t, err, "NotAuthorizedException", "Invalid session for the user.")
	clock.advance(7 * 24 * time.Hour)
	_, err = w.signIn(t, "ann@example.com", temporary)
	refused(t, err, "NotAuthorizedException", "Temporary password has expired")
}
