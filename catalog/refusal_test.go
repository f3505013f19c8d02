package catalog

import "testing"

func TestARefusalNamesTheOwnerOfTheProduct(t *testing.T) {
	t.Parallel()
	manual := Plan{Name: "Team", Approval: ApprovalManual}
	const manually = "An operator has to approve each subscription to Team, and this portal cannot take such requests yet."
	for name, c := range map[string]struct {
		plan  Plan
		owner *Owner
		want  string
	}{
		"an ordinary plan":         {Plan{Name: "Team"}, &Owner{Name: "Ann"}, ""},
		"one on Marketplace":       {Plan{Name: "Team", Marketplace: true}, &Owner{Name: "Ann"}, "You can buy Team on AWS Marketplace only, not on this portal."},
		"no owner":                 {manual, nil, manually},
		"an owner":                 {manual, &Owner{Name: "Ann"}, manually + " Contact the owner of Zoo: Ann."},
		"an owner with e-mail":     {manual, &Owner{Name: "Ann", Email: "ann@example.com", URL: "https://x"}, manually + " Contact the owner of Zoo: Ann, ann@example.com."},
		"an owner with a web page": {manual, &Owner{Name: "Ann", URL: "https://example.com/ann"}, manually + " Contact the owner of Zoo: Ann, https://example.com/ann."},
	} {
		if got := c.plan.Refusal(Product{Name: "Zoo", Owner: c.owner}); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
