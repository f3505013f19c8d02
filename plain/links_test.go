package plain_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library/librarytest"
)

func TestLinksInMarkdownLeadToTheMarkdownOfPages(t *testing.T) {
	t.Parallel()
	const text = "Read [the units](pages/units.md#metres \"Units\"), [`code`](pages/units.md), ![Coast](images/coast.svg), [APIs](/apis),\n" +
		"[others](https://example.com/pages/units.md), [nowhere](pages/none.md), [secret](../secret/overview.md), [out](//example.com/x).\n" +
		"`[no](pages/units.md)` ``[no](pages/units.md) ` `` [yes](changelog.md) ` [yes](../pages/keys.md)\n\n" +
		"[ref]: pages/units.md\n\n```md\n[no](pages/units.md)\n~~~\n[no](pages/units.md)\n```\n[yes](pages/units.md)\n"
	const want = "Read [the units](BASE/apis/sea/pages/units.md#metres \"Units\"), [`code`](BASE/apis/sea/pages/units.md), ![Coast](BASE/apis/sea/files/images/coast.svg), [APIs](BASE/apis),\n" +
		"[others](https://example.com/pages/units.md), [nowhere](pages/none.md), [secret](../secret/overview.md), [out](//example.com/x).\n" +
		"`[no](pages/units.md)` ``[no](pages/units.md) ` `` [yes](BASE/apis/sea/changelog.md) ` [yes](BASE/pages/keys.md)\n\n" +
		"[ref]: BASE/apis/sea/pages/units.md\n\n```md\n[no](pages/units.md)\n~~~\n[no](pages/units.md)\n```\n[yes](BASE/apis/sea/pages/units.md)\n"
	c := librarytest.New()
	c.Publish(catalog.Document{
		Pages: []catalog.Page{{Name: "keys", Title: "Keys", Hash: c.Put("See [getting started](keys.md).")}},
		Products: []catalog.Product{
			{
				ID: "sea", Name: "Sea", Overview: c.Put(text), Changelog: c.Put("## 1\n\n[Units](pages/units.md)\n"),
				Pages: []catalog.Page{{Name: "units", Title: "Units", Hash: c.Put("# Units\n\n[Back](../overview.md)\n")}},
				Files: []catalog.File{{Name: "images/coast.svg", Hash: "h", Type: "image/svg+xml"}},
			},
			{ID: "secret", Name: "Secret", Visibility: catalog.VisibleHidden, Overview: c.Put("x")},
		},
	})
	s := site(t, c, nil)
	for path, part := range map[string]string{
		"/apis/sea.md":             strings.TrimSpace(strings.ReplaceAll(want, "BASE", base)),
		"/llms-full.txt":           strings.TrimSpace(strings.ReplaceAll(want, "BASE", base)),
		"/apis/sea/pages/units.md": "[Back](" + base + "/apis/sea.md)",
		"/apis/sea/changelog.md":   "[Units](" + base + "/apis/sea/pages/units.md)",
		"/pages/keys.md":           "[getting started](" + base + "/pages/keys.md)",
	} {
		if got := get(s, path); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), part) {
			t.Errorf("%s:\n%s\nwant in it\n%s", path, got.Body, part)
		}
	}
}

func TestVeryManyLinksAreNotAllLookedUp(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	c.Publish(catalog.Document{Products: []catalog.Product{{
		ID: "sea", Name: "Sea", Overview: c.Put(strings.Repeat("[a](pages/units.md) ` ", 5000)), Pages: []catalog.Page{{Name: "units", Title: "Units", Hash: c.Put("Metres.")}},
	}}})
	if got := strings.Count(get(site(t, c, nil), "/apis/sea.md").Body.String(), "]("+base+"/apis/sea/pages/units.md)"); got == 0 || got > 2001 {
		t.Errorf("%d links were looked up", got)
	}
}
