package catalog

import (
	"slices"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAViewerSeesOnlyWhatIsMeantForThem(t *testing.T) {
	t.Parallel()
	doc := Document{Products: []Product{
		{ID: "open", Successor: "partners"},
		{ID: "public", Visibility: VisiblePublic},
		{ID: "members", Visibility: VisibleSignedIn, Plans: []Plan{{ID: "m"}}},
		{ID: "partners", Visibility: VisibleGroups, Groups: []string{"partners", "staff"}},
		{ID: "draft", Visibility: VisibleHidden},
		{ID: "misspelt", Visibility: "pubic"},
	}, Moved: map[string]portal.PlanID{"old": "m"}}
	for name, test := range map[string]struct {
		viewer Viewer
		want   []string
	}{
		"signed out":         {Viewer{}, []string{"open", "public"}},
		"signed in":          {Viewer{SignedIn: true}, []string{"open", "public", "members"}},
		"in another group":   {Viewer{SignedIn: true, Groups: []string{"partner"}}, []string{"open", "public", "members"}},
		"in one of the two":  {Viewer{SignedIn: true, Groups: []string{"staff"}}, []string{"open", "public", "members", "partners"}},
		"an admin sees more": {Viewer{SignedIn: true, Admin: true}, []string{"open", "public", "members", "partners", "draft", "misspelt"}},
	} {
		seen := doc.For(test.viewer)
		var got []string
		for _, product := range seen.Products {
			got = append(got, product.ID)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
		if leads := seen.Products[0].Successor != ""; leads != slices.Contains(test.want, "partners") {
			t.Errorf("%s: the successor is %q", name, seen.Products[0].Successor)
		}
		if _, leads := seen.Moved["old"]; leads != slices.Contains(test.want, "members") {
			t.Errorf("%s: old addresses lead to %v", name, seen.Moved)
		}
	}
	if doc.Products[0].Successor != "partners" {
		t.Error("the document itself was changed")
	}
}
