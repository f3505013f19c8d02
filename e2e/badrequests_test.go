// This file tests that bad requests are refused with the right error, and change nothing.

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// canary is sent in bad requests. No answer or log line may repeat it.
const canary = "c4nary-7d1f"

type badRequest struct {
	name, method, path string
	// token is sent as a bearer token unless it is empty. headers come in pairs.
	token   string
	headers []string
	body    io.Reader
	status  int
	problem string
}

// suspicious matches text of AWS's and details of what is behind the portal.
var suspicious = regexp.MustCompile(`operation error|https response error|RequestID:|Exception|amazonaws|arn:aws|DynamoDB|127\.0\.0\.1|goroutine|\.go:\d`)

func (n badRequest) checkRefused(t *testing.T, s *site) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), n.method, s.PortalURL+n.path, n.body)
	if err != nil {
		t.Fatal(err)
	}
	if n.token != "" {
		req.Header.Set("Authorization", "Bearer "+n.token)
	}
	for i := 0; i < len(n.headers); i += 2 {
		req.Header.Add(n.headers[i], n.headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != n.status {
		t.Fatalf("answered %d, want %d: %s", resp.StatusCode, n.status, body)
	}
	checkProblem(t, resp.Header, body, n.status, n.problem)
	checkNothingLeaks(t, resp.Header, body, n.token)
}

func checkProblem(t *testing.T, header http.Header, body []byte, status int, code string) {
	t.Helper()
	var got struct {
		Type, Title, Detail string
		Status              int
		RequestID           string `json:"request_id"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if got.Type != "/problems/"+code || got.Status != status || got.Title != http.StatusText(status) || got.Detail == "" {
		t.Errorf("the problem is %s, want /problems/%s with title, status and detail", body, code)
	}
	if got.RequestID == "" || got.RequestID != header.Get("X-Request-Id") {
		t.Errorf("the request id is %q in the body and %q in the header", got.RequestID, header.Get("X-Request-Id"))
	}
	if got := header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the content type is %q", got)
	}
	if got := header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	if challenged := strings.HasPrefix(header.Get("WWW-Authenticate"), "Bearer"); challenged != (status == http.StatusUnauthorized) {
		t.Errorf("%d comes with WWW-Authenticate %q", status, header.Get("WWW-Authenticate"))
	}
	if allow := header.Get("Allow"); (allow != "") != (status == http.StatusMethodNotAllowed) {
		t.Errorf("%d comes with Allow %q", status, allow)
	}
}

func checkNothingLeaks(t *testing.T, header http.Header, body []byte, token string) {
	t.Helper()
	var all bytes.Buffer
	_ = header.Write(&all)
	all.Write(body)
	if found := suspicious.Find(all.Bytes()); found != nil {
		t.Errorf("the answer says %q: %s", found, all.Bytes())
	}
	parts := strings.FieldsFunc(token, func(r rune) bool { return r == '.' || r == ' ' })
	secrets := append([]string{canary, token}, parts...)
	for _, secret := range secrets {
		if len(secret) > 3 && bytes.Contains(all.Bytes(), []byte(secret)) {
			t.Errorf("the answer repeats what was sent: %s", all.Bytes())
		}
	}
}

// zeros returns n bytes of unknown length, so they are sent in chunks.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// protectedRoutes returns the operations that the OpenAPI description requires a token for, as
// "GET /api/v1/me", with the canary as every parameter.
func (s *site) protectedRoutes(t *testing.T) []string {
	t.Helper()
	description := decode[struct {
		Paths map[string]map[string]struct{ Security []any }
	}](person{t: t, base: s.PortalURL}.do(http.MethodGet, "/api/v1/openapi.json", "").want(http.StatusOK))
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	var all []string
	for path, methods := range description.Paths {
		for method, operation := range methods {
			optional := slices.ContainsFunc(operation.Security, func(way any) bool { return len(way.(map[string]any)) == 0 })
			if len(operation.Security) > 0 && !optional {
				all = append(all, strings.ToUpper(method)+" /api/v1"+parameter.ReplaceAllString(path, canary))
			}
		}
	}
	slices.Sort(all)
	if len(all) < 8 {
		t.Fatalf("only %v require a token", all)
	}
	return all
}

type past struct{ by atomic.Int64 }

func (p *past) now() time.Time          { return time.Now().Add(-time.Duration(p.by.Load())) }
func (p *past) setBack(d time.Duration) { p.by.Store(int64(d)) }

func TestBadRequestsAreRefusedAndChangeNothing(t *testing.T) {
	t.Parallel()
	var clock past
	clock.setBack(25 * time.Hour)
	s := startWith(t, settings{dir: t.TempDir(), now: clock.now})
	expired := s.signUp(t, "owner@example.com").token
	clock.setBack(0)

	s.waitForCatalog(t)
	free := "/api/v1/subscriptions/" + s.Demo.API.FreePlanID
	owner, other := s.signIn(t, "owner@example.com"), s.signUp(t, "other@example.com")
	owner.succeed(owner.do(http.MethodPost, "/api/v1/register", ""))
	other.succeed(other.do(http.MethodPost, "/api/v1/register", "", "Idempotency-Key", "used"))
	operation := owner.succeed(owner.do(http.MethodPut, free, "")).ID
	key := decode[items[key]](owner.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
	browser := s.visitor(t)
	browser.open("/apis").signIn("owner@example.com", password)
	s.waitForEmptyQueues(t)
	// Two people have registered and one has subscribed. A worker logs a message after it has
	// deleted it.
	eventually(t, "the log shows three handled requests", func() bool { return s.handled() >= 3 })
	before, handled := s.allRows(t), s.handled()

	var cases []badRequest
	for _, route := range s.protectedRoutes(t) {
		method, path, _ := strings.Cut(route, " ")
		cases = append(cases,
			badRequest{name: "no token: " + route, method: method, path: path, status: http.StatusUnauthorized, problem: "unauthorized"},
			badRequest{name: "an expired token: " + route, method: method, path: path, token: expired, status: http.StatusUnauthorized, problem: "unauthorized"})
	}
	cases = append(cases, s.badTokens(t, owner.token)...)
	cases = append(cases, foreign(other.token, key, operation)...)
	cases = append(cases, malformed(owner.token, free)...)
	cases = append(cases, crossOrigin(browser, free)...)
	for _, n := range cases {
		t.Run(n.name, func(t *testing.T) { n.checkRefused(t, s) })
	}
	t.Run("on the pages", func(t *testing.T) { checkBadRequestsOnPages(t, s, browser, s.Demo.API.FreePlanID) })
	t.Run("a header larger than the server takes", func(t *testing.T) {
		resp := person{t: t, base: s.PortalURL, token: strings.Repeat("A", 100<<10)}.do(http.MethodPost, "/api/v1/register", "")
		resp.want(http.StatusRequestHeaderFieldsTooLarge)
	})

	s.waitForEmptyQueues(t)
	if diff := cmp.Diff(before, s.allRows(t)); diff != "" {
		t.Errorf("the tables have changed (-before +after):\n%s", diff)
	}
	t.Run("an Idempotency-Key with another request", func(t *testing.T) { checkReusedKey(t, s, before, other.token, free) })
	if got := s.handled(); got != handled {
		t.Errorf("the workers have handled %d requests, want %d", got, handled)
	}
	if got := decode[items[subscription]](owner.do(http.MethodGet, "/api/v1/subscriptions", "").want(http.StatusOK)).Items; len(got) != 1 || got[0].State != "active" {
		t.Errorf("the owner's subscriptions are %+v", got)
	}
	for _, secret := range append([]string{expired, owner.token, other.token}, canary) {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the log repeats %.12s…", secret)
		}
	}
	// The same session can write from a page of the portal, so the checks above could fail.
	at, err := url.Parse(s.PortalURL + free)
	if err != nil {
		t.Fatal(err)
	}
	if got := browser.visit(http.MethodPut, at, nil, "Sec-Fetch-Site", "same-origin"); got.status != http.StatusAccepted {
		t.Errorf("the same-origin write answers %d", got.status)
	}
	eventually(t, "the log shows the accepted request", func() bool { return s.handled() == handled+1 })
	s.waitForEmptyQueues(t)
	if cmp.Equal(before, s.allRows(t)) {
		t.Error("an accepted request left no trace")
	}
}

// checkReusedKey reuses an Idempotency-Key for another request. That only counts up the
// account's intent.
func checkReusedKey(t *testing.T, s *site, before map[string]string, token, path string) {
	badRequest{
		method: http.MethodPut, path: path, token: token, headers: []string{"Idempotency-Key", "used"},
		status: http.StatusUnprocessableEntity, problem: "idempotency_key_reused",
	}.checkRefused(t, s)
	s.waitForEmptyQueues(t)
	counter := func(row, _ string) bool { return strings.HasSuffix(row, " intent") }
	before, after := maps.Clone(before), s.allRows(t)
	maps.DeleteFunc(before, counter)
	maps.DeleteFunc(after, counter)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the tables have changed (-before +after):\n%s", diff)
	}
}

func checkBadRequestsOnPages(t *testing.T, s *site, browser *visitor, plan string) {
	t.Helper()
	stranger := s.visitor(t)
	leave, err := url.Parse(browser.base + "/subscriptions/" + plan + "/leave")
	if err != nil {
		t.Fatal(err)
	}
	empty, large := url.Values{}, url.Values{"idempotency_key": {strings.Repeat(canary, 1<<20)}}
	for name, c := range map[string]struct {
		got    *page
		status int
	}{
		"a cross-site form":                      {browser.visit(http.MethodPost, leave, empty, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		"a form from another origin":             {browser.visit(http.MethodPost, leave, empty, "Sec-Fetch-Site", "", "Origin", "http://evil.example"), http.StatusForbidden},
		"a cross-site sign-out":                  {browser.visit(http.MethodPost, leave.JoinPath("../../../sign-out"), empty, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		"a form of 10 MB":                        {browser.visit(http.MethodPost, leave, large), http.StatusRequestEntityTooLarge},
		"a long idempotency key":                 {browser.visit(http.MethodPost, leave, url.Values{"idempotency_key": {strings.Repeat(canary, 30)}}), http.StatusBadRequest},
		"a malformed form":                       {browser.visit(http.MethodPost, leave, empty, "Content-Type", "multipart/form-data; boundary="), http.StatusBadRequest},
		"an unexpected callback":                 {stranger.open("/sign-in/callback?code=" + canary + "&state=" + canary), http.StatusBadRequest},
		"an unexpected refusal":                  {stranger.open("/sign-in/callback?error=" + canary + "&error_description=" + canary), http.StatusBadRequest},
		"a sign-in that returns to another site": {browser.open("/sign-in?return_to=https://evil.example/" + canary), http.StatusBadRequest},
		"a sign-in that returns to another host": {browser.open("/sign-in?return_to=//evil.example/" + canary), http.StatusBadRequest},
		"an unknown method":                      {browser.visit("BREW", leave, nil), http.StatusMethodNotAllowed},
	} {
		if c.got.status != c.status || c.got.heading() == "" || !strings.HasPrefix(c.got.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s answers %d %q, want a page with %d", name, c.got.status, c.got.heading(), c.status)
		}
		if strings.Contains(c.got.body, canary) || suspicious.MatchString(c.got.body) {
			t.Errorf("the answer to %s says too much: %s", name, c.got.body)
		}
	}
}

func (s *site) handled() int {
	count := 0
	for line := range strings.SplitSeq(s.logs.String(), "\n") {
		if strings.Contains(line, `"consumer":"commands"`) && strings.Contains(line, `"subject":"account/`) && strings.Contains(line, `"message":"message handled"`) {
			count++
		}
	}
	return count
}
