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

// needed finds a program that is not part of the repository. Without it the test is
// skipped, unless GATEHOUSE_REQUIRE lists it.
func needed(t *testing.T, name string, probe ...string) (path string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil && len(probe) > 0 {
		// What stands in the PATH may only stand for something that is not installed.
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

// chromium starts a browser without a page.
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

// tab is one page of a browser that shares no cookies with other tabs.
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
	// The tab lives as long as the context that it is first used with.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	return b
}

// listen notes what a page has to complain about: exceptions, errors on the console,
// what the Content Security Policy blocked, what could not be loaded.
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

// value is that of an expression; its zero value if there is none.
func value[T any](b *tab, expression string) T {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, _ := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	return v
}

// until waits for an expression to be true, across navigations.
func (b *tab) until(what, expression string) {
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

// arrives waits for a page with that heading, and looks it over.
func (b *tab) arrives(heading string) {
	b.t.Helper()
	b.until("the page "+heading, loaded+` && document.querySelector("h1")?.textContent.trim() === "`+heading+`"`)
	b.fits(heading)
}

// fits wants a page to fit in the width of a small phone, where WCAG 2.2 wants no
// scrolling in two directions (success criterion 1.4.10, Reflow).
func (b *tab) fits(page string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(320, 640))
	b.until("the page is narrow", "innerWidth === 320")
	if wide := value[int](b, "document.documentElement.scrollWidth"); wide > 320 {
		b.t.Errorf("at 320 pixels the page %q is %d wide, because of %s", page, wide, value[string](b, `
			[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > 320).slice(0, 3).map((e) => e.outerHTML.slice(0, 80)).join(" and ")`))
	}
	b.do(chromedp.EmulateViewport(1280, 900))
}

// click clicks on what can be seen.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

// checkComplaints fails the test if a page had anything to complain about.
func (b *tab) checkComplaints() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, problem := range b.problems {
		b.t.Errorf("the browser complains: %s", problem)
	}
}

const (
	homeHeading = "Find an API, get a key, make your first call."
	registered  = `document.querySelector("#account") && !document.querySelector("#unregistered")`
)

// opensAccount waits on the dashboard until the account that signing in asked for is
// there.
func (b *tab) opensAccount() {
	b.t.Helper()
	b.arrives("Dashboard")
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
	s.offered(t)
	t.Run("with the demo account", func(t *testing.T) {
		t.Parallel()
		b := s.tab(t, browser)
		demoJourney(t, s, b)
		b.checkComplaints()
	})
	t.Run("of a new person", func(t *testing.T) {
		t.Parallel()
		b := s.tab(t, browser)
		b.do(chromedp.Navigate(b.base))
		b.arrives(homeHeading)
		b.click(`header a[href*="screen=sign-up"]`)
		b.arrives("Sign up")
		b.fill("#username", "new@example.com")
		b.fill("#name", "New Person")
		b.fill("#password", password)
		b.click("button[type=submit]")
		// Signing up leads back to where it began.
		b.arrives(homeHeading)
		b.click(`header a[href="/dashboard"]`)
		b.opensAccount()
		if got := value[string](b, `document.querySelector("header .person").textContent`); !strings.Contains(got, "New Person") {
			t.Errorf("the header names %q", got)
		}
		b.checkComplaints()
	})
	t.Run("astray", func(t *testing.T) {
		t.Parallel()
		b := s.tab(t, browser)
		b.do(chromedp.Navigate(b.base + "/apis?q=nothing-is-called-that"))
		b.arrives("APIs")
		b.checkComplaints()
		// Of these the browser itself notes that they were not found.
		b.do(chromedp.Navigate(b.base + "/" + strings.Repeat("a-very-long-word", 12)))
		b.arrives("There is nothing here")
	})
}

// demoJourney is what a person does who comes to try: everything by click.
func demoJourney(t *testing.T, s *site, b *tab) {
	free := s.Demo.API.FreePlanID
	signIn := func() {
		b.click(`header a[href^="/sign-in"]`)
		b.arrives("Sign in")
		b.fill("#username", demo.Accounts[0].Email)
		b.fill("#password", demo.Accounts[0].Password)
		b.click("button[type=submit]")
	}
	b.do(chromedp.Navigate(b.base))
	b.arrives(homeHeading)
	signIn()
	b.opensAccount()

	b.click(`header a[href="/apis"]`)
	b.arrives("APIs")
	product := value[string](b, `document.querySelector(".card.product a").textContent.trim()`)
	b.click(".card.product a")
	b.arrives(product)
	b.click(`form[action="/subscriptions/` + free + `"] button`)
	b.until("the operation's page", loaded+` && location.pathname.startsWith("/operations/")`)
	_ = value[bool](b, "window.stayed = true")
	b.until("the page follows the operation to its end", `document.querySelector(".outcome.ok")`+" !== null")
	if underway := value[bool](b, `document.querySelector("[data-poll]") !== null`); underway || !value[bool](b, "window.stayed") {
		t.Errorf("the page was loaded anew, or something is under way still (%v)", underway)
	}
	b.fits("the operation")

	b.click(`header a[href="/dashboard"]`)
	b.arrives("Dashboard")
	b.click(`form[action$="/reveal"] button`)
	b.until("the key", loaded+` && document.querySelector("#key-value") !== null`)
	b.fits("the key")
	key := value[string](b, `document.querySelector("#key-value").textContent`)
	if got := s.call(t, key); got != http.StatusOK {
		t.Errorf("with the key that is shown the API answers %d", got)
	}
	b.click("[data-hide-now]")
	b.until("the key is hidden", `!document.body.textContent.includes("`+key+`")`)
	b.click(`main a[href="/dashboard"]`)
	b.arrives("Dashboard")

	b.click("#leave-" + free + " summary")
	b.click("#leave-" + free + " button")
	b.until("the operation's page", loaded+` && location.pathname.startsWith("/operations/")`)
	b.until("it ends", `document.querySelector(".outcome") !== null && document.querySelector(".outcome.bad") === null`)
	if got := s.call(t, key); got != http.StatusForbidden {
		t.Errorf("after leaving the API answers %d", got)
	}

	b.click(`form[action="/sign-out"] button`)
	b.arrives(homeHeading)
	if got := value[string](b, "location.href"); got != s.PortalURL+"/" {
		t.Errorf("signing out leads to %s", got)
	}
	// The identity provider has forgotten the browser, too.
	signIn()
	b.arrives("Dashboard")
}
