package web_test

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestZZTmp(t *testing.T) {
	browser := browse(t)
	tab, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	defer cancel()
	all := map[string]shown{}
	maps.Copy(all, driftStates())
	maps.Copy(all, licenceStates())
	maps.Copy(all, bannerStates())
	only := os.Getenv("ONLY")
	for name := range all {
		if only != "" && !strings.Contains(name, only) {
			delete(all, name)
		}
	}
	areAccessible(t, tab, all)
	for name, state := range all {
		for _, look := range looks {
			look.to(t, tab)
			state.open(t, tab)
			png, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
			if err != nil {
				t.Error(err)
			}
			_ = os.WriteFile("/tmp/lic/shots/"+strings.ReplaceAll(name, " ", "_")+"-"+look.name+".png", png, 0o644)
		}
	}
}
