package plain

import "testing"

func TestLinksOfPagesLeadToTheirMarkdown(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"/apis/sea":                         "/apis/sea.md",
		"/apis/sea/pages/units#metres":      "/apis/sea/pages/units.md#metres",
		"/apis/sea/changelog":               "/apis/sea/changelog.md",
		"/pages/keys":                       "/pages/keys.md",
		"/apis/sea/files/images/coast.svg":  "/apis/sea/files/images/coast.svg",
		"/pages/files/images/a.png":         "/pages/files/images/a.png",
		"/apis/sea/pages/units#files/about": "/apis/sea/pages/units.md#files/about",
	} {
		if got := asMarkdown(address); got != want {
			t.Errorf("%s leads to %s, want %s", address, got, want)
		}
	}
}
