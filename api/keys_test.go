package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func (f *fake) CreateKey(_ context.Context, caller operations.Caller, key operations.NewKey) (operations.Operation, error) {
	return f.operation, f.ask("create key", caller, fmt.Sprintf("%s %s %s", key.Name, string(key.Plan)+string(key.Licence), timeText(key.Ends)))
}

func (f *fake) RenameKey(_ context.Context, caller operations.Caller, key portal.KeyID, name string) (operations.Operation, error) {
	return f.operation, f.ask("rename key", caller, string(key)+" "+name)
}

func (f *fake) RotateKey(_ context.Context, caller operations.Caller, key portal.KeyID, rotation operations.Rotation) (operations.Operation, error) {
	return f.operation, f.ask("rotate key", caller, fmt.Sprintf("%s %s %v", key, rotation.Overlap, rotation.Leaked))
}

func (f *fake) EndKey(_ context.Context, caller operations.Caller, key portal.KeyID, end operations.End) (operations.Operation, error) {
	return f.operation, f.ask("end key", caller, fmt.Sprintf("%s %s %v", key, timeText(end.At), end.Keep))
}

func timeText(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func TestRequestsAboutKeysReachOperationsAsTheyWereSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ request, body, what, name string }{
		{"POST /keys", `{"name":"CI"}`, "create key", "CI  -"},
		{"POST /keys", `{"name":"CI","licence":"licence/l-2"}`, "create key", "CI licence/l-2 -"},
		{"POST /keys", `{"name":"🚢 مفتاح","expires":"2026-12-22T09:00:00+01:00","plan":"plan-free"}`, "create key", "🚢 مفتاح plan-free 2026-12-22T08:00:00Z"},
		{"PATCH /keys/key-1", `{"name":"CI"}`, "rename key", "key-1 CI"},
		{"POST /keys/key-1/rotate", `{"overlap":"1h"}`, "rotate key", "key-1 1h0m0s false"},
		{"POST /keys/key-1/rotate", `{"overlap":"7d"}`, "rotate key", "key-1 168h0m0s false"},
		{"POST /keys/key-1/rotate", `{"overlap":"0"}`, "rotate key", "key-1 0s false"},
		{"POST /keys/key-1/rotate", `{"leaked":true}`, "rotate key", "key-1 0s true"},
		{"POST /keys/key-1/rotate", "", "rotate key", "key-1 0s false"},
		{"POST /keys/key-1/end", "", "end key", "key-1 - false"},
		{"POST /keys/key-1/end", `{"at":"2026-12-22T09:00:00Z"}`, "end key", "key-1 2026-12-22T09:00:00Z false"},
		{"POST /keys/key-1/end", `{"keep":true}`, "end key", "key-1 - true"},
		{"DELETE /keys/key-1", "", "end key", "key-1 - false"},
	} {
		t.Run(c.request+" "+c.body, func(t *testing.T) {
			t.Parallel()
			f := full()
			method, path, _ := strings.Cut(c.request, " ")
			example{route: c.request, path: path, send: c.body}.ask(signedIn(t, f)).want(http.StatusAccepted)
			if len(f.asked) != 1 || f.asked[0].What != c.what || f.asked[0].Name != c.name || f.asked[0].Caller.Account != ada.Account {
				t.Errorf("%s asked for %+v", method, f.asked)
			}
		})
	}
}

func TestARequestAboutAKeyThatCannotBeReadIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ request, body, code, detail string }{
		{"POST /keys/key-1/rotate", `{"overlap":"365d"}`, "invalid", "The old key can work for 0 seconds to 30 days longer. Choose an overlap in that range."},
		{"POST /keys/key-1/rotate", `{"overlap":"99999999d"}`, "invalid", "The overlap is not a length of time. Write 0, or a number with a unit, such as 1h, 90m or 7d."},
		{"POST /keys/key-1/rotate", `{"overlap":"an hour"}`, "invalid", "The overlap is not a length of time. Write 0, or a number with a unit, such as 1h, 90m or 7d."},
		{"POST /keys/key-1/rotate", `{"overlap":"-1h"}`, "invalid", "The old key can work for 0 seconds to 30 days longer. Choose an overlap in that range."},
	} {
		f := full()
		method, path, _ := strings.Cut(c.request, " ")
		p := signedIn(t, f).do(method, path, strings.NewReader(c.body)).want(http.StatusUnprocessableEntity).problem(c.code)
		if diff := cmp.Diff(c.detail, p.Detail); diff != "" || len(f.asked) > 0 {
			t.Errorf("%s: asked for %v; the detail (-want +got):\n%s", c.body, f.asked, diff)
		}
		if diff := cmp.Diff([]api.Flaw{{Location: "body.overlap", Message: c.detail}}, p.Errors); diff != "" {
			t.Errorf("%s: its flaws (-want +got):\n%s", c.body, diff)
		}
	}
	for request, body := range map[string]string{"POST /keys": `{}`, "PATCH /keys/key-1": `{}`, "POST /keys/key-1/end": `{"at":"tomorrow"}`} {
		method, path, _ := strings.Cut(request, " ")
		signedIn(t, full()).do(method, path, strings.NewReader(body)).want(http.StatusUnprocessableEntity).problem("invalid")
	}
}

func TestAReplacedKeyIsToldApartFromTheOneThatReplacedIt(t *testing.T) {
	t.Parallel()
	shown := api.ShowKeys(projections.Account{Keys: []projections.Key{
		{ID: "k1", Name: "CI", ReplacedBy: "k2", ReplacedAt: now}, {ID: "k2", Name: "CI", Replaces: "k1"},
	}}, map[portal.KeyID]time.Time{"k2": now})
	if shown[0].Label != "CI (replaced 22 Nov)" || shown[0].Name != "CI" || shown[1].Label != "CI" || shown[1].RevealedAt == nil {
		t.Errorf("the keys are shown as %+v", shown)
	}
}
