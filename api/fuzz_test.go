package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/api"
)

// answers sends a request, whose answer must be JSON and no failure of the portal.
func answers(t *testing.T, s site, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	switch {
	case w.Code == http.StatusNotModified:
	case w.Code >= http.StatusInternalServerError:
		t.Errorf("%s %q is answered %d: %s", r.Method, r.URL, w.Code, w.Body)
	case w.Code < http.StatusMultipleChoices || w.Code >= http.StatusBadRequest:
		if !json.Valid(w.Body.Bytes()) && !strings.Contains(r.URL.Path, "image") {
			t.Errorf("%s %q is answered %d with %q", r.Method, r.URL, w.Code, w.Body)
		}
	}
	return w
}

func FuzzSearchQuery(f *testing.F) {
	for _, seed := range []string{
		"q=forecast", "q=", "q=a&q=b", "limit=5", "q=a&limit=0", "q=a&limit=51", "q=a&limit=99999999999999999999", "q=a&limit=1e1", "q=%", "q=%zz", "q=%00",
		"q=%ff%fe", "q=a;b", "q=%2Fharbours%2F%7Bid%7D", "q=" + strings.Repeat("a+", 100), "q=" + strings.Repeat("%F0%9F%90%9F", 200), "q=\u202e", "&&&=", "q[]=a",
	} {
		f.Add(seed)
	}
	s := siteOf(f, full(), nil)
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, api.Prefix+"/search", nil)
		r.URL.RawQuery = query
		w := answers(t, s, r)
		if given, err := url.ParseQuery(query); err == nil && len(given.Get("q")) > 800 && w.Code == http.StatusOK {
			t.Errorf("a query of %d bytes is answered", len(given.Get("q")))
		}
	})
}

func FuzzCatalogAddress(f *testing.F) {
	for _, seed := range []struct{ path, tag string }{
		{"", ""}, {"/weather", `"hash"`}, {"/weather/apis/forecast/openapi.json", "*"}, {"/weather/apis/forecast/openapi.yaml", `W/"`}, {"/weather/image", ","},
		{"/..%2f", "\xff"}, {"/%00", `"a", "b"`}, {"/" + strings.Repeat("a", 300), ""}, {"/weather/apis/forecast/sdk/java", ""}, {"/weather/apis/%F0%9F%90%9F", ""},
	} {
		f.Add(seed.path, seed.tag)
	}
	s := siteOf(f, full(), nil)
	f.Fuzz(func(t *testing.T, path, tag string) {
		u, err := url.Parse(api.Prefix + "/catalog" + path)
		if err != nil || !strings.HasPrefix(u.Path, api.Prefix+"/catalog") || strings.Contains(path, "sdk") || strings.Contains(path, "yaml") {
			return // SDKs and YAML are no JSON
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL = u
		r.Header["If-None-Match"] = []string{tag}
		answers(t, s, r)
	})
}

func FuzzTryBody(f *testing.F) {
	for _, seed := range []string{
		`{"method":"GET","path":"/"}`, `{}`, `null`, `[]`, `"a"`, `1e999`, ``, `{"operation":"a","parameters":[{"in":"path","name":"a","value":"b"}]}`,
		`{"method":"GET","path":"/a\u0000\r\n","headers":[{"name":"a\r\nb","value":"\ud800"}]}`, `{"headers":null,"parameters":null,"body":null}`,
		`{"method":"GET","method":"POST"}`, `{"METHOD":"GET"}`, `{"method":"GET","body":"` + "\xff\xfe" + `"}`, strings.Repeat(`{"a":`, 2000), strings.Repeat("[", 10001),
		`{"headers":[{}]}`, `{"parameters":[{"in":"cookie"}]}`, `{"key":"` + strings.Repeat("k", 200) + `"}`, "\xef\xbb\xbf{}",
	} {
		f.Add([]byte(seed))
	}
	fake := full()
	s := signedIn(f, fake)
	f.Fuzz(func(t *testing.T, body []byte) {
		fake.tried = nil
		r := httptest.NewRequest(http.MethodPost, api.Prefix+"/try/weather/forecast", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := answers(t, s, r)
		if sent := len(fake.tried); sent > 1 || sent == 1 && w.Code != http.StatusOK {
			t.Errorf("%q is answered %d and sent %d times", body, w.Code, sent)
		}
	})
}
