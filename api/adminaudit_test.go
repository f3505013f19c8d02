package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestTheAuditIsFilteredAndItsNextPageKeepsTheFilters(t *testing.T) {
	t.Parallel()
	const filters = "account=account-grace&admin=olga%40host&from=2026-11-01T00%3A00%3A00Z&to=2026-12-01T00%3A00%3A00%2B01%3A00&what=A"
	a := siteOf(t, full(), &root).get("/admin/audit?" + filters).want(http.StatusOK)
	described(t).checks(t, "GET /admin/audit", a)
	want := "/api/v1/admin/audit?" + strings.Replace(filters, "&from", "&cursor=000000000000009%23op-1&from", 1)
	if next := a.json().(map[string]any)["next"]; next != want {
		t.Errorf("next is %v, want %s", next, want)
	}
	for _, query := range []string{"from=yesterday", "to=2026-13-40T00:00:00Z", "format=xml", "limit=101"} {
		siteOf(t, full(), &root).get("/admin/audit?" + query).want(http.StatusUnprocessableEntity)
	}
}

// A file that ends early must not look whole.
func TestAnAuditThatCannotBeReadOnBreaksTheConnectionOff(t *testing.T) {
	t.Parallel()
	f := full()
	f.laterErr = errors.New("the table does not answer")
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("the panic is %v", err)
		}
	}()
	siteOf(t, f, &root).get("/admin/audit?format=csv")
	t.Error("the file ends as if it were whole")
}

func TestOnlyAdminsReadTheAudit(t *testing.T) {
	t.Parallel()
	for status, s := range map[int]site{http.StatusUnauthorized: visit(t, full()), http.StatusForbidden: signedIn(t, full())} {
		for _, format := range []string{"json", "csv"} {
			s.get("/admin/audit?format=" + format).want(status)
		}
		if len(s.asked) > 0 {
			t.Errorf("%d: asked %v", status, s.asked)
		}
	}
}

func TestTheAuditAsCSVHasAllPagesAndNoFormula(t *testing.T) {
	t.Parallel()
	a := siteOf(t, full(), &root).get("/admin/audit?format=csv&admin=account-ada&from=2026-11-01T00:00:00Z").want(http.StatusOK)
	described(t).checks(t, "GET /admin/audit", a)
	want := "at,admin,operator,what,account,operation,plan,plan_name,answer,count,choice,reason\r\n" +
		"2026-11-22T09:00:00Z,account-ada,,AccountSuspensionRequested,account-grace,op-1,,,,,,\r\n" +
		"2026-11-22T09:00:00Z,account-ada,,SubscriptionReviewRequested,account-grace,op-2,plan-max,Unlimited,denied,,,\r\n" +
		`2026-11-22T09:00:00Z,,olga@host,DeadLettersDiscarded,,,,,,3,all,"'=HYPERLINK(""x""), ""so"""` + "\r\n"
	if got := a.Body.String(); got != want {
		t.Errorf("the file is\n%s", got)
	}
	for name, want := range map[string]string{"Content-Disposition": `attachment; filename="audit.csv"`, "Cache-Control": "no-store", "Content-Type": "text/csv; charset=utf-8"} {
		if got := a.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
