package api_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/api"
)

func TestOnlyResponsesToReadsAreCompressed(t *testing.T) {
	t.Parallel()
	const secret = "a key's value, which the length of an answer must not give away"
	text := strings.Repeat(secret, 100)
	handler := api.Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		_, _ = io.WriteString(w, text)
	}))
	for name, c := range map[string]struct {
		method, contentType, accepts string
		compressed                   bool
	}{
		"a page":                       {http.MethodGet, "text/html; charset=utf-8", "gzip, deflate, br", true},
		"JSON":                         {http.MethodGet, "application/json", "gzip", true},
		"a problem":                    {http.MethodGet, "application/problem+json", "gzip", true},
		"the OpenAPI document":         {http.MethodGet, "application/openapi+json", "gzip", true},
		"a style sheet":                {http.MethodGet, "text/css", "gzip", true},
		"an icon":                      {http.MethodGet, "image/svg+xml", "gzip", true},
		"a client that cannot read it": {http.MethodGet, "text/html", "", false},
		"a client that refuses it":     {http.MethodGet, "text/html", "gzip;q=0", false},
		"an image":                     {http.MethodGet, "image/png", "gzip", false},
		"a revealed key on a page":     {http.MethodPost, "text/html", "gzip", false},
		"a revealed key as JSON":       {http.MethodPost, "application/json", "gzip", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(c.method, "/?type="+url.QueryEscape(c.contentType), nil)
			r.Header.Set("Accept-Encoding", c.accepts)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if got := w.Header().Get("Content-Encoding") == "gzip"; got != c.compressed {
				t.Fatalf("compressed: %t, want %t", got, c.compressed)
			}
			if varies := w.Header().Get("Vary") == "Accept-Encoding"; varies != (c.method == http.MethodGet) {
				t.Errorf("Vary is %q", w.Header().Get("Vary"))
			}
			body := io.Reader(w.Body)
			if c.compressed {
				unzipped, err := gzip.NewReader(body)
				if err != nil {
					t.Fatal(err)
				}
				body = unzipped
			}
			if got, err := io.ReadAll(body); string(got) != text || err != nil {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
		})
	}
}

func TestOnlyPagesOnListedOriginsMayCallTheAPI(t *testing.T) {
	t.Parallel()
	const app = "https://app.example.com"
	f := full()
	s := signedIn(t, f)
	inner := s.handler
	for name, c := range map[string]struct {
		origins      []string
		method, path string
		headers      []string
		status       int
		allowed      string
		varies       bool
	}{
		"a read":                                {[]string{app}, http.MethodGet, "/catalog", []string{"Origin", app}, http.StatusOK, app, true},
		"a write":                               {[]string{app}, http.MethodPost, "/register", []string{"Origin", app, "Authorization", "Bearer x"}, http.StatusAccepted, app, true},
		"a preflight":                           {[]string{app}, http.MethodOptions, "/subscriptions/p", []string{"Origin", app, "Access-Control-Request-Method", "PUT"}, http.StatusNoContent, app, true},
		"an error":                              {[]string{app}, http.MethodGet, "/nothing", []string{"Origin", app}, http.StatusNotFound, app, true},
		"another origin":                        {[]string{app}, http.MethodGet, "/catalog", []string{"Origin", "https://evil.example"}, http.StatusOK, "", true},
		"an origin with a listed one as prefix": {[]string{app}, http.MethodGet, "/catalog", []string{"Origin", app + ".evil.example"}, http.StatusOK, "", true},
		"no origin, with a response that a cache may store": {[]string{app}, http.MethodGet, "/catalog", nil, http.StatusOK, "", true},
		"a preflight from another origin":                   {[]string{app}, http.MethodOptions, "/subscriptions/p", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "PUT"}, http.StatusMethodNotAllowed, "", true},
		"OPTIONS that is not a preflight":                   {[]string{app}, http.MethodOptions, "/subscriptions/p", []string{"Origin", app}, http.StatusMethodNotAllowed, app, true},
		"without listed origins":                            {nil, http.MethodGet, "/catalog", []string{"Origin", app}, http.StatusOK, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s.handler = api.CORS(c.origins)(inner)
			a := s.do(c.method, c.path, nil, c.headers...).want(c.status)
			if got := a.Header().Get("Access-Control-Allow-Origin"); got != c.allowed {
				t.Errorf("Access-Control-Allow-Origin is %q, want %q", got, c.allowed)
			}
			if varies := strings.Contains(strings.Join(a.Header().Values("Vary"), ","), "Origin"); varies != c.varies {
				t.Errorf("Vary is %q", a.Header().Values("Vary"))
			}
			if got, ok := a.Header()["Access-Control-Allow-Credentials"]; ok {
				t.Errorf("credentials are allowed: %v", got)
			}
		})
	}
	w := httptest.NewRecorder()
	page := httptest.NewRequest(http.MethodGet, "/dashboard", nil)
	page.Header.Set("Origin", app)
	api.CORS([]string{app})(http.NotFoundHandler()).ServeHTTP(w, page)
	if got := w.Header().Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("pages on %s may read this page", got)
	}
}

func TestOriginsAreWrittenAsBrowsersWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"https://app.example.com": true, "https://app.example.com:8443": true, "http://localhost:3000": true, "http://[::1]:3000": true,
		"": false, "*": false, "null": false, "app.example.com": false, "https://": false, "https://app.example.com/": false,
		"https://App.example.com": false, "https://app.example.com:443": false, "http://localhost:80": false,
		"https://u@app.example.com": false, "https://app.example.com?q": false, "ftp://app.example.com": false,
	} {
		if got := api.IsOrigin(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

func TestMediaTypesIgnoreCase(t *testing.T) {
	t.Parallel()
	for contentType, status := range map[string]int{
		"application/json": http.StatusAccepted, "Application/JSON": http.StatusAccepted, "APPLICATION/JSON; charset=UTF-8": http.StatusAccepted,
		"Application/JSON ;charset=utf-8": http.StatusAccepted, "Text/Plain": http.StatusUnsupportedMediaType,
	} {
		if a := signedIn(t, full()).do(http.MethodPost, "/register", strings.NewReader("{}"), "Content-Type", contentType); a.Code != status {
			t.Errorf("%s is answered %d, want %d: %s", contentType, a.Code, status, a.Body)
		}
	}
}

func TestTheDocumentIsServedWithoutTheGuard(t *testing.T) {
	t.Parallel()
	asked := 0
	guard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			next.ServeHTTP(w, r)
		})
	}
	s := visit(t, full()).guardedBy(guard)
	for path, want := range map[string]int{"/openapi.json": 0, "/nothing": 0, "/catalog": 1} {
		asked = 0
		if s.get(path); asked != want {
			t.Errorf("%s called the guard %d times, want %d", path, asked, want)
		}
	}
}

func TestAHandlerCanSetTheWriteDeadline(t *testing.T) {
	t.Parallel()
	result := make(chan error, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		control := http.NewResponseController(w)
		result <- errors.Join(control.SetWriteDeadline(time.Now().Add(time.Hour)), control.Flush())
	})
	server := httptest.NewServer(api.RequestIDs(zerolog.Nop(), nil)(api.SecureHeaders(true)(api.Compress(api.Recover(api.WriteProblem)(handler)))))
	t.Cleanup(server.Close)
	for _, encoding := range []string{"gzip", "identity"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", encoding)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if err := <-result; err != nil {
			t.Errorf("with %s: %v", encoding, err)
		}
	}
}
