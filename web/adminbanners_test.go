package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/banners"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestBannersAreOnEveryPageForThoseTheyAreFor(t *testing.T) {
	t.Parallel()
	o := bannered()
	s := visit(&fake{catalog: published(weather()), office: o})
	for _, path := range []string{"/", "/apis", "/apis/weather", "/search?q=x", "/nothing", "/problems/conflict"} {
		status := http.StatusOK
		if path == "/nothing" {
			status = http.StatusNotFound
		}
		doc := document(t, s.get(path), status)
		if doc.Find(".banners").Length() == 0 {
			t.Fatalf("%s has no banner", path)
		}
		got := text(one(t, doc, `section.banners[aria-label]`))
		if !strings.Contains(got, "Warning: The weather API is maintained tonight.") || strings.Contains(got, "Welcome back") || strings.Contains(got, "Tomorrow") || strings.Contains(got, "It is over") {
			t.Errorf("%s: the banners say %s", path, got)
		}
		none(t, doc, ".banners script, .banners :is(h1, h2, h3)")
		one(t, doc, `.banners a[href^="https://status.example.com/"][rel~="noopener"]`)
	}
	doc := document(t, siteOf(&fake{catalog: published(weather()), account: registered(), office: o}, &ada).get("/dashboard"), http.StatusOK)
	if got := doc.Find(".banners > .banner"); got.Length() != 2 || !got.First().HasClass("warning") {
		t.Errorf("somebody who is signed in sees %d banners", got.Length())
	}
	none(t, document(t, visit(&fake{catalog: published(weather())}).get("/"), http.StatusOK), ".banners")
}

func TestABannerIsPreviewedBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	s := administered(&fakeAdmin{})
	doc := document(t, s.get("/admin/new-banner"), http.StatusOK)
	if got := attr(t, one(t, doc, "main form button"), "formaction"); got != "/admin/banner-preview" {
		t.Errorf("the only button leads to %q", got)
	}
	form := url.Values{"text": {" Down **tonight**.<script>x</script> "}, "kind": {"warning"}, "audience": {"signed_in"}, "start": {"2026-11-22T12:00"}, "end": {"2026-11-22T13:00"}}
	doc = document(t, s.post("/admin/banner-preview", form), http.StatusOK)
	says(t, doc, `section[aria-labelledby="preview"]`, "People who are signed in · From 22 November 2026 at 12:00 UTC to 22 November 2026 at 13:00 UTC")
	one(t, doc, `section[aria-labelledby="preview"] .banner.warning strong`)
	none(t, doc, "main script")
	if len(s.office.bannerAudit) > 0 {
		t.Fatalf("a preview does %v", s.office.bannerAudit)
	}
	sent := url.Values{"text": {doc.Find("#text").Text()}}
	for _, name := range []string{"kind", "audience"} {
		sent.Set(name, attr(t, one(t, doc, "#"+name+" option[selected]"), "value"))
	}
	for _, name := range []string{"start", "end"} {
		sent.Set(name, attr(t, one(t, doc, "#"+name), "value"))
	}
	w := s.post("/admin/banners", sent)
	if want := []string{"add Down **tonight**.<script>x</script> 2026-11-22T12:00:00Z warning  by account-root"}; w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/admin/banners?done=added" || !slices.Equal(s.office.bannerAudit, want) {
		t.Errorf("%d to %q, done %q", w.Code, w.Header().Get("Location"), s.office.bannerAudit)
	}
	says(t, document(t, s.get("/admin/banners?done=added"), http.StatusOK), `[role="status"].notice`, "within five seconds")
}

func TestABannerThatCannotBeIsRefusedAndWhatWasWrittenStays(t *testing.T) {
	t.Parallel()
	s := administered(bannered())
	for want, form := range map[string]url.Values{
		"Write a text.": {"text": {" "}}, "no headings": {"text": {"# Down"}}, "before it begins": {"text": {"x"}, "start": {"2026-11-23T12:00"}, "end": {"2026-11-23T11:00"}},
		"cannot be read": {"text": {"x"}, "start": {"tomorrow"}}, "Choose info or warning": {"text": {"x"}, "kind": {"odd"}}, "not complete": {"text": {"x"}, "version": {"one"}},
	} {
		for _, path := range []string{"/admin/banner-preview", "/admin/banners"} {
			doc := document(t, s.post(path, form), http.StatusBadRequest)
			says(t, doc, `main [role="alert"]`, want)
			if got := doc.Find("#text").Text(); got != form.Get("text") {
				t.Errorf("%s: the text is %q", want, got)
			}
		}
	}
	doc := document(t, s.post("/admin/banners/b-warn", url.Values{"text": {"Mine."}, "version": {"2"}}), http.StatusBadRequest)
	says(t, doc, `main [role="alert"]`, "Somebody has changed the banner")
	if len(s.office.bannerAudit) > 0 {
		t.Errorf("it has done %v", s.office.bannerAudit)
	}
}

func TestTimesOfABannerAreInTheAdminsTimeZone(t *testing.T) {
	t.Parallel()
	away := root
	away.TimeZone = "Asia/Tokyo"
	s := siteOf(&fake{catalog: published(weather()), account: registered(), office: &fakeAdmin{}}, &away)
	if w := s.post("/admin/banners", url.Values{"text": {"x"}, "start": {"2026-11-23T09:00"}}); w.Code != http.StatusSeeOther || !strings.Contains(s.office.bannerAudit[0], "2026-11-23T00:00:00Z") {
		t.Errorf("%d, done %v", w.Code, s.office.bannerAudit)
	}
	says(t, document(t, s.get("/admin/new-banner"), http.StatusOK), "#start-hint", "In Asia/Tokyo")
}

// The end is in the first of two hours that Berlin's clocks call 02:xx.
func TestTimesOfABannerThatAnAdminLeavesAloneStay(t *testing.T) {
	t.Parallel()
	away := root
	away.TimeZone = "Europe/Berlin"
	banner := banners.Banner{ID: "b-1", Text: "Old.", Start: now.Add(time.Hour + 30*time.Second), End: time.Date(2027, 10, 31, 0, 30, 15, 0, time.UTC), Version: 1}
	for name, c := range map[string]struct {
		change     url.Values
		start, end time.Time
	}{
		"only the text": {url.Values{"text": {"New."}}, banner.Start, banner.End},
		"the start":     {url.Values{"start": {"2026-11-22T12:00"}}, now.Add(2 * time.Hour), banner.End},
	} {
		office := &fakeAdmin{texts: []banners.Banner{banner}}
		s := siteOf(&fake{catalog: published(weather()), account: registered(), office: office}, &away)
		form := url.Values{"text": {"Old."}}
		document(t, s.get("/admin/banners/b-1"), http.StatusOK).Find(`main form input`).Each(func(_ int, input *goquery.Selection) {
			if kind, _ := input.Attr("type"); kind != "radio" {
				value, _ := input.Attr("value")
				form.Set(attr(t, input, "name"), value)
			}
		})
		maps.Copy(form, c.change)
		w := s.post("/admin/banners/b-1", form)
		if w.Code != http.StatusSeeOther || !office.changed.Start.Equal(c.start) || !office.changed.End.Equal(c.end) {
			t.Errorf("%s: %d, it is shown from %s to %s", name, w.Code, office.changed.Start, office.changed.End)
		}
	}
}

func TestBannersAreChangedEndedAndDeletedAfterAConfirmation(t *testing.T) {
	t.Parallel()
	s := administered(bannered())
	s.office.persons = map[portal.AccountID]identity.Person{"account-root": {Name: "Root"}}
	doc := document(t, s.get("/admin/banners"), http.StatusOK)
	if got := text(one(t, doc, `li:has(a[href="/admin/banners/b-warn"])`)); !strings.Contains(got, "Written by Root") {
		t.Errorf("the banner does not name who wrote it: %s", got)
	}
	for section, n := range map[string]int{"shown": 2, "scheduled": 1, "over": 1} {
		if got := doc.Find(`section[aria-labelledby="` + section + `"] li.card`).Length(); got != n {
			t.Errorf("%s lists %d banners", section, got)
		}
	}
	none(t, doc, `a[href="/admin/banners/b-over"], a[href="/admin/banners/b-soon/end"], main script`)
	for path, did := range map[string]string{"/admin/banners/b-warn/end": "end b-warn by account-root", "/admin/banners/b-soon/delete": "delete b-soon by account-root"} {
		one(t, document(t, s.get(path), http.StatusOK), `main form[method="post"][action="`+path+`"] button.danger`)
		s.office.bannerAudit = nil
		if w := s.post(path, url.Values{}); w.Code != http.StatusSeeOther || !slices.Equal(s.office.bannerAudit, []string{did}) {
			t.Errorf("%s is answered %d, and does %v", path, w.Code, s.office.bannerAudit)
		}
	}
	doc = document(t, s.get("/admin/banners/b-warn"), http.StatusOK)
	form := url.Values{"text": {"Up again."}, "version": {attr(t, one(t, doc, `input[name="version"]`), "value")}, "banner": {attr(t, one(t, doc, `input[name="banner"]`), "value")}}
	one(t, document(t, s.post("/admin/banner-preview", form), http.StatusOK), `main form[action="/admin/banners/b-warn"] button:not([formaction])`)
	s.office.bannerAudit = nil
	if w := s.post("/admin/banners/b-warn", form); w.Code != http.StatusSeeOther || !slices.Equal(s.office.bannerAudit, []string{"change to Up again. b-warn by account-root"}) {
		t.Errorf("%d, done %v", w.Code, s.office.bannerAudit)
	}
	none(t, document(t, s.get("/admin/banners/b-soon/end"), http.StatusOK), "main form")
	if w := s.get("/admin/banners/b-over"); w.Code != http.StatusConflict {
		t.Errorf("changing what is over is answered %d", w.Code)
	}
	for _, path := range []string{"/admin/banners/none", "/admin/banners/none/end", "/admin/banners/none/delete"} {
		if w := s.get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", path, w.Code)
		}
	}
}

func TestOnlyAdminsWriteBanners(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/admin/banners", "/admin/banner-preview", "/admin/banners/b-warn", "/admin/banners/b-warn/end", "/admin/banners/b-warn/delete"} {
		for _, c := range []struct {
			caller *identity.Identity
			want   int
		}{{nil, http.StatusUnauthorized}, {&ada, http.StatusForbidden}} {
			s := siteOf(&fake{office: bannered()}, c.caller)
			if w := s.post(path, url.Values{"text": {"x"}, "version": {"3"}}); w.Code != c.want || len(s.office.bannerAudit) > 0 {
				t.Errorf("%s is answered %d, and does %v", path, w.Code, s.office.bannerAudit)
			}
		}
	}
	o := bannered()
	o.err = portal.Fail(portal.Unavailable, "Try again in a moment.")
	for _, path := range []string{"/admin/banners", "/admin/banners/b-warn", "/admin/banners/b-warn/end"} {
		if w := administered(o).get(path); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: without its data the portal answers %d", path, w.Code)
		}
	}
}
