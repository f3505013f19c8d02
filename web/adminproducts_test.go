package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestThePageOfProductsSaysWhoSeesThemAndWhatToChange(t *testing.T) {
	t.Parallel()
	doc := document(t, offering().get("/admin/products"), http.StatusOK)
	products := text(one(t, doc, `section[aria-labelledby="products"]`))
	for _, want := range []string{
		"4 products", "Who sees it Everybody", "Who sees it Members of partners, staff, and admins", "Who sees it Admins only", "Plans None is offered",
		"plan-partner Partner: An admin approves each subscription", "plan-sold Fleet: Sold on AWS Marketplace", "Its files have errors now.",
		`Problem partners/product.yaml, line 3 Unknown key "visibilty". Did you mean "visibility"?`, "Warning partners/pages/a.md A link leads nowhere.",
		"set in partners/product.yaml of the catalog folder s3://acme/catalog.", "Problem API a9, stage v1 API Gateway cannot export it.", "No file describes it. It is made of usage plans with the tag gatehouse:offer=true",
	} {
		if !strings.Contains(products, want) {
			t.Errorf("it does not say %q: %s", want, products)
		}
	}
	if strings.Contains(products, "broken/") {
		t.Error("a problem of no product is shown at one")
	}
	says(t, doc, `section[aria-labelledby="problems"]`, "Problem broken/product.yaml, line 1 The product has no name. <b>Add</b> one.")
	says(t, doc, `section[aria-labelledby="read"]`, "3 problems and 1 warning")
	says(t, doc, `section[aria-labelledby="read"]`, "The catalog folder s3://acme/catalog could not be read. The portal shows what it said on 22 November 2026 at 08:00 UTC.")
	says(t, doc, `section[aria-labelledby="not-offered"]`, "129 more.")
}

func TestThePageOfProductsHasStatesAndPages(t *testing.T) {
	t.Parallel()
	states := productStates()
	says(t, document(t, states["products, not read"].site.get("/admin/products"), http.StatusOK), `section[aria-labelledby="read"]`, "API Gateway could not be read on 22 November 2026 at 09:00 UTC. The published catalog stays.")
	says(t, document(t, states["products, none"].site.get("/admin/products"), http.StatusOK), ".empty", "Nothing is published yet.")
	says(t, document(t, states["products, none"].site.get("/admin/products"), http.StatusOK), `section[aria-labelledby="read"]`, "No worker has read the catalog yet.")
	says(t, document(t, offering().get("/admin/products?q=zebra"), http.StatusOK), ".empty", "No product matches.")
	if found := document(t, offering().get("/admin/products?q=partner"), http.StatusOK).Find(`section[aria-labelledby="products"] > .lines > li`); found.Length() != 1 {
		t.Errorf("%d products are found", found.Length())
	}
	var many []catalog.Product
	for i := range 60 {
		many = append(many, catalog.Product{ID: fmt.Sprint("p", i), Name: fmt.Sprint("Product ", i)})
	}
	s, path, seen := siteOf(&fake{catalog: published(many...), office: &fakeAdmin{}}, &root), "/admin/products", 0
	for pages := 0; path != "" && pages < 9; pages++ {
		doc := document(t, s.get(path), http.StatusOK)
		seen += doc.Find(`section[aria-labelledby="products"] > .lines > li`).Length()
		path = doc.Find(`a[rel="next"]`).AttrOr("href", "")
	}
	if seen != 60 {
		t.Errorf("the pages list %d products, want 60, each once", seen)
	}
	down := offering()
	down.office.shopErr = portal.Fail(portal.Unavailable, "The portal cannot read its data right now.")
	if w := down.get("/admin/products"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without an answer of the table it is answered %d", w.Code)
	}
	if w := offering().get("/admin/products?page=0"); w.Code != http.StatusNotFound {
		t.Errorf("page 0 is answered %d", w.Code)
	}
}

func TestAnAdminHasTheCatalogReadAndFollowsThat(t *testing.T) {
	t.Parallel()
	s := offering()
	form := url.Values{"idempotency_key": {attr(t, one(t, document(t, s.get("/admin/products"), http.StatusOK), `form[action="/admin/products/sync"] input`), "value")}}
	for range 2 {
		if w := s.post("/admin/products/sync", form); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/operations/") {
			t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
		}
	}
	if diff := cmp.Diff([]string{"sync"}, s.office.words()); diff != "" {
		t.Error(diff)
	}
	for status, want := range map[projections.Status]string{
		projections.Accepted: "Next: a worker reads API Gateway", projections.Succeeded: "The portal shows the catalog as it is now", projections.Failed: "The published catalog stays as it is.",
	} {
		for id, operation := range s.operations {
			operation.Type, operation.Progress = "CatalogSyncRequested", projections.Progress{Status: status, Code: map[bool]string{true: "source_failed"}[status == projections.Failed]}
			s.operations[id] = operation
			says(t, document(t, s.get("/operations/"+string(id)), http.StatusOK), "main", want)
		}
	}
}

// inView returns the site in a view, and checks that the form leads to the catalog.
func inView(t *testing.T, as string) site {
	t.Helper()
	s := offering()
	if cookie := s.viewCookie(as); cookie.Value == "none" || strings.Contains(cookie.Value, "partners") {
		t.Fatalf("the cookie is %v", cookie)
	}
	return s.viewedBy(as)
}

func TestAnAdminSeesTheCatalogExactlyAsOthersDo(t *testing.T) {
	t.Parallel()
	for as, c := range map[string]struct {
		caller *identity.Identity
		banner string
	}{
		"visitor":        {nil, "You see the catalog as a visitor who is not signed in."},
		"member":         {&identity.Identity{Account: "account-root", Name: "Root", Via: identity.ViaSession}, "as a person in no group."},
		"group:partners": {&identity.Identity{Account: "account-root", Name: "Root", Groups: []string{"partners"}, Via: identity.ViaSession}, "as a member of partners."},
	} {
		view := inView(t, as)
		other := siteOf(&fake{catalog: view.catalog, account: registered(), office: &fakeAdmin{}}, c.caller)
		for _, path := range []string{"/", "/apis", "/apis/weather", "/apis/partners", "/apis/partners/plans", "/apis/secret", "/apis/tagged", "/search?q=weather", "/apis/partners/docs", "/pages/none"} {
			got, want := view.get(path), other.get(path)
			if got.Code != want.Code || got.Header().Get("Location") != want.Header().Get("Location") {
				t.Errorf("%s, %s: %d, want %d", as, path, got.Code, want.Code)
				continue
			}
			if got.Code == http.StatusFound {
				continue
			}
			doc := document(t, got, got.Code)
			says(t, doc, ".viewing", c.banner)
			doc.Find(".viewing").Remove()
			if diff := cmp.Diff(text(document(t, want, want.Code).Find("body")), text(doc.Find("body"))); diff != "" {
				t.Errorf("%s, %s: the page differs (-other +view):\n%s", as, path, diff)
			}
			if cache := got.Header().Get("Cache-Control"); cache != "private, no-store" {
				t.Errorf("%s, %s: Cache-Control is %q", as, path, cache)
			}
		}
	}
}

func TestNothingCanBeChangedInAView(t *testing.T) {
	t.Parallel()
	view := inView(t, "visitor")
	for _, path := range []string{"/subscriptions/plan-free", "/keys", "/register", "/admin/products/sync", "/admin/invitations", "/account/delete"} {
		doc := document(t, view.post(path, url.Values{"idempotency_key": {"x"}, "emails": {"x@example.com"}}), http.StatusForbidden)
		says(t, doc, "main", "You see the portal as a visitor who is not signed in, and can change nothing meanwhile.")
	}
	if len(view.office.answered)+len(view.office.did)+len(view.asked) > 0 {
		t.Errorf("changed: %v, %v, %v", view.office.answered, view.office.did, view.asked)
	}
	// The admin's own pages are the admin's, and end the view.
	doc := document(t, view.get("/admin/products"), http.StatusOK)
	one(t, doc, `.viewing form[action="/admin/products/view"]`)
	w := view.post("/admin/products/view", nil)
	if cookies := w.Result().Cookies(); w.Code != http.StatusSeeOther || len(cookies) != 1 || cookies[0].MaxAge >= 0 {
		t.Errorf("ending is answered %d with %v", w.Code, cookies)
	}
}

func TestOnlyAnAdminsBrowserHasAView(t *testing.T) {
	t.Parallel()
	cookie := offering().viewCookie("visitor")
	token := root
	token.Via = identity.ViaBearer
	for caller, id := range map[string]*identity.Identity{"another person": &ada, "nobody": nil, "a token": &token} {
		s := siteOf(&fake{catalog: offering().catalog, account: registered(), office: &fakeAdmin{}}, id)
		with := site{s.fake, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.AddCookie(cookie)
			s.handler.ServeHTTP(w, r)
		})}
		if got, want := text(document(t, with.get("/apis"), http.StatusOK).Find("body")), text(document(t, s.get("/apis"), http.StatusOK).Find("body")); got != want {
			t.Errorf("%s: the cookie makes a difference: %s", caller, got)
		}
	}
	for _, bad := range []url.Values{{"as": {"root"}}, {"as": {"group:"}, "group": {" "}}, {"as": {"group:"}, "group": {strings.Repeat("g", 201)}}} {
		if w := offering().post("/admin/products/view", bad); w.Code != http.StatusBadRequest || len(w.Result().Cookies()) > 0 {
			t.Errorf("%v is answered %d", bad, w.Code)
		}
	}
	if w := siteOf(&fake{office: &fakeAdmin{}}, &ada).post("/admin/products/view", url.Values{"as": {"visitor"}}); w.Code != http.StatusForbidden {
		t.Errorf("another person's form is answered %d", w.Code)
	}
}
