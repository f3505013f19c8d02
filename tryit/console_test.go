package tryit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

// published is a catalog with its blobs.
type published struct {
	catalog catalog.Document
	blobs   map[string][]byte
}

func (p *published) Catalog(context.Context) (projections.Catalog, error) {
	hash, err := p.catalog.Hash()
	return projections.Catalog{Document: p.catalog.Canonical(), Hash: hash, Sequence: 1}, err
}

func (p *published) LoadBlob(_ context.Context, hash string) ([]byte, error) {
	if body, ok := p.blobs[hash]; ok {
		return body, nil
	}
	return nil, errors.New("there is no such blob")
}

// vault is where the keys of Ada are.
type vault struct {
	mu    sync.Mutex
	asked int
	err   error
}

const (
	ada    portal.AccountID = "account-ada"
	adaKey portal.KeyID     = "key-ada"
)

func (v *vault) ValueToSend(_ context.Context, account portal.AccountID, key portal.KeyID) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	switch {
	case v.err != nil:
		return "", v.err
	case account == ada && key == adaKey:
		return keyValue, nil
	}
	return "", portal.Fail(portal.NotFound, "There is no such key.")
}

func offered() catalog.Document {
	stage := portal.Stage{API: "abc", Stage: "v1"}
	rest := catalog.API{ID: "abc", Slug: "harbours", Name: "Harbours", Stage: "v1", Endpoint: secure, Kind: catalog.REST}
	with := func(change func(*catalog.API)) catalog.API {
		api := rest
		change(&api)
		return api
	}
	return catalog.Document{Products: []catalog.Product{
		{
			ID: "seamark", Name: "Seamark", Plans: []catalog.Plan{{ID: "free", Name: "Free", Stages: []portal.Stage{stage}}},
			APIs: []catalog.API{
				rest,
				with(func(a *catalog.API) { a.Slug, a.Stage = "beta", "beta" }),
				with(func(a *catalog.API) { a.Slug, a.Kind = "sockets", catalog.Other }),
				with(func(a *catalog.API) { a.Slug, a.Kind, a.ID, a.Stage = "docs", catalog.Docs, "", "" }),
				// A mistake in a product folder: the description of an API on API Gateway leads elsewhere.
				with(func(a *catalog.API) { a.Slug, a.Kind = "typo", catalog.Docs }),
				with(func(a *catalog.API) { a.Slug, a.Endpoint = "switched-off", "" }),
				with(func(a *catalog.API) { a.Slug, a.Private = "inside", true }),
			},
		},
		{ID: "members", Name: "Members", Visibility: catalog.VisibleSignedIn, APIs: []catalog.API{rest}},
		{ID: "staff", Name: "Staff", Visibility: catalog.VisibleGroups, Groups: []string{"staff"}, APIs: []catalog.API{rest}},
		{ID: "hidden", Name: "Hidden", Visibility: catalog.VisibleHidden, APIs: []catalog.API{rest}},
	}}
}

// fixture is a console over an API that answers with the length of the key that it got.
type fixture struct {
	*tryit.Console
	vault *vault
	mu    sync.Mutex
	paths []string
}

func open(t *testing.T, document catalog.Document, blobs map[string][]byte, load func([]byte) (*openapi.Document, error)) *fixture {
	t.Helper()
	d := &fixture{vault: &vault{}}
	sender, _ := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.paths = append(d.paths, r.Method+" "+r.URL.RequestURI())
		d.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain")
		if r.Header.Get("X-Api-Key") == keyValue {
			_, _ = io.WriteString(w, "with the key ")
		}
		_, _ = io.WriteString(w, r.Header.Get("Content-Type")+" "+string(body))
	})
	p := &published{catalog: document, blobs: blobs}
	shelves := library.New(library.Config{Views: p, Blobs: p, Load: load})
	t.Cleanup(func() {
		if err := shelves.Close(); err != nil {
			t.Error(err)
		}
	})
	d.Console = tryit.NewConsole(shelves, d.vault, sender, time.Now)
	return d
}

func (d *fixture) arrived() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.paths
}

var (
	signedOut = tryit.Caller{}
	asAda     = tryit.Caller{Account: ada, Viewer: catalog.Viewer{SignedIn: true}}
	asStaff   = tryit.Caller{Account: "account-bob", Viewer: catalog.Viewer{SignedIn: true, Groups: []string{"staff"}}}
	asAdmin   = tryit.Caller{Account: "account-eve", Viewer: catalog.Viewer{SignedIn: true, Admin: true}}
)

func TestOnlyAPIsThatTheCallerSeesAreReached(t *testing.T) {
	t.Parallel()
	for product, seenBy := range map[string]map[string]bool{
		"seamark": {"signed out": true, "ada": true, "staff": true, "admin": true},
		"members": {"ada": true, "staff": true, "admin": true},
		"staff":   {"staff": true, "admin": true},
		"hidden":  {"admin": true},
		"unknown": {},
	} {
		for name, caller := range map[string]tryit.Caller{"signed out": signedOut, "ada": asAda, "staff": asStaff, "admin": asAdmin} {
			d := open(t, offered(), nil, nil)
			e, err := d.Try(t.Context(), caller, tryit.Attempt{Product: product, API: "harbours", Method: "GET", Path: "/x"})
			if !seenBy[name] {
				refused(t, err, portal.NotFound, "There is no such product.")
				if len(d.arrived()) > 0 {
					t.Errorf("%s reaches %s", name, product)
				}
				continue
			}
			if err != nil || answered(t, e).Status != 200 {
				t.Errorf("%s reaches %s with %v, %v", name, product, e, err)
			}
		}
	}
	d := open(t, offered(), nil, nil)
	_, err := d.Try(t.Context(), signedOut, tryit.Attempt{Product: "seamark", API: "nothing", Method: "GET", Path: "/"})
	refused(t, err, portal.NotFound, "no such API")
	for api, says := range map[string]string{"switched-off": "no public address", "inside": "inside its owner's network"} {
		_, err := d.Try(t.Context(), asAda, tryit.Attempt{Product: "seamark", API: api, Method: "GET", Path: "/"})
		refused(t, err, portal.Conflict, says)
	}
}

func TestAKeyGoesOnlyToRESTAPIsOfAPlan(t *testing.T) {
	t.Parallel()
	d := open(t, offered(), nil, nil)
	e, err := d.Try(t.Context(), asAda, tryit.Attempt{Product: "seamark", API: "harbours", Method: "GET", Path: "/x", Key: adaKey})
	if err != nil || !strings.HasPrefix(answered(t, e).Body.Text, "with the key") {
		t.Fatalf("answered %+v, %v", e, err)
	}
	for product, apis := range map[string][]string{"seamark": {"beta", "sockets", "docs", "typo"}} {
		for _, api := range apis {
			d := open(t, offered(), nil, nil)
			_, err := d.Try(t.Context(), asAda, tryit.Attempt{Product: product, API: api, Method: "GET", Path: "/x", Key: adaKey})
			refused(t, err, portal.Invalid, "takes no keys")
			if len(d.arrived()) > 0 || d.vault.asked > 0 {
				t.Errorf("%s: arrived are %v, and the key was computed %d times", api, d.arrived(), d.vault.asked)
			}
			if e, err := d.Try(t.Context(), asAda, tryit.Attempt{Product: product, API: api, Method: "GET", Path: "/x"}); err != nil || answered(t, e).Status != 200 {
				t.Errorf("%s without a key: %+v, %v", api, e, err)
			}
		}
	}
	// The plan that covers the API is in a product that the caller does not see.
	document := offered()
	document.Products[3].Plans, document.Products[0].Plans = document.Products[0].Plans, nil
	d = open(t, document, nil, nil)
	_, err = d.Try(t.Context(), asAda, tryit.Attempt{Product: "seamark", API: "harbours", Method: "GET", Path: "/x", Key: adaKey})
	refused(t, err, portal.Invalid, "takes no keys")
}

func TestAKeyIsOnlyItsOwners(t *testing.T) {
	t.Parallel()
	d := open(t, offered(), nil, nil)
	attempt := tryit.Attempt{Product: "seamark", API: "harbours", Method: "GET", Path: "/x", Key: adaKey}
	_, err := d.Try(t.Context(), signedOut, attempt)
	refused(t, err, portal.Unauthorized, "Sign in")
	_, err = d.Try(t.Context(), asStaff, attempt)
	refused(t, err, portal.NotFound, "no such key")
	d.vault.err = portal.Fail(portal.Conflict, "The key does not exist yet.")
	_, err = d.Try(t.Context(), asAda, attempt)
	refused(t, err, portal.Conflict, "does not exist yet")
	if len(d.arrived()) > 0 {
		t.Errorf("arrived are %v", d.arrived())
	}
}

func TestAttemptsAreLimitedByAccountAndByNetwork(t *testing.T) {
	t.Parallel()
	d := open(t, offered(), nil, nil)
	attempt := tryit.Attempt{Product: "seamark", API: "docs", Method: "GET", Path: "/x"}
	exhaust := func(ctx context.Context, caller tryit.Caller) {
		t.Helper()
		for i := range tryit.MaxPerMinute {
			if _, err := d.Try(ctx, caller, attempt); err != nil {
				t.Fatalf("attempt %d: %v", i+1, err)
			}
		}
		_, err := d.Try(ctx, caller, attempt)
		refused(t, err, portal.TooManyRequests, "60 requests in a minute")
	}
	home := tryit.WithAddress(t.Context(), netip.MustParseAddr("2001:db8:1:2::1"))
	exhaust(home, signedOut)
	exhaust(home, asAda) // an account has its own limit
	_, err := d.Try(tryit.WithAddress(t.Context(), netip.MustParseAddr("2001:db8:1:2:ffff::9")), signedOut, attempt)
	refused(t, err, portal.TooManyRequests, "60 requests in a minute")
	if _, err := d.Try(tryit.WithAddress(t.Context(), netip.MustParseAddr("2001:db8:1:3::1")), signedOut, attempt); err != nil {
		t.Errorf("from another network: %v", err)
	}
}

func TestAttemptsThatAreRefusedLeaveNothingInFlight(t *testing.T) {
	t.Parallel()
	d := open(t, offered(), nil, nil)
	d.vault.err = portal.Fail(portal.Unavailable, "KMS does not answer.")
	for range 2 * tryit.MaxAtOnce {
		_, err := d.Try(t.Context(), asAda, tryit.Attempt{Product: "seamark", API: "harbours", Method: "GET", Path: "/x", Key: adaKey})
		refused(t, err, portal.Unavailable, "KMS")
		_, err = d.Try(t.Context(), asAda, tryit.Attempt{Product: "seamark", API: "harbours", Method: "NONSENSE", Path: "/x"})
		refused(t, err, portal.Invalid, "The method")
	}
}

const definition = `{"openapi":"3.0.3","info":{"title":"Harbours","version":"1"},
	"servers":[{"url":"https://evil.example/v9"}],"paths":{
	"/harbours/{id}":{"get":{"operationId":"get-harbour","servers":[{"url":"https://evil.example"}],"parameters":[
		{"name":"id","in":"path","required":true,"schema":{"type":"string"}},
		{"name":"limit","in":"query","schema":{"type":"integer","maximum":10}},
		{"name":"X-Lang","in":"header","schema":{"type":"string"}},
		{"name":"x-api-key","in":"header","schema":{"type":"string"}},
		{"name":"session","in":"cookie","schema":{"type":"string"}}],
		"responses":{"200":{"description":"ok","content":{"text/plain":{}}}}}},
	"/files/{path+}":{"get":{"operationId":"get-file","parameters":[{"name":"path","in":"path","required":true,"schema":{"type":"string"}}],
		"responses":{"200":{"description":"ok"}}}},
	"/../admin":{"get":{"operationId":"climb","responses":{"200":{"description":"ok"}}}},
	"/berths":{"post":{"operationId":"add-berth","requestBody":{"required":true,"content":{
		"application/json":{"schema":{"type":"object"}},"text/plain":{"schema":{"type":"string"}}}},"responses":{"200":{"description":"ok"}}}}}}`

// documented is a console whose API has an OpenAPI document.
func documented(t *testing.T) *fixture {
	t.Helper()
	document, hash := offered(), catalog.HashOf([]byte(definition))
	document.Products[0].APIs[0].Definition = hash
	return open(t, document, map[string][]byte{hash: []byte(definition)}, openapi.Load)
}

func TestAnOperationIsSentWithItsValues(t *testing.T) {
	t.Parallel()
	d := documented(t)
	e, err := d.Try(t.Context(), asAda, tryit.Attempt{
		Product: "seamark", API: "harbours", Operation: "get-harbour", Key: adaKey, Header: http.Header{"x-extra": {"1"}, "accept": {"text/html"}, "x-api-key": {"typed"}},
		Values: openapi.Values{Parameters: map[string]string{
			"path.id": "Kiel/Süd ü?#", "query.limit": "5", "header.X-Lang": "de", "cookie.session": "stolen",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.arrived(); len(got) != 1 || got[0] != "GET /v1/harbours/Kiel%2FS%C3%BCd%20%C3%BC%3F%23?limit=5" {
		t.Errorf("arrived are %v", got)
	}
	if !strings.HasPrefix(answered(t, e).Body.Text, "with the key") {
		t.Errorf("answered %+v", e.Response)
	}
	sent := map[string]string{}
	for _, h := range e.Request.Headers {
		sent[h.Name] += h.Value
	}
	for name, want := range map[string]string{"X-Lang": "de", "X-Extra": "1", "Accept": "text/html", "X-Api-Key": tryit.Mask, "Cookie": ""} {
		if sent[name] != want {
			t.Errorf("%s is sent as %q, want %q", name, sent[name], want)
		}
	}
	if got := strings.Join(e.Request.Dropped, " "); got != "Cookie X-Api-Key" {
		t.Errorf("dropped are %s", got)
	}
	for contentType, want := range map[string]string{"": `application/json {"a":1}`, "text/plain": `text/plain {"a":1}`} {
		e, err := d.Try(t.Context(), signedOut, tryit.Attempt{
			Product: "seamark", API: "harbours", Operation: "add-berth", Values: openapi.Values{Body: `{"a":1}`, ContentType: contentType},
		})
		if err != nil || answered(t, e).Body.Text != want {
			t.Errorf("a body is answered %+v, %v", e.Response, err)
		}
	}
}

func TestNoValueOfAnOperationLeadsElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ operation, key, value string }{
		{"get-harbour", "path.id", ".."}, {"get-harbour", "path.id", "."}, {"get-harbour", "path.id", "../../admin"}, {"get-harbour", "path.id", "%2e%2e"},
		{"get-harbour", "path.id", "..;x"}, {"get-harbour", "path.id", `..\\..\\admin`},
		{"get-file", "path.path", "../../admin"}, {"get-file", "path.path", "a/../../../admin"}, {"get-file", "path.path", "%2e%2e/admin"},
		{"climb", "", ""},
	} {
		d := documented(t)
		attempt := tryit.Attempt{Product: "seamark", API: "harbours", Operation: c.operation, Values: openapi.Values{Parameters: map[string]string{}}}
		if c.key != "" {
			attempt.Values.Parameters[c.key] = c.value
		}
		if _, err := d.Try(t.Context(), signedOut, attempt); portal.CodeOf(err) != portal.Invalid || len(d.arrived()) > 0 {
			t.Errorf("%s %q: arrived are %v, %v", c.operation, c.value, d.arrived(), err)
		}
	}
	for value, want := range map[string]string{
		"//evil.example/": "GET /v1/harbours/%2F%2Fevil.example%2F", "https://evil.example": "GET /v1/harbours/https%3A%2F%2Fevil.example",
		"@evil.example": "GET /v1/harbours/%40evil.example", "a\r\nHost: evil": "GET /v1/harbours/a%0D%0AHost%3A%20evil",
	} {
		d := documented(t)
		_, err := d.Try(t.Context(), signedOut, tryit.Attempt{
			Product: "seamark", API: "harbours", Operation: "get-harbour", Values: openapi.Values{Parameters: map[string]string{"path.id": value}},
		})
		if got := strings.Join(d.arrived(), ", "); err != nil || got != want {
			t.Errorf("%q arrives as %s, %v; want %s", value, got, err, want)
		}
	}
}

func TestWrongValuesAreNamed(t *testing.T) {
	t.Parallel()
	d := documented(t)
	attempt := tryit.Attempt{
		Product: "seamark", API: "harbours", Operation: "get-harbour",
		Values: openapi.Values{Parameters: map[string]string{"query.limit": "many", "query.depth": "3"}},
	}
	_, err := d.Try(t.Context(), signedOut, attempt)
	refused(t, err, portal.Invalid, "limit must be a whole number")
	var problems openapi.Problems
	if !errors.As(err, &problems) || len(problems) != 3 || problems[0].Parameter != "path.id" {
		t.Errorf("the problems are %v", problems)
	}
	for name, c := range map[string]struct {
		change func(*tryit.Attempt)
		code   portal.Code
		says   string
	}{
		"an unknown operation":   {func(a *tryit.Attempt) { a.Operation = "nonsense" }, portal.NotFound, "no such operation"},
		"a path as well":         {func(a *tryit.Attempt) { a.Path = "/x" }, portal.Invalid, "either an operation"},
		"a method as well":       {func(a *tryit.Attempt) { a.Method = "GET" }, portal.Invalid, "either an operation"},
		"an API without one":     {func(a *tryit.Attempt) { a.API = "docs" }, portal.NotFound, "no OpenAPI document"},
		"neither":                {func(a *tryit.Attempt) { a.Operation = "" }, portal.Invalid, "The method must be"},
		"a body that is not due": {func(a *tryit.Attempt) { a.Values.Body = "x" }, portal.Invalid, "body is not taken"},
	} {
		changed := attempt
		c.change(&changed)
		_, err := d.Try(t.Context(), signedOut, changed)
		if portal.CodeOf(err) != c.code || !strings.Contains(portal.MessageOf(err), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(d.arrived()) > 0 {
		t.Errorf("arrived are %v", d.arrived())
	}
}
