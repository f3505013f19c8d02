package cognito_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// browser follows redirects within the local AWS and keeps cookies. It does not follow
// redirects to the app.
type browser struct {
	http http.Client
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/login") || strings.HasPrefix(r.URL.Path, "/oauth2/") {
			return nil
		}
		return http.ErrUseLastResponse
	}}}
}

// page is the final response: a document, or a redirect to the app.
type page struct {
	status int
	header http.Header
	// url is that of the request.
	url     *url.URL
	doc     *goquery.Document
	leaving *url.URL
}

func (b *browser) do(t *testing.T, r *http.Request) page {
	t.Helper()
	resp, err := b.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	p := page{status: resp.StatusCode, header: resp.Header, url: resp.Request.URL}
	if location := resp.Header.Get("Location"); location != "" {
		if p.leaving, err = resp.Location(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		return p
	}
	if p.doc, err = goquery.NewDocumentFromReader(resp.Body); err != nil {
		t.Fatal(err)
	}
	return p
}

func (b *browser) open(t *testing.T, address string) page {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.do(t, r)
}

// submit posts the page's form with the headers of a current browser.
func (b *browser) submit(t *testing.T, p page, fields map[string]string, change ...func(*http.Request)) page {
	t.Helper()
	if p.doc == nil {
		t.Fatalf("got a redirect to %s, want a form", p.leaving)
	}
	action, ok := p.doc.Find("form").Attr("action")
	if !ok {
		t.Fatalf("there is no form at %s: %s", p.url, p.doc.Find("main").Text())
	}
	target, err := p.url.Parse(action)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	inputs := p.doc.Find("form").First().Find("input")
	inputs.Filter("[type=hidden]").Each(func(_ int, hidden *goquery.Selection) {
		form.Set(hidden.AttrOr("name", ""), hidden.AttrOr("value", ""))
	})
	for name, value := range fields {
		if inputs.Filter("[name="+name+"]").Length() != 1 {
			t.Fatalf("the form has no input %s", name)
		}
		form.Set(name, value)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", target.Scheme+"://"+target.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, f := range change {
		f(r)
	}
	return b.do(t, r)
}

// app is a relying party built with go-oidc and x/oauth2.
type app struct {
	world
	provider *oidc.Provider
	oauth    oauth2.Config
	verifier string
}

func newApp(t *testing.T, w world) app {
	t.Helper()
	ctx := oidc.InsecureIssuerURLContext(t.Context(), w.issuer)
	provider, err := oidc.NewProvider(ctx, w.srv.Endpoint()+"/"+w.poolID)
	if err != nil {
		t.Fatal(err)
	}
	return app{world: w, provider: provider, verifier: oauth2.GenerateVerifier(), oauth: oauth2.Config{
		ClientID: w.clientID, ClientSecret: w.secret, Endpoint: provider.Endpoint(),
		RedirectURL: callbackURL, Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}}
}

// authURL is the address to which the app sends a browser to sign in.
func (a app) authURL(options ...oauth2.AuthCodeOption) string {
	options = append([]oauth2.AuthCodeOption{oidc.Nonce("the-nonce"), oauth2.S256ChallengeOption(a.verifier)}, options...)
	return a.oauth.AuthCodeURL("the-state", options...)
}

// code returns the code in the redirect, which must be to the callback.
func (a app) code(t *testing.T, p page) string {
	t.Helper()
	if p.leaving == nil {
		t.Fatalf("the browser is still at %s: %s", p.url, p.doc.Find("main").Text())
	}
	q := p.leaving.Query()
	if base, _, _ := strings.Cut(p.leaving.String(), "?"); base != callbackURL || q.Get("state") != "the-state" || q.Get("code") == "" {
		t.Fatalf("the browser went to %s", p.leaving)
	}
	return q.Get("code")
}

func (a app) exchange(t *testing.T, code, verifier string) (*oauth2.Token, error) {
	t.Helper()
	return a.oauth.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
}

// credentials are the fields of the sign-in form.
func credentials(email, password string) map[string]string {
	return map[string]string{"username": email, "password": password}
}
