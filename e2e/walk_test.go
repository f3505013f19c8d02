// This file opens every page of a signed-in person in Chromium and has axe-core look at it.

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeCore returns the source of axe-core. Without it the test is skipped, or fails if GATEHOUSE_REQUIRE
// lists it.
func axeCore(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("../bin/axe.min.js")
	if err == nil {
		return string(source)
	}
	if slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), "axe") {
		t.Fatalf("axe is required and not installed: %v", err)
	}
	t.Skip("NOT RUN: axe is not installed")
	return ""
}

func TestEveryPageOfASignedInPersonIsAccessible(t *testing.T) {
	t.Parallel()
	axe, browser := axeCore(t), chromium(t)
	s := start(t)
	s.waitForCatalog(t)
	b := s.tab(t, browser)
	b.do(chromedp.Navigate(b.base + "/sign-up?return_to=%2Fdashboard"))
	b.waitForPage("Sign up")
	b.fill("#username", "ada@example.com")
	b.fill("#name", "Ada 🚢 عائشة")
	b.fill("#password", password)
	b.click("button[type=submit]")
	b.waitForAccount()
	b.do(chromedp.Navigate(b.base + "/apis/seamark/plans"))
	b.waitForPage("Plans")
	b.click(`form[action="/subscriptions/` + s.Demo.API.FreePlanID + `"] button`)
	b.waitUntil("the subscription is active", `document.querySelector(".outcome.ok") !== null`)
	operation := value[string](b, "location.pathname")
	b.do(chromedp.Navigate(b.base + "/webhooks"))
	b.waitForPage("Webhooks")
	b.fill("#url-new", s.PortalURL+"/hooks")
	b.click(`form[action="/webhooks"] button`)
	b.waitForPage("The secret of your webhook")
	key := awaited(b, `fetch("/api/v1/keys").then((r) => r.json()).then((all) => all.items[0].id)`)
	hook := awaited(b, `fetch("/api/v1/webhooks").then((r) => r.json()).then((all) => all.items[0].id)`)
	if key == "" || hook == "" {
		t.Fatalf("the key is %q and the webhook %q", key, hook)
	}
	for _, path := range []string{
		"/dashboard", "/usage", "/activity", "/keys", "/keys/" + key, "/account", "/account/notices", "/account/deleted", "/feedback",
		"/webhooks", "/webhooks/" + hook, operation, "/subscriptions/" + s.Demo.API.PlusPlanID + "/change", "/apis/seamark/plans", "/apis/seamark",
	} {
		for _, scheme := range []string{"light", "dark"} {
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
			if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
				t.Fatal(err)
			}
			b.do(chromedp.Navigate(b.base + path))
			b.waitUntil(path, loaded+` && location.pathname === "`+path+`"`)
			b.checkAxe(axe, path+", "+scheme)
		}
		b.checkFits(path)
	}
	b.checkProblems()
}

// awaited is the text that a promise leads to, "" on errors.
func awaited(b *tab, expression string) string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	return text
}

// checkAxe reports what axe-core finds on the present page.
func (b *tab) checkAxe(axe, page string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll("details")) d.open = true; ` + axe + "; undefined"))
	found := awaited(b, `axe.run().then((r) => JSON.stringify(r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 200)))))`)
	var problems []string
	if err := json.Unmarshal([]byte(found), &problems); err != nil {
		b.t.Errorf("%s: axe-core answers %q: %v", page, found, err)
	}
	for _, problem := range problems {
		b.t.Errorf("%s: %s", page, problem)
	}
}
