// This file tests the pages in Chromium, by clicking through them.

package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-portal/gatehouse/demo"
)

// needed returns the path of a program that works with the probe arguments. Without it the test
// is skipped, or fails if GATEHOUSE_REQUIRE lists the program.
func needed(t *testing.T, name string, probe ...string) (path string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil && len(probe) > 0 {
		// A program in the PATH may only be a stub.
		err = exec.Command(path, probe...).Run()
	}
	if err == nil {
		return path
	}
	if slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), name) {
		t.Fatalf("%s is required and not installed: %v", name, err)
	}
	t.Skipf("NOT RUN: %s is not installed", name)
	return ""
}

func chromium(t *testing.T) context.Context {
	t.Helper()
	path := needed(t, "chromium")
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
		chromedp.WSURLReadTimeout(patience),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return ctx
}

// tab is a page of a browser. It shares no cookies with other tabs.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	problems []string
}

func (s *site) tab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	b := &tab{t: t, base: s.PortalURL}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	b.ctx = ctx
	// The tab closes when the context of its first use ends, so this one has no timeout.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	return b
}

// listen collects exceptions, errors and warnings on the console, violations of the Content
// Security Policy, and resources that could not be loaded.
func (b *tab) listen(ev any) {
	var problem string
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		problem = "exception: " + ev.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning {
			problem = "console: " + string(ev.Type)
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError || ev.Entry.Level == log.EntryLevelWarning {
			problem = string(ev.Entry.Source) + ": " + ev.Entry.Text
		}
	}
	if problem != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, problem)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("in the browser, at %s: %v", value[string](b, "location.href"), err)
	}
}

// value returns the zero value on errors.
func value[T any](b *tab, expression string) T {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, _ := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	return v
}

func (b *tab) waitUntil(what, expression string) {
	b.t.Helper()
	came := false
	defer func() {
		if !came {
			b.t.Logf("at %s: %s", value[string](b, "location.href"), value[string](b, "document.body.innerText"))
		}
	}()
	eventually(b.t, what, func() bool {
		came = value[bool](b, expression)
		return came
	})
}

const loaded = `document.readyState === "complete"`

// waitForPage waits for a page with that heading and checks that it fits a phone.
func (b *tab) waitForPage(heading string) {
	b.t.Helper()
	b.waitUntil("the page "+heading, loaded+` && document.querySelector("h1")?.textContent.trim() === "`+heading+`"`)
	b.checkFits(heading)
}

// checkFits checks that a page is not wider than a small phone: WCAG 2.2 allows no scrolling in
// two directions (success criterion 1.4.10, Reflow).
func (b *tab) checkFits(page string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(320, 640))
	b.waitUntil("the page is narrow", "innerWidth === 320")
	if wide := value[int](b, "document.documentElement.scrollWidth"); wide > 320 {
		b.t.Errorf("at 320 pixels the page %q is %d wide, because of %s", page, wide, value[string](b, `
			[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > 320).slice(0, 3).map((e) => e.outerHTML.slice(0, 80)).join(" and ")`))
	}
	b.do(chromedp.EmulateViewport(1280, 900))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

func (b *tab) checkProblems() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, problem := range b.problems {
		b.t.Errorf("in the browser: %s", problem)
	}
}

const (
	homeHeading = "Find an API, get a key, make your first call."
	registered  = `document.querySelector("#account") && !document.querySelector("#unregistered")`
)

// waitForAccount reloads the dashboard until signing in has opened the account.
func (b *tab) waitForAccount() {
	b.t.Helper()
	b.waitForPage("Dashboard")
	eventually(b.t, "the account is open", func() bool {
		if value[bool](b, registered) {
			return true
		}
		b.do(chromedp.Reload())
		return false
	})
}

func TestTheJourneyInARealBrowser(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	s := start(t)
	s.waitForCatalog(t)
	t.Run("as the demo user", func(t *testing.T) {
		t.Parallel()
		b := s.tab(t, browser)
		demoJourney(t, s, b)
		b.checkProblems()
	})
	t.Run("as a new person", func(t *testing.T) {
		t.Parallel()
		b := s.tab(t, browser)
		b.do(chromedp.Navigate(b.base))
		b.waitForPage(homeHeading)
		b.click(`header a[href*="screen=sign-up"]`)
		b.waitForPage("Sign up")
		b.fill("#username", "new@example.com")
		b.fill("#name", "New Person")
		b.fill("#password", password)
		b.click("button[type=submit]")
		// Signing up leads back to the page it was started from.
		b.waitForPage(homeHeading)
		b.click(`header a[href="/dashboard"]`)
		b.waitForAccount()
		if got := value[string](b, `document.querySelector("header .person").textContent`); !strings.Contains(got, "New Person") {
			t.Errorf("the header names %q", got)
		}
		b.checkProblems()
	})
	t.Run("at addresses that lead nowhere", func(t *testing.T) {
		t.Parallel()
		b := s.tab(t, browser)
		b.do(chromedp.Navigate(b.base + "/apis?q=nothing-is-called-that"))
		b.waitForPage("APIs")
		b.checkProblems()
		// The browser itself logs a 404, so problems are not checked after this.
		b.do(chromedp.Navigate(b.base + "/" + strings.Repeat("a-very-long-word", 12)))
		b.waitForPage("There is nothing here")
	})
}

func demoJourney(t *testing.T, s *site, b *tab) {
	free := s.Demo.API.FreePlanID
	signIn := func() {
		b.click(`header a[href^="/sign-in"]`)
		b.waitForPage("Sign in")
		b.fill("#username", demo.Accounts[0].Email)
		b.fill("#password", demo.Accounts[0].Password)
		b.click("button[type=submit]")
	}
	b.do(chromedp.Navigate(b.base))
	b.waitForPage(homeHeading)
	signIn()
	b.waitForAccount()

	b.click(`header a[href="/apis"]`)
	b.waitForPage("APIs")
	product := value[string](b, `document.querySelector('.card.product a[href="/apis/seamark"]').textContent.trim()`)
	b.click(`.card.product a[href="/apis/seamark"]`)
	b.waitForPage(product)
	b.click(plansTab)
	b.waitForPage("Plans")
	b.click(`form[action="/subscriptions/` + free + `"] button`)
	b.waitUntil("the operation's page", loaded+` && location.pathname.startsWith("/operations/")`)
	_ = value[bool](b, "window.stayed = true")
	b.waitUntil("the page follows the operation to its end", `document.querySelector(".outcome.ok")`+" !== null")
	if underway := value[bool](b, `document.querySelector("[data-poll]") !== null`); underway || !value[bool](b, "window.stayed") {
		t.Errorf("the page was reloaded, or the operation is still under way (%v)", underway)
	}
	b.checkFits("the operation")

	b.click(`header a[href="/dashboard"]`)
	b.waitForPage("Dashboard")
	b.click(`form[action$="/reveal"] button`)
	b.waitUntil("the key", loaded+` && document.querySelector("#key-value") !== null`)
	b.checkFits("the key")
	key := value[string](b, `document.querySelector("#key-value").textContent`)
	if got := s.call(t, key); got != http.StatusOK {
		t.Errorf("with the shown key the API answers %d", got)
	}
	b.click("[data-hide-now]")
	b.waitUntil("the key is hidden", `!document.body.textContent.includes("`+key+`")`)
	b.click(`main a[href="/dashboard"]`)
	b.waitForPage("Dashboard")

	b.click("#leave-" + free + " summary")
	b.click("#leave-" + free + " button")
	b.waitUntil("the operation's page", loaded+` && location.pathname.startsWith("/operations/")`)
	b.waitUntil("it ends", `document.querySelector(".outcome") !== null && document.querySelector(".outcome.bad") === null`)
	if got := s.call(t, key); got != http.StatusForbidden {
		t.Errorf("after leaving the API answers %d", got)
	}

	b.click(`form[action="/sign-out"] button`)
	b.waitForPage(homeHeading)
	if got := value[string](b, "location.href"); got != s.PortalURL+"/" {
		t.Errorf("signing out leads to %s", got)
	}
	// The identity provider has forgotten the browser too.
	signIn()
	b.waitForPage("Dashboard")
}
