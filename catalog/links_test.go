package catalog_test

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

func TestRelativeLinksLeadToTheAddressesOfThePortal(t *testing.T) {
	t.Parallel()
	doc := catalog.Document{
		Products: []catalog.Product{{
			ID: "seamark", Changelog: "c",
			Pages: []catalog.Page{{Name: "errors"}}, Files: []catalog.File{{Name: "images/the map.svg"}},
		}, {ID: "lights"}},
		Pages: []catalog.Page{{Name: "getting-started"}}, Files: []catalog.File{{Name: "steps.svg"}},
	}
	for name, c := range map[string]struct{ from, link, want string }{
		"a page":                              {"seamark/overview.md", "pages/errors.md", "/apis/seamark/pages/errors"},
		"a heading of a page":                 {"seamark/overview.md", "pages/errors.md#limits", "/apis/seamark/pages/errors#limits"},
		"the overview from a page":            {"seamark/pages/errors.md", "../overview.md", "/apis/seamark"},
		"the changelog":                       {"seamark/pages/errors.md", "../changelog.md", "/apis/seamark/changelog"},
		"an image":                            {"seamark/pages/errors.md", "../images/the%20map.svg", "/apis/seamark/files/images/the%20map.svg"},
		"another product":                     {"seamark/overview.md", "../lights/overview.md", "/apis/lights"},
		"a changelog that does not exist":     {"seamark/overview.md", "../lights/changelog.md", ""},
		"one of the portal's pages":           {"seamark/overview.md", "../pages/getting-started.md", "/pages/getting-started"},
		"an image of the portal's pages":      {"pages/getting-started.md", "steps.svg", "/pages/files/steps.svg"},
		"a product from a page":               {"pages/getting-started.md", "../seamark/overview.md", "/apis/seamark"},
		"an unknown page":                     {"seamark/overview.md", "pages/nothing.md", ""},
		"an unknown product":                  {"seamark/overview.md", "../nothing/overview.md", ""},
		"a file outside the folder":           {"seamark/overview.md", "../../etc/passwd", ""},
		"another site":                        {"seamark/overview.md", "https://example.com/pages/errors.md", ""},
		"another host without a scheme":       {"seamark/overview.md", "//example.com/pages/errors.md", ""},
		"an absolute path":                    {"seamark/overview.md", "/apis", ""},
		"a heading of the same page":          {"seamark/overview.md", "#limits", ""},
		"a script":                            {"seamark/overview.md", "javascript:alert(1)", ""},
		"a percent sign that escapes no byte": {"seamark/overview.md", "pages/%zz.md", ""},
	} {
		got, ok := doc.Address(c.from, c.link)
		if !ok {
			got = ""
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
