package catalog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// outage is as many answers with a server error.
func outage(text string, times int) (errs []error) {
	for range times {
		errs = append(errs, &gateway.Unavailable{Err: errors.New(text)})
	}
	return errs
}

// normalized marks documents, and refuses those that say so.
func normalized(document []byte) ([]byte, error) {
	switch {
	case strings.Contains(string(document), "broken"):
		return nil, errors.New("paths./pets: a path must not be empty")
	case strings.Contains(string(document), "bug"):
		panic("a bug")
	}
	return append([]byte("checked "), document...), nil
}

func newExporting(t *testing.T, from *setup) *reading {
	t.Helper()
	r := newReading(t, from)
	r.Normalize = normalized
	return r
}

// definition is the document of a stage in the catalog, "" if there is none.
func (r *reading) definition(stage portal.Stage) string {
	r.t.Helper()
	for _, product := range r.document().Products {
		for _, api := range product.APIs {
			if api.ID == stage.API && api.Stage == stage.Stage && api.Definition != "" {
				body, err := r.Documents.LoadBlob(r.t.Context(), api.Definition)
				if err != nil {
					r.t.Fatal(err)
				}
				return string(body)
			}
		}
	}
	return ""
}

func (r *reading) exported() (calls []string) {
	for call := range r.plane.called() {
		if strings.HasPrefix(call, "export ") {
			calls = append(calls, call)
		}
	}
	return calls
}

var petsProd = portal.Stage{API: "pets1", Stage: "prod"}

func TestDocumentsAreExportedOnceForEachDeployment(t *testing.T) {
	t.Parallel()
	r := newExporting(t, zoo())
	r.run(-1)
	if got := r.definition(petsProd); !strings.HasPrefix(got, `checked {"openapi":"3.0.1"`) {
		t.Errorf("the document is %q", got)
	}
	if calls := r.exported(); len(calls) != 3 {
		t.Errorf("calls %v, want one for each stage", calls)
	}
	for _, wait := range []time.Duration{5 * time.Minute, 2 * time.Hour, 24 * time.Hour} {
		r.now = r.now.Add(wait)
		r.run(-1)
		if calls := r.exported(); len(calls) != 0 {
			t.Errorf("after %s the calls are %v", wait, calls)
		}
	}
	if err := r.requests.Add(t.Context(), sync("s1", "op1")); err != nil {
		t.Fatal(err)
	}
	r.plane.versions[petsProd], r.plane.exports[petsProd] = "d2", "new"
	r.run(-1)
	if diff := cmp.Diff([]string{"export pets1:prod"}, r.exported()); diff != "" || r.definition(petsProd) != "checked new" {
		t.Errorf("after a deployment the document is %q, calls (-want +got):\n%s", r.definition(petsProd), diff)
	}
	if report := r.lastReport(); report.Definitions != 4 || report.APIs != 4 {
		t.Errorf("the report is %+v", report)
	}
}

func TestADocumentOfAFolderIsNotExported(t *testing.T) {
	t.Parallel()
	r := newExporting(t, tagged("free"))
	r.OfferAll = false
	document := []byte("the folder's")
	r.reads(Folder{
		Products: []Described{{
			Path: "zoo", Product: Product{ID: "zoo", Name: "Zoo"}, Plans: []DescribedPlan{{ID: "free"}},
			APIs: []DescribedAPI{{ID: "pets1", Stage: "prod", Definition: HashOf(document)}, {ID: "birds", Stage: "prod"}},
		}},
		Blobs: map[string][]byte{HashOf(document): document},
	}, nil)
	r.run(-1)
	if diff := cmp.Diff([]string{"export birds:prod"}, r.exported()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if got := r.definition(petsProd); got != "the folder's" {
		t.Errorf("the document is %q", got)
	}
}

func TestADocumentThatCannotBeHadIsReportedAndTheOneBeforeStays(t *testing.T) {
	t.Parallel()
	throttled := &gateway.Unavailable{Throttled: true, Err: errors.New("429")}
	refused := &gateway.Refused{Reason: gateway.Invalid, Err: &types.BadRequestException{Message: new(string)}}
	for name, c := range map[string]struct {
		exports string
		fails   []error
		want    string
		// again says that the next run asks again.
		again bool
	}{
		"a broken document":          {"broken", nil, "is not usable. Paths./pets: a path must not be empty. The one that was read before stands.", false},
		"one that trips a bug":       {"bug", nil, "made the worker panic", false},
		"one that AWS cannot export": {"", []error{refused}, "API Gateway cannot export its OpenAPI document", false},
		"no answer":                  {"", outage("500", 3), "API Gateway did not answer when asked", true},
		"throttles":                  {"", []error{throttled, throttled, throttled}, "API Gateway throttles calls when asked", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newExporting(t, tagged("free", "early"))
			r.OfferAll = false
			r.run(-1)
			before := r.definition(petsProd)
			if before == "" {
				t.Fatal("there is no document at first")
			}
			r.plane.versions[petsProd], r.plane.exports[petsProd], r.plane.fails["export "] = "d2", c.exports, c.fails
			r.now = r.now.Add(2 * time.Hour)
			r.run(-1)
			if got := r.definition(petsProd); got != before {
				t.Errorf("the document is %q", got)
			}
			if _, _, ok := r.document().Plan("early"); !ok || r.definition(portal.Stage{API: "pets1", Stage: "beta"}) == "" {
				t.Error("another API suffers")
			}
			problems := r.lastReport().Problems
			if len(problems) != 1 || problems[0].Where != "API pets1, stage prod" || !strings.Contains(problems[0].Text, c.want) {
				t.Errorf("problems %+v, want %s", problems, c.want)
			}
			r.plane.called()
			r.now = r.now.Add(5 * time.Minute)
			r.run(-1)
			if again := len(r.exported()) > 0; again != c.again {
				t.Errorf("the next run asks again: %t", again)
			}
			if err := r.requests.Add(t.Context(), sync("s1", "op1")); err != nil {
				t.Fatal(err)
			}
			r.plane.exports[petsProd] = "repaired"
			if c.again {
				r.plane.versions[petsProd] = "d3"
			}
			r.run(-1)
			if got := r.definition(petsProd); got != "checked repaired" || len(r.lastReport().Problems) != 0 {
				t.Errorf("once repaired the document is %q, problems %v", got, r.lastReport().Problems)
			}
		})
	}
}

func TestWorkersThatMayNotExportPublishTheRestAndSaySo(t *testing.T) {
	t.Parallel()
	r := newExporting(t, zoo())
	forbidden := &gateway.Unavailable{Forbidden: true, Err: errors.New("403")}
	r.plane.fails["export "] = []error{forbidden, forbidden, forbidden}
	r.run(-1)
	if calls := r.exported(); len(calls) != 2 || len(r.document().Products) != 3 {
		t.Errorf("calls %v", calls)
	}
	if problems := fmt.Sprint(r.lastReport().Problems); !strings.Contains(problems, "may not have API Gateway generate OpenAPI documents") {
		t.Errorf("problems %+v", problems)
	}
}

func TestAnOutageOfExportsEndsTheirPhaseAndNotTheRun(t *testing.T) {
	t.Parallel()
	r := newExporting(t, manyAPIs(40))
	r.plane.fails["export "] = outage("500", 1000)
	r.run(-1)
	if calls := len(r.plane.calls); calls > 40+3+maxOutages || len(r.document().Products[0].APIs) != 40 {
		t.Errorf("%d calls", calls)
	}
	if problems := r.lastReport().Problems; !strings.Contains(fmt.Sprint(problems), "does not generate OpenAPI documents right now") {
		t.Errorf("problems %+v", problems)
	}
}

func TestAPIsThatAreNeverExportedDoNotKeepOthersFromBeingRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		slow time.Duration
		says string
	}{
		"AWS fails":           {&gateway.Unavailable{Err: errors.New("500")}, 0, "did not answer"},
		"AWS does not answer": {&gateway.Unavailable{Err: errors.New("timeout")}, 29 * time.Second, "did not answer"},
		"AWS forbids it":      {&gateway.Unavailable{Forbidden: true, Err: errors.New("403")}, 0, "may not have API Gateway generate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const apis, broken = 20, 8
			r := newExporting(t, manyAPIs(apis))
			r.plane.broken = map[portal.Stage]error{}
			for i := range broken {
				r.plane.broken[portal.Stage{API: fmt.Sprintf("a%03d", i), Stage: "v1"}] = c.err
			}
			r.plane.spend = func(operation string) {
				if operation == "export " {
					r.now = r.now.Add(c.slow)
				}
			}
			asked := map[string]int{}
			for range 12 {
				r.run(-1)
				for _, call := range r.exported() {
					asked[call]++
				}
				r.now = r.now.Add(5 * time.Minute)
			}
			if report := r.lastReport(); report.Definitions != apis-broken || !strings.Contains(fmt.Sprint(report.Problems), c.says) {
				t.Errorf("%d documents after twelve runs; %v", report.Definitions, report.Problems)
			}
			for i := range apis {
				call := fmt.Sprintf("export a%03d:v1", i)
				if i < broken && asked[call] < 2 || i >= broken && asked[call] != 1 {
					t.Errorf("%s was called %d times", call, asked[call])
				}
			}
		})
	}
}

func TestManyDocumentsDoNotDelayTheCatalogAndTheNextRunsReadThem(t *testing.T) {
	t.Parallel()
	const apis = 40
	r := newExporting(t, manyAPIs(apis))
	r.plane.spend = func(operation string) {
		if operation == "export " {
			r.now = r.now.Add(10 * time.Second)
		}
	}
	began := r.now
	r.run(3)
	if took := r.now.Sub(began); took > 3*time.Minute || r.published == "" {
		t.Errorf("the first run takes %s", took)
	}
	first := r.lastReport()
	if first.Definitions == 0 || first.Definitions == apis || first.Errors() != 0 || len(first.Problems) != 1 || !strings.Contains(first.Problems[0].Text, "They read the rest") {
		t.Errorf("the first report is %+v", first)
	}
	for range 3 {
		r.run(3)
	}
	if last := r.lastReport(); last.Definitions != apis || len(last.Problems) != 0 {
		t.Errorf("the last report is %+v", last)
	}
	for call, times := range r.plane.called() {
		if strings.HasPrefix(call, "export ") && times != 1 {
			t.Errorf("%s was called %d times", call, times)
		}
	}
}
