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

// desk is a console over an API that answers with the length of the key that it got.
type desk struct {
	*tryit.Console
	vault *vault
	mu    sync.Mutex
	paths []string
}

func open(t *testing.T, document catalog.Document, blobs map[string][]byte, load func([]byte) (*openapi.Document, error)) *desk {
	t.Helper()
	d := &desk{vault: &vault{}}
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
	d.Console = tryit.NewConsole(library.New(library.Config{Views: p, Blobs: p, Load: load}), d.vault, sender, time.Now)
	return d
}

func (d *desk) arrived() []string {
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
	for product, who := range map[string]map[string]bool{
		"seamark": {"signed out": true, "ada": true, "staff": true, "admin": true},
		"members": {"ada": true, "staff": true, "admin": true},
		"staff":   {"staff": true, "admin": true},
		"hidden":  {"admin": true},
		"unknown": {},
	} {
		for name, caller := range map[string]tryit.Caller{"signed out": signedOut, "ada": asAda, "staff": asStaff, "admin": asAdmin} {
			d := open(t, offered(), nil, nil)
			e, err := d.Try(t.Context(), caller, tryit.Attempt{Product: product, API: "harbours", Method: "GET", Path: "/x"})
			if !who[name] {
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

func TestAKeyGoesOnlyToRESTAPIsThatAPlanOpens(t *testing.T) {
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
	// The plan that opens the API is in a product that the caller does not see.
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
	exhaust := func(ctx context.Context, who tryit.Caller) {
		t.Helper()
		for i := range tryit.MaxPerMinute {
			if _, err := d.Try(ctx, who, attempt); err != nil {
				t.Fatalf("attempt %d: %v", i+1, err)
			}
		}
		_, err := d.Try(ctx, who, attempt)
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
