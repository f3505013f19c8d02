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
		"one whose listing is known": {
			Plan{Name: "Team", Marketplace: true, Listing: &Listing{URL: "https://aws.amazon.com/marketplace/pp/prodview-1"}},
			"You can buy Team on AWS Marketplace only, not on this portal. It is sold at https://aws.amazon.com/marketplace/pp/prodview-1",
		},
	} {
		if got := c.plan.Refusal(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAPlanThatIsPaidElsewhereIsLeftElsewhere(t *testing.T) {
	t.Parallel()
	if got := (Plan{Name: "Team"}).RefusalToLeave(); got != "" {
		t.Errorf("an ordinary plan: %q", got)
	}
	want := "You pay for Team on AWS Marketplace. Change or cancel it there, and this portal follows."
	if got := (Plan{Name: "Team", Marketplace: true}).RefusalToLeave(); got != want {
		t.Errorf("a plan of AWS Marketplace: %q, want %q", got, want)
	}
}
