package catalog

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAProductFolderSaysHowAPlanIsSold(t *testing.T) {
	t.Parallel()
	listing := func(code portal.ProductCode, meter string) *Listing {
		return &Listing{Product: code, URL: "https://aws.amazon.com/marketplace/pp/prodview-1", Meter: meter}
	}
	for name, c := range map[string]struct {
		plan    portal.PlanID
		listing *Listing
		warning string
	}{
		"a plan that the portal meters":                 {"gold", listing("abc", MeterPortal), ""},
		"a plan that API Gateway meters":                {"sold", listing("abc", MeterGateway), ""},
		"a contract that API Gateway knows, too":        {"sold", listing("abc", MeterNone), ""},
		"another product code than API Gateway's":       {"sold", listing("xyz", MeterGateway), `has the product code "abc" in API Gateway, and marketplace says "xyz"`},
		"a meter of API Gateway, which has no code":     {"gold", listing("abc", MeterGateway), "API Gateway meters nothing"},
		"a meter of the portal, and one of API Gateway": {"sold", listing("abc", MeterPortal), "which meters it, so Gatehouse does not"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := zoo().assembly(folder(Described{
				Path: "a", Product: Product{ID: "a", Name: "A"}, Plans: []DescribedPlan{{ID: c.plan, Listing: c.listing, Line: 3}},
			}))
			plan, _, _ := got.Document.Plan(c.plan)
			if c.plan == "sold" && c.listing.Meter == MeterPortal {
				c.listing.Meter = MeterGateway // so that AWS bills usage once
			}
			if !plan.Marketplace || !cmp.Equal(plan.Listing, c.listing) {
				t.Errorf("the plan is sold as %+v, want %+v", plan.Listing, c.listing)
			}
			said := texts(got.Problems)
			if c.warning == "" && len(said) > 0 || c.warning != "" && (len(said) != 1 || !strings.Contains(said[0], c.warning) || !got.Problems[0].Warning || got.Problems[0].Line != 3) {
				t.Errorf("the problems are %+v, want a warning in line 3 with %q", got.Problems, c.warning)
			}
		})
	}
}

func TestPlansAreFoundByTheirProductCode(t *testing.T) {
	t.Parallel()
	d := Document{Products: []Product{
		{ID: "a", Plans: []Plan{{ID: "1", Listing: &Listing{Product: "abc"}}, {ID: "2"}}},
		{ID: "b", Plans: []Plan{{ID: "3", Listing: &Listing{Product: "abc"}}, {ID: "4", Listing: &Listing{Product: "xyz"}}}},
	}}
	plans, products := d.SoldAs("abc")
	if len(plans) != 2 || plans[0].ID != "1" || plans[1].ID != "3" || products[1].ID != "b" {
		t.Errorf("it found %v of %v", plans, products)
	}
	if plans, _ := d.SoldAs(""); len(plans) > 0 {
		t.Errorf("for no code it found %v", plans)
	}
}

func TestADocumentOfAnEarlierVersionIsRead(t *testing.T) {
	t.Parallel()
	var plan Plan
	if err := json.Unmarshal([]byte(`{"id":"p","name":"Pro","marketplace":true}`), &plan); err != nil || !plan.Marketplace || plan.Listing != nil {
		t.Errorf("it is read as %+v, %v", plan, err)
	}
}
