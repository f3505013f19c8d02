package web_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// harbourProducts have every property that the catalog can be filtered by.
func harbourProducts() []catalog.Product {
	return []catalog.Product{
		{
			ID: "tides-2", Name: "Tides", Version: "2", VersionOf: "tides", Category: "Maritime", Tags: []string{"tides", "sea"}, Status: catalog.StatusNew,
			Plans: []catalog.Plan{{ID: "t-free", Name: "Free", Price: "Free"}, {ID: "t-plus", Name: "Plus", Price: "29 € a month"}},
		},
		{
			ID: "tides-1", Name: "Tides", Version: "1", VersionOf: "tides", Category: "Maritime", Tags: []string{"tides"}, Status: catalog.StatusDeprecated,
			Sunset: "2027-03-01", Successor: "tides-2", Plans: []catalog.Plan{{ID: "t-old", Name: "Old", Price: "Free"}},
		},
		{ID: "lights", Name: "Lights", Category: "Maritime", Tags: []string{"sea"}, Status: catalog.StatusBeta, Plans: []catalog.Plan{{ID: "l", Name: "Pro", Price: "10 $"}}},
		{ID: "members", Name: "Members' weather", Category: "Weather", Visibility: catalog.VisibleSignedIn, Plans: []catalog.Plan{{ID: "m", Name: "All"}}},
	}
}

func shownProducts(doc *goquery.Document) []string {
	return doc.Find(".product h3 a, .product-lines h3 a").Map(func(_ int, s *goquery.Selection) string {
		return strings.TrimPrefix(s.AttrOr("href", ""), "/apis/")
	})
}

func TestTheCatalogIsFilteredByItsAddress(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(harbourProducts()...)}
	for query, want := range map[string][]string{
		"":                                 {"lights", "tides-2"},
		"?tag=tides":                       {"tides-2"},
		"?tag=sea":                         {"lights", "tides-2"},
		"?tag=sea&price=Free":              {"tides-2"},
		"?status=Beta&status=New":          {"lights", "tides-2"},
		"?status=Deprecated":               {"tides-1"},
		"?category=Weather":                nil,
		"?category=Maritime&tag=nonsense":  nil,
		"?q=tides&status=New":              {"tides-2"},
		"?view=list&price=Paid":            {"lights", "tides-2"},
		"?tag=%ff&tag=tides":               {"tides-2"},
		"?tag=" + strings.Repeat("a", 500): {"lights", "tides-2"},
	} {
		if got := shownProducts(document(t, visit(f).get("/apis"+query), 200)); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s shows %v, want %v", query, got, want)
		}
	}
	if got := shownProducts(document(t, signedIn(f).get("/apis?category=Weather"), 200)); !slices.Equal(got, []string{"members"}) {
		t.Errorf("a member sees %v", got)
	}
}

func TestFiltersHaveCountsAndToggle(t *testing.T) {
	t.Parallel()
	doc := document(t, visit(&fake{catalog: published(harbourProducts()...)}).get("/apis?tag=sea"), 200)
	counts := map[string]string{}
	doc.Find(".facet li a").Each(func(_ int, s *goquery.Selection) {
		label, count, _ := strings.Cut(text(s), " ")
		counts[label] = count + " " + s.AttrOr("href", "") + " " + s.AttrOr("aria-current", "")
	})
	for label, want := range map[string]string{
		"sea": "2 /apis true", "tides": "1 /apis?tag=sea&tag=tides ", "New": "1 /apis?status=New&tag=sea ",
		"Free": "1 /apis?price=Free&tag=sea ", "Paid": "2 /apis?price=Paid&tag=sea ",
	} {
		if counts[label] != want {
			t.Errorf("%s: %q, want %q", label, counts[label], want)
		}
	}
	if strings.Contains(doc.Text(), "Weather") || strings.Contains(doc.Text(), "Deprecated") {
		t.Error("a filter offers what nobody here sees")
	}
	at, _ := url.Parse(attr(t, doc.Find(`.views a:not([aria-current])`), "href"))
	if at.Query().Get("view") != "list" || at.Query().Get("tag") != "sea" {
		t.Errorf("the list is at %s", at)
	}
}

func TestNothingFoundSaysWhichFiltersAreInTheWay(t *testing.T) {
	t.Parallel()
	doc := document(t, visit(&fake{catalog: published(harbourProducts()...)}).get("/apis?status=Beta&price=Free&q=lights"), 200)
	says(t, doc, ".empty", "Nothing matches “lights”")
	if got := doc.Find(".empty a").Map(func(_ int, s *goquery.Selection) string { return text(s) }); !slices.Equal(got, []string{"remove Beta", "remove Free", "Show all APIs"}) {
		t.Errorf("it offers %v", got)
	}
}

func TestADeprecatedVersionLeadsToItsSuccessor(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(harbourProducts()...)}
	doc := document(t, visit(f).get("/apis/tides-1"), 200)
	says(t, doc, ".notice.warn", "This version is deprecated. It may be gone after 1 March 2027. Use Tides 2 instead.")
	if got := doc.Find(".versions a").Map(func(_ int, s *goquery.Selection) string { return text(s) + " " + s.AttrOr("aria-current", "") }); !slices.Equal(got, []string{"2 ", "1 page"}) {
		t.Errorf("the versions are %q", got)
	}
}
