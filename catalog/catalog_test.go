package catalog

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// setup is an API Gateway account.
type setup struct {
	plans    []gateway.UsagePlan
	apis     []gateway.RestAPI
	stages   map[string][]string
	domains  []gateway.Domain
	mappings map[string][]gateway.Mapping
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
			{ID: "ghost", Name: "Ghost", Stages: stages("pets1", "gone")},
		},
	}
}

// document is what the catalog makes of it.
func (s *setup) document() Document {
	return s.assembly(parts{offerAll: true}).Document
}

// assembly is what the catalog makes of the account and of the other parts.
func (s *setup) assembly(from parts) assembly {
	from.plans, from.apis, from.stages = s.plans, map[string]gateway.RestAPI{}, s.stages
	for _, api := range s.apis {
		from.apis[api.ID] = api
	}
	for _, domain := range s.domains {
		for _, mapping := range s.mappings[domain.Name] {
			from.mapped = append(from.mapped, mapped{Domain: domain, Mapping: mapping})
		}
	}
	return assemble(from, AWSEndpoint("eu-west-1"))
}

func TestPlansOfTheSameStagesAreOneProductAndTheRestIsLeftOut(t *testing.T) {
	t.Parallel()
	api := func(id, name, description, version, stage string) API {
		return API{ID: id, Slug: id + "-" + stage, Name: name, Description: description, Version: version, Stage: stage, Kind: REST,
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
				{ID: "sold", Name: "Sold on Marketplace", Stages: pets, Marketplace: true, Listing: &Listing{Product: "abc", Meter: MeterGateway}},
			},
			APIs: []API{api("pets1", "Pets", "Cats and dogs.", "2026-01", "prod")},
		},
	}}
	if diff := cmp.Diff(want, zoo().document()); diff != "" {
		t.Errorf("catalog (-want +got):\n%s", diff)
	}
}

func TestAnEmptyAccountIsAnEmptyCatalog(t *testing.T) {
	t.Parallel()
	body, err := (&setup{}).document().encode()
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
			h, err := s.document().Hash()
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
		"a method's limit":  func(d *Document) { d.Products[2].Plans[0].Methods = []MethodLimit{{Method: "GET"}} },
		"an old address":    func(d *Document) { d.Moved = map[string]portal.PlanID{"old": "free"} },
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
	note("nothing", zoo().document())
	for what, change := range changes {
		doc := zoo().document()
		change(&doc)
		note(what, doc)
	}
}

func TestPlansAndProductsAreFoundById(t *testing.T) {
	t.Parallel()
	doc := zoo().document()
	plan, product, ok := doc.Plan("early")
	if !ok || plan.Name != "Early" || product.ID != "pets1-beta" {
		t.Errorf("plan %+v of product %s, %v", plan, product.ID, ok)
	}
	if _, _, ok := doc.Plan("ghost"); ok {
		t.Error("a plan that is not in the catalog was found")
	}
	if product, ok := doc.Product("pets1-prod"); !ok || len(product.Plans) != 4 {
		t.Errorf("product %+v, %v", product, ok)
	}
	if _, ok := doc.Product("sold"); ok {
		t.Error("a product that is not in the catalog was found")
	}
}

func TestMethodsWithLimitsOfTheirOwnAreToldOfAStageThatIsOffered(t *testing.T) {
	t.Parallel()
	method := func(stage, path, verb string, rate float64, burst int) gateway.MethodThrottle {
		return gateway.MethodThrottle{
			Stage: portal.Stage{API: "pets1", Stage: stage}, Path: path, Method: verb, Throttle: gateway.Throttle{Rate: rate, Burst: burst},
		}
	}
	s := zoo()
	s.plans = []gateway.UsagePlan{{ID: "p", Name: "P", Stages: stages("pets1", "prod", "pets1", "gone"), Methods: []gateway.MethodThrottle{
		method("prod", "/pets/{id}", "GET", 5, 10), method("prod", "/pets", "POST", 0.5, 1), method("gone", "/pets", "GET", 1, 1),
	}}}
	plan, _, _ := s.document().Plan("p")
	want := []MethodLimit{
		{API: "pets1", Stage: "prod", Path: "/pets", Method: "POST", Rate: 0.5, Burst: 1},
		{API: "pets1", Stage: "prod", Path: "/pets/{id}", Method: "GET", Rate: 5, Burst: 10},
	}
	if diff := cmp.Diff(want, plan.Methods); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

func TestAnAPIThatIsNoRESTAPIIsNamedAsSuch(t *testing.T) {
	t.Parallel()
	s := zoo()
	s.plans = []gateway.UsagePlan{
		{ID: "mixed", Name: "Mixed", Stages: stages("pets1", "prod", "chat", "live")},
		{ID: "chat", Name: "Chat", Stages: stages("chat", "live")},
	}
	other := API{ID: "chat", Slug: "chat-live", Name: "API chat", Stage: "live", Kind: Other}
	doc := s.document()
	_, alone, _ := doc.Plan("chat")
	if diff := cmp.Diff(Product{ID: "chat-live", Name: "API chat", APIs: []API{other},
		Plans: []Plan{{ID: "chat", Name: "Chat", Stages: stages("chat", "live")}}}, alone); diff != "" {
		t.Errorf("alone (-want +got):\n%s", diff)
	}
	_, mixed, _ := doc.Plan("mixed")
	if len(mixed.APIs) != 2 || !cmp.Equal(mixed.APIs[0], other) || mixed.APIs[1].Kind != REST {
		t.Errorf("beside another: %+v", mixed.APIs)
	}
}

func TestProductsAreToldApartHoweverAlikeTheirAPIsAre(t *testing.T) {
	t.Parallel()
	s := &setup{
		apis:   []gateway.RestAPI{{ID: "a1", Name: "Pets"}, {ID: "b2", Name: "Pets"}, {ID: "c3", Name: "Birds"}},
		stages: map[string][]string{"a1": {"prod", "beta"}, "b2": {"prod", "beta"}, "c3": {"prod"}},
		plans: []gateway.UsagePlan{
			{ID: "1", Name: "P", Stages: stages("a1", "prod")}, {ID: "2", Name: "P", Stages: stages("b2", "prod")},
			{ID: "3", Name: "P", Stages: stages("a1", "beta", "b2", "prod")}, {ID: "4", Name: "P", Stages: stages("a1", "prod", "b2", "beta")},
			{ID: "5", Name: "P", Stages: stages("c3", "prod")},
		},
	}
	var names []string
	for _, p := range s.document().Products {
		names = append(names, p.Name)
	}
	want := []string{"Birds", "Pets (a1:beta, b2:prod)", "Pets (a1:prod)", "Pets (a1:prod, b2:beta)", "Pets (b2:prod)"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestTheAddressShownIsOneThatEverybodyCanCall(t *testing.T) {
	t.Parallel()
	public, closed := gateway.Domain{Name: "api.example.com"}, gateway.Domain{Name: "a.internal", Private: true}
	ruled, wild := gateway.Domain{Name: "a.rules.example", Unusable: true}, gateway.Domain{Name: "*.example.com"}
	at := func(path, stage string) gateway.Mapping {
		return gateway.Mapping{BasePath: path, API: "pets1", Stage: stage}
	}
	const byDefault = "https://pets1.execute-api.eu-west-1.amazonaws.com/prod"
	for name, c := range map[string]struct {
		api    gateway.RestAPI
		mapped []mapped
		want   string
	}{
		"by default the execute-api address":              {gateway.RestAPI{}, nil, byDefault},
		"none with the default switched off":              {gateway.RestAPI{NoDefaultEndpoint: true}, nil, ""},
		"none for a private API":                          {gateway.RestAPI{Private: true}, []mapped{{public, at("", "prod")}}, ""},
		"a custom domain's base path":                     {gateway.RestAPI{NoDefaultEndpoint: true}, []mapped{{public, at("pets", "prod")}}, "https://api.example.com/pets"},
		"a custom domain's root, before the default":      {gateway.RestAPI{}, []mapped{{public, at("", "prod")}}, "https://api.example.com"},
		"the stage after a base path that leaves it open": {gateway.RestAPI{}, []mapped{{public, at("pets", "")}}, "https://api.example.com/pets/prod"},
		"a base path of another stage is not it":          {gateway.RestAPI{}, []mapped{{public, at("pets", "beta")}}, byDefault},
		"domains that nobody outside can call are not":    {gateway.RestAPI{}, []mapped{{closed, at("", "prod")}, {ruled, at("", "prod")}, {wild, at("", "prod")}}, byDefault},
		"the first of several, whatever their order": {gateway.RestAPI{}, []mapped{
			{public, at("z", "prod")}, {gateway.Domain{Name: "b.example.com"}, at("", "prod")}, {public, at("a", "prod")},
		}, "https://api.example.com/a"},
	} {
		got := newAddresses(c.mapped).endpoint(c.api, portal.Stage{API: "pets1", Stage: "prod"}, AWSEndpoint("eu-west-1"))
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestTheDefaultAddressIsInThePartitionOfItsRegion(t *testing.T) {
	t.Parallel()
	for region, suffix := range map[string]string{
		"eu-west-1": "amazonaws.com", "us-gov-west-1": "amazonaws.com", "cn-north-1": "amazonaws.com.cn",
		"us-iso-east-1": "c2s.ic.gov", "us-isob-east-1": "sc2s.sgov.gov", "a-region-to-come": "amazonaws.com",
	} {
		want := "https://a.execute-api." + region + "." + suffix + "/s"
		if got := AWSEndpoint(region)(portal.Stage{API: "a", Stage: "s"}); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}

func TestAnOldAddressOfAProductLeadsToWhereItsPlansAreNow(t *testing.T) {
	t.Parallel()
	before := zoo()
	old := before.document()
	after := zoo()
	for i, plan := range after.plans {
		if plan.ID == "early" {
			after.plans[i].Stages = append(after.plans[i].Stages, stages("birds", "prod")...)
		}
	}
	grown := after.document().After(old)
	product, ok := grown.Product("pets1-beta")
	if now, _, _ := grown.Plan("early"); !ok || product.ID == "pets1-beta" || len(now.Stages) != 2 {
		t.Fatalf("the old address leads to %+v, %t", product, ok)
	}
	if again := after.document().After(grown); !cmp.Equal(grown, again) {
		t.Errorf("read again it is another document:\n%s", cmp.Diff(grown, again))
	}
	back := before.document().After(grown)
	if product, ok := back.Product("pets1-beta"); !ok || product.ID != "pets1-beta" {
		t.Errorf("moved back it is %+v, %t", product, ok)
	}
	if product, ok := back.Product(productID(stages("birds", "prod", "pets1", "beta"))); !ok || product.ID != "pets1-beta" {
		t.Errorf("the address in between leads to %+v, %t", product, ok)
	}
	if _, ok := (&setup{}).document().After(grown).Product("pets1-beta"); ok {
		t.Error("an address leads to a plan that is gone")
	}
}

func TestPlansThatAreGoneRenamedOrHaveOtherStagesCountAsChanged(t *testing.T) {
	t.Parallel()
	change := func(id portal.PlanID, f func(*gateway.UsagePlan)) Document {
		s := zoo()
		for i := range s.plans {
			if s.plans[i].ID == id {
				f(&s.plans[i])
			}
		}
		return s.document()
	}
	more := zoo()
	more.plans = append(more.plans, gateway.UsagePlan{ID: "new", Name: "New", Stages: stages("pets1", "prod")})
	for name, c := range map[string]struct {
		next Document
		want bool
	}{
		"nothing":           {zoo().document(), false},
		"a new plan":        {more.document(), false},
		"another limit":     {change("free", func(p *gateway.UsagePlan) { p.Throttle = nil }), false},
		"another name":      {change("free", func(p *gateway.UsagePlan) { p.Name = "Gratis" }), true},
		"another stage":     {change("free", func(p *gateway.UsagePlan) { p.Stages = stages("pets1", "beta") }), true},
		"no stage any more": {change("free", func(p *gateway.UsagePlan) { p.Stages = nil }), true},
	} {
		if got := zoo().document().ChangesPlans(c.next); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
