package tryit

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// A path that is accepted is one request to the endpoint's host, below the endpoint's path,
// however a server reads it.
func FuzzAPathStaysBelowItsEndpoint(f *testing.F) {
	for _, seed := range []string{
		"/a", "/a?b=c", "//evil", "/../x", "/%2e%2e/x", "/a\r\nHost: evil", "/a b", "@evil", ":80", "/..%2f", `/\evil`, "/%2f%2fevil", "/a%00", "?x#y", "/%", "/;/..;/a", "/.%252e/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, below string) {
		u, err := urlBelow("https://api.example/v1", below)
		if err != nil {
			return
		}
		if u.Host != "api.example" || u.Scheme != "https" || u.User != nil || !within("/v1", u.Path) {
			t.Fatalf("%q leads to %s", below, u)
		}
		var wire bytes.Buffer
		if err := (&http.Request{Method: "GET", URL: u, Host: u.Host}).Write(&wire); err != nil {
			t.Fatalf("%q cannot be sent: %v", below, err)
		}
		reader := bufio.NewReader(&wire)
		got, err := http.ReadRequest(reader)
		if err != nil || got.Host != "api.example" || !strings.HasPrefix(got.RequestURI, "/v1") || reader.Buffered() > 0 {
			t.Errorf("%q arrives as %+v, %v", below, got, err)
		}
	})
}

// Headers that are accepted arrive as they are, and no others.
func FuzzHeadersArriveAsTheyAre(f *testing.F) {
	for _, seed := range []struct{ name, value string }{
		{"X-A", "b"}, {"X-A", "b\r\nX-B: c"}, {"Host", "evil"}, {"Transfer-Encoding", "chunked"}, {"content_length", "5"}, {"X A", "b"}, {"", ""}, {"X-A\x00", "b"}, {"x-a", "\xff"},
		{"Connection", "X-A"}, {"X-A:", "b"}, {"trailer", "x"}, {"X-Forwarded_For", "1"},
	} {
		f.Add(seed.name, seed.value)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		header, _, err := sendable(http.Header{name: {value}})
		if err != nil {
			return
		}
		u, err := urlBelow("https://api.example/v1", "/")
		if err != nil {
			t.Fatal(err)
		}
		var wire bytes.Buffer
		if err := (&http.Request{Method: "GET", URL: u, Host: u.Host, Header: header}).Write(&wire); err != nil {
			t.Fatalf("%q: %q cannot be sent: %v", name, value, err)
		}
		reader := bufio.NewReader(&wire)
		got, err := http.ReadRequest(reader)
		if err != nil || reader.Buffered() > 0 || got.Host != "api.example" || got.ContentLength > 0 || len(got.TransferEncoding) > 0 {
			t.Fatalf("%q: %q arrives as %+v, %v", name, value, got, err)
		}
		got.Header.Del("User-Agent")
		if len(got.Header) > 1 {
			t.Errorf("%q: %q arrives as %v", name, value, got.Header)
		}
		for sent := range got.Header {
			if isDropped(sent) {
				t.Errorf("%q arrives as %q", name, sent)
			}
		}
	})
}
