package cognito_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

func TestUsersTokensAndSessionsSurviveARestartAndNoSecretIsInTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *localaws.Server {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		return srv
	}
	srv := open()
	w := newWorldAt(t, srv)
	sub := w.signUp(t, "ann@example.com")
	a, b := newApp(t, w), newBrowser(t)
	code := a.code(t, b.submit(t, b.open(t, a.authURL()), credentials("ann@example.com", password)))
	token, err := a.exchange(t, code, a.verifier)
	if err != nil {
		t.Fatal(err)
	}
	unspent := a.code(t, b.open(t, a.authURL()))
	direct := w.mustSignIn(t, "ann@example.com")
	session := b.http.Jar.Cookies(mustParse(t, srv.Endpoint()))[0].Value
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}

	file, err := os.ReadFile(filepath.Join(dir, "localaws.db"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(file, []byte("ann@example.com")) {
		t.Error("the file does not hold the user: it must be the wrong file")
	}
	for name, secret := range map[string]string{
		"the password": password, "a code": code, "an unspent code": unspent, "a session cookie": session,
		"a refresh token": token.RefreshToken, "another refresh token": *direct.RefreshToken,
		"an access token": token.AccessToken, "an ID token": token.Extra("id_token").(string),
	} {
		if bytes.Contains(file, []byte(secret)) {
			t.Errorf("the file holds %s in the clear", name)
		}
	}

	w.srv = open()
	defer func() { _ = w.srv.Close() }()
	w.api = clientOf(w.srv)
	again := newApp(t, w)
	// The server is now at another port, but issuer and keys have not changed.
	verifier := again.provider.Verifier(&oidc.Config{ClientID: w.clientID})
	id, err := verifier.Verify(t.Context(), token.Extra("id_token").(string))
	if err != nil || id.Subject != sub {
		t.Errorf("an earlier ID token does not verify: %v", err)
	}
	if _, err := w.api.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: direct.AccessToken}); err != nil {
		t.Errorf("an earlier access token is refused: %v", err)
	}
	if _, err := w.refresh(t, token.RefreshToken); err != nil {
		t.Errorf("an earlier refresh token is refused: %v", err)
	}
	if _, err := again.oauth.Exchange(t.Context(), unspent, oauth2.VerifierOption(a.verifier)); err != nil {
		t.Errorf("an earlier code is refused: %v", err)
	}
	again.code(t, b.open(t, again.authURL()))
	w.mustSignIn(t, "ann@example.com")
}
