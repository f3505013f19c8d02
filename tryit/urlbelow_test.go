package tryit

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAPathStaysBelowItsEndpoint(t *testing.T) {
	t.Parallel()
	const endpoint = "https://api.example/v1"
	for below, want := range map[string]string{
		"":                                 endpoint,
		"/":                                endpoint + "/",
		"?q=1":                             endpoint + "?q=1",
		"/harbours":                        endpoint + "/harbours",
		"/harbours?near=54.3,10.1&x=%2F..": endpoint + "/harbours?near=54.3,10.1&x=%2F..",
		"/harbours/a%2Fb":                  endpoint + "/harbours/a%2Fb",
		"/harbours/v1..2":                  endpoint + "/harbours/v1..2",
		"/a//b":                            endpoint + "/a//b",
		"/.well-known/x":                   endpoint + "/.well-known/x",
		"/q?url=https://evil.example/../":  endpoint + "/q?url=https://evil.example/../",
		"/@evil.example/":                  endpoint + "/@evil.example/",
		"/:80/":                            endpoint + "/:80/",
	} {
		got, err := urlBelow(endpoint, below)
		if err != nil || got.String() != want {
			t.Errorf("%q leads to %v, %v; want %s", below, got, err, want)
		}
	}
}

func TestAPathThatCouldLeadElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	for name, below := range map[string]string{
		"a parent":                             "/../admin",
		"a parent at the end":                  "/a/..",
		"a parent of the prefix's sibling":     "/../v1evil",
		"a parent that stays inside":           "/a/../b",
		"this folder":                          "/./a",
		"an encoded parent":                    "/%2e%2e/admin",
		"a half encoded parent":                "/.%2E/admin",
		"a parent that is encoded twice":       "/%252e%252e/admin",
		"a parent that is encoded four times":  "/%2525252e%2525252e/admin",
		"a parent behind an encoded slash":     "/a%2f..%2f..%2fadmin",
		"a parent behind a backslash":          `/a\..\..\admin`,
		"a parent behind an encoded backslash": "/a%5c..%5cadmin",
		"a parent with parameters":             "/..;x=1/admin",
		"another host":                         "//evil.example/",
		"another host by a backslash":          `/\evil.example/`,
		"another host by a URL":                "https://evil.example/",
		"another host by userinfo":             "@evil.example/",
		"another port":                         ":8080/",
		"a longer host":                        ".evil.example/",
		"a relative path":                      "harbours",
		"a fragment":                           "/a#b",
		"a line break":                         "/a\r\nHost: evil.example",
		"a NUL":                                "/a\x00",
		"a tab":                                "/a\tb",
		"a space":                              "/a b",
		"a letter that is not ASCII":           "/hafenü",
		"a percent sign alone":                 "/100%",
		"a percent sign before other letters":  "/a%zz",
		"a path that is too long":              "/" + strings.Repeat("a", maxURL),
		"layers of encoding without end":       "/%" + strings.Repeat("25", 100) + "2e",
	} {
		for _, endpoint := range []string{"https://api.example/v1", "https://api.example", "https://api.example/"} {
			if got, err := urlBelow(endpoint, below); portal.CodeOf(err) != portal.Invalid {
				t.Errorf("%s (%.40q) below %s leads to %v, %v", name, below, endpoint, got, err)
			}
		}
	}
}

func TestAnEndpointThatIsNoPlainURLIsAMistakeOfTheOperator(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{
		"", "api.example", "//api.example", "ftp://api.example", "file:///etc/passwd", "gopher://api.example", "https://", "https:api.example",
		"https://user:secret@api.example", "https://user@api.example", "https://api.example?x=1", "https://api.example/#a", "https://api.example:port",
		"javascript:alert(1)", "https://[fe80::1%25eth0", "https://api.example/%zz",
	} {
		got, err := urlBelow(endpoint, "/a")
		if portal.CodeOf(err) != portal.Conflict {
			t.Errorf("%q leads to %v, %v", endpoint, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error holds the password: %v", err)
		}
	}
}
