package main

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestCatalogSyncNamesThePlansThatDiffer(t *testing.T) {
	t.Parallel()
	shown := func(plans ...catalog.Plan) projections.Catalog {
		var c projections.Catalog
		c.Products = []catalog.Product{{ID: "weather", Plans: plans}}
		return c
	}
	free, plus := catalog.Plan{ID: "p1", Name: "Free"}, catalog.Plan{ID: "p2", Name: "Plus"}
	slow := plus
	slow.Throttle = &catalog.Throttle{}
	const sweeps = "A sweep, which a worker begins now, ends the subscriptions of plans that are gone.\n"
	for name, c := range map[string]struct {
		before, after projections.Catalog
		want          string
	}{
		"nothing differs":   {shown(free, plus), shown(free, plus), ""},
		"a plan was added":  {shown(free), shown(free, plus), "  added    p2  Plus\n"},
		"a limit changed":   {shown(free, plus), shown(free, slow), "  changed  p2  Plus\n"},
		"a plan is gone":    {shown(free, plus), shown(plus), "  gone     p1  Free\n" + sweeps},
		"no catalog before": {projections.Catalog{}, shown(free), "  added    p1  Free\n"},
	} {
		var out strings.Builder
		comparePlans(c.before, c.after).print(&out)
		if out.String() != c.want {
			t.Errorf("%s: it prints\n%s", name, &out)
		}
	}
}
