package api_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// statuses has the expected response of every code.
var statuses = map[portal.Code]struct {
	status                   int
	retryAfter, authenticate string
}{
	portal.Invalid:         {status: http.StatusBadRequest},
	portal.Unauthorized:    {status: http.StatusUnauthorized, authenticate: "Bearer"},
	portal.Forbidden:       {status: http.StatusForbidden},
	portal.NotFound:        {status: http.StatusNotFound},
	portal.Conflict:        {status: http.StatusConflict},
	portal.NotRegistered:   {status: http.StatusConflict},
	portal.Suspended:       {status: http.StatusForbidden},
	portal.Deleting:        {status: http.StatusConflict},
	portal.Superseded:      {status: http.StatusConflict},
	portal.LimitReached:    {status: http.StatusConflict},
	portal.KeyReused:       {status: http.StatusUnprocessableEntity},
	portal.TooLarge:        {status: http.StatusRequestEntityTooLarge},
	portal.TooManyRequests: {status: http.StatusTooManyRequests, retryAfter: "60"},
	portal.Unavailable:     {status: http.StatusServiceUnavailable, retryAfter: "5"},
	portal.Internal:        {status: http.StatusInternalServerError},
}

const (
	forUsers     = "What a user may read."
	forOperators = "arn:aws:dynamodb:us-east-1:111122223333:table/secret"
)

// wrapped returns an error with that code, a cause, and context around it.
func wrapped(code portal.Code) error {
	return fmt.Errorf("reading the views: %w", &portal.Error{Code: code, Message: forUsers, Err: errors.New(forOperators)})
}

func TestTheTableOfStatusesHasEveryCode(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../portal/error.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`Code\s+= "(\w+)"|(?m)^\t\w+\s+= "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	for _, found := range codes {
		code := portal.Code(found[1] + found[2])
		if _, ok := statuses[code]; !ok {
			t.Errorf("the table lacks %s", code)
		}
	}
	for _, declared := range []portal.Code{portal.Invalid, portal.KeyReused, portal.Internal} {
		if !strings.Contains(fmt.Sprint(codes), string(declared)) {
			t.Errorf("the source lacks %s", declared)
		}
	}
}

func TestEveryErrorIsAProblemOnEveryRoute(t *testing.T) {
	t.Parallel()
	description := described(t)
	for code, c := range statuses {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			for _, e := range examples() {
				f := full()
				f.err = wrapped(code)
				s := siteOf(t, f, e.caller())
				a := e.ask(s).want(c.status)
				if p := a.problem(string(code)); p.Detail != forUsers {
					t.Errorf("%s says %q", e.route, p.Detail)
				}
				description.checks(t, e.route, a)
				for name, want := range map[string]string{"Retry-After": c.retryAfter, "WWW-Authenticate": c.authenticate, "Location": "", "ETag": ""} {
					if got := a.Header().Get(name); got != want {
						t.Errorf("%s: %s is %q, want %q", e.route, name, got, want)
					}
				}
				if strings.Contains(a.Body.String()+fmt.Sprint(a.Header()), "arn:aws") {
					t.Errorf("%s discloses the cause: %s", e.route, a.Body)
				}
				if logged := strings.Contains(s.log.String(), forOperators); logged != (c.status >= 500) {
					t.Errorf("%s: the cause is logged: %t", e.route, logged)
				}
			}
		})
	}
}

func TestAnErrorWithoutACodeDisclosesNothing(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		f := full()
		f.err = errors.New(forOperators)
		s := siteOf(t, f, e.caller())
		a := e.ask(s).want(http.StatusInternalServerError)
		if p := a.problem("internal"); p.Detail != "Something went wrong on our side." {
			t.Errorf("%s says %q", e.route, p.Detail)
		}
		line := s.log.line(t, "a request could not be answered")
		if line["error"] != forOperators || line["level"] != "error" || line["correlation_id"] != a.Header().Get(api.RequestIDHeader) {
			t.Errorf("%s logs %v", e.route, line)
		}
	}
}

func TestAPanicIsAProblemAndIsLogged(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		f := full()
		f.panics = forOperators
		s := siteOf(t, f, e.caller())
		a := e.ask(s).want(http.StatusInternalServerError)
		if p := a.problem("internal"); p.Detail != "Something went wrong on our side." {
			t.Errorf("%s says %q", e.route, p.Detail)
		}
		if got := a.Header().Get("Retry-After") + a.Header().Get("ETag"); got != "" {
			t.Errorf("%s: the response still has the handler's headers: %v", e.route, a.Header())
		}
		logged := s.log.line(t, "a request could not be answered")
		said, _ := logged["error"].(string)
		stack, _ := logged["stack"].(string)
		if !strings.Contains(said, forOperators) || !strings.Contains(stack, "fakes_test.go") {
			t.Errorf("%s logs no panic with its stack: %v", e.route, logged)
		}
		if line := s.log.line(t, "request"); line["status"] != 500.0 {
			t.Errorf("%s: the log line is %v", e.route, line)
		}
	}
}

func TestAHandlerCanAbortTheConnection(t *testing.T) {
	t.Parallel()
	f := full()
	f.panics = http.ErrAbortHandler
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("the panic is %v", err)
		}
	}()
	a := signedIn(t, f).get("/me")
	t.Errorf("answered %d", a.Code)
}

// unsized hides the length of a body.
type unsized struct{ io.Reader }

func TestABodyMayHave64KB(t *testing.T) {
	t.Parallel()
	const most = 64 << 10
	body := func(size int) io.Reader { return strings.NewReader("{" + strings.Repeat(" ", size-2) + "}") }
	for _, e := range examples() {
		method, _, _ := strings.Cut(e.route, " ")
		if method == http.MethodGet || e.send != "" {
			continue
		}
		t.Run(e.route, func(t *testing.T) {
			t.Parallel()
			s := siteOf(t, full(), e.caller())
			s.do(method, e.path, body(most)).want(e.status)
			s.do(method, e.path, unsized{body(most)}).want(e.status)
			before := len(s.asked)
			large := s.do(method, e.path, body(most+1)).want(http.StatusRequestEntityTooLarge)
			large.problem("too_large")
			if got := large.Header().Get("Connection"); got != "close" {
				t.Errorf("the connection is kept open: %q", got)
			}
			if p := s.do(method, e.path, unsized{body(most + 1)}).want(http.StatusRequestEntityTooLarge).problem("too_large"); p.Detail != large.problem("too_large").Detail {
				t.Errorf("a body of unknown length gets %q", p.Detail)
			}
			if len(s.asked) != before {
				t.Errorf("a body that is too large caused %v", s.asked[before:])
			}
		})
	}
}

func TestATruncatedBodyIsTheClientsFault(t *testing.T) {
	t.Parallel()
	f := full()
	s := signedIn(t, f)
	broken := io.MultiReader(strings.NewReader("{"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if p := s.do(http.MethodPost, "/register", broken).want(http.StatusBadRequest).problem("invalid"); p.Detail != "The body could not be read." {
		t.Errorf("the detail is %q", p.Detail)
	}
	if len(f.asked) != 0 || strings.Contains(s.log.String(), `"level":"error"`) {
		t.Errorf("the handler asked for %v and logged %s", f.asked, s.log)
	}
	slow := s.do(http.MethodPost, "/register", iotest.ErrReader(os.ErrDeadlineExceeded)).want(http.StatusRequestTimeout)
	slow.problem("timeout")
}

func TestABodyWithoutContentIsNothingOrAnEmptyObject(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		method, _, _ := strings.Cut(e.route, " ")
		if method == http.MethodGet || e.send != "" {
			continue
		}
		t.Run(e.route, func(t *testing.T) {
			t.Parallel()
			s := siteOf(t, full(), e.caller())
			for _, body := range []string{"", "{}", " {} \n"} {
				s.do(method, e.path, strings.NewReader(body)).want(e.status)
			}
			before := len(s.asked)
			a := s.do(method, e.path, strings.NewReader(`{"account":"value-1","plan":"value-2"}`)).want(http.StatusUnprocessableEntity)
			want := []api.Flaw{{Location: "body.account", Message: "unexpected property"}, {Location: "body.plan", Message: "unexpected property"}}
			if diff := cmp.Diff(want, a.problem("invalid").Errors, sortedFlaws); diff != "" {
				t.Errorf("the flaws (-want +got):\n%s", diff)
			}
			if strings.Contains(a.Body.String(), "value-") {
				t.Errorf("the response repeats the sent value: %s", a.Body)
			}
			for _, broken := range []string{`{"`, `{}{}`, `nul`} {
				s.do(method, e.path, strings.NewReader(broken)).want(http.StatusBadRequest).problem("invalid")
			}
			if len(s.asked) != before {
				t.Errorf("the refused request caused %v", s.asked[before:])
			}
		})
	}
}

func TestInputThatIsNotInTheDocumentIsRefusedByName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("v4lue-", 60)
	for name, c := range map[string]struct {
		path    string
		headers []string
		flaw    api.Flaw
	}{
		"an unknown parameter":     {"/subscriptions/plan-max?account=v4lue-", nil, api.Flaw{Location: "query.account", Message: "unknown query parameter"}},
		"a plan that is too long":  {"/subscriptions/" + long, nil, api.Flaw{Location: "path.plan", Message: "expected length <= 128"}},
		"a key that is too long":   {"/subscriptions/plan-max", []string{"Idempotency-Key", long}, api.Flaw{Location: "header.Idempotency-Key", Message: "expected length <= 255"}},
		"an encoded parameter":     {"/subscriptions/plan-max?a%20b=v4lue-", nil, api.Flaw{Location: "query.a b", Message: "unknown query parameter"}},
		"a parameter without name": {"/subscriptions/plan-max?=v4lue-", nil, api.Flaw{Location: "query.", Message: "unknown query parameter"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			a := signedIn(t, f).do(http.MethodPut, c.path, nil, c.headers...).want(http.StatusUnprocessableEntity)
			if diff := cmp.Diff([]api.Flaw{c.flaw}, a.problem("invalid").Errors); diff != "" {
				t.Errorf("the flaws (-want +got):\n%s", diff)
			}
			if strings.Contains(a.Body.String(), "v4lue-") {
				t.Errorf("the response repeats the sent value: %s", a.Body)
			}
			if len(f.asked) != 0 {
				t.Errorf("the handler asked for %v", f.asked)
			}
		})
	}
}

func TestAnUnknownPathIsAProblem(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/", "/nothing", "/me/", "/docs", "/schemas/Me.json", "/openapi-3.0.json", "/catalog/a/b"} {
		visit(t, full()).get(path).want(http.StatusNotFound).problem("not_found")
	}
}
