package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

func TestAnAttemptReachesTheConsoleAsItWasSent(t *testing.T) {
	t.Parallel()
	const sent = `{"method":"POST","path":"/a%2Fb?x=1","headers":[{"name":"x-a","value":"1"},{"name":"x-a","value":"2"}],"body":"ü\n","key":"key-1",
		"operation":"op-1","parameters":[{"in":"path","name":"a.b","value":"1"},{"in":"query","name":"c","value":"2,3"}],"content_type":"text/plain"}`
	want := tryit.Attempt{
		Product: "a b", API: "c/d", Method: "POST", Path: "/a%2Fb?x=1", Header: http.Header{"x-a": {"1", "2"}}, Key: "key-1", Operation: "op-1",
		Values: openapi.Values{Parameters: map[string]string{"path.a.b": "1", "query.c": "2,3"}, Body: "ü\n", ContentType: "text/plain"},
	}
	for name, c := range map[string]struct {
		id     *identity.Identity
		caller tryit.Caller
	}{
		"signed out": {nil, tryit.Caller{}},
		"a person": {
			&identity.Identity{Account: "account-1", Groups: []string{"staff"}},
			tryit.Caller{Account: "account-1", Viewer: catalog.Viewer{SignedIn: true, Groups: []string{"staff"}}},
		},
		"an admin": {&identity.Identity{Account: "account-2", Admin: true}, tryit.Caller{Account: "account-2", Viewer: catalog.Viewer{SignedIn: true, Admin: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			siteOf(t, f, c.id).do(http.MethodPost, "/try/a%20b/c%2Fd", strings.NewReader(sent)).want(http.StatusOK)
			if diff := cmp.Diff([]tried{{c.caller, want}}, f.tried); diff != "" {
				t.Errorf("tried (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnAttemptMayHaveABodyOf1MB(t *testing.T) {
	t.Parallel()
	attempt := func(size int) *strings.Reader {
		body, err := json.Marshal(map[string]string{"method": "POST", "body": strings.Repeat(`"`, size)})
		if err != nil {
			t.Fatal(err)
		}
		return strings.NewReader(string(body))
	}
	f := full()
	s := signedIn(t, f)
	s.do(http.MethodPost, "/try/weather/forecast", attempt(tryit.MaxRequest)).want(http.StatusOK)
	if len(f.tried) != 1 || len(f.tried[0].Attempt.Values.Body) != tryit.MaxRequest {
		t.Errorf("%d attempts arrived", len(f.tried))
	}
	large := s.do(http.MethodPost, "/try/weather/forecast", unsized{attempt(2 * tryit.MaxRequest)}).want(http.StatusRequestEntityTooLarge)
	if p := large.problem("too_large"); p.Detail != "The body is larger than 2112 KB." {
		t.Errorf("the detail is %q", p.Detail)
	}
	if len(f.tried) != 1 {
		t.Error("a body that is too large arrived")
	}
}

func TestAnAttemptThatIsNotInTheDocumentIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sent string
		flaw string
	}{
		"a parameter nowhere": {`{"parameters":[{"in":"body","name":"a","value":"b"}]}`, "body.parameters[0].in"},
		"a parameter unnamed": {`{"parameters":[{"in":"path","value":"b"}]}`, "body.parameters[0]"},
		"an unknown method":   {`{"method":"TRACE"}`, "body.method"},
		"an unknown property": {`{"method":"GET","url":"https://evil.example/"}`, "body.url"},
		"an endpoint":         {`{"method":"GET","endpoint":"https://evil.example/"}`, "body.endpoint"},
		"a key's value":       {`{"method":"GET","key":"` + strings.Repeat("k", 129) + `"}`, "body.key"},
		"a path of megabytes": {`{"method":"GET","path":"/` + strings.Repeat("a", 9000) + `"}`, "body.path"},
	} {
		f := full()
		p := signedIn(t, f).do(http.MethodPost, "/try/weather/forecast", strings.NewReader(c.sent)).want(http.StatusUnprocessableEntity).problem("invalid")
		if len(p.Errors) != 1 || p.Errors[0].Location != c.flaw || len(f.tried) > 0 {
			t.Errorf("%s: %+v", name, p.Errors)
		}
	}
}

func TestTheDocumentsEnumsOfTryItMatchTheProgram(t *testing.T) {
	t.Parallel()
	schemas := described(t).Components.Schemas
	for at, want := range map[string][]any{
		"Body.kind": {string(tryit.KindNone), string(tryit.KindJSON), string(tryit.KindText), string(tryit.KindBinary)},
		"Exchange.failure": {
			string(tryit.FailurePrivate), string(tryit.FailureDNS), string(tryit.FailureRefused),
			string(tryit.FailureTLS), string(tryit.FailureTimeout), string(tryit.FailureNetwork),
		},
	} {
		name, member, _ := strings.Cut(at, ".")
		if diff := cmp.Diff(want, schemas[name].Properties[member].Enum); diff != "" {
			t.Errorf("%s (-program +document):\n%s", at, diff)
		}
	}
}

func TestAnAttemptIsLoggedByItsRouteOnly(t *testing.T) {
	t.Parallel()
	s := signedIn(t, full())
	s.do(http.MethodPost, "/try/secret-product/secret-api", strings.NewReader(`{"method":"POST","path":"/secret","body":"secret","headers":[{"name":"a","value":"secret"}],"key":"secret"}`),
		api.RequestIDHeader, "request-1234").want(http.StatusOK)
	if strings.Contains(s.log.String(), "secret") {
		t.Errorf("the log discloses: %s", s.log)
	}
}
