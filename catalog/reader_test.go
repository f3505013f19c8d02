package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var morning = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// plane reads a setup page by page, for as long as there are tokens.
type plane struct {
	*setup
	pageSize int
	// tokens are left for this delivery; below zero there is no end of them.
	tokens int
	calls  []string
	// versions are those of stages, "d1" by default, and exports their documents.
	versions map[portal.Stage]string
	exports  map[portal.Stage]string
	// spend is called with each call's operation, and may let time pass; nil does nothing.
	spend func(operation string)
	// fails are the errors of the calls of an operation, in turn.
	fails map[string][]error
	// broken are stages whose documents are never exported, with the error.
	broken map[portal.Stage]error
}

func (p *plane) call(operation, what string) error {
	if p.tokens == 0 {
		return &portal.Postponed{After: time.Second, Reason: "no token"}
	}
	p.tokens--
	p.calls = append(p.calls, operation+what)
	if p.spend != nil {
		p.spend(operation)
	}
	if queue := p.fails[operation]; len(queue) > 0 {
		p.fails[operation] = queue[1:]
		return queue[0]
	}
	return nil
}

func page[T any](p *plane, operation, position string, all []T) ([]T, string, error) {
	if err := p.call(operation, position); err != nil {
		return nil, "", err
	}
	from, _ := strconv.Atoi(position)
	to := min(from+p.pageSize, len(all))
	next := ""
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return slices.Clone(all[from:to]), next, nil
}

func (p *plane) UsagePlansPage(_ context.Context, position string) ([]gateway.UsagePlan, string, error) {
	return page(p, "plans", position, p.plans)
}

func (p *plane) RestAPIsPage(_ context.Context, position string) ([]gateway.RestAPI, string, error) {
	return page(p, "apis", position, p.apis)
}

func (p *plane) Stages(_ context.Context, api string) ([]gateway.Stage, error) {
	var list []gateway.Stage
	for _, name := range p.stages[api] {
		list = append(list, gateway.Stage{Name: name, Version: cmp.Or(p.versions[portal.Stage{API: api, Stage: name}], "d1")})
	}
	return list, p.call("stages ", api)
}

func (p *plane) Export(_ context.Context, stage portal.Stage) ([]byte, error) {
	if err := p.call("export ", stage.String()); err != nil {
		return nil, err
	}
	if err := p.broken[stage]; err != nil {
		return nil, err
	}
	return []byte(cmp.Or(p.exports[stage], `{"openapi":"3.0.1","info":{"title":"`+stage.API+`"}}`)), nil
}

func (p *plane) DomainsPage(_ context.Context, position string) ([]gateway.Domain, string, error) {
	return page(p, "domains", position, p.domains)
}

func (p *plane) MappingsPage(_ context.Context, domain gateway.Domain, position string) ([]gateway.Mapping, string, error) {
	return page(p, "mappings "+domain.Name, position, p.mappings[domain.Name])
}

func (p *plane) SDKTypes(context.Context) (map[string][]string, error) {
	return map[string][]string{"java": {"serviceName", "java.package-name"}, "javascript": {}, "cobol": {"picture"}}, p.call("sdktypes", "")
}

func (p *plane) SDK(_ context.Context, stage portal.Stage, kind string, parameters map[string]string) (gateway.SDK, error) {
	if err := p.call("sdk ", stage.String()+" "+kind); err != nil {
		return gateway.SDK{}, err
	}
	return gateway.SDK{File: kind + "_now.zip", Body: fmt.Appendf(nil, "%s of %s %s: %v", kind, stage, p.versions[stage], parameters)}, nil
}

// called takes out how often each operation was called.
func (p *plane) called() map[string]int {
	counts := map[string]int{}
	for _, call := range p.calls {
		counts[call]++
	}
	p.calls = nil
	return counts
}

// reading is a Reader of a plane, with a clock, that keeps what is decided.
type reading struct {
	*Reader
	t         *testing.T
	plane     *plane
	requests  *Requests
	now       time.Time
	published string
	decided   []string
	changed   []string
}

func newReading(t *testing.T, from *setup) *reading {
	t.Helper()
	db := dynamodb.NewFromConfig(localawstest.Start(t).AWSConfig())
	createRecords(t, db)
	r := &reading{t: t, now: morning, plane: &plane{setup: from, pageSize: 500, tokens: -1, fails: map[string][]error{}, versions: map[portal.Stage]string{}, exports: map[portal.Stage]string{}}}
	r.requests = NewRequests(db, records)
	clock := func() time.Time { return r.now }
	r.Reader = &Reader{
		Source:  func(context.Context) Source { return r.plane },
		Scratch: jobs.NewScratch(db, records, clock), Requests: r.requests, Documents: NewStore(db, records),
		Endpoint: AWSEndpoint("eu-west-1"), OfferAll: true,
		Published: func(context.Context) (string, error) { return r.published, nil },
		Decide: func(_ context.Context, request events.Event, outcome Result) error {
			if outcome.Failed {
				r.decided = append(r.decided, string(request.Operation)+" failed")
				return nil
			}
			r.published = outcome.Hash
			r.decided = append(r.decided, string(request.Operation)+" "+strconv.Itoa(outcome.Products))
			return nil
		},
		PlansChanged: func(_ context.Context, id string) error {
			r.changed = append(r.changed, id)
			return nil
		},
		Now: clock,
	}
	return r
}

// run does all steps of a run, with as many tokens for each delivery, and counts the deliveries.
func (r *reading) run(tokens int) (deliveries int) {
	r.t.Helper()
	cursor := ""
	r.now = r.now.Add(time.Second)
	for deliveries = 1; deliveries < 200; deliveries++ {
		r.plane.tokens = tokens
		for {
			next, err := r.Step(r.t.Context(), cursor)
			var postponed *portal.Postponed
			if errors.As(err, &postponed) {
				break
			}
			if err != nil {
				r.t.Fatal(err)
			}
			if cursor = next; cursor == "" {
				return deliveries
			}
		}
	}
	r.t.Fatal("the run does not end")
	return deliveries
}

func (r *reading) document() Document {
	r.t.Helper()
	doc, err := r.Documents.Load(r.t.Context(), r.published)
	if err != nil {
		r.t.Fatal(err)
	}
	return doc
}

// manyAPIs is an account with so many APIs that one plan names, and one that none does.
func manyAPIs(n int) *setup {
	s := &setup{stages: map[string][]string{}, apis: []gateway.RestAPI{{ID: "alone", Name: "Nobody's"}}}
	plan := gateway.UsagePlan{ID: "p", Name: "P"}
	for i := range n {
		id := fmt.Sprintf("a%03d", i)
		s.apis = append(s.apis, gateway.RestAPI{ID: id, Name: id})
		s.stages[id] = []string{"v1"}
		plan.Stages = append(plan.Stages, portal.Stage{API: id, Stage: "v1"})
	}
	s.plans = []gateway.UsagePlan{plan}
	return s
}

func TestACatalogOfManyAPIsIsReadInOnePassHoweverFewTokensADeliveryGets(t *testing.T) {
	t.Parallel()
	const apis = 600 // AWS's default quota of Regional APIs
	r := newReading(t, manyAPIs(apis))
	r.Normalize = normalized
	r.plane.pageSize = 100
	deliveries := r.run(60) // a minute of a share of 0.1
	calls := r.plane.called()
	if got := calls["plans"] + calls["apis"] + calls["domains"]; got != 3 {
		t.Errorf("%d first pages of lists", got)
	}
	for call, times := range calls {
		if times != 1 {
			t.Errorf("%s was called %d times", call, times)
		}
	}
	if want := 1 + 7 + apis + 1 + apis; len(calls) != want || calls["stages alone"] > 0 {
		t.Errorf("%d calls, want %d", len(calls), want)
	}
	if deliveries > 23 || len(r.document().Products[0].APIs) != apis {
		t.Errorf("%d deliveries, %d APIs", deliveries, len(r.document().Products[0].APIs))
	}
}

func TestStagesAreReadAgainOnlyWhenTheyMayHaveChanged(t *testing.T) {
	t.Parallel()
	r := newReading(t, manyAPIs(20))
	r.run(-1)
	r.plane.called()

	r.now = r.now.Add(5 * time.Minute)
	r.run(-1)
	if diff := gocmp.Diff(map[string]int{"plans": 1, "apis": 1, "domains": 1}, r.plane.called()); diff != "" {
		t.Errorf("five minutes later (-want +got):\n%s", diff)
	}

	r.now = r.now.Add(5 * time.Minute)
	r.plane.plans[0].Stages = append(r.plane.plans[0].Stages, portal.Stage{API: "a007", Stage: "v2"})
	r.plane.stages["a007"] = []string{"v1", "v2"}
	r.run(-1)
	if diff := gocmp.Diff(map[string]int{"plans": 1, "apis": 1, "domains": 1, "stages a007": 1}, r.plane.called()); diff != "" {
		t.Errorf("a plan names a stage that is not known (-want +got):\n%s", diff)
	}

	r.now = r.now.Add(5 * time.Minute)
	r.plane.stages["a003"] = nil
	if err := r.requests.Add(t.Context(), sync("s1", "op-person")); err != nil {
		t.Fatal(err)
	}
	r.run(-1)
	if calls := r.plane.called(); len(calls) != 3+20 {
		t.Errorf("somebody waits, and the calls are %v", calls)
	}
	if _, _, ok := r.document().Plan("p"); !ok || len(r.document().Products[0].APIs) != 20 {
		t.Errorf("the stage that is gone is offered still")
	}

	r.now = r.now.Add(time.Hour)
	r.run(-1)
	if calls := r.plane.called(); len(calls) != 3+20 {
		t.Errorf("an hour later the calls are %v", calls)
	}
}

func TestARunThatSomebodyWaitsForReadsEverythingOnceHoweverFewTokensADeliveryGets(t *testing.T) {
	t.Parallel()
	r := newReading(t, manyAPIs(20))
	for n := range 20 {
		r.plane.domains = append(r.plane.domains, gateway.Domain{Name: fmt.Sprintf("d%d.example.com", n)})
	}
	r.run(-1) // what this one reads is known to the next
	r.plane.called()
	if err := r.requests.Add(t.Context(), sync("s1", "op-person")); err != nil {
		t.Fatal(err)
	}
	r.run(7)
	calls := r.plane.called()
	for call, times := range calls {
		if times != 1 {
			t.Errorf("%s was called %d times", call, times)
		}
	}
	if want := 3 + 20 + 20; len(calls) != want {
		t.Errorf("%d calls, want %d", len(calls), want)
	}
}

func sync(id string, op portal.OperationID) events.Event {
	return events.Event{
		ID: id, Source: "/test", Subject: portal.CatalogStream, Time: morning, Operation: op, Data: events.CatalogSyncRequested{},
	}
}

func TestARunAnswersTheRequestsThatWaitedWhenItBegan(t *testing.T) {
	t.Parallel()
	r := newReading(t, zoo())
	add := func(request events.Event) {
		t.Helper()
		if err := r.requests.Add(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	add(sync("s1", "op1"))
	add(sync("s1", "op1"))
	add(sync("s2", "op2"))
	cursor, err := r.Step(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	add(sync("s3", "op3")) // it may have changed what was read already
	for cursor != "" {
		if cursor, err = r.Step(t.Context(), cursor); err != nil {
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff([]string{"op1 3", "op2 3", " 3"}, r.decided); diff != "" {
		t.Errorf("decided (-want +got):\n%s", diff)
	}
	r.decided = nil
	r.run(-1)
	r.run(-1)
	if diff := gocmp.Diff([]string{"op3 3", " 3", " 3"}, r.decided); diff != "" {
		t.Errorf("decided by the runs after it (-want +got):\n%s", diff)
	}
}

func TestASourceThatCannotBeReadIsDecidedOnAndOneThatHiccupsIsNot(t *testing.T) {
	t.Parallel()
	down := &gateway.Unavailable{Err: errors.New("500")}
	forbidden := &gateway.Unavailable{Forbidden: true, Err: errors.New("403")}
	throttled := &gateway.Unavailable{Throttled: true, Err: errors.New("429")}
	for _, operation := range []string{"plans", "apis", "stages ", "domains", "mappings api.example.com"} {
		for _, c := range []struct {
			name  string
			fails []error
			want  string
		}{
			{"it does not answer twice", []error{down, down}, " 3"},
			{"it does not answer", []error{down, down, down}, " failed"},
			{"it throttles for long", []error{throttled, throttled, throttled, throttled}, " 3"},
			{"it refuses", []error{forbidden}, " failed"},
		} {
			r := newReading(t, zoo())
			r.plane.domains = []gateway.Domain{{Name: "api.example.com"}}
			r.plane.fails[operation] = c.fails
			if operation == "domains" && c.name == "it refuses" {
				c.want = " 3" // older installations have no permission for it
			}
			r.run(-1)
			if diff := gocmp.Diff([]string{c.want}, r.decided); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", operation, c.name, diff)
			}
		}
	}
}

func TestTheReportNamesTheAPIOrDomainThatCannotBeRead(t *testing.T) {
	t.Parallel()
	forbidden := &gateway.Unavailable{Forbidden: true, Err: errors.New("403")}
	for operation, want := range map[string]string{
		"plans": "API Gateway", "stages ": "API Gateway, the stages of API ", "mappings api.example.com": "API Gateway, the base paths of api.example.com",
	} {
		r := newReading(t, zoo())
		r.plane.domains = []gateway.Domain{{Name: "api.example.com"}}
		r.run(-1)
		before := r.published
		r.plane.fails[operation] = []error{forbidden}
		r.now = r.now.Add(3 * time.Hour)
		r.run(-1)
		problems := r.lastReport().Problems
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Where, want) || !strings.Contains(problems[0].Text, "The published catalog stays") || r.published != before {
			t.Errorf("%s: problems %+v", operation, problems)
		}
	}
}

func TestARunThatAnotherVersionBeganIsBegunAgain(t *testing.T) {
	t.Parallel()
	for _, cursor := range []string{"3", `{"run":"old","phase":"publish"}`, `{"format":99,"run":"new","phase":"to-come"}`} {
		r := newReading(t, zoo())
		next, err := r.Step(t.Context(), cursor)
		if diff := gocmp.Diff(map[string]int{"plans": 1}, r.plane.called()); diff != "" || err != nil || next == "" {
			t.Errorf("%s: %q, %v, calls (-want +got):\n%s", cursor, next, err, diff)
		}
	}
}

// A run's rows are kept for days only, and part of them makes no catalog.
func TestARunThatHasSleptForADayIsBegunAgain(t *testing.T) {
	t.Parallel()
	r := newReading(t, zoo())
	cursor, err := r.Step(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	r.plane.called()
	for _, days := range []int{1, 10} {
		r.now = r.now.Add(time.Duration(days)*24*time.Hour + time.Minute)
		if _, err := r.Step(t.Context(), cursor); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(map[string]int{"plans": 1}, r.plane.called()); diff != "" {
			t.Errorf("after %d days (-want +got):\n%s", days, diff)
		}
	}
}

func TestCustomDomainsAreReadAndRemembered(t *testing.T) {
	t.Parallel()
	r := newReading(t, zoo())
	r.plane.domains = []gateway.Domain{{Name: "api.example.com"}, {Name: "closed.internal", Private: true}}
	r.plane.mappings = map[string][]gateway.Mapping{"api.example.com": {{BasePath: "pets", API: "pets1", Stage: "beta"}}}
	r.run(-1)
	_, product, _ := r.document().Plan("early")
	if got := product.APIs[0].Endpoint; got != "https://api.example.com/pets" {
		t.Errorf("the address is %s", got)
	}
	if calls := r.plane.called(); calls["mappings api.example.com"] != 1 || calls["mappings closed.internal"] != 0 {
		t.Errorf("calls %v", calls)
	}
	r.now = r.now.Add(5 * time.Minute)
	r.run(-1)
	if calls := r.plane.called(); calls["mappings api.example.com"] != 0 {
		t.Errorf("calls five minutes later %v", calls)
	}
}

func TestAPublicationThatChangesPlansSaysSoUnderOneID(t *testing.T) {
	t.Parallel()
	r := newReading(t, zoo())
	r.run(-1)
	r.run(-1)
	if len(r.changed) > 0 {
		t.Errorf("told without a reason: %v", r.changed)
	}
	r.plane.plans = r.plane.plans[1:]
	cursor := ""
	for {
		next, err := r.Step(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		if next == "" {
			break
		}
		cursor = next
	}
	if _, err := r.Step(t.Context(), cursor); err != nil { // the last step again
		t.Fatal(err)
	}
	if len(r.changed) != 2 || r.changed[0] != r.changed[1] {
		t.Errorf("told %v, want one id twice", r.changed)
	}
	if _, ok := r.document().Product("pets1-prod"); !ok {
		t.Error("the product is gone with one of its plans")
	}
}

func TestTheCatalogOfAnAPIGatewayIsReadThroughTheControlPlane(t *testing.T) {
	t.Parallel()
	cfg := localawstest.Start(t).AWSConfig()
	db, api := dynamodb.NewFromConfig(cfg), gateway.Client(cfg)
	createRecords(t, db)
	made, err := api.CreateUsagePlan(t.Context(), &apigateway.CreateUsagePlanInput{
		Name: aws.String("Free"), ApiStages: []apitypes.ApiStage{petsStage(t, api)},
	})
	if err != nil {
		t.Fatal(err)
	}
	budget, err := gateway.NewBudget(db, gateway.BudgetConfig{Table: records})
	if err != nil {
		t.Fatal(err)
	}
	session := gateway.New(api, budget, gateway.Config{}).Session(gateway.Background, nil)
	r := newReading(t, nil)
	r.Source = func(context.Context) Source { return session }
	r.run(-1)
	plan, product, ok := r.document().Plan(portal.PlanID(aws.ToString(made.Id)))
	if !ok || plan.Name != "Free" || product.Name != "Pets" || len(product.APIs) != 1 {
		t.Errorf("catalog %+v", r.document())
	}
}
