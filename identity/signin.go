package identity

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	maxCode        = 4 << 10
	welcomeTimeout = 5 * time.Second
)

// SignIn serves GET /sign-in?return_to=/path: it redirects the browser to the provider (303), which
// redirects it back to Callback. return_to must be a path of this portal. screen=sign-up leads to
// the sign-up page, if any. HEAD begins no sign-in.
func (s *Service) SignIn(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	query := r.URL.Query()
	returnTo, err := localPath(query.Get("return_to"))
	if err != nil {
		s.options.OnError(w, r, again("", err))
		return
	}
	if moved := s.moved(r); moved != "" {
		http.Redirect(w, r, moved, http.StatusSeeOther)
		return
	}
	e, err := s.provider.endpoints(r.Context())
	if err != nil {
		s.options.OnError(w, r, again(returnTo, err))
		return
	}
	if query.Get("screen") == "sign-up" && s.config.SignUpURL != "" {
		e.AuthURL = s.config.SignUpURL
	}
	if r.Method == http.MethodHead {
		http.Redirect(w, r, e.AuthURL, http.StatusSeeOther)
		return
	}
	// A browser's tabs share the cookie, so each can finish its own sign-in.
	browser := s.cookie(r, browserCookie)
	if len(browser) != secretLength {
		browser = newSecret()
	}
	state, at, err := s.attempts.begin(r.Context(), browser, returnTo)
	if err != nil {
		s.options.OnError(w, r, again(returnTo, err))
		return
	}
	s.setCookie(w, browserCookie, browser, attemptKept)
	provider := s.client(e).AuthCodeURL(state, oauth2.S256ChallengeOption(at.verifier), oauth2.SetAuthURLParam("nonce", at.nonce))
	http.Redirect(w, r, provider, http.StatusSeeOther)
}

// Callback serves GET /sign-in/callback. It begins a session and redirects the browser to its
// destination (303). Every callback works once. A second one, a late one, or one in another browser
// changes nothing: it redirects a signed-in browser to the destination, or to HomePath if unknown;
// others get an error. HEAD finishes no sign-in.
func (s *Service) Callback(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	w.Header().Set("Referrer-Policy", "no-referrer") // the code is in this URL
	if r.Method == http.MethodHead {
		return
	}
	id, returnTo, err := s.finish(r)
	if errors.Is(err, errLapsed) && s.signedIn(r) {
		returnTo, _ = SignInAgain(err)
		http.Redirect(w, r, cmp.Or(returnTo, HomePath), http.StatusSeeOther)
		return
	}
	if err != nil {
		s.options.OnError(w, r, err)
		return
	}
	id.TimeZone = s.timeZone(r.Context(), id.Account)
	token, err := s.sessions.create(r.Context(), id, r.UserAgent())
	if err != nil {
		s.options.OnError(w, r, again(returnTo, err))
		return
	}
	// The browser is about to lose its previous session's token.
	if err := s.sessions.end(r.Context(), s.cookie(r, sessionCookie)); err != nil {
		s.log(r.Context()).Warn().Err(err).Str("account", string(id.Account)).Msg("could not end the previous session")
	}
	s.setCookie(w, sessionCookie, token, s.config.SessionTTL)
	s.welcome(r.Context(), id)
	http.Redirect(w, r, returnTo, http.StatusSeeOther)
}

func (s *Service) timeZone(ctx context.Context, account portal.AccountID) string {
	if s.options.TimeZone == nil {
		return ""
	}
	zone, err := s.options.TimeZone(ctx, account)
	if err != nil {
		s.log(ctx).Warn().Err(err).Str("account", string(account)).Msg("could not read a person's time zone")
	}
	return zone
}

func (s *Service) signedIn(r *http.Request) bool {
	_, ok, err := s.sessions.find(r.Context(), s.cookie(r, sessionCookie))
	return ok && err == nil
}

// finish finds the account and stores the personal data. After any error, signing in again may
// help.
func (s *Service) finish(r *http.Request) (id Identity, returnTo string, err error) {
	at, err := s.attempts.take(r.Context(), r.URL.Query().Get("state"), s.cookie(r, browserCookie))
	if errors.Is(err, errLapsed) {
		return Identity{}, "", err
	}
	if err == nil {
		id, err = s.answered(r, at)
	}
	if err != nil {
		return Identity{}, "", again(at.returnTo, err)
	}
	return id, at.returnTo, nil
}

func (s *Service) answered(r *http.Request, at attempt) (Identity, error) {
	ctx, query := r.Context(), r.URL.Query()
	// RFC 9207: a response that names its issuer must name ours.
	if iss := query.Get("iss"); iss != "" && iss != s.config.Issuer {
		return Identity{}, refuse("The answer came from another identity provider. Sign in again.")
	}
	if code := query.Get("error"); code != "" {
		s.log(ctx).Info().Str("error", knownCode(code)).Msg("the identity provider refused a sign-in")
		return Identity{}, refusal(code)
	}
	c, err := s.exchange(ctx, query.Get("code"), at)
	if err != nil {
		return Identity{}, err
	}
	account, err := s.accounts.fresh(ctx, nameOf(c.Issuer, c.Subject))
	if err != nil {
		return Identity{}, err
	}
	id := s.via(ctx, c.identity(account), ViaSession)
	return id, s.people.keep(ctx, id.Account, c.person(s.config.AdminGroup), s.options.Now().Add(skew))
}

func (s *Service) exchange(ctx context.Context, code string, at attempt) (claims, error) {
	if code == "" || len(code) > maxCode {
		return claims{}, portal.Fail(portal.Invalid, "The identity provider's answer is incomplete. Sign in again.")
	}
	e, err := s.provider.endpoints(ctx)
	if err != nil {
		return claims{}, err
	}
	tokens, err := s.client(e).Exchange(
		context.WithValue(ctx, oauth2.HTTPClient, s.provider.http), code, oauth2.VerifierOption(at.verifier))
	if err != nil {
		return claims{}, exchangeFailure(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return claims{}, fmt.Errorf("exchanging a code at issuer %s: the answer has no ID token", s.config.Issuer)
	}
	c, err := s.verifier.verify(ctx, raw, idTokens)
	if err != nil {
		return claims{}, err
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(c.Nonce), []byte(at.nonce)) != 1,
		c.AccessHash != "" && !c.matchesAccessToken(tokens.AccessToken):
		return claims{}, refuse("The identity provider's answer does not belong to this sign-in. Sign in again.")
	}
	return c, nil
}

func (s *Service) client(e endpoints) *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if s.config.ClientSecret == "" || e.secretInForm() {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: s.config.ClientID, ClientSecret: s.config.ClientSecret,
		RedirectURL: s.config.redirectURL(), Scopes: s.config.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: e.AuthURL, TokenURL: e.TokenURL, AuthStyle: style},
	}
}

// exchangeFailure repeats only the status and error code of the token endpoint (RFC 6749,
// section 5.2).
func exchangeFailure(err error) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.StatusCode >= http.StatusInternalServerError ||
		answer.Response.StatusCode == http.StatusTooManyRequests {
		if answer != nil && answer.Response != nil {
			err = fmt.Errorf("the token endpoint returned %s", answer.Response.Status)
		}
		return unreachable(fmt.Errorf("exchanging a code: %w", err))
	}
	if answer.ErrorCode == "invalid_grant" {
		return refuse("The identity provider no longer knows this sign-in. Sign in again.")
	}
	return fmt.Errorf("exchanging a code: the token endpoint returned %s %q", answer.Response.Status, knownCode(answer.ErrorCode))
}

// refusal translates an error code of the authorization endpoint (RFC 6749, section 4.1.2.1;
// OpenID Connect Core 1.0, section 3.1.2.6), but not its description, since anyone can write
// that URL.
func refusal(code string) error {
	switch knownCode(code) {
	case "access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required":
		return refuse("The sign-in was cancelled, or the identity provider refused it. Sign in again if that was not intended.")
	case "server_error", "temporarily_unavailable":
		return &portal.Error{
			Code: portal.Unavailable, Message: "The identity provider cannot sign you in right now. Try again in a moment.",
			Err: fmt.Errorf("the authorization endpoint returned %q", knownCode(code)),
		}
	case "invalid_request", "invalid_scope", "unauthorized_client", "unsupported_response_type":
		return refuse("The identity provider did not accept this portal's request (" + knownCode(code) + "). " +
			"Sign in again. If that does not help, tell the operator of this portal.")
	}
	return refuse("The identity provider refused the sign-in. Sign in again. If that does not help, tell the operator of this portal.")
}

func knownCode(code string) string {
	switch code {
	case "invalid_request", "invalid_client", "invalid_grant", "invalid_scope",
		"unauthorized_client", "unsupported_grant_type", "unsupported_response_type",
		"access_denied", "server_error", "temporarily_unavailable",
		"login_required", "interaction_required", "consent_required", "account_selection_required":
		return code
	}
	return "another error"
}

// welcome calls OnSignIn, even if the browser disconnects, since the person is signed in already.
func (s *Service) welcome(ctx context.Context, id Identity) {
	log := s.log(ctx).With().Str("account", string(id.Account)).Logger()
	log.Info().Msg("signed in")
	if s.options.OnSignIn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), welcomeTimeout)
	defer cancel()
	if err := s.options.OnSignIn(ctx, id); err != nil {
		log.Error().Err(err).Msg("OnSignIn failed after a sign-in")
	}
}

func noStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }
