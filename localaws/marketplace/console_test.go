package marketplace_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// submit sends a form to a path below ConsolePath, and returns the page to which that leads.
func (l *local) submit(path string, form url.Values, headers map[string]string) (int, *goquery.Document) {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.ctx, http.MethodPost, l.srv.Endpoint()+marketplace.ConsolePath+path, strings.NewReader(form.Encode()))
	l.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	l.must(err)
	defer res.Body.Close()
	page, err := goquery.NewDocumentFromReader(res.Body)
	l.must(err)
	return res.StatusCode, page
}

func steps(page *goquery.Document) (offered []string) {
	for _, form := range page.Find("li").First().Find("form").EachIter() {
		action := form.AttrOr("action", "")
		offered = append(offered, action[strings.LastIndex(action, "/")+1:])
	}
	return offered
}

func TestPeopleBuyPayAndCancelOnThePageOfTheLocalMarketplace(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.EventBridge)
	status, page := l.submit("", url.Values{"product": {product.Code}}, map[string]string{"Sec-Fetch-Site": "same-origin"})
	all, err := l.Purchases(l.ctx)
	l.must(err)
	if status != http.StatusOK || len(all) != 1 {
		t.Fatalf("after subscribing there are %+v, and the page answers %d", all, status)
	}
	agreement := all[0].Agreement
	for _, c := range []struct {
		step, says string
		offers     []string
	}{
		{"", "Waits for the payment", []string{"pay", "fail", "cancel", "end"}},
		{"pay", "Active", []string{"cancel", "renew", "renew-same", "end"}},
		{"cancel", "The agreement is over (cancelled), and the licence still works", []string{"deprovision", "resubscribe"}},
		{"deprovision", "Over (cancelled)", []string{"resubscribe"}},
	} {
		if c.step != "" {
			status, page = l.submit("/"+agreement+"/"+c.step, nil, nil)
		}
		if said := page.Find("li").First().Text(); status != http.StatusOK || !strings.Contains(said, c.says) {
			t.Errorf("after %q the page answers %d and says %q", c.step, status, said)
		}
		if got := steps(page); !slices.Equal(got, c.offers) {
			t.Errorf("after %q it offers %v, want %v", c.step, got, c.offers)
		}
	}
	status, page = l.submit("/"+agreement+"/pay", nil, nil)
	if said := page.Find("[role=alert]").Text(); status != http.StatusConflict || !strings.Contains(said, "is CANCELLED") {
		t.Errorf("an impossible step answers %d and says %q", status, said)
	}
	if status, _ := l.submit("/"+agreement+"/forgive", nil, nil); status != http.StatusNotFound {
		t.Errorf("an unknown step answers %d", status)
	}
}

func TestAContractIsChangedOnThePageOfTheLocalMarketplace(t *testing.T) {
	t.Parallel()
	l := start(t)
	product, err := l.PutProduct(l.ctx, marketplace.Product{
		Code: "contracts", Kind: marketplace.EventBridge, Name: "<b>Bold</b>", ContractDimensions: []string{"small", "large"}, RegistrationURL: "https://portal.example.com/buyers",
	})
	l.must(err)
	_, page := l.submit("", url.Values{"product": {product.Code}, "dimension": {"small"}, "quantity": {"3"}}, nil)
	if said := page.Find("li").Text(); !strings.Contains(said, "<b>Bold</b>, 3 of small") || page.Find("li b b").Length() > 0 {
		t.Errorf("the purchase is shown as %q", said)
	}
	all, err := l.Purchases(l.ctx)
	l.must(err)
	l.submit("/"+all[0].Agreement+"/pay", nil, nil)
	_, page = l.submit("/"+all[0].Agreement+"/amend", url.Values{"dimension": {"large"}, "quantity": {"2"}}, nil)
	if said := page.Find("li").Text(); !strings.Contains(said, "2 of large: Active") {
		t.Errorf("after the change the purchase is shown as %q", said)
	}
	for _, hostile := range []url.Values{{"dimension": {"huge"}}, {"dimension": {"small"}, "quantity": {"many"}}, {"dimension": {"small"}, "quantity": {"-1"}}} {
		if status, page := l.submit("/"+all[0].Agreement+"/amend", hostile, nil); status != http.StatusBadRequest || page.Find("[role=alert]").Length() != 1 {
			t.Errorf("%v answers %d", hostile, status)
		}
	}
}

func TestAFormOfAnotherSiteBuysNothing(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.EventBridge)
	for name, headers := range map[string]map[string]string{
		"by what the browser says": {"Sec-Fetch-Site": "cross-site"},
		"by its origin":            {"Origin": "https://evil.example.com"},
		"without an origin":        {"Origin": "null"},
		"of another port":          {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8080"},
	} {
		if status, _ := l.submit("", url.Values{"product": {product.Code}}, headers); status != http.StatusForbidden {
			t.Errorf("%s: it answers %d", name, status)
		}
	}
	if status, _ := l.submit("", url.Values{"product": {"nothing"}}, nil); status != http.StatusNotFound {
		t.Errorf("a product that does not exist answers %d", status)
	}
	all, err := l.Purchases(l.ctx)
	l.must(err)
	if len(all) > 0 {
		t.Errorf("they bought %+v", all)
	}
	res, err := http.Get(l.srv.Endpoint() + marketplace.ConsolePath)
	l.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	l.must(err)
	if policy := res.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(string(body), "<script") {
		t.Errorf("the page's policy is %q", policy)
	}
}
