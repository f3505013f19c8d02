package catalog

import "testing"

func TestAPlanIsRefusedOnlyIfItIsSoldElsewhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plan Plan
		want string
	}{
		"an ordinary plan":      {Plan{Name: "Team"}, ""},
		"one that needs a yes":  {Plan{Name: "Team", Approval: ApprovalManual}, ""},
		"one on AWS's own shop": {Plan{Name: "Team", Marketplace: true}, "You can buy Team on AWS Marketplace only, not on this portal."},
	} {
		if got := c.plan.Refusal(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
