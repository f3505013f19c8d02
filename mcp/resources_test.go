package mcp_test

import (
	"errors"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/gatehouse-portal/gatehouse/library/librarytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func read(t *testing.T, session *sdk.ClientSession, uri string) (string, error) {
	t.Helper()
	result, err := session.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
	if err != nil {
		return "", err
	}
	if len(result.Contents) != 1 || result.Contents[0].MIMEType != "text/markdown" || result.Contents[0].URI != uri || result.CacheScope != "private" {
		t.Errorf("%s: %+v", uri, result)
	}
	return result.Contents[0].Text, nil
}

func TestDocumentsAreResources(t *testing.T) {
	t.Parallel()
	server := serve(t, librarytest.Seamark().Library())
	session := connect(t, server, nil)
	listed, err := session.ListResourceTemplates(t.Context(), nil)
	if err != nil || len(listed.ResourceTemplates) != 3 {
		t.Fatalf("%v: %+v", err, listed)
	}
	for path, want := range map[string]string{
		"/apis/seamark.md":                                    "# Seamark\n\nTides and harbours",
		"/apis/seamark/pages/units.md":                        "# Units",
		"/apis/seamark/docs/tides/operations/tides-of.md":     "# Predict the tides of a harbour\n",
		"/apis/seamark/docs/tides/operations/tides%2Dof.md":   "# Predict the tides of a harbour\n",
		"/apis/seamark/docs/tides/operations/stormWarning.md": "# A storm warning\n",
	} {
		if text, err := read(t, session, server.URL+path); err != nil || !strings.Contains(text, want) {
			t.Errorf("%s: %v, %q", path, err, text)
		}
	}
}

func TestAResourceThatACallerDoesNotSeeDoesNotExist(t *testing.T) {
	t.Parallel()
	server := serve(t, librarytest.Seamark().Library())
	stranger, withCookie, sailor := connect(t, server, nil), connect(t, server, dressed{"Cookie": "session=1"}), connect(t, server, dressed{"Authorization": "Bearer crew"})
	for _, path := range []string{
		"/apis/PRODUCT.md", "/apis/PRODUCT/pages/contraband.md", "/apis/PRODUCT/docs/contraband/operations/listContraband.md", "/apis/PRODUCT/docs/contraband.md",
		"/apis/" + strings.Repeat("x", 300) + "PRODUCT.md", "/apis/PRODUCT%00.md", "/apis/PRODUCT%zz.md", "/apis/..%2f..%2fPRODUCT.md", "/apis/.md", "",
	} {
		for name, session := range map[string]*sdk.ClientSession{"a stranger": stranger, "a cookie": withCookie} {
			ask := func(product string) string {
				text, err := read(t, session, server.URL+strings.ReplaceAll(path, "PRODUCT", product))
				if err == nil {
					t.Fatalf("%s: %s gets %q", path, name, text)
				}
				return strings.ReplaceAll(err.Error(), product, "PRODUCT")
			}
			if hidden, unknown := ask("smuggler"), ask("nothing"); hidden != unknown || !strings.Contains(hidden, "not found") {
				t.Errorf("%s: %s gets %q about a hidden product, and %q about an unknown one", path, name, hidden, unknown)
			}
		}
	}
	if _, err := read(t, stranger, "https://elsewhere.example/apis/seamark.md"); err == nil {
		t.Error("an address of another site is read")
	}
	if text, err := read(t, sailor, server.URL+"/apis/smuggler/docs/contraband/operations/listContraband.md"); err != nil || !strings.Contains(text, "/contraband") {
		t.Errorf("a member of the group gets %v: %s", err, text)
	}
}

func TestAResourceThatCannotBeReadTellsNothingOfTheFault(t *testing.T) {
	t.Parallel()
	c := librarytest.Seamark()
	server := serve(t, c.Library())
	session := connect(t, server, nil)
	c.Fail(&portal.Error{Code: portal.Unavailable, Message: "Not now.", Err: errors.New("no database")})
	if _, err := read(t, session, server.URL+"/apis/seamark.md"); err == nil || !strings.Contains(err.Error(), "Not now.") || strings.Contains(err.Error(), "database") {
		t.Errorf("the error is %v", err)
	}
}
