package cognito_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// mailbox receives a server's mails.
type mailbox struct {
	mu    sync.Mutex
	mails []struct{ to, body string }
}

func (m *mailbox) take(to, _, body string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = append(m.mails, struct{ to, body string }{to, body})
}

func (m *mailbox) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.mails)
}

// last returns the body of the newest mail, which must be to that address.
func (m *mailbox) last(t *testing.T, to string) string {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.mails) == 0 || m.mails[len(m.mails)-1].to != to {
		t.Fatalf("the newest of %d mails is not to %s", len(m.mails), to)
	}
	return m.mails[len(m.mails)-1].body
}

func (m *mailbox) code(t *testing.T, to string) string {
	t.Helper()
	body := m.last(t, to)
	code := regexp.MustCompile(`\b[0-9]{6}\b`).FindString(body)
	if code == "" {
		t.Fatalf("no code is in %q", body)
	}
	return code
}

// another returns a different code.
func another(code string) string { return code[:5] + string('0'+(code[5]-'0'+1)%10) }

// mailingWorld has a pool that mails codes instead of confirming at once.
func mailingWorld(t *testing.T, srv *localaws.Server, adjust ...func(*cognito.CreateUserPoolClientInput)) (world, *mailbox) {
	t.Helper()
	mails := &mailbox{}
	srv.Cognito().OnMail(mails.take)
	api := clientOf(srv)
	pool := createPool(t, api, func(in *cognito.CreateUserPoolInput) {
		in.UserPoolTags = nil
		in.AutoVerifiedAttributes = []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail}
	})
	w := newWorldAt(t, srv, append(adjust, func(in *cognito.CreateUserPoolClientInput) { in.UserPoolId = &pool })...)
	w.poolID, w.issuer = pool, srv.Endpoint()+"/"+pool
	return w, mails
}

func hiding(in *cognito.CreateUserPoolClientInput) {
	in.PreventUserExistenceErrors = types.PreventUserExistenceErrorTypesEnabled
}

func (w world) confirm(t *testing.T, email, code string) error {
	t.Helper()
	_, err := w.api.ConfirmSignUp(t.Context(), &cognito.ConfirmSignUpInput{ClientId: &w.clientID, Username: &email, ConfirmationCode: &code})
	return err
}

func (w world) resend(t *testing.T, email string) error {
	t.Helper()
	_, err := w.api.ResendConfirmationCode(t.Context(), &cognito.ResendConfirmationCodeInput{ClientId: &w.clientID, Username: &email})
	return err
}

func (w world) forgot(t *testing.T, email string) (*types.CodeDeliveryDetailsType, error) {
	t.Helper()
	out, err := w.api.ForgotPassword(t.Context(), &cognito.ForgotPasswordInput{ClientId: &w.clientID, Username: &email})
	if err != nil {
		return nil, err
	}
	return out.CodeDeliveryDetails, nil
}

func (w world) reset(t *testing.T, email, code, password string) error {
	t.Helper()
	_, err := w.api.ConfirmForgotPassword(t.Context(), &cognito.ConfirmForgotPasswordInput{
		ClientId: &w.clientID, Username: &email, ConfirmationCode: &code, Password: &password,
	})
	return err
}

func (w world) user(t *testing.T, name string) *cognito.AdminGetUserOutput {
	t.Helper()
	out, err := w.api.AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: &w.poolID, Username: &name})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAUserConfirmsTheSignUpWithTheMailedCode(t *testing.T) {
	t.Parallel()
	w, mails := mailingWorld(t, localawstest.Start(t))
	out, err := w.api.SignUp(t.Context(), &cognito.SignUpInput{ClientId: &w.clientID, Username: aws.String(ann), Password: aws.String(password)})
	if err != nil {
		t.Fatal(err)
	}
	if d := out.CodeDeliveryDetails; out.UserConfirmed || d == nil || *d.Destination != "a***@e***" || d.DeliveryMedium != types.DeliveryMediumTypeEmail {
		t.Errorf("signing up answers %+v with %+v", out, out.CodeDeliveryDetails)
	}
	_, err = w.signIn(t, ann, password)
	refused(t, err, "UserNotConfirmedException", "")
	first := mails.code(t, ann)
	refused(t, w.confirm(t, ann, another(first)), "CodeMismatchException", "Invalid verification code")
	if err := w.resend(t, ann); err != nil {
		t.Fatal(err)
	}
	second := mails.code(t, ann)
	if second != first {
		refused(t, w.confirm(t, ann, first), "CodeMismatchException", "")
	}
	if err := w.confirm(t, ann, second); err != nil {
		t.Fatal(err)
	}
	refused(t, w.confirm(t, ann, second), "NotAuthorizedException", "Current status is CONFIRMED")
	refused(t, w.resend(t, ann), "InvalidParameterException", "User is already confirmed.")
	w.mustSignIn(t, ann)
	if got := attributesOf(w.user(t, ann).UserAttributes)["email_verified"]; got != "true" {
		t.Errorf("email_verified is %s", got)
	}
}

func TestACodeIsValidForADayAndFiveAttempts(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w, mails := mailingWorld(t, localawstest.Start(t, clock.use))
	w.signUp(t, ann)
	code := mails.code(t, ann)
	clock.advance(24 * time.Hour)
	refused(t, w.confirm(t, ann, code), "ExpiredCodeException", "")
	if err := w.resend(t, ann); err != nil {
		t.Fatal(err)
	}
	code = mails.code(t, ann)
	for range 5 {
		refused(t, w.confirm(t, ann, another(code)), "CodeMismatchException", "")
	}
	refused(t, w.confirm(t, ann, code), "LimitExceededException", "Attempt limit exceeded")
	for range 4 {
		if err := w.resend(t, ann); err != nil {
			t.Fatal(err)
		}
	}
	sent := mails.count()
	refused(t, w.resend(t, ann), "LimitExceededException", "")
	if mails.count() != sent {
		t.Error("a mail was sent beyond the limit")
	}
	if err := w.confirm(t, ann, mails.code(t, ann)); err != nil {
		t.Errorf("confirming with the newest code: %v", err)
	}
	clock.advance(time.Hour)
	if _, err := w.forgot(t, ann); err != nil {
		t.Error(err)
	}
}

func TestAForgottenPasswordIsResetWithTheMailedCode(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w, mails := mailingWorld(t, localawstest.Start(t, clock.use))
	const changed = "Other-horse-8"
	w.signUp(t, ann)
	_, err := w.forgot(t, ann)
	refused(t, err, "InvalidParameterException", "no registered/verified email")
	if err := w.confirm(t, ann, mails.code(t, ann)); err != nil {
		t.Fatal(err)
	}
	sent, err := w.forgot(t, ann)
	if err != nil || *sent.Destination != "a***@e***" {
		t.Fatalf("forgetting the password: %v, %v", sent, err)
	}
	code := mails.code(t, ann)
	refused(t, w.reset(t, ann, another(code), changed), "CodeMismatchException", "")
	refused(t, w.reset(t, ann, code, "weak"), "InvalidPasswordException", "")
	w.mustSignIn(t, ann)
	if err := w.reset(t, ann, code, changed); err != nil {
		t.Fatal(err)
	}
	refused(t, w.reset(t, ann, code, changed), "ExpiredCodeException", "")
	_, err = w.signIn(t, ann, password)
	refused(t, err, "NotAuthorizedException", "Incorrect username or password.")
	if result, err := w.signIn(t, ann, changed); err != nil || result == nil {
		t.Errorf("signing in with the new password: %v, %v", result, err)
	}
	if _, err := w.forgot(t, ann); err != nil {
		t.Fatal(err)
	}
	clock.advance(time.Hour)
	refused(t, w.reset(t, ann, mails.code(t, ann), changed), "ExpiredCodeException", "")
}

func TestAPoolCanAllowOnlyAdministratorsToResetPasswords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool := createPool(t, w.api, func(in *cognito.CreateUserPoolInput) {
		in.AccountRecoverySetting = &types.AccountRecoverySettingType{
			RecoveryMechanisms: []types.RecoveryOptionType{{Name: types.RecoveryOptionNameTypeAdminOnly, Priority: aws.Int32(1)}},
		}
	})
	w = newWorldAt(t, w.srv, func(in *cognito.CreateUserPoolClientInput) { in.UserPoolId = &pool })
	w.signUp(t, "ann@example.com")
	_, err := w.forgot(t, "ann@example.com")
	refused(t, err, "NotAuthorizedException", "Contact administrator")
}

func TestAnUnknownUserIsNamedOrHidden(t *testing.T) {
	t.Parallel()
	const nobody = "nobody@example.com"
	w, _ := mailingWorld(t, localawstest.Start(t))
	_, err := w.forgot(t, nobody)
	refused(t, err, "UserNotFoundException", "Username/client id combination not found.")
	refused(t, w.resend(t, nobody), "UserNotFoundException", "")
	refused(t, w.confirm(t, nobody, "123456"), "UserNotFoundException", "")
	refused(t, w.reset(t, nobody, "123456", password), "UserNotFoundException", "")

	w, mails := mailingWorld(t, localawstest.Start(t), hiding)
	sent, err := w.forgot(t, nobody)
	if err != nil || *sent.Destination != "n***@e***" {
		t.Errorf("forgetting nobody's password: %v, %v", sent, err)
	}
	if err := w.resend(t, nobody); err != nil {
		t.Error(err)
	}
	refused(t, w.confirm(t, nobody, "123456"), "ExpiredCodeException", "")
	refused(t, w.reset(t, nobody, "123456", password), "ExpiredCodeException", "")
	if mails.count() != 0 {
		t.Errorf("%d mails were sent", mails.count())
	}
}

func TestAnInvitationContainsTheTemporaryPassword(t *testing.T) {
	t.Parallel()
	w, mails := mailingWorld(t, localawstest.Start(t))
	in := &cognito.AdminCreateUserInput{
		UserPoolId: &w.poolID, Username: aws.String(ann), DesiredDeliveryMediums: []types.DeliveryMediumType{types.DeliveryMediumTypeEmail},
	}
	if _, err := w.api.AdminCreateUser(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	temporary := func() string {
		_, given, _ := strings.Cut(mails.last(t, ann), "temporary password is ")
		return given
	}
	first := temporary()
	if _, session := w.challenge(t, ann, first); session == "" {
		t.Error("the mailed password is refused")
	}
	in.MessageAction = types.MessageActionTypeResend
	if _, err := w.api.AdminCreateUser(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, err := w.signIn(t, ann, first)
	refused(t, err, "NotAuthorizedException", "")
	_, session := w.challenge(t, ann, temporary())
	if _, err := w.respond(t, ann, session, password); err != nil {
		t.Fatal(err)
	}
	_, err = w.api.AdminCreateUser(t.Context(), in)
	refused(t, err, "UnsupportedUserStateException", "")
}

func TestACodeOutlivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var code string
	var w world
	for i := range 2 {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			var mails *mailbox
			w, mails = mailingWorld(t, srv)
			w.signUp(t, "ann@example.com")
			code = mails.code(t, "ann@example.com")
		} else {
			w.api = clientOf(srv)
			if err := w.confirm(t, "ann@example.com", code); err != nil {
				t.Error(err)
			}
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
