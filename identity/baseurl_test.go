package identity_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestOnlyPagesOfThePortalMaySendWrites(t *testing.T) {
	t.Parallel()
	const bearer, basic = "Bearer eyJhbGciOi", "Basic cHJveHk6bG9naW4="
	for name, c := range map[string]struct {
		method  string
		headers []string
		passes  bool
	}{
		"a form of the portal":                              {http.MethodPost, []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://portal.example"}, true},
		"a form on a page that sends no referrer":           {http.MethodPost, []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, true},
		"an address typed in by hand":                       {http.MethodPost, []string{"Sec-Fetch-Site", "none"}, true},
		"a form on another site":                            {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site"}, false},
		"a form on a sibling subdomain":                     {http.MethodPost, []string{"Sec-Fetch-Site", "same-site"}, false},
		"a PUT from another site":                           {http.MethodPut, []string{"Sec-Fetch-Site", "cross-site"}, false},
		"a DELETE from another site":                        {http.MethodDelete, []string{"Sec-Fetch-Site", "cross-site"}, false},
		"an unknown method from another site":               {"BREW", []string{"Sec-Fetch-Site", "cross-site"}, false},
		"a link on another site":                            {http.MethodGet, []string{"Sec-Fetch-Site", "cross-site"}, true},
		"a HEAD from another site":                          {http.MethodHead, []string{"Sec-Fetch-Site", "cross-site"}, true},
		"an old browser, on the portal":                     {http.MethodPost, []string{"Origin", "https://portal.example"}, true},
		"an old browser that writes the origin differently": {http.MethodPost, []string{"Origin", "HTTPS://Portal.example"}, true},
		"an old browser, on the portal without TLS":         {http.MethodPost, []string{"Origin", "http://portal.example"}, false},
		"an old browser, on another site":                   {http.MethodPost, []string{"Origin", "https://evil.example"}, false},
		"an old browser, on another port":                   {http.MethodPost, []string{"Origin", "https://portal.example:81"}, false},
		"an old browser, on a page without an origin":       {http.MethodPost, []string{"Origin", "null"}, false},
		"an old browser, on the name that a proxy sees":     {http.MethodPost, []string{"Origin", "https://backend.internal:8080"}, false},
		"a page at another host name of the portal":         {http.MethodPost, []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://evil.example"}, false},
		"a browser whose headers disagree":                  {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://portal.example"}, false},
		"a client that is not a browser":                    {http.MethodPost, nil, true},
		"a client with a token":                             {http.MethodPost, []string{"Authorization", bearer}, true},
		"a page on another site with a token":               {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", bearer}, true},
		"a token with its scheme in other case":             {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", "bEARER x"}, true},
		"another site, with a proxy's login":                {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", basic}, false},
		"another site, with a proxy's login and token":      {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", basic, "Authorization", bearer}, true},
		"the portal, with a proxy's login":                  {http.MethodPost, []string{"Sec-Fetch-Site", "same-origin", "Authorization", basic}, true},
		"another site, with a scheme that begins like ours": {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", "BearerX y"}, false},
		"another site, with an empty header":                {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", ""}, false},
	} {
		// A proxy in front of the portal may rewrite the host.
		for _, host := range []string{"portal.example", "portal.example:443", "backend.internal:8080"} {
			t.Run(name+" at "+host, func(t *testing.T) {
				t.Parallel()
				r := httptest.NewRequest(c.method, "http://"+host+"/subscriptions/plan", nil)
				for i := 0; i < len(c.headers); i += 2 {
					r.Header.Add(c.headers[i], c.headers[i+1])
				}
				refused, passed := guarded(t, r)
				if passed != c.passes || (refused == nil) != c.passes {
					t.Errorf("passed: %t, refused: %v", passed, refused)
				}
				if !c.passes && (portal.CodeOf(refused) != portal.Forbidden || !strings.Contains(portal.MessageOf(refused), "https://portal.example ")) {
					t.Errorf("the refusal is %v", refused)
				}
			})
		}
	}
}

func TestOnlyConfiguredPathsAcceptFormsFromOtherSites(t *testing.T) {
	t.Parallel()
	for request, passes := range map[string]bool{
		"POST /from-elsewhere": true, "PUT /from-elsewhere": false, "POST /from-elsewhere/": false, "POST /register": false,
		"POST /bought/plan": true, "POST /bought/": false, "POST /bought": false, "POST /bought/plan/more": false, "PUT /bought/plan": false,
	} {
		method, path, _ := strings.Cut(request, " ")
		r := httptest.NewRequest(method, "https://portal.example"+path, nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if refused, passed := guarded(t, r); passed != passes {
			t.Errorf("%s passed: %t, refused: %v", request, passed, refused)
		}
	}
}

// guarded passes a request through the SameOrigin of https://portal.example.
func guarded(t *testing.T, r *http.Request) (refused error, passed bool) {
	t.Helper()
	s, err := identity.New(identity.Config{
		BaseURL: "https://Portal.example:443/", Issuer: "https://login.example", ClientID: clientID,
	}, identity.Options{
		DynamoDB: noDatabase{}, Tables: tables, CrossSiteForms: []string{"/from-elsewhere", "/bought/"},
		OnError: func(_ http.ResponseWriter, _ *http.Request, err error) { refused = err },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.SameOrigin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true })).ServeHTTP(httptest.NewRecorder(), r)
	return refused, passed
}

func TestASignInBeginsAtTheBaseURL(t *testing.T) {
	t.Parallel()
	s := open(t)
	elsewhere := strings.Replace(s.url, "127.0.0.1", "localhost", 1)
	b := newBrowser(t)

	resp, body := b.get(elsewhere + "/sign-in?return_to=/apis")

	if resp.Request.URL.String() != s.url+"/apis" || !strings.HasSuffix(body, " via session") {
		t.Errorf("the browser ended at %s: %s", resp.Request.URL, body)
	}
}

func TestASignInBehindAProxyThatRewritesTheHostIsRedirectedOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	behind := s.http
	s.http = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "backend.internal:8080"
		behind.ServeHTTP(w, r)
	})

	resp, body := newBrowser(t).get(s.url + "/sign-in?return_to=/apis")

	if resp.Request.URL.String() != s.url+"/apis" || !strings.HasSuffix(body, " via session") {
		t.Errorf("the browser ended at %s: %s", resp.Request.URL, body)
	}
}

func TestTwoPortalsOnOneHostLeaveEachOthersSessionsAlone(t *testing.T) {
	t.Parallel()
	clock := &clock{now: time.Now()}
	p := startProvider(t, clock)
	one, two := openSite(t, clock, p), openSite(t, clock, p)
	b := newBrowser(t)
	b.get(one.url + "/sign-in")
	if _, body := b.get(two.url + "/"); body != "nobody" {
		t.Errorf("the second portal says %q", body)
	}
	b.get(two.url + "/sign-in")
	b.do(signOut(t, two, two.url))
	if _, body := b.get(one.url + "/"); !strings.HasSuffix(body, " via session") {
		t.Errorf("the first portal now says %q", body)
	}
}
