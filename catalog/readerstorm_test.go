package catalog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// A hundred and twenty APIs, most of which cannot be exported for one reason or another: every run ends
// with a catalog of all of them, all that can be read is, nothing that is unchanged is exported
// again, and the report names every other one.
func TestExportsThatFailInEveryWayLeaveTheCatalogWhole(t *testing.T) {
	t.Parallel()
	const apis, kinds = 120, 8
	const good = `{"openapi":"3.0.1","info":{"title":"T","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"ok"}}}}}}`
	r := newReading(t, manyAPIs(apis))
	r.Normalize = openapi.Normalize
	r.plane.broken = map[portal.Stage]error{}
	exports := []string{
		0: good,
		1: good[:100],
		2: "<html>no JSON</html>",
		3: `{"openapi":"3.0.1","info":{"title":"C","version":"1"},"paths":{"/a":{"$ref":"#/paths/~1a"}},"components":{"schemas":{"A":{"$ref":"#/components/schemas/A"}}}}`,
		4: `{"openapi":"3.0.1","info":{"title":"F","version":"1"},"paths":{"/a":{"$ref":"file:///etc/passwd"}}}`,
		5: strings.Repeat("[", 100_000),
		6: good,
		7: good,
	}
	failures := []error{6: &gateway.Unavailable{Throttled: true, Err: errors.New("429")}, 7: &gateway.Unavailable{Err: errors.New("500")}}
	for i := range apis {
		stage := portal.Stage{API: fmt.Sprintf("a%03d", i), Stage: "v1"}
		r.plane.exports[stage] = exports[i%kinds]
		if kind := i % kinds; kind >= 6 {
			r.plane.broken[stage] = failures[kind]
		}
	}
	asked := map[string]int{}
	for range 3 {
		r.run(60)
		for _, call := range r.exported() {
			asked[call]++
		}
		r.now = r.now.Add(5 * time.Minute)
		if got := len(r.document().Products[0].APIs); got != apis {
			t.Fatalf("the catalog has %d APIs", got)
		}
	}
	for i := range apis {
		call := fmt.Sprintf("export a%03d:v1", i)
		if kind := i % kinds; kind < 6 && asked[call] != 1 {
			t.Errorf("%s, of kind %d, was called %d times", call, kind, asked[call])
		}
	}
	if len(asked) < apis*6/kinds || r.lastReport().Failed {
		t.Errorf("%d APIs were asked for; the report is %+v", len(asked), r.lastReport())
	}
	report := r.lastReport()
	if report.Definitions < apis/kinds || report.Definitions > 2*apis/kinds { // a cycle is only a warning
		t.Errorf("%d definitions", report.Definitions)
	}
	for i := range apis {
		if kind := i % kinds; kind != 1 && kind != 2 && kind != 4 && kind != 5 {
			continue
		}
		if where := fmt.Sprintf("API a%03d, stage v1", i); !strings.Contains(fmt.Sprint(report.Problems), where) {
			t.Errorf("the report does not name %s", where)
		}
	}
}
