package e2e

import (
	"net/http"
	"strings"
	"testing"
)

type changeJSON struct {
	DryRun    bool `json:"dry_run"`
	Operation string
}

// printed is what a command prints that succeeds.
func printed(o operator, args ...string) string {
	o.t.Helper()
	stdout, _ := o.says(0, args...)
	return stdout
}

func TestAnOperatorLooksAfterAnAccount(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.operator(t)
	ada, _ := s.subscriber(t, o)
	id := asJSON[struct{ Accounts []account }](o, "accounts", "search", "ada@").Accounts[0].ID
	if got := printed(o, "accounts", "show", id); !strings.Contains(got, "registered") || !strings.Contains(got, "no notes") {
		t.Errorf("the account is shown as\n%s", got)
	}
	state := func() string { return decode[me](ada.do(http.MethodGet, "/api/v1/me", "").want(http.StatusOK)).Status }

	// Without --yes nothing happens.
	if got := asJSON[changeJSON](o, "accounts", "suspend", id, "--reason", "Call us."); !got.DryRun || got.Operation != "" {
		t.Errorf("a dry run says %+v", got)
	}
	if got := state(); got != "registered" {
		t.Errorf("after a dry run the account is %s", got)
	}
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"suspend", id, "--reason", "Call us.", "--yes"}, "suspended"}, {[]string{"reinstate", id, "--yes"}, "registered"},
		{[]string{"promote", id, "--yes"}, "registered"}, {[]string{"demote", id, "--yes"}, "registered"}, {[]string{"note", id, "Called back.", "--yes"}, "registered"},
	} {
		got := asJSON[changeJSON](o, append([]string{"accounts"}, step.args...)...)
		if step.args[0] != "note" {
			o.says(0, "operation", "follow", got.Operation)
		}
		if now := state(); now != step.want {
			t.Errorf("after %v the account is %s, want %s", step.args, now, step.want)
		}
	}
	o.says(1, "accounts", "reinstate", id)
	o.says(1, "accounts", "demote", id, "--yes")
	o.says(1, "accounts", "show", "nobody")
	if got := printed(o, "accounts", "show", id); !strings.Contains(got, "Called back.") {
		t.Errorf("the note is not shown:\n%s", got)
	}
	if got := printed(o, "accounts", "history", id); !strings.Contains(got, "Account suspended (AccountSuspended)") || !strings.Contains(got, "by an operator") || !strings.Contains(got, "Call us.") {
		t.Errorf("the history is\n%s", got)
	}
	audit := printed(o, "audit", "--account", id, "--json")
	for _, what := range []string{"AccountSuspensionRequested", "AccountReinstatementRequested", "AdminPromotionRequested", "AdminDemotionRequested", "NoteAdded"} {
		if strings.Count(audit, what) != 1 {
			t.Errorf("the audit has not one %s:\n%s", what, audit)
		}
	}
	if strings.Count(audit, `"operator"`) != 5 {
		t.Errorf("the audit does not name the operator of all:\n%s", audit)
	}
	got := asJSON[changeJSON](o, "accounts", "delete", id, "--yes")
	o.says(0, "operation", "follow", got.Operation)
	o.says(1, "accounts", "delete", id)
}
