package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/operations"
)

// fakeProducts is what workers found in the catalog, and the cookies of browsers.
type fakeProducts struct {
	report  *catalog.Report
	shopErr error
}

func (s *fakeProducts) LastReport(context.Context) (catalog.Report, bool, error) {
	if s.report == nil {
		return catalog.Report{}, false, s.shopErr
	}
	return *s.report, true, s.shopErr
}

func (*fakeProducts) SetCookie(w http.ResponseWriter, name, suffix, value string, ttl time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name + "_" + suffix, Value: value, MaxAge: int(ttl/time.Second) - 1})
}

func (*fakeProducts) Cookies(r *http.Request, name string) map[string]string {
	values := map[string]string{}
	for _, c := range r.Cookies() {
		if len(c.Name) > len(name) && c.Name[:len(name)+1] == name+"_" {
			values[c.Name[len(name)+1:]] = c.Value
		}
	}
	return values
}

func (a answerer) SyncCatalog(_ context.Context, caller operations.Caller) (operations.Operation, error) {
	operation, err := a.accept(caller, "catalog", "", "sync")
	operation.Type = "CatalogSyncRequested"
	return operation, err
}

// offering is an office over a catalog with a product for everybody, one for partners, a hidden one, and
// one of plans with the tag.
func offering() site {
	open, partners, hidden, tagged := weather(), weather(), weather(), weather()
	open.Visibility = catalog.VisiblePublic
	partners.ID, partners.Name, partners.Visibility, partners.Groups = "partners", "Partner Weather", catalog.VisibleGroups, []string{"partners", "staff"}
	partners.Plans = []catalog.Plan{{ID: "plan-partner", Name: "Partner", Approval: catalog.ApprovalManual}, {ID: "plan-sold", Name: "Fleet", Marketplace: true}}
	hidden.ID, hidden.Name, hidden.Visibility, hidden.Plans = "secret", "Secret Weather", catalog.VisibleHidden, nil
	tagged.ID, tagged.Name, tagged.Plans = "tagged", "Tagged", []catalog.Plan{{ID: "plan-tagged", Name: "Tagged"}}
	tagged.APIs = []catalog.API{{ID: "a9", Stage: "v1", Slug: "main", Name: "Main", Kind: catalog.REST}}
	o := &fakeAdmin{}
	o.report = &catalog.Report{
		Ended: now.Add(-time.Minute), Folder: "s3://acme/catalog", Products: 4, ProblemCount: 4, NotOfferedCount: 130,
		Sources:   []catalog.SourceState{{Name: "API Gateway", State: catalog.SourceRead, Read: now}, {Name: "catalog folder", State: catalog.SourceRemembered, Read: now.Add(-time.Hour)}},
		Described: []catalog.DescribedBy{{Product: open.ID, File: "weather/product.yaml"}, {Product: "partners", File: "partners/product.yaml", Stale: true}, {Product: "secret", File: "secret/product.yaml"}},
		Problems: []catalog.Problem{
			{Where: "partners/product.yaml", Line: 3, Text: `Unknown key "visibilty". Did you mean "visibility"?`}, {Where: "partners/pages/a.md", Text: "A link leads nowhere.", Warning: true},
			{Where: "API a9, stage v1", Text: "API Gateway cannot export it."}, {Where: "broken/product.yaml", Line: 1, Text: "The product has no name. <b>Add</b> one."},
		},
		NotOffered: []catalog.NotOffered{{Plan: "plan-x", Name: "Internal " + longWord, Reason: "It lacks the tag gatehouse:offer=true, and no product folder names it."}},
	}
	return siteOf(&fake{catalog: published(open, partners, hidden, tagged), account: registered(), office: o}, &root)
}

// viewCookie is the cookie that the form about views sets.
func (s site) viewCookie(as string) *http.Cookie {
	form := url.Values{"as": {as}}
	if group, ok := strings.CutPrefix(as, "group:"); ok {
		form = url.Values{"as": {"group:"}, "group": {group}}
	}
	for _, cookie := range s.post("/admin/products/view", form).Result().Cookies() {
		return cookie
	}
	return &http.Cookie{Name: "none", Value: "none"}
}

// productStates are the page of products in every state that looks different.
func productStates() map[string]shown {
	failed := administered(&fakeAdmin{fakeProducts: fakeProducts{report: &catalog.Report{Ended: now, Failed: true, ProblemCount: 1, Problems: []catalog.Problem{{Where: "API Gateway", Text: "It denies access."}}, Sources: []catalog.SourceState{{Name: "API Gateway", State: catalog.SourceUnreadable}}}}})
	none := siteOf(&fake{account: registered(), office: &fakeAdmin{}}, &root)
	viewed := offering().viewedBy("group:" + longWord)
	return map[string]shown{
		"products":                  {site: offering(), path: "/admin/products"},
		"products, not read":        {site: failed, path: "/admin/products"},
		"products, none":            {site: none, path: "/admin/products"},
		"products, none fits":       {site: offering(), path: "/admin/products?q=zebra"},
		"catalog in another's view": {site: viewed, path: "/apis"},
		"admin in another's view":   {site: viewed, path: "/admin/products"},
	}
}

// viewedBy is the site in the view of others.
func (s site) viewedBy(as string) site {
	cookie := s.viewCookie(as)
	return site{s.fake, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.AddCookie(cookie)
		s.handler.ServeHTTP(w, r)
	})}
}
