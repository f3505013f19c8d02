package catalog

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// setup is an API Gateway account as a source reads it.
type setup struct {
	plans  []gateway.UsagePlan
	apis   []gateway.RestAPI
	stages map[string][]string
	asked  []string
	fail   string
}

var errSource = errors.New("the source does not answer")

func (s *setup) UsagePlans(context.Context) ([]gateway.UsagePlan, error) {
	if s.fail == "plans" {
		return nil, errSource
	}
	return append([]gateway.UsagePlan(nil), s.plans...), nil
}

func (s *setup) RestAPIs(context.Context) ([]gateway.RestAPI, error) {
	if s.fail == "apis" {
		return nil, errSource
	}
	return s.apis, nil
}

func (s *setup) Stages(_ context.Context, api string) ([]string, error) {
	if s.fail == "stages" {
		return nil, errSource
	}
	s.asked = append(s.asked, api)
	return s.stages[api], nil
}

func (s *setup) shuffled() *setup {
	c := &setup{plans: append([]gateway.UsagePlan(nil), s.plans...), apis: append([]gateway.RestAPI(nil), s.apis...), stages: map[string][]string{}}
	rand.Shuffle(len(c.plans), func(i, j int) { c.plans[i], c.plans[j] = c.plans[j], c.plans[i] })
	rand.Shuffle(len(c.apis), func(i, j int) { c.apis[i], c.apis[j] = c.apis[j], c.apis[i] })
	for i, plan := range c.plans {
		stages := append([]portal.Stage(nil), plan.Stages...)
		rand.Shuffle(len(stages), func(i, j int) { stages[i], stages[j] = stages[j], stages[i] })
		c.plans[i].Stages = stages
	}
	for api, names := range s.stages {
		names = append([]string(nil), names...)
		rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		c.stages[api] = names
	}
	return c
}

func stages(texts ...string) []portal.Stage {
	var list []portal.Stage
	for i := 0; i < len(texts); i += 2 {
		list = append(list, portal.Stage{API: texts[i], Stage: texts[i+1]})
	}
	return list
}

func zoo() *setup {
	return &setup{
		apis: []gateway.RestAPI{
			{ID: "pets1", Name: "Pets", Description: "Cats and dogs.", Version: "2026-01"},
			{ID: "birds", Name: "Birds"},
			{ID: "alone", Name: "Nobody's"},
		},
		stages: map[string][]string{"pets1": {"prod", "beta"}, "birds": {"prod"}, "alone": {"prod"}},
		plans: []gateway.UsagePlan{
			{ID: "gold", Name: "Gold", Stages: stages("pets1", "prod")},
			{ID: "free", Name: "Free", Description: "To try.", Stages: stages("pets1", "prod"), Throttle: &gateway.Throttle{Rate: 1, Burst: 2}, Quota: &gateway.Quota{Limit: 100, Period: "DAY"}},
			{ID: "silver", Name: "Silver", Stages: stages("pets1", "prod"), Throttle: &gateway.Throttle{Rate: 10, Burst: 20}},
			{ID: "early", Name: "Early", Stages: stages("pets1", "beta")},
			{ID: "both2", Name: "Both", Stages: stages("pets1", "prod", "birds", "prod", "birds", "gone")},
			{ID: "both1", Name: "All", Stages: stages("birds", "prod", "pets1", "prod")},
			{ID: "sold", Name: "Sold on Marketplace", Stages: stages("pets1", "prod"), ProductCode: "abc"},
			{ID: "empty", Name: "Empty"},
			{ID: "ghost", Name: "Ghost", Stages: stages("pets1", "gone", "nowhere", "prod")},
		},
	}
}

func read(t *testing.T, from source) Document {
	t.Helper()
	doc, err := Read(t.Context(), from, AWSEndpoint("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestPlansOfTheSameStagesAreOneProductAndTheRestIsLeftOut(t *testing.T) {
	t.Parallel()
	api := func(id, name, description, version, stage string) API {
		return API{ID: id, Name: name, Description: description, Version: version, Stage: stage,
			Endpoint: "https://" + id + ".execute-api.eu-west-1.amazonaws.com/" + stage}
	}
	pets, birds := stages("pets1", "prod"), stages("birds", "prod", "pets1", "prod")
	want := Document{Products: []Product{
		{
			ID: portal.DeriveID("birds:prod", "pets1:prod")[:16], Name: "Birds, Pets",
			Plans: []Plan{{ID: "both1", Name: "All", Stages: birds}, {ID: "both2", Name: "Both", Stages: birds}},
			APIs:  []API{api("birds", "Birds", "", "", "prod"), api("pets1", "Pets", "Cats and dogs.", "2026-01", "prod")},
		},
		{
			ID: "pets1-beta", Name: "Pets (beta)", Description: "Cats and dogs.",
			Plans: []Plan{{ID: "early", Name: "Early", Stages: stages("pets1", "beta")}},
			APIs:  []API{api("pets1", "Pets", "Cats and dogs.", "2026-01", "beta")},
		},
		{
			ID: "pets1-prod", Name: "Pets (prod)", Description: "Cats and dogs.",
			Plans: []Plan{
				{ID: "free", Name: "Free", Description: "To try.", Stages: pets, Throttle: &Throttle{Rate: 1, Burst: 2}, Quota: &Quota{Limit: 100, Period: "DAY"}},
				{ID: "silver", Name: "Silver", Stages: pets, Throttle: &Throttle{Rate: 10, Burst: 20}},
				{ID: "gold", Name: "Gold", Stages: pets},
			},
			APIs: []API{api("pets1", "Pets", "Cats and dogs.", "2026-01", "prod")},
		},
	}}
	if diff := cmp.Diff(want, read(t, zoo())); diff != "" {
		t.Errorf("catalog (-want +got):\n%s", diff)
	}
}

func TestOnlyTheStagesOfAPIsThatAPlanNamesAreAskedFor(t *testing.T) {
	t.Parallel()
	from := zoo()
	read(t, from)
	if diff := cmp.Diff([]string{"pets1", "birds"}, from.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestAnErrorOfTheSourceIsReturned(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"plans", "apis", "stages"} {
		from := zoo()
		from.fail = call
		if _, err := Read(t.Context(), from, AWSEndpoint("eu-west-1")); !errors.Is(err, errSource) {
			t.Errorf("%s: error %v", call, err)
		}
	}
}

func TestAnEmptyAccountIsAnEmptyCatalog(t *testing.T) {
	t.Parallel()
	body, err := read(t, &setup{}).encode()
	if err != nil || string(body) != `{"products":[]}` {
		t.Errorf("document %s, error %v", body, err)
	}
}

func TestQuotasAreComparedByTheDay(t *testing.T) {
	t.Parallel()
	quota := func(id portal.PlanID, limit int, period string) Plan {
		return Plan{ID: id, Name: "Plan", Quota: &Quota{Limit: limit, Period: period}, Stages: stages("a", "s")}
	}
	doc := Document{Products: []Product{{Plans: []Plan{
		quota("day", 5, "DAY"), quota("month", 60, "MONTH"), quota("week", 21, "WEEK"),
	}}}}.Canonical()
	var got []portal.PlanID
	for _, plan := range doc.Products[0].Plans {
		got = append(got, plan.ID)
	}
	if diff := cmp.Diff([]portal.PlanID{"month", "week", "day"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestEndpointsOfAnEmulatorNameItsOwnAddress(t *testing.T) {
	t.Parallel()
	got := OverrideEndpoint("http://localhost:4566/")(portal.Stage{API: "a", Stage: "s"})
	if want := "http://localhost:4566/restapis/a/s/_user_request_"; got != want {
		t.Errorf("endpoint %s, want %s", got, want)
	}
}

// account draws an API Gateway account with few names, so that they collide.
func account(t *rapid.T) *setup {
	names := rapid.SampledFrom([]string{"a", "b", "c"})
	s := &setup{stages: map[string][]string{}}
	for i := range rapid.IntRange(0, 4).Draw(t, "apis") {
		id := string(rune('p' + i))
		s.apis = append(s.apis, gateway.RestAPI{ID: id, Name: names.Draw(t, "api name")})
		s.stages[id] = rapid.SliceOfNDistinct(names, 0, 3, rapid.ID).Draw(t, "stages")
	}
	stage := rapid.Custom(func(t *rapid.T) portal.Stage {
		return portal.Stage{API: rapid.SampledFrom([]string{"p", "q", "r", "s", "t"}).Draw(t, "api"), Stage: names.Draw(t, "stage")}
	})
	for i := range rapid.IntRange(0, 8).Draw(t, "plans") {
		plan := gateway.UsagePlan{
			ID: portal.PlanID(rune('A' + i)), Name: names.Draw(t, "plan name"),
			Stages: rapid.SliceOfNDistinct(stage, 0, 4, rapid.ID).Draw(t, "plan stages"),
		}
		if rapid.Bool().Draw(t, "throttled") {
			plan.Throttle = &gateway.Throttle{Rate: float64(rapid.IntRange(1, 2).Draw(t, "rate"))}
		}
		s.plans = append(s.plans, plan)
	}
	return s
}

func TestTheHashDoesNotDependOnTheOrderThatAPIGatewayAnswersIn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := account(t)
		hash := func(s *setup) string {
			doc, err := Read(context.Background(), s, AWSEndpoint("eu-west-1"))
			if err != nil {
				t.Fatal(err)
			}
			h, err := doc.Hash()
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		if a, b := hash(from), hash(from.shuffled()); a != b {
			t.Fatalf("hashes %s and %s", a, b)
		}
	})
}

func TestWhateverTheDocumentSaysChangesItsHash(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*Document){
		"a product's name":  func(d *Document) { d.Products[0].Name += "x" },
		"a plan's rate":     func(d *Document) { d.Products[2].Plans[0].Throttle.Rate++ },
		"a plan's stages":   func(d *Document) { d.Products[2].Plans[0].Stages[0].Stage = "x" },
		"an API's endpoint": func(d *Document) { d.Products[1].APIs[0].Endpoint += "x" },
		"a plan's end":      func(d *Document) { d.Products[2].Plans = d.Products[2].Plans[1:] },
	}
	seen := map[string]string{}
	note := func(what string, d Document) {
		hash, err := d.Hash()
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := seen[hash]; ok {
			t.Errorf("%s and %s have one hash", what, before)
		}
		seen[hash] = what
	}
	note("nothing", read(t, zoo()))
	for what, change := range changes {
		doc := read(t, zoo())
		change(&doc)
		note(what, doc)
	}
}

func TestPlansAndProductsAreFoundById(t *testing.T) {
	t.Parallel()
	doc := read(t, zoo())
	plan, product, ok := doc.Plan("early")
	if !ok || plan.Name != "Early" || product.ID != "pets1-beta" {
		t.Errorf("plan %+v of product %s, %v", plan, product.ID, ok)
	}
	if _, _, ok := doc.Plan("sold"); ok {
		t.Error("a plan that is not in the catalog was found")
	}
	if product, ok := doc.Product("pets1-prod"); !ok || len(product.Plans) != 3 {
		t.Errorf("product %+v, %v", product, ok)
	}
	if _, ok := doc.Product("sold"); ok {
		t.Error("a product that is not in the catalog was found")
	}
}
