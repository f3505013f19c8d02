package cognito_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// link follows the page's link with that text.
func (b *browser) link(t *testing.T, p page, text string) page {
	t.Helper()
	href, ok := p.doc.Find("a:contains('" + text + "')").Attr("href")
	if !ok {
		t.Fatalf("there is no link %q at %s", text, p.url)
	}
	return b.open(t, p.url.ResolveReference(mustParse(t, href)).String())
}

func wantPage(t *testing.T, p page, status int, title, text string) {
	t.Helper()
	if p.doc == nil {
		t.Fatalf("the browser is redirected to %s, want the page %q", p.leaving, title)
	}
	if got := p.doc.Find("h1").Text(); p.status != status || got != title || !strings.Contains(p.doc.Find("main").Text(), text) {
		t.Fatalf("the page is %q with status %d: %s", got, p.status, p.doc.Find("main").Text())
	}
}

func TestSigningUpOnThePagesAsksForTheMailedCode(t *testing.T) {
	t.Parallel()
	w, mails := mailingWorld(t, localawstest.Start(t))
	a, b := newApp(t, w), newBrowser(t)
	p := b.submit(t, b.link(t, b.open(t, a.authURL()), "Sign up"), map[string]string{"username": ann, "password": password})
	wantPage(t, p, http.StatusOK, "Confirm your account", "A code was sent to a***@e***.")
	first := mails.code(t, ann)
	p = b.submit(t, p, map[string]string{"code": another(first)})
	wantPage(t, p, http.StatusUnprocessableEntity, "Confirm your account", "That is not the code that was sent.")

	// A later sign-in asks for the code again and can send another.
	p = b.submit(t, b.open(t, a.authURL()), credentials(ann, password))
	wantPage(t, p, http.StatusOK, "Confirm your account", "This account is not confirmed yet.")
	p.doc.Find("form").First().Remove() // leaves the form that sends another code
	p = b.submit(t, p, nil)
	wantPage(t, p, http.StatusOK, "Confirm your account", "Another code was sent.")
	if mails.count() != 2 {
		t.Errorf("%d mails were sent, want two", mails.count())
	}
	p = b.submit(t, p, map[string]string{"code": " " + mails.code(t, ann) + " "})
	wantPage(t, p, http.StatusOK, "Sign in", "Your account is confirmed.")
	a.code(t, b.submit(t, p, credentials(ann, password)))
}

func TestAForgottenPasswordIsResetOnThePages(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	mails := &mailbox{}
	srv.Cognito().OnMail(mails.take)
	w := newWorldAt(t, srv)
	w.signUp(t, ann)
	a, b := newApp(t, w), newBrowser(t)
	forgot := b.link(t, b.open(t, a.authURL()), "Forgot your password?")
	nobody := b.submit(t, forgot, map[string]string{"username": "nobody@example.com"})
	wantPage(t, nobody, http.StatusOK, "Choose a new password", "If the account exists")
	wantPage(t, b.submit(t, nobody, map[string]string{"code": "123456", "password": "Other-horse-8"}),
		http.StatusUnprocessableEntity, "Choose a new password", "This code is no longer valid.")
	if mails.count() != 0 {
		t.Errorf("%d mails were sent", mails.count())
	}
	p := b.submit(t, forgot, map[string]string{"username": ann})
	wantPage(t, p, http.StatusOK, "Choose a new password", "If the account exists")
	code := mails.code(t, ann)
	p = b.submit(t, p, map[string]string{"code": code, "password": "weak"})
	wantPage(t, p, http.StatusUnprocessableEntity, "Choose a new password", "not strong enough")
	p = b.submit(t, p, map[string]string{"code": code, "password": "Other-horse-8"})
	wantPage(t, p, http.StatusOK, "Sign in", "Your password has been changed.")
	a.code(t, b.submit(t, p, credentials(ann, "Other-horse-8")))
}

func TestATemporaryPasswordIsChangedOnThePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite(t, ann, temporary)
	a, b := newApp(t, w), newBrowser(t)
	p := b.submit(t, b.open(t, a.authURL()), credentials(ann, temporary))
	wantPage(t, p, http.StatusOK, "Choose a new password", "You signed in with a temporary password.")
	challenge := p
	p = b.submit(t, p, map[string]string{"password": "weak"})
	wantPage(t, p, http.StatusUnprocessableEntity, "Choose a new password", "not strong enough")
	token, err := a.exchange(t, a.code(t, b.submit(t, p, map[string]string{"password": password})), a.verifier)
	if err != nil {
		t.Fatal(err)
	}
	if claims := claimsOf(t, token.Extra("id_token").(string)); claims["email"] != ann {
		t.Errorf("the ID token says %v", claims)
	}
	wantPage(t, newBrowser(t).submit(t, challenge, map[string]string{"password": "Third-horse-9"}),
		http.StatusUnprocessableEntity, "Sign in", "That took too long.")
	w.mustSignIn(t, ann)
}

func TestTheSignInPageExplainsWhyAUserMayNotSignIn(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	mails := &mailbox{}
	srv.Cognito().OnMail(mails.take)
	w := newWorldAt(t, srv)
	for _, email := range []string{ann, "bob@example.com"} {
		w.signUp(t, email)
	}
	if _, err := w.api.AdminDisableUser(t.Context(), &cognito.AdminDisableUserInput{UserPoolId: &w.poolID, Username: aws.String(ann)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.api.AdminResetUserPassword(t.Context(), &cognito.AdminResetUserPasswordInput{UserPoolId: &w.poolID, Username: aws.String("bob@example.com")}); err != nil {
		t.Fatal(err)
	}
	a, b := newApp(t, w), newBrowser(t)
	p := b.submit(t, b.open(t, a.authURL()), credentials(ann, password))
	wantPage(t, p, http.StatusUnprocessableEntity, "Sign in", "This account is disabled.")
	p = b.submit(t, b.open(t, a.authURL()), credentials("bob@example.com", password))
	wantPage(t, p, http.StatusOK, "Choose a new password", "You have to choose a new password.")
	p = b.submit(t, p, map[string]string{"code": mails.code(t, "bob@example.com"), "password": "Other-horse-8"})
	a.code(t, b.submit(t, p, credentials("bob@example.com", "Other-horse-8")))
}
