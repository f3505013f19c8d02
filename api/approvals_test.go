package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
)

var root = identity.Identity{Account: "account-root", Admin: true}

func TestAdminsListWhatWaitsForApproval(t *testing.T) {
	t.Parallel()
	f := full()
	f.approvals = approvals.Page{Next: "on", Rows: []approvals.Row{
		{Account: "account-ada", Plan: "plan-max", Name: "An old name", Replaces: "plan-free", ReplacesName: "Free", Wish: 7, Asked: now, Operation: "op-1"},
		{Account: "account-grace", Plan: "plan-free", Wish: 9, Asked: now, Operation: "op-2"},
	}}
	a := siteOf(t, f, &root).get("/admin/approvals?limit=1&cursor=from").want(http.StatusOK)
	want := map[string]any{
		"items": []any{map[string]any{
			"account": "account-ada", "email": "ada@example.com", "plan": "plan-max", "plan_name": "Unlimited", "replaces": "plan-free", "replaces_name": "Free",
			"request": 7.0, "asked_at": "2026-11-22T09:00:00Z", "operation": "op-1",
		}, map[string]any{
			"account": "account-grace", "email": "grace@example.com", "name": "Grace Hopper", "plan": "plan-free", "plan_name": "Free",
			"request": 9.0, "asked_at": "2026-11-22T09:00:00Z", "operation": "op-2",
		}},
		"next": "/api/v1/admin/approvals?cursor=on&limit=1",
	}
	if diff := cmp.Diff(want, a.json()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(asked{What: "approvals", Name: "from 1"}, f.asked[0]); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	described(t).checks(t, "GET /admin/approvals", a)
}

func TestAnAnswerReachesOperationsAsTheAdminGaveIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path, body string
		want       operations.Answer
	}{
		"an approval":                   {"approve", "", operations.Answer{Approved: true}},
		"an approval of one request":    {"approve", `{"request": 7}`, operations.Answer{Approved: true, Wish: 7}},
		"a denial of one with a reason": {"deny", `{"request": 7, "message": "Partners only."}`, operations.Answer{Wish: 7, Reason: "Partners only."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			c.want.Account, c.want.Plan = "account-ada", "plan-max"
			a := siteOf(t, f, &root).do(http.MethodPost, "/admin/approvals/account-ada/plan-max/"+c.path, strings.NewReader(c.body), "Idempotency-Key", "k").want(http.StatusAccepted)
			if len(f.answers) != 1 || f.answers[0] != c.want || f.asked[0].Caller.Account != root.Account || f.asked[0].Caller.IdempotencyKey != "k" {
				t.Errorf("asked %+v, %+v", f.asked, f.answers)
			}
			described(t).checks(t, "POST /admin/approvals/{account}/{plan}/"+c.path, a)
		})
	}
}

func TestOnlyAdminsSeeAndAnswerWhatWaits(t *testing.T) {
	t.Parallel()
	const approve, deny = "/admin/approvals/account-ada/plan-max/approve", "/admin/approvals/account-ada/plan-max/deny"
	for status, s := range map[int]site{http.StatusUnauthorized: visit(t, full()), http.StatusForbidden: signedIn(t, full())} {
		s.get("/admin/approvals").want(status)
		s.do(http.MethodPost, approve, nil).want(status)
		s.do(http.MethodPost, deny, strings.NewReader(`{"message": "No."}`)).want(status)
		if len(s.asked) > 0 {
			t.Errorf("%d: asked %v", status, s.asked)
		}
	}
}
