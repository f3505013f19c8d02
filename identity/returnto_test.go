package identity_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestReturnToAcceptsOnlyPathsOfThisPortal(t *testing.T) {
	t.Parallel()
	s := open(t)
	tests := map[string]string{ // return_to -> where the browser ends up; "" if refused
		"":                                "/",
		"/":                               "/",
		"/apis/pets?plan=gold&x=%2F%2Fa":  "/apis/pets?plan=gold&x=%2F%2Fa",
		"/sign-in":                        "/",
		"/sign-in?return_to=/sign-in":     "/",
		"/sign-out":                       "/",
		"//evil.example/dashboard":        "",
		"/a?b=\\c":                        "",
		"/a?b=\u0085c":                    "",
		"https://evil.example/":           "",
		"//evil.example":                  "",
		"///evil.example":                 "",
		"/\\evil.example":                 "",
		"\\\\evil.example":                "",
		"/%5cevil.example":                "",
		"/%2f%2fevil.example":             "",
		"/.//evil.example":                "",
		"/\t/evil.example":                "",
		"/a\r\nSet-Cookie: a=b":           "",
		"/%0d%0aSet-Cookie:a=b":           "",
		" //evil.example":                 "",
		"javascript:alert(1)":             "",
		"dashboard":                       "",
		"evil.example/":                   "",
		"@evil.example":                   "",
		"http:evil.example":               "",
		"/a\x00b":                         "",
		"/\xff":                           "",
		"/" + strings.Repeat("a", 1<<12):  "",
		"/%zz":                            "",
		"https://user@" + s.url[7:] + "/": "",
		s.url + "/dashboard":              "",
	}
	for returnTo, want := range tests {
		b := newBrowser(t)
		resp, _ := b.get(s.url + "/sign-in?return_to=" + url.QueryEscape(returnTo))
		if want == "" {
			if resp.StatusCode != http.StatusBadRequest || portal.CodeOf(s.lastError()) != portal.Invalid || len(b.visited) != 0 {
				t.Errorf("%q was accepted: the browser ended at %s", returnTo, resp.Request.URL)
			}
			continue
		}
		if got := resp.Request.URL.String(); got != s.url+want {
			t.Errorf("%q leads to %s", returnTo, got)
		}
	}
}
