package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// tagged is the zoo with the tag on some plans.
func tagged(ids ...portal.PlanID) *setup {
	s := zoo()
	for i, plan := range s.plans {
		if slices.Contains(ids, plan.ID) {
			s.plans[i].Tags = map[string]string{"team": "zoo", OfferTag: OfferValue}
		}
	}
	return s
}

func folder(products ...Described) parts { return parts{folder: Folder{Products: products}} }

func planIDs(doc Document) map[string][]portal.PlanID {
	ids := map[string][]portal.PlanID{}
	for _, product := range doc.Products {
		ids[product.ID] = []portal.PlanID{}
		for _, plan := range product.Plans {
			ids[product.ID] = append(ids[product.ID], plan.ID)
		}
	}
	return ids
}

func texts(problems []Problem) (all []string) {
	for _, p := range problems {
		all = append(all, p.Where+": "+p.Text)
	}
	return all
}

func TestOnlyTaggedAndNamedPlansAreOfferedAndTheOthersSayWhy(t *testing.T) {
	t.Parallel()
	s := tagged("free", "gold", "ghost")
	s.plans = append(s.plans, gateway.UsagePlan{ID: "off", Name: "Off", Stages: stages("pets1", "prod"), Tags: map[string]string{OfferTag: "false"}})
	got := s.assembly(folder(Described{
		Path: "zoo", Product: Product{ID: "zoo", Name: "The Zoo"},
		Plans: []DescribedPlan{{ID: "both1", Line: 4}, {Named: "Gold", Withheld: true, Line: 6}},
	}))
	want := map[string][]portal.PlanID{"zoo": {"both1"}, "pets1-prod": {"free"}}
	if diff := cmp.Diff(want, planIDs(got.Document)); diff != "" {
		t.Errorf("offered (-want +got):\n%s", diff)
	}
	reasons := map[portal.PlanID]string{}
	for _, n := range got.NotOffered {
		reasons[n.Plan] = n.Reason
	}
	const untagged = "It lacks the tag gatehouse:offer=true, and no product folder names it."
	if diff := cmp.Diff(map[portal.PlanID]string{
		"silver": untagged, "early": untagged, "both2": untagged, "sold": untagged, "empty": untagged, "off": untagged,
		"gold": `zoo/product.yaml, line 6, says "offer: false".`, "ghost": noStageLeft,
	}, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if len(got.Problems) > 0 {
		t.Errorf("problems %v", got.Problems)
	}
}

func TestAProblemOfAProductThatStaysAsItWasNamesNoLineOfTheBrokenFile(t *testing.T) {
	t.Parallel()
	from := folder(Described{
		Path: "zoo", Product: Product{ID: "zoo", Name: "The Zoo"},
		Plans: []DescribedPlan{{ID: "both1", Line: 4}, {Named: "Titanium", Line: 6}},
	})
	from.folder.Broken = []string{"zoo"}
	from.folder.Problems = []Problem{{Where: "zoo/product.yaml", Line: 3, Text: "A tab is not allowed here."}}
	want := []Problem{
		{Where: "zoo/product.yaml", Text: `API Gateway has no usage plan "Titanium" in this AWS account and Region. Correct the name or id, or remove the plan. (The file said so before it had errors.)`},
		{Where: "zoo/product.yaml", Line: 3, Text: "A tab is not allowed here."},
	}
	if diff := cmp.Diff(want, zoo().assembly(from).Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestADescribedProductTakesWhatItNamesWithWhatAPIGatewaySays(t *testing.T) {
	t.Parallel()
	described := Described{
		Path: "animals",
		Product: Product{
			ID: "animals", Name: "Animals", Description: "All of them.", Visibility: VisibleGroups, Groups: []string{"keepers"},
			Category: "Nature", Overview: "h-overview",
		},
		Plans: []DescribedPlan{
			{Named: "Silver", Title: "Team", Price: "29 € a month", Recommended: true, Approval: ApprovalManual},
			{ID: "free"},
			{ID: "sold", Description: "Bought on AWS Marketplace."},
		},
		APIs: []DescribedAPI{
			{Named: "Pets", Slug: "pets", Title: "Pets API", Definition: "h-pets", SDKs: []string{"java"}},
			{ID: "birds", Stage: "prod"},
			{Title: "Sounds of animals", Endpoint: "https://sounds.example.com", Definition: "h-sounds"},
		},
	}
	from := folder(described)
	from.definitions = map[portal.Stage]string{{API: "birds", Stage: "prod"}: "h-birds", {API: "pets1", Stage: "prod"}: "h-export"}
	from.sdks = map[portal.Stage][]SDK{{API: "pets1", Stage: "prod"}: {{Type: "java", Hash: "h-java"}, {Type: "ruby", Hash: "h-ruby"}}}
	got := tagged("gold").assembly(from)
	pets := stages("pets1", "prod")
	endpoint := func(api string) string { return "https://" + api + ".execute-api.eu-west-1.amazonaws.com/prod" }
	want := described.Product
	want.Plans = []Plan{
		{ID: "silver", Name: "Team", Stages: pets, Throttle: &Throttle{Rate: 10, Burst: 20}, Order: 1, Price: "29 € a month", Recommended: true, Approval: ApprovalManual},
		{ID: "free", Name: "Free", Description: "To try.", Stages: pets, Throttle: &Throttle{Rate: 1, Burst: 2}, Quota: &Quota{Limit: 100, Period: "DAY"}, Order: 2},
		{ID: "sold", Name: "Sold on Marketplace", Description: "Bought on AWS Marketplace.", Stages: pets, Order: 3, Marketplace: true, Listing: &Listing{Product: "abc", Meter: MeterGateway}},
	}
	want.APIs = []API{
		{ID: "birds", Slug: "birds-prod", Name: "Birds", Stage: "prod", Endpoint: endpoint("birds"), Kind: REST, Definition: "h-birds"},
		{ID: "pets1", Slug: "pets", Name: "Pets API", Description: "Cats and dogs.", Version: "2026-01", Stage: "prod", Endpoint: endpoint("pets1"), Kind: REST, Definition: "h-pets", SDKs: []SDK{{Type: "java", Hash: "h-java"}}},
		{Slug: "sounds-of-animals", Name: "Sounds of animals", Endpoint: "https://sounds.example.com", Kind: Docs, Definition: "h-sounds"},
	}
	product, _ := got.Document.Product("animals")
	if diff := cmp.Diff(want, product); diff != "" {
		t.Errorf("product (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]portal.PlanID{"animals": {"silver", "free", "sold"}, "pets1-prod": {"gold"}}, planIDs(got.Document)); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"java"}, got.SDKs[pets[0]]); diff != "" || len(got.Problems) > 0 {
		t.Errorf("SDKs (-want +got), problems %v:\n%s", got.Problems, diff)
	}
}

func TestWhatAFolderNamesInVainIsNamedWithItsLineAndTakesNothingElseDown(t *testing.T) {
	t.Parallel()
	one := func(plans []DescribedPlan, apis ...DescribedAPI) Described {
		return Described{Path: "zoo", Product: Product{ID: "zoo", Name: "Zoo"}, Plans: plans, APIs: apis}
	}
	free := DescribedPlan{ID: "free"}
	for name, c := range map[string]struct {
		from Described
		line int
		want string
	}{
		"an unknown plan id":   {one([]DescribedPlan{free, {ID: "nope", Line: 7}}), 7, `API Gateway has no usage plan "nope"`},
		"an unknown plan name": {one([]DescribedPlan{free, {Named: "Platinum", Line: 7}}), 7, `API Gateway has no usage plan "Platinum"`},
		"a name of two plans":  {one([]DescribedPlan{free, {Named: "Twin", Line: 8}}), 8, `2 usage plans are named "Twin". Name this one by its id: twin1, twin2.`},
		"a plan twice":         {one([]DescribedPlan{free, {Named: "Free", Line: 9}}), 9, "zoo/product.yaml names the usage plan free already."},
		"a plan without stage": {one([]DescribedPlan{free, {ID: "ghost", Line: 9}}), 9, "The usage plan ghost is left out. None of its stages exists."},
		"an unknown API":       {one([]DescribedPlan{free}, DescribedAPI{ID: "nope", Stage: "prod", Line: 11}), 11, `no REST API with the id "nope"`},
		"an unknown API name":  {one([]DescribedPlan{free}, DescribedAPI{Named: "Fish", Line: 11}), 11, `no REST API named "Fish"`},
		"a name of two APIs":   {one([]DescribedPlan{free}, DescribedAPI{Named: "Twins", Line: 11}), 11, `2 REST APIs are named "Twins". Name this one by its id: t1, t2.`},
		"an unknown stage":     {one([]DescribedPlan{free}, DescribedAPI{ID: "pets1", Stage: "v9", Line: 12}), 12, `The API pets1 has no stage "v9". It has the stages beta, prod.`},
		"a stage left open":    {one(nil, DescribedAPI{ID: "birds"}, DescribedAPI{ID: "pets1", Line: 12}), 12, `The API pets1 needs a "stage". It has the stages beta, prod.`},
		"an API without stage": {one([]DescribedPlan{free}, DescribedAPI{ID: "t1", Line: 13}), 13, `The API t1 needs a "stage". It has no stage, so deploy it first.`},
	} {
		s := tagged("both1")
		s.plans = append(s.plans, gateway.UsagePlan{ID: "twin1", Name: "Twin"}, gateway.UsagePlan{ID: "twin2", Name: "Twin"})
		s.apis = append(s.apis, gateway.RestAPI{ID: "t1", Name: "Twins"}, gateway.RestAPI{ID: "t2", Name: "Twins"})
		got := s.assembly(folder(c.from))
		if len(got.Problems) != 1 || got.Problems[0].Where != "zoo/product.yaml" || got.Problems[0].Line != c.line || !strings.Contains(got.Problems[0].Text, c.want) {
			t.Errorf("%s: problems %+v, want line %d: %s", name, got.Problems, c.line, c.want)
		}
		if _, ok := got.Document.Product("zoo"); !ok || len(got.Document.Products) != 2 {
			t.Errorf("%s: the rest of the catalog is %v", name, planIDs(got.Document))
		}
	}
}

func TestTheFirstOfTwoClaimsOnAPlanOrAnIDKeepsIt(t *testing.T) {
	t.Parallel()
	second := Described{Path: "b", Product: Product{ID: "b", Name: "B"}, Plans: []DescribedPlan{{ID: "free", Line: 3}, {ID: "silver", Line: 5}}}
	first := Described{Path: "a", Product: Product{ID: "a", Name: "A"}, Plans: []DescribedPlan{{Named: "Free", Line: 3}}}
	impostor := Described{Path: "c", Product: Product{ID: "a", Name: "C"}, Plans: []DescribedPlan{{ID: "gold", Line: 3}}}
	got := tagged("gold").assembly(folder(second, impostor, first))
	if diff := cmp.Diff(map[string][]portal.PlanID{"a": {"free"}, "b": {"silver"}}, planIDs(got.Document)); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	want := []string{
		"b/product.yaml: a/product.yaml names the usage plan free already. A plan can be in one product only: remove it from one of the files.",
		`c/product.yaml: a/product.yaml has the id "a", too. Give one of the two products another id.`,
	}
	if diff := cmp.Diff(want, texts(got.Problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if product, _ := got.Document.Product("a"); product.Name != "A" {
		t.Errorf("the product is %s", product.Name)
	}
}

// The plan of a restricted product must not get into a public one because of a fault in its
// folder, even if it has the tag.
func TestAFaultInAFolderMakesNoPlanPublic(t *testing.T) {
	t.Parallel()
	hidden := Product{ID: "zoo", Name: "Zoo", Visibility: VisibleHidden}
	other := Described{Path: "a", Product: Product{ID: "zoo", Name: "Other", Visibility: VisibleHidden}}
	for name, from := range map[string]parts{
		"another folder has its id": folder(other, Described{Path: "zoo", Product: hidden, Plans: []DescribedPlan{{ID: "gold"}}}),
		"it uses the name of two":   folder(Described{Path: "zoo", Product: hidden, Plans: []DescribedPlan{{Named: "Gold"}}}),
	} {
		s := tagged("gold")
		if name == "it uses the name of two" {
			s.plans = append(s.plans, gateway.UsagePlan{ID: "gold2", Name: "Gold", Stages: stages("birds", "prod")})
		}
		got := s.assembly(from)
		if _, _, ok := got.Document.For(Viewer{SignedIn: true}).Plan("gold"); ok || len(got.Problems) == 0 {
			t.Errorf("%s: offered %v, problems %v", name, planIDs(got.Document), got.Problems)
		}
		if !slices.ContainsFunc(got.NotOffered, func(n NotOffered) bool { return n.Plan == "gold" && strings.Contains(n.Reason, "zoo/product.yaml") }) {
			t.Errorf("%s: not offered %v", name, got.NotOffered)
		}
	}
}

func TestAProductOfWhichNothingIsLeftIsLeftOutUnlessItHasNoneOnPurpose(t *testing.T) {
	t.Parallel()
	of := func(id string, plans ...DescribedPlan) Described {
		return Described{Path: id, Product: Product{ID: id, Name: id, Overview: "h"}, Plans: plans}
	}
	got := zoo().assembly(folder(of("gone", DescribedPlan{ID: "nope"}), of("guide"), of("later", DescribedPlan{ID: "free", Withheld: true})))
	if diff := cmp.Diff(map[string][]portal.PlanID{"guide": {}, "later": {}}, planIDs(got.Document)); diff != "" {
		t.Errorf("products (-want +got):\n%s", diff)
	}
	want := []string{
		`gone/product.yaml: API Gateway has no usage plan "nope" in this AWS account and Region. Correct the name or id, or remove the plan.`,
		"gone/product.yaml: The product is left out, since none of the plans and APIs that it names is there.",
	}
	if diff := cmp.Diff(want, texts(got.Problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestAProductWithAWithheldPlanStaysThoughItsOtherPlansAreGone(t *testing.T) {
	t.Parallel()
	got := zoo().assembly(folder(Described{
		Path: "zoo", Product: Product{ID: "zoo"},
		Plans: []DescribedPlan{{ID: "free", Withheld: true, Line: 3}, {ID: "nope", Withheld: true, Line: 5}},
	}))
	if diff := cmp.Diff(map[string][]portal.PlanID{"zoo": {}}, planIDs(got.Document)); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	if len(got.Problems) != 1 || got.Problems[0].Line != 5 {
		t.Errorf("the problems are %+v", got.Problems)
	}
}

func TestSlugsAreDifferentWithinAProduct(t *testing.T) {
	t.Parallel()
	doc := func(slug string) DescribedAPI { return DescribedAPI{Title: "Ümläut", Slug: slug} }
	got := zoo().assembly(folder(Described{
		Path: "zoo", Product: Product{ID: "zoo", Name: "Zoo"},
		APIs: []DescribedAPI{doc("pets"), doc("pets"), doc("pets-2"), doc(""), {Title: "動物"}, {ID: "birds", Slug: "pets"}},
	}))
	seen := map[string]bool{}
	for _, api := range got.Document.Products[0].APIs {
		if seen[api.Slug] || api.Slug == "" {
			t.Errorf("the slug %q of %s is taken", api.Slug, api.Name)
		}
		seen[api.Slug] = true
	}
	if len(seen) != 6 {
		t.Errorf("slugs %v", seen)
	}
}

func TestTheDocumentDoesNotDependOnTheOrderOfTheFolder(t *testing.T) {
	t.Parallel()
	a := Described{Path: "a", Product: Product{ID: "a", Name: "Same"}, Plans: []DescribedPlan{{ID: "free"}, {ID: "silver"}}}
	b := Described{Path: "b", Product: Product{ID: "b", Name: "Same"}, Plans: []DescribedPlan{{ID: "silver"}, {ID: "gold"}}}
	first, second := zoo().assembly(folder(a, b)), zoo().shuffled().assembly(folder(b, a))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
}
