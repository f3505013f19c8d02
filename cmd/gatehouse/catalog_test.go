package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	const sweeps = "A sweep, which a worker begins now, ends the subscriptions of plans that API Gateway no longer has. " +
		"Subscriptions to plans that are only not offered any more stay.\n"
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

func TestCatalogStatusShowsProblemsAndThePlansThatAreNotOffered(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	report := catalog.Report{
		Began: at, Ended: at.Add(2 * time.Second), Products: 3, Plans: 4, APIs: 5, Definitions: 1,
		Sources: []catalog.SourceState{
			{Name: "API Gateway", State: catalog.SourceRead, Read: at},
			{Name: "catalog folder", State: catalog.SourceRemembered, Read: at.Add(-time.Hour)},
		},
		Problems: []catalog.Problem{
			{Where: "seamark/product.yaml", Line: 12, Text: "API Gateway has no usage plan \x1b[2J."},
			{Where: "catalog folder", Text: "It is slow.", Warning: true},
		},
		ProblemCount: 4, NotOffered: []catalog.NotOffered{{Plan: "p1", Name: "Internal", Reason: "It lacks the tag."}}, NotOfferedCount: 2,
	}
	var out strings.Builder
	printReport(&out, report)
	const want = `Read          2026-11-27 09:00:02 UTC
API Gateway   read
Folder        could not be read; the catalog shows what it said on 2026-11-27 08:00:00 UTC
Catalog       3 products, 4 plans, 5 APIs; 1 of the APIs with an OpenAPI document

3 problems, 1 warning:
  seamark/product.yaml:12: API Gateway has no usage plan \uFFFD[2J.
  warning: catalog folder: It is slow.
  and 2 more

Not offered:
  p1  Internal: It lacks the tag.
  and 1 more
`
	if diff := cmp.Diff(strings.ReplaceAll(want, `\uFFFD`, "\uFFFD"), out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	printReport(&out, catalog.Report{Ended: at, Failed: true, Sources: []catalog.SourceState{{Name: "API Gateway", State: catalog.SourceUnreadable}}})
	const failed = "Read          2026-11-27 09:00:00 UTC\nAPI Gateway   could not be read, so the published catalog stays\n\nNo problems.\n"
	if diff := cmp.Diff(failed, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
