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

func TestAVersionDoesNotNameTheOneThatAViewerDoesNotSee(t *testing.T) {
	t.Parallel()
	doc := Document{Products: []Product{
		{ID: "one", Version: "1", VersionOf: "secret"}, {ID: "two", Version: "2", VersionOf: "secret"},
		{ID: "secret", Version: "3", VersionOf: "secret", Visibility: VisibleHidden},
		{ID: "alone", Version: "1", VersionOf: "draft"}, {ID: "draft", Version: "2", VersionOf: "draft", Visibility: VisibleHidden},
	}}
	for name, c := range map[string]struct {
		viewer Viewer
		want   []string
	}{
		"a stranger": {Viewer{}, []string{"one", "one", ""}},
		"an admin":   {Viewer{SignedIn: true, Admin: true}, []string{"secret", "secret", "secret", "draft", "draft"}},
	} {
		var got []string
		for _, product := range doc.For(c.viewer).Products {
			got = append(got, product.VersionOf)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: the products are versions of %q, want %q", name, got, c.want)
		}
	}
}

func TestAnOldAddressDoesNotTellWhoDidNotSeeTheProduct(t *testing.T) {
	t.Parallel()
	product := func(id, visibility string, groups ...string) Product {
		return Product{ID: id, Visibility: visibility, Groups: groups, Plans: []Plan{{ID: "p"}}}
	}
	for name, c := range map[string]struct {
		before, after Product
		leads         bool
	}{
		"hidden, now public":           {product("old", VisibleHidden), product("new", VisiblePublic), false},
		"hidden, now for members":      {product("old", VisibleHidden), product("new", VisibleSignedIn), false},
		"hidden, now for a group":      {product("old", VisibleHidden), product("new", VisibleGroups, "a"), false},
		"still hidden":                 {product("old", VisibleHidden), product("new", VisibleHidden), true},
		"for members, now public":      {product("old", VisibleSignedIn), product("new", ""), false},
		"still for members":            {product("old", VisibleSignedIn), product("new", VisibleSignedIn), true},
		"for members, now for a group": {product("old", VisibleSignedIn), product("new", VisibleGroups, "a"), true},
		"for a group, now for another": {product("old", VisibleGroups, "a"), product("new", VisibleGroups, "b"), false},
		"for two groups, now for one":  {product("old", VisibleGroups, "a", "b"), product("new", VisibleGroups, "b"), true},
		"public, now hidden":           {product("old", ""), product("new", VisibleHidden), true},
		"still public":                 {product("old", ""), product("new", VisiblePublic), true},
	} {
		after := Document{Products: []Product{c.after}}.After(Document{Products: []Product{c.before}})
		if _, leads := after.Product("old"); leads != c.leads {
			t.Errorf("%s: the old address leads to the new one: %t", name, leads)
		}
		same := c.after
		same.ID = "old"
		later := Document{Products: []Product{c.after}}.After(Document{
			Products: []Product{{ID: "new", Visibility: c.before.Visibility, Groups: c.before.Groups, Plans: same.Plans}}, Moved: map[string]portal.PlanID{"old": "p"},
		})
		if _, leads := later.Product("old"); leads != c.leads {
			t.Errorf("%s later: the old address leads to the new one: %t", name, leads)
		}
	}
}
