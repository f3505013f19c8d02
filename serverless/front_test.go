package serverless

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"
)

// formPost is the shape in which an HTTP API passes on a form.
const formPost = `{
  "version": "2.0", "routeKey": "$default", "rawPath": "/subscriptions/p 1", "rawQueryString": "a=1&b=%2F&b=x+y",
  "cookies": ["session=abc", "theme=dark"],
  "headers": {
    "accept": "text/html", "content-type": "application/x-www-form-urlencoded", "content-length": "27",
    "host": "portal.example.com", "origin": "https://portal.example.com", "x-forwarded-for": "198.51.100.7, 203.0.113.9", "x-forwarded-proto": "https"
  },
  "queryStringParameters": {"a": "1", "b": "/,x y"},
  "requestContext": {
    "accountId": "111122223333", "apiId": "a1b2c3d4e5", "domainName": "portal.example.com", "domainPrefix": "portal",
    "http": {"method": "POST", "path": "/subscriptions/p 1", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "curl/8"},
    "requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default", "time": "27/Nov/2026:10:00:00 +0000", "timeEpoch": 1795773600000
  },
  "body": "bmFtZT1BZGErTG92ZWxhY2UmeD0lMkY=", "isBase64Encoded": true
}`

func request(t *testing.T, change func(*events.APIGatewayV2HTTPRequest)) events.APIGatewayV2HTTPRequest {
	t.Helper()
	var in events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal([]byte(formPost), &in); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&in)
	}
	return in
}

func invoke(t *testing.T, in events.APIGatewayV2HTTPRequest, handler http.HandlerFunc) events.APIGatewayV2HTTPResponse {
	t.Helper()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "8f5b0a4e-0000-4000-8000-000000000001"})
	out, err := NewAPI(func(context.Context) (http.Handler, error) { return handler, nil }).Invoke(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAFormArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	var got []string
	invoke(t, request(t, nil), func(_ http.ResponseWriter, r *http.Request) {
		query, _ := r.URL.Query()["b"]
		session, err := r.Cookie("session")
		if err != nil {
			t.Fatal(err)
		}
		theme, err := r.Cookie("theme")
		if err != nil {
			t.Fatal(err)
		}
		if r.ContentLength != 23 || r.Header.Get("Host") != "" {
			t.Errorf("the length is %d, the header Host %q", r.ContentLength, r.Header.Get("Host"))
		}
		got = []string{
			r.Method, r.Host, r.URL.Path, r.URL.RawQuery, strings.Join(query, "|"), r.FormValue("name"), r.FormValue("x"), session.Value, theme.Value,
			r.RemoteAddr, r.Header.Get("X-Forwarded-For"), r.Header.Get("Origin"), r.Header.Get("X-Request-Id"), r.RequestURI,
		}
	})
	want := []string{
		"POST", "portal.example.com", "/subscriptions/p 1", "a=1&b=%2F&b=x+y", "/|x y", "Ada Lovelace", "/", "abc", "dark",
		"203.0.113.9:0", "198.51.100.7, 203.0.113.9", "https://portal.example.com", "8f5b0a4e-0000-4000-8000-000000000001", "/subscriptions/p%201?a=1&b=%2F&b=x+y",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPathsOfRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, stage, path, escaped string }{
		{"decoded", "/a b/ü", "$default", "/a b/ü", "/a%20b/%C3%BC"},
		{"encoded", "/a%20b/c%2Fd", "$default", "/a b/c/d", "/a%20b/c%2Fd"},
		{"with a percent sign that encodes nothing", "/100%", "$default", "/100%", "/100%25"},
		{"of a stage with a name", "/live/products", "live", "/products", "/products"},
		{"of a stage alone", "/live", "live", "/", "/"},
		{"empty", "", "$default", "/", "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := request(t, func(in *events.APIGatewayV2HTTPRequest) { in.RawPath, in.RequestContext.Stage = c.raw, c.stage })
			invoke(t, in, func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path != c.path || r.URL.EscapedPath() != c.escaped {
					t.Errorf("the path is %q, escaped %q", r.URL.Path, r.URL.EscapedPath())
				}
			})
		})
	}
}

func TestARequestIDOfTheClientStays(t *testing.T) {
	t.Parallel()
	in := request(t, func(in *events.APIGatewayV2HTTPRequest) { in.Headers["x-request-id"] = "mine" })
	invoke(t, in, func(_ http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("X-Request-Id"); id != "mine" {
			t.Errorf("the id is %q", id)
		}
	})
}

func TestAnswersKeepCookiesAndTheirOrder(t *testing.T) {
	t.Parallel()
	out := invoke(t, request(t, nil), func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Add("Vary", "Accept")
		w.Header().Add("Vary", "Cookie")
		w.Header().Set("Location", "/dashboard")
		w.WriteHeader(http.StatusSeeOther)
		w.Header().Set("Late", "is not sent")
	})
	if diff := cmp.Diff(events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusSeeOther, Cookies: []string{"a=1", "b=2"}, Headers: map[string]string{"Vary": "Accept, Cookie", "Location": "/dashboard"},
		IsBase64Encoded: true,
	}, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBodiesOfAnswers(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, "<p>hello")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, kind, encoding string
		body                         []byte
		base64                       bool
		want                         []byte
		wantKind                     string
	}{
		{"text stays text", "GET", "text/html; charset=utf-8", "", []byte("<p>grüß"), false, []byte("<p>grüß"), "text/html; charset=utf-8"},
		{"a problem stays text", "GET", "application/problem+json", "", []byte(`{"code":"x"}`), false, []byte(`{"code":"x"}`), "application/problem+json"},
		{"an OpenAPI document stays text", "GET", "application/yaml", "", []byte("openapi: 3.1.0"), false, []byte("openapi: 3.1.0"), "application/yaml"},
		{"text that is no UTF-8 is binary", "GET", "text/plain", "", []byte{0xff, 0xfe}, true, []byte{0xff, 0xfe}, "text/plain"},
		{"an image is binary", "GET", "image/png", "", []byte{1, 2, 3}, true, []byte{1, 2, 3}, "image/png"},
		{"gzip is binary", "GET", "text/html", "gzip", zipped.Bytes(), true, zipped.Bytes(), "text/html"},
		{"a kind that is missing is found out", "GET", "", "", []byte("<!doctype html><p>x"), false, []byte("<!doctype html><p>x"), "text/html; charset=utf-8"},
		{"HEAD has no body", "HEAD", "text/plain", "", []byte("hello"), false, []byte{}, "text/plain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := invoke(t, request(t, func(in *events.APIGatewayV2HTTPRequest) { in.RequestContext.HTTP.Method = c.method }), func(w http.ResponseWriter, _ *http.Request) {
				if c.kind != "" {
					w.Header().Set("Content-Type", c.kind)
				}
				if c.encoding != "" {
					w.Header().Set("Content-Encoding", c.encoding)
				}
				if _, err := w.Write(c.body); err != nil {
					t.Error(err)
				}
			})
			body := []byte(out.Body)
			if out.IsBase64Encoded {
				var err error
				if body, err = base64.StdEncoding.DecodeString(out.Body); err != nil {
					t.Fatal(err)
				}
			}
			if out.IsBase64Encoded != c.base64 || !bytes.Equal(body, c.want) || out.StatusCode != http.StatusOK || out.Headers["Content-Type"] != c.wantKind {
				t.Errorf("the answer is %d %q, base64 %t: %q", out.StatusCode, out.Headers["Content-Type"], out.IsBase64Encoded, body)
			}
		})
	}
}

func TestAnAnswerThatAWSLambdaWouldRefuseIsAProblem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, accept string
		status       int
		says         string
	}{
		{"of a client without gzip", "", http.StatusNotAcceptable, "Accept-Encoding: gzip"},
		{"although compressed", "br, gzip", http.StatusInternalServerError, "in containers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := request(t, func(in *events.APIGatewayV2HTTPRequest) { in.Headers["accept-encoding"] = c.accept })
			out := invoke(t, in, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.Copy(w, strings.NewReader(strings.Repeat("\"", 3_200_000))) // each takes two bytes in JSON
			})
			var problem struct {
				Status int
				Code   string
				Detail string
			}
			if err := json.Unmarshal([]byte(out.Body), &problem); err != nil {
				t.Fatal(err)
			}
			if out.StatusCode != c.status || problem.Status != c.status || problem.Code != "answer_too_large" || !strings.Contains(problem.Detail, c.says) || !strings.Contains(problem.Detail, "3.2 MB") {
				t.Errorf("the answer is %d: %s", out.StatusCode, out.Body)
			}
			if out.Headers["Content-Type"] != "application/problem+json" {
				t.Errorf("it is %q", out.Headers["Content-Type"])
			}
		})
	}
	out := invoke(t, request(t, nil), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.Copy(w, strings.NewReader(strings.Repeat("x", 6_200_000)))
	})
	if out.StatusCode != http.StatusOK || len(out.Body) != 6_200_000 {
		t.Errorf("6.2 MB of text are answered with %d and %d bytes", out.StatusCode, len(out.Body))
	}
}

func TestHandlersCannotStream(t *testing.T) {
	t.Parallel()
	invoke(t, request(t, nil), func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("flushing says %v", err)
		}
	})
}

func TestThePortalIsWiredOnceAndAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	opened := 0
	api := NewAPI(func(context.Context) (http.Handler, error) {
		if opened++; opened == 1 {
			return nil, errors.New("the table is missing")
		}
		return http.NotFoundHandler(), nil
	})
	if opened > 0 {
		t.Error("the portal is wired before the first request")
	}
	if _, err := api.Invoke(t.Context(), request(t, nil)); err == nil || !strings.Contains(err.Error(), "the table is missing") {
		t.Errorf("the first answer is %v", err)
	}
	for range 2 {
		if out, err := api.Invoke(t.Context(), request(t, nil)); err != nil || out.StatusCode != http.StatusNotFound {
			t.Errorf("the answer is %+v, %v", out, err)
		}
	}
	if opened != 2 {
		t.Errorf("it was wired %d times", opened)
	}
}

func TestOtherEventsAndBrokenBodiesAreRefused(t *testing.T) {
	t.Parallel()
	api := NewAPI(func(context.Context) (http.Handler, error) { return http.NotFoundHandler(), nil })
	if _, err := api.Invoke(t.Context(), events.APIGatewayV2HTTPRequest{Version: "1.0"}); err == nil {
		t.Error("an event without a method is answered")
	}
	if _, err := api.Invoke(t.Context(), request(t, func(in *events.APIGatewayV2HTTPRequest) { in.Body = "%%%" })); err == nil {
		t.Error("a body that is not base64 is answered")
	}
}
