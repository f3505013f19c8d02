package cognito_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

func TestAFormFromAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "ann@example.com")
	a, b := newApp(t, w), newBrowser(t)
	form := b.open(t, a.authURL())
	for name, forge := range map[string]func(*http.Request){
		"another site":                        func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another port":                        func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"another origin, from an old browser": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
	} {
		p := b.submit(t, form, credentials("ann@example.com", password), forge)
		if p.status != http.StatusForbidden || p.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: status %d", name, p.status)
		}
	}
	a.code(t, b.submit(t, form, credentials("ann@example.com", password)))
}

func TestAFailedSignInIsExplainedBesideTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "ann@example.com")
	a, b := newApp(t, w), newBrowser(t)
	texts := map[string]bool{}
	for _, email := range []string{"ann@example.com", `<b>"nobody"</b>`} {
		p := b.submit(t, b.open(t, a.authURL()), credentials(email, "Wrong-horse-7"))
		if p.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", email, p.status)
		}
		texts[p.doc.Find("#error[role=alert]").Text()] = true
		if value, _ := p.doc.Find("#username").Attr("value"); value != email {
			t.Errorf("the form does not keep the name: %q", value)
		}
		if by, _ := p.doc.Find("#password[aria-invalid=true]").Attr("aria-describedby"); by != "error" {
			t.Errorf("the password is described by %q", by)
		}
		if _, has := p.doc.Find("#password").Attr("value"); has {
			t.Error("the form repeats the password")
		}
	}
	if len(texts) != 1 || !texts["Incorrect username or password."] {
		t.Errorf("unknown user and wrong password have different texts: %v", texts)
	}
	var last page
	for range 5 {
		last = b.submit(t, b.open(t, a.authURL()), credentials("ann@example.com", "Wrong-horse-7"))
	}
	if last.status != http.StatusTooManyRequests {
		t.Errorf("after six failures the status is %d", last.status)
	}
}

func TestAFailedSignUpIsExplainedBesideTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "ann@example.com")
	a, b := newApp(t, w), newBrowser(t)
	form := b.open(t, strings.Replace(a.authURL(), "/oauth2/authorize", "/signup", 1))
	if hint := form.doc.Find("#hint").Text(); hint != "At least 8 characters, with an upper-case letter, a lower-case letter, a digit and a special character." {
		t.Errorf("the hint is %q", hint)
	}
	for name, c := range map[string]struct{ email, password, field string }{
		"a taken address": {"ann@example.com", password, "#username"},
		"a weak password": {"bob@example.com", "weak", "#password"},
		"no address":      {"bob", password, "#username"},
	} {
		p := b.submit(t, form, credentials(c.email, c.password))
		if p.status != http.StatusUnprocessableEntity || p.doc.Find("#error[role=alert]").Length() != 1 {
			t.Errorf("%s: status %d", name, p.status)
			continue
		}
		if p.doc.Find(c.field+"[aria-invalid=true]").Length() != 1 {
			t.Errorf("%s: %s is not marked", name, c.field)
		}
	}
}

func TestAPoolWithoutAutoConfirmAsksNewUsersToWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.poolID = createPool(t, w.api, func(in *cognito.CreateUserPoolInput) { in.UserPoolTags = nil })
	out, err := w.api.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: &w.poolID, ClientName: aws.String("Gatehouse"), AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{"code"},
		AllowedOAuthScopes: []string{"openid", "email", "profile"}, CallbackURLs: []string{callbackURL},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.clientID = *out.UserPoolClient.ClientId
	a, b := newApp(t, w), newBrowser(t)
	p := b.submit(t, b.open(t, strings.Replace(a.authURL(), "/oauth2/authorize", "/signup", 1)), credentials("ann@example.com", password))
	if p.leaving != nil || !strings.Contains(p.doc.Find("[role=status]").Text(), "has to confirm") {
		t.Errorf("the browser is at %v, redirected to %v", p.url, p.leaving)
	}
	p = b.submit(t, b.open(t, a.authURL()), credentials("ann@example.com", password))
	if p.leaving != nil || !strings.Contains(p.doc.Find("#error").Text(), "not confirmed yet") {
		t.Errorf("an unconfirmed user goes to %v", p.leaving)
	}
}

func TestPagesAreNotStoredFramedOrScripted(t *testing.T) {
	t.Parallel()
	a, b := newApp(t, newWorld(t)), newBrowser(t)
	p := b.open(t, a.authURL())
	policy := p.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self' http://localhost:8080"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the content policy %q lacks %s", policy, part)
		}
	}
	if p.header.Get("Cache-Control") != "no-store" || p.header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("the headers are %v", p.header)
	}
	if p.doc.Find("script, [style], [onclick]").Length() != 0 {
		t.Error("the page has a script or a style of its own")
	}
	sheet, _ := p.doc.Find("link[rel=stylesheet]").Attr("href")
	if css := b.open(t, a.srv.Endpoint()+sheet); css.status != http.StatusOK || !strings.HasPrefix(css.header.Get("Content-Type"), "text/css") {
		t.Errorf("the stylesheet: status %d, %s", css.status, css.header.Get("Content-Type"))
	}
	for _, path := range []string{"/", "/us-east-1_none/.well-known/jwks.json", "/us-east-1_none/.well-known/openid-configuration"} {
		if p := b.open(t, a.srv.Endpoint()+path); p.status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, p.status)
		}
	}
}
