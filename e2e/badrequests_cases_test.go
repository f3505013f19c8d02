// The bad requests that badrequests_test.go sends.

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func (s *site) badTokens(t *testing.T, good string) []badRequest {
	t.Helper()
	bad := s.forgeries(t, good)
	bad["a token of another issuer"] = s.foreignPool(t)
	idp := s.cognito()
	foreign := authenticate(t, idp, s.anotherClient(t, s.Demo.PoolID), "owner@example.com")
	bad["a token for another audience"], bad["an access token of another client"] = foreign.id, foreign.access
	bad["a refresh token"] = foreign.refresh
	var cases []badRequest
	for name, token := range bad {
		cases = append(cases, badRequest{
			name: name, method: http.MethodGet, path: "/api/v1/me", token: token, status: http.StatusUnauthorized, problem: "unauthorized",
		}, badRequest{
			name: name + ", on the public catalog", method: http.MethodGet, path: "/api/v1/catalog", token: token,
			status: http.StatusUnauthorized, problem: "unauthorized",
		})
	}
	unauthorized := func(name string, headers ...string) badRequest {
		return badRequest{
			name: name, method: http.MethodPost, path: "/api/v1/register", headers: headers,
			status: http.StatusUnauthorized, problem: "unauthorized",
		}
	}
	return append(cases,
		unauthorized("another scheme", "Authorization", "Basic "+canary),
		unauthorized("a scheme without a token", "Authorization", "Bearer"),
		unauthorized("a scheme and a space", "Authorization", "Bearer "),
		unauthorized("two tokens", "Authorization", "Bearer "+good, "Authorization", "Bearer "+good),
		unauthorized("an unknown session cookie", "Cookie", s.sessionCookie()+"="+strings.Repeat("A", 43)),
		unauthorized("an unknown session cookie and a bad token", "Cookie", s.sessionCookie()+"="+strings.Repeat("A", 43), "Authorization", "Bearer "+canary),
		unauthorized("a good token in a cookie", "Cookie", "access_token="+good),
	)
}

// sessionCookie returns the name of the session cookie. It ends with the start of the SHA-256
// of the portal's address.
func (s *site) sessionCookie() string {
	sum := sha256.Sum256([]byte(s.PortalURL))
	return "gatehouse_session_" + hex.EncodeToString(sum[:4])
}

// foreign returns requests for what belongs to others or does not exist.
func foreign(token, key, operation string) []badRequest {
	var cases []badRequest
	for name, at := range map[string]string{
		"somebody else's operation":            "GET /api/v1/operations/" + operation,
		"an unknown operation":                 "GET /api/v1/operations/" + canary,
		"somebody else's key":                  "POST /api/v1/keys/" + key + "/reveal",
		"an unknown key":                       "POST /api/v1/keys/" + canary + "/reveal",
		"an unknown plan":                      "PUT /api/v1/subscriptions/" + canary,
		"an unknown plan to leave":             "DELETE /api/v1/subscriptions/" + canary,
		"an unknown product":                   "GET /api/v1/catalog/" + canary,
		"a plan id that is a path":             "PUT /api/v1/subscriptions/..%2f..%2f" + canary,
		"a plan id with a row key's separator": "PUT /api/v1/subscriptions/a%23b%20" + canary,
		"a plan id that is not UTF-8":          "PUT /api/v1/subscriptions/%ff%fe" + canary,
		"a plan id that is a zero byte":        "PUT /api/v1/subscriptions/%00" + canary,
		"an operation id that is a row's key":  "GET /api/v1/operations/" + operation + "%23operation",
		"an unknown route":                     "GET /api/v1/" + canary,
		"an unknown version":                   "GET /api/v1/../v1/" + canary,
		"a route with a trailing slash":        "GET /api/v1/me/",
		"the prefix alone":                     "GET /api/v1/",
	} {
		method, path, _ := strings.Cut(at, " ")
		cases = append(cases, badRequest{name: name, method: method, path: path, token: token, status: http.StatusNotFound, problem: "not_found"})
	}
	return cases
}

func malformed(token, plan string) []badRequest {
	const large = 10 << 20
	asks := func(name string, status int, problem string, body io.Reader, headers ...string) badRequest {
		if body != nil && len(headers) == 0 {
			headers = []string{"Content-Type", "application/json"}
		}
		return badRequest{
			name: name, method: http.MethodPut, path: plan, token: token, body: body, headers: headers, status: status, problem: problem,
		}
	}
	// The length of a bytes.Reader is sent in advance.
	cases := []badRequest{
		asks("a body of 10 MB", http.StatusRequestEntityTooLarge, "too_large", bytes.NewReader(make([]byte, large))),
		asks("a body of 10 MB in chunks", http.StatusRequestEntityTooLarge, "too_large", zeros(large)),
		asks("broken JSON", http.StatusBadRequest, "invalid", strings.NewReader(`{"`+canary)),
		asks("JSON with something after it", http.StatusBadRequest, "invalid", strings.NewReader(`{}{"a":"`+canary+`"}`)),
		asks("JSON that is not an object", http.StatusUnprocessableEntity, "invalid", strings.NewReader(`["`+canary+`"]`)),
		asks("JSON that is a string", http.StatusUnprocessableEntity, "invalid", strings.NewReader(`"`+canary+`"`)),
		asks("an unknown member", http.StatusUnprocessableEntity, "invalid", strings.NewReader(`{"account":"`+canary+`"}`)),
		asks("deeply nested JSON", http.StatusUnprocessableEntity, "invalid", strings.NewReader(strings.Repeat("[", 9000)+strings.Repeat("]", 9000))),
		{
			name: "a malformed query", method: http.MethodGet, path: "/api/v1/subscriptions?%zz=" + canary, token: token,
			status: http.StatusBadRequest, problem: "invalid",
		},
		asks("another content type", http.StatusUnsupportedMediaType, "unsupported_media_type",
			strings.NewReader("<plan>"+canary+"</plan>"), "Content-Type", "application/xml"),
		asks("a form", http.StatusUnsupportedMediaType, "unsupported_media_type",
			strings.NewReader("plan="+canary), "Content-Type", "application/x-www-form-urlencoded"),
		asks("a long Idempotency-Key", http.StatusUnprocessableEntity, "invalid", nil, "Idempotency-Key", strings.Repeat(canary, 30)),
	}
	for name, at := range map[string]string{
		"an unknown query parameter":          "GET /api/v1/me?admin=" + canary,
		"an unknown parameter of a write":     "PUT " + plan + "?account=" + canary,
		"a plan id that is too long":          "PUT /api/v1/subscriptions/" + strings.Repeat(canary, 20),
		"an operation id that is too long":    "GET /api/v1/operations/" + strings.Repeat(canary, 20),
		"an unknown parameter of the catalog": "GET /api/v1/catalog?q=" + canary,
	} {
		method, path, _ := strings.Cut(at, " ")
		cases = append(cases, badRequest{name: name, method: method, path: path, token: token, status: http.StatusUnprocessableEntity, problem: "invalid"})
	}
	for _, at := range []string{"GET " + plan, "POST " + plan, "PATCH /api/v1/me", "DELETE /api/v1/catalog", "GET /api/v1/register", "OPTIONS /api/v1/keys", "BREW /api/v1/me"} {
		method, path, _ := strings.Cut(at, " ")
		cases = append(cases, badRequest{
			name: fmt.Sprintf("the method of %s %s", method, path), method: method, path: path, token: token,
			status: http.StatusMethodNotAllowed, problem: "method_not_allowed",
		})
	}
	return cases
}

// crossOrigin returns writes that another site makes the browser of a signed-in person send.
func crossOrigin(browser *visitor, plan string) []badRequest {
	at, err := url.Parse(browser.base)
	if err != nil {
		browser.t.Fatal(err)
	}
	var cookies []string
	for _, c := range browser.client.Jar.Cookies(at) {
		cookies = append(cookies, c.String())
	}
	cookie := []string{"Cookie", strings.Join(cookies, "; ")}
	var cases []badRequest
	for name, headers := range map[string][]string{
		"a cross-site write":                              {"Sec-Fetch-Site", "cross-site"},
		"a write from a neighbouring host":                {"Sec-Fetch-Site", "same-site"},
		"a write from another origin by an old browser":   {"Origin", "http://evil.example"},
		"a write from another port by an old browser":     {"Origin", "http://localhost:1"},
		"a write with the origin null":                    {"Origin", "null"},
		"a cross-site write through a proxy with a login": {"Sec-Fetch-Site", "cross-site", "Authorization", "Basic " + canary},
	} {
		cases = append(cases,
			badRequest{name: name, method: http.MethodDelete, path: plan, headers: append(headers, cookie...), status: http.StatusForbidden, problem: "forbidden"},
			badRequest{name: name + " as a form", method: http.MethodPost, path: "/api/v1/register", headers: append(headers, cookie...), status: http.StatusForbidden, problem: "forbidden"})
	}
	return cases
}
