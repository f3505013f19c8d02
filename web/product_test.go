package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAnOldAddressOfAProductRedirectsToTheNewOne(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather())}
	f.catalog.Moved = map[string]portal.PlanID{"forecasts": f.catalog.Products[0].Plans[0].ID, "gone": "nobody's"}
	w := visit(f).get("/apis/forecasts")
	if w.Code != http.StatusFound || w.Header().Get("Location") != "/apis/weather" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	if w := visit(f).get("/apis/gone"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown address answers %d", w.Code)
	}
}

func TestAProductsPageSaysWhyAnAPIHasNoAddress(t *testing.T) {
	t.Parallel()
	product := weather()
	product.APIs = []catalog.API{
		{ID: "chat", Name: "API chat", Stage: "live", Kind: catalog.Other},
		{ID: "inner", Name: "Inner", Stage: "prod", Kind: catalog.REST, Private: true},
		{ID: "closed", Name: "Closed", Stage: "prod", Kind: catalog.REST},
	}
	product.Plans[0].Methods = []catalog.MethodLimit{{API: "inner", Stage: "prod", Path: "/pets/{id}", Method: "GET", Rate: 5, Burst: 10}}
	text := document(t, visit(&fake{catalog: published(product)}).get("/apis/weather"), http.StatusOK).Text()
	for _, want := range []string{"not a REST API", "only be called from inside its owner's network", "API Gateway has no public address for this API", "GET /pets/{id}", "5 requests a second, 10 requests at once"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestAnAPIDoesNotRepeatTheProductsDescription(t *testing.T) {
	t.Parallel()
	product := weather()
	product.APIs = append(product.APIs, product.APIs[0])
	product.APIs[0].Description, product.APIs[1].Description = product.Description, "Storms only."
	doc := document(t, visit(&fake{catalog: published(product)}).get("/apis/weather"), http.StatusOK)
	if got := strings.Count(text(doc.Find("main")), product.Description); got != 1 {
		t.Errorf("the page says %q %d times", product.Description, got)
	}
	says(t, doc, ".api:last-child", "Storms only.")
}

func TestAPageReadsTheAccountOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, lacks string }{
		"plans": {"/apis/harbours/plans", ".head-side .button"}, "operation": {listHarbours, ""}, "overview": {"/apis/harbours", ""}, "overview with plans": {"/apis/harbours", ".prose"},
	} {
		f := subscribed()
		if name == "overview with plans" {
			f.catalog.Document.Products[0].Overview = ""
		}
		doc := document(t, signedIn(f).get(c.path), http.StatusOK)
		if c.lacks != "" {
			none(t, doc, c.lacks)
		}
		if f.accountReads != 1 {
			t.Errorf("%s: the account was read %d times", name, f.accountReads)
		}
	}
}
