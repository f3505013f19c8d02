package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/web"
)

// patience is how long a browser may take for one step.
const patience = time.Minute

// missing skips the test because this machine lacks something, unless
// GATEHOUSE_REQUIRE lists it.
func missing(t *testing.T, name string, err error) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), name) {
		t.Fatalf("%s is required and not installed: %v", name, err)
	}
	t.Skipf("NOT RUN: %s is not installed", name)
}

// TestInABrowser runs all browser tests in one browser: several would be too much for a
// small machine.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	browser := browse(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"the current page is marked in forced colours, too":              markedInForcedColours,
		"a form is busy while its request is open":                       busyWhileOpen,
		"the title follows the operation":                                titleFollows,
		"the end of something in progress is announced":                  endIsAnnounced,
		"a deleted account is signed out at the top of the page, too":    signedOutAtTheEnd,
		"a dashboard is reloaded when the person returns to it":          shownAnew,
		"times are in the reader's time zone":                            timesAreTheReaders,
		"a small window shows who is signed in":                          namedInASmallWindow,
		"documentation has its navigation when a small window grows":     contentsWhenItGrows,
		"filters start closed in a small window unless one is in use":    filtersWhenSmall,
		"a revealed key can be copied at once, and is hidden everywhere": keyAtHand,
		"a slash goes to the search, which suggests while typing":        suggestsWhileTyping,
		"another language replaces the examples and is remembered":       languageInPlace,
		"a page is copied as Markdown":                                   copiedAsMarkdown,
		"the console answers in the page":                                consoleInPlace,
		"the console says if the portal does not answer":                 consoleWithoutAnswer,
		"an operation is read and tried with the keyboard alone":         keyboardAlone,
		"a menu closes again":                                            menuCloses,
		"nothing moves for people who want less motion":                  nothingMoves,
		"a key is copied without being shown":                            copiedUnseen,
		"a key that cannot be copied is not lost":                        notCopied,
		"a countdown ticks":                                              countdownTicks,
		"a field chooses its choice, and the first fault has the focus":  choosesAndFocuses,
		"the usage page prints its charts and tables":                    printsUsage,
		"everything works without JavaScript":                            withoutScript,
	} {
		t.Run(name, func(t *testing.T) { inATab(t, browser, test) })
	}
}

// inATab runs the test in a tab that has no cookies.
func inATab(t *testing.T, browser context.Context, test func(*testing.T, context.Context)) {
	t.Helper()
	tab, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	defer cancel()
	// The tab lives as long as the context that it is first used with.
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	test(t, tab)
}

func TestEveryPageInEveryStateIsAccessible(t *testing.T) {
	t.Parallel()
	others := informedStates()
	for _, more := range []map[string]shown{keyStates(), usageStates(), accountStates()} {
		maps.Copy(others, more)
	}
	for name, pages := range map[string]map[string]shown{
		"the way to a key": states(), "documentation": documentationStates(), "all others of people": others, "those of admins": adminStates(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inATab(t, browse(t), func(t *testing.T, ctx context.Context) { areAccessible(t, ctx, pages) })
		})
	}
}

// browse starts a browser.
func browse(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "chromium", err)
	}
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

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// evaluate returns the value of an expression, or of its promise.
func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// eventually waits for an expression to be true, also while one page replaces another.
func eventually(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		within, cancel := context.WithTimeout(ctx, patience)
		holds, err := chromedp.Run(within, chromedp.Evaluate[bool](expression, chromedp.EvalAwaitPromise))
		cancel()
		switch {
		case err == nil && holds:
			return
		case err != nil && !strings.Contains(err.Error(), "navigated or closed") && !strings.Contains(err.Error(), "context was destroyed"):
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never became true:\n%s", expression, evaluate[string](t, ctx, "document.body.innerText"))
		}
		<-time.After(20 * time.Millisecond)
	}
}

// opened serves a site and opens a page.
func opened(t *testing.T, ctx context.Context, s site, path string) {
	t.Helper()
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	do(t, ctx, chromedp.Navigate(server.URL+path))
}

// shown is a page in one of its states. If post is the address of a form on the page, the
// form is sent and its response is the page. form is a script that fills it in, if it is set.
type shown struct {
	site site
	path string
	post string
	form string
}

// states returns the pages in every state that looks different.
func states() map[string]shown {
	const subscribe, leave, register = "SubscribeRequested", "UnsubscribeRequested", "RegisterUser"
	waitingFor := func(reason string) projections.Subscription {
		sub := subscription("plan-free", "Free", projections.SubscriptionPending, "op-1")
		sub.Waiting = reason
		return sub
	}
	active := subscription("plan-free", "Free", projections.SubscriptionActive)
	disabled := registered(active)
	disabled.Keys[0].State = "disabled"
	released := registered(subscription("plan-free", "Free", projections.SubscriptionEnded))
	released.Keys[0].State = "released"
	of := func(account projections.Account, recent ...operations.Operation) *fake {
		return &fake{
			catalog: published(weather(), rates(), catalog.Product{ID: "bare", Name: "a product with nothing in it"}), account: account, recent: recent,
			activity: happened("You registered.", "You subscribed to Free.", "Default key was created.", "Free became active.", "Default key was revealed.", "Default key was revealed."),
		}
	}
	ask := func(plan portal.PlanID, kind string, status projections.Status, code string, steps ...projections.Step) operations.Operation {
		return about(plan, kind, status, code, steps...)
	}
	following := func(op operations.Operation, account projections.Account) shown {
		f := of(account)
		f.operations = map[portal.OperationID]operations.Operation{"op-1": op}
		return shown{site: signedIn(f), path: "/operations/op-1"}
	}
	ended := of(registered())
	ended.ended = true
	failing := func(code portal.Code, message string) *fake { return &fake{err: portal.Fail(code, message)} }
	crowded := of(
		registered(active, subscription("plan-long", longName, projections.SubscriptionActive), waitingFor("aws"), subscription("plan-gone", "Beta", projections.SubscriptionActive)),
		ask("plan-long", leave, projections.Failed, "failed"),
	)
	crowded.catalog.Products = append(crowded.catalog.Products, crowdedProduct())
	crowded.activity = append(happened("You subscribed to "+longName+"."), crowded.activity...)
	crowded.activity[0].At = now.Add(-400 * 24 * time.Hour)
	pending := registered(waitingFor(""))
	pending.Keys[0].State = projections.KeyPending
	return map[string]shown{
		"home":                         {site: visit(of(unregistered())), path: "/"},
		"home, signed in":              {site: signedIn(of(registered(active))), path: "/"},
		"catalog":                      {site: visit(of(unregistered())), path: "/apis"},
		"catalog, found":               {site: visit(of(unregistered())), path: "/apis?q=weather"},
		"catalog, nothing found":       {site: visit(of(unregistered())), path: "/apis?q=zebra"},
		"catalog, empty":               {site: visit(&fake{catalog: published()}), path: "/apis"},
		"product":                      {site: visit(of(unregistered())), path: "/apis/weather"},
		"product, not registered":      {site: signedIn(of(unregistered())), path: "/apis/weather"},
		"product, being registered":    {site: signedIn(of(unregistered(), ask("", register, projections.Accepted, ""))), path: "/apis/weather"},
		"product, no subscription":     {site: signedIn(of(registered())), path: "/apis/weather"},
		"product, subscribed":          {site: signedIn(of(registered(active))), path: "/apis/weather"},
		"product, waiting":             {site: signedIn(of(registered(waitingFor("capacity")))), path: "/apis/weather"},
		"product, requested":           {site: signedIn(of(registered(), ask("plan-free", subscribe, projections.Accepted, ""), ask("plan-std", subscribe, projections.Rejected, "conflict"))), path: "/apis/weather"},
		"product, ten plans":           {site: signedIn(of(registered(tenPlans()...))), path: "/apis/weather"},
		"product, changing":            {site: signedIn(of(registered(changingTo("plan-std", "plan-free", projections.SubscriptionPending)...))), path: "/apis/weather"},
		"product, awaiting approval":   {site: signedIn(of(registered(changingTo("plan-std", "plan-free", projections.SubscriptionAwaitingApproval)...))), path: "/apis/weather"},
		"dashboard, awaiting approval": {site: signedIn(of(registered(changingTo("plan-std", "plan-free", projections.SubscriptionAwaitingApproval)...))), path: "/dashboard"},
		"dashboard, changing":          {site: signedIn(of(registered(changingTo("plan-std", "plan-free", projections.SubscriptionPending)...))), path: "/dashboard"},
		"change of plans":              {site: signedIn(of(registered(active))), path: "/subscriptions/plan-std/change"},
		"operation, awaiting approval": following(ask("plan-std", "PlanChangeRequested", projections.Waiting, "approval", step("SubscriptionApprovalPending", projections.Waiting, time.Second)), registered(active)),
		"operation, changed": following(ask("plan-std", "PlanChangeRequested", projections.Succeeded, "",
			step("PlanChangeWanted", projections.Running, 3*time.Second), step("KeyMoved", projections.Running, time.Second), step("PlanChanged", projections.Succeeded, time.Second)), registered(active)),
		"product without plans":        {site: signedIn(of(registered())), path: "/apis/bare"},
		"dashboard, empty":             {site: signedIn(&fake{account: projections.Account{Profile: registered().Profile}}), path: "/dashboard"},
		"dashboard, not registered":    {site: signedIn(of(unregistered())), path: "/dashboard"},
		"dashboard, registering fails": {site: signedIn(of(unregistered(), ask("", register, projections.Failed, "failed"))), path: "/dashboard"},
		"dashboard":                    {site: signedIn(of(registered(active, subscription("plan-rates", "Basic", projections.SubscriptionEnded)))), path: "/dashboard"},
		"dashboard, in progress": {site: signedIn(of(
			registered(waitingFor("kms"), subscription("plan-rates", "Basic", projections.SubscriptionEnding)),
			ask("plan-std", subscribe, projections.Accepted, ""), ask("plan-max", subscribe, projections.Failed, "failed"))), path: "/dashboard"},
		"home, many products":     {site: visit(crowded), path: "/"},
		"product, crowded":        {site: longNamed(crowded), path: "/apis/crowded"},
		"dashboard, crowded":      {site: longNamed(crowded), path: "/dashboard"},
		"dashboard, first key":    {site: signedIn(of(pending)), path: "/dashboard"},
		"activity, crowded":       {site: longNamed(crowded), path: "/activity"},
		"activity, nothing older": {site: signedIn(of(registered())), path: "/activity?after=99"},
		"dashboard, key disabled": {site: signedIn(of(disabled)), path: "/dashboard"},
		"dashboard, key released": {site: signedIn(of(released)), path: "/dashboard"},
		"activity":                {site: signedIn(of(registered())), path: "/activity"},
		"operation, accepted":     following(ask("plan-free", subscribe, projections.Accepted, ""), registered()),
		"operation, waiting": following(ask("plan-free", subscribe, projections.Waiting, "kms_key",
			step("KeyWanted", projections.Running, 20*time.Second), step("SubscriptionWanted", projections.Running, 20*time.Second), waitingStep("kms_key")), registered(waitingFor("kms_key"))),
		"operation, done": following(ask("plan-free", subscribe, projections.Succeeded, "",
			step("KeyWanted", projections.Running, 50*time.Second), step("SubscriptionWanted", projections.Running, 50*time.Second),
			step("KeyCreated", projections.Running, 3*time.Second), step("SubscriptionActivated", projections.Succeeded, time.Second)), registered(active)),
		"operation, left since": following(ask("plan-free", subscribe, projections.Succeeded, "", step("SubscriptionActivated", projections.Succeeded, time.Second)), registered()),
		"operation, left":       following(ask("plan-free", leave, projections.Succeeded, "", step("SubscriptionEnded", projections.Succeeded, time.Second)), registered()),
		"operation, refused":    following(ask("plan-free", subscribe, projections.Rejected, "not_registered", step("RequestRejected", projections.Rejected, time.Second)), unregistered()),
		"operation, cancelled":  following(ask("plan-free", subscribe, projections.Rejected, "superseded", step("RequestSuperseded", projections.Rejected, time.Second)), registered()),
		"operation, failed":     following(ask("", register, projections.Failed, "failed", step("RequestFailed", projections.Failed, time.Second)), unregistered()),
		"operation, given up":   following(withLetter(ask("plan-free", subscribe, projections.Failed, "failed", step("RequestFailed", projections.Failed, time.Second)), deadletters.Open), registered()),
		"operation, running":    following(ask("plan-free", subscribe, projections.Running, "", step("SubscriptionWanted", projections.Running, time.Second)), registered()),
		"operation, registered": following(ask("", register, projections.Succeeded, "", step("UserRegistered", projections.Succeeded, time.Second)), registered()),
		"problem of the API":    {site: visit(of(unregistered())), path: "/problems/unsupported_media_type"},
		"signed out":            {site: signedOut(of(registered())), path: "/signed-out"},
		"sign-in problem":       {site: visit(of(unregistered())).with("/sign-in/callback", signingIn().Callback), path: "/sign-in/callback?code=c&state=s"},
		"too many requests":     {site: signedIn(failing(portal.TooManyRequests, "More than 120 requests in a minute.")), path: "/dashboard"},
		"unavailable":           {site: signedIn(failing(portal.Unavailable, "The portal cannot read its data right now. Try again in a moment.")), path: "/dashboard"},
		"internal error":        {site: visit(failing(portal.Internal, "")), path: "/apis"},
		"forbidden":             {site: signedIn(failing(portal.Forbidden, "Only admins may.")), path: "/dashboard"},
		"a form used before":    {site: signedIn(&fake{catalog: published(weather()), account: registered(), askErr: portal.Fail(portal.KeyReused, "This form was sent before with other content.")}), path: "/apis/weather", post: "/subscriptions/plan-free"},
		"key":                   {site: signedIn(of(registered(active))), path: "/dashboard", post: "/keys/key-1/reveal"},
		"not found":             {site: visit(of(unregistered())), path: "/nope"},
		"session ended":         {site: visit(ended), path: "/dashboard"},
		"page of the portal":    {site: guided(), path: "/pages/getting-started"},
		"home, branded":         {site: acme(), path: "/"},
		"catalog, branded":      {site: acme(), path: "/apis"},
	}
}

// longName is too long for every place, and longWord has no space to break at.
const (
	longName = "International Shipping Rates and Customs Declarations, Enterprise Edition"
	longWord = "Rechtsschutzversicherungsgesellschaften-und-Donaudampfschiffahrtselektrizitaetenhauptbetriebswerk"
)

// crowdedProduct has more of everything than fits.
func crowdedProduct() catalog.Product {
	return catalog.Product{
		ID: "crowded", Name: longWord, Description: strings.Repeat("A long description of what it is for. ", 12),
		Plans: []catalog.Plan{
			{ID: "plan-long", Name: longName, Description: longWord, Quota: &catalog.Quota{Limit: 2_000_000_000, Period: "MONTH"}, Methods: []catalog.MethodLimit{
				{Path: "/harbours/{harbourIdentifier}/tides/{tideIdentifier}/observations", Method: "DELETE", Rate: 1234567, Burst: 1234567},
				{Path: "/" + longWord, Method: "GET", Rate: 1, Burst: 1},
			}},
			{ID: "plan-word", Name: longWord},
		},
		APIs: []catalog.API{
			{ID: "a", Name: longWord, Version: "2.1.0-" + longWord, Stage: "prod", Endpoint: "https://" + strings.ToLower(longWord) + ".example/prod"},
			{ID: "b", Name: "Inner", Stage: "prod", Private: true},
			{ID: "c", Name: "Chat", Stage: "live", Kind: catalog.Other},
		},
	}
}

// longNamed is the site for a person with a long name.
func longNamed(f *fake) site {
	return siteOf(f, &identity.Identity{Account: ada.Account, Name: longWord, Via: identity.ViaSession})
}

// signedOut is a site with the page for signing out at /signed-out, without its
// automatic redirect.
func signedOut(f *fake) site {
	return visit(f).with("/signed-out", func(w http.ResponseWriter, r *http.Request) {
		page := httptest.NewRecorder()
		web.New(web.Config{Status: api.Status}).SignedOut(page, r, "https://login.example.com/logout")
		_, _ = page.Body.WriteTo(w)
	})
}

// open opens the page, and sends its form if post is set.
func (s shown) open(t *testing.T, ctx context.Context) {
	t.Helper()
	opened(t, ctx, s.site, s.path)
	if s.form != "" {
		evaluate[bool](t, ctx, s.form+`, true`)
	}
	if s.post != "" {
		form := `form:is([action="` + s.post + `"], [action^="` + s.post + `#"])`
		evaluate[bool](t, ctx, `(window.before = true)`)
		do(t, ctx, chromedp.Click(chromedp.CSS(form+` button, button[formaction="`+s.post+`"]`), chromedp.NodeVisible))
		// The console's answer appears in the page, any other replaces it.
		eventually(t, ctx, `document.readyState === "complete" && (!window.before && location.pathname === "`+s.post+`" || document.querySelector("#try-result > *") !== null)`)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll("details")) d.open = true; undefined`))
}

// findings are the results of axe-core.
type findings struct {
	Violations []violation       `json:"violations"`
	Passes     []json.RawMessage `json:"passes"`
}

// violation is a rule that a page breaks.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML           string `json:"html"`
		FailureSummary string `json:"failureSummary"`
	}
}

// look is a way to display pages.
type look struct {
	name  string
	width int64
	media emulation.MediaFeature
	// rules are the options of axe-core that choose what can differ in this look, and
	// atLeast is how many of them apply to every page.
	rules   string
	atLeast int
}

var looks = []look{
	{"wide", 1280, emulation.MediaFeature{Name: "prefers-color-scheme", Value: "light"}, `{ resultTypes: ["violations"] }`, 10},
	{"dark", 1280, emulation.MediaFeature{Name: "prefers-color-scheme", Value: "dark"}, `{ runOnly: ["color-contrast"] }`, 1},
	{"narrow", 320, emulation.MediaFeature{Name: "prefers-color-scheme", Value: "light"}, `{ runOnly: ["target-size", "scrollable-region-focusable"] }`, 1},
}

var forcedColours = look{name: "forced colours", width: 1280, media: emulation.MediaFeature{Name: "forced-colors", Value: "active"}}

func (l look) to(t *testing.T, ctx context.Context) {
	t.Helper()
	do(t, ctx, chromedp.EmulateViewport(l.width, 900))
	// Colours change at once, so that none is looked at halfway.
	still := emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{&l.media, &still}}); err != nil {
		t.Fatal(err)
	}
}

// tooWide lists elements that are wider than the window, and elements that cut off text
// without an ellipsis.
const tooWide = `[...document.querySelectorAll("body *")].filter((e) => {
	const style = getComputedStyle(e), box = e.getBoundingClientRect();
	// Wide tables scroll in their box.
	if (!box.width || e.closest(".unseen, .skip, svg, .scroll > *, .table-scroll > *") || style.visibility === "hidden") {
		return false;
	}
	const cut = style.overflowX !== "visible" && style.textOverflow !== "ellipsis" && !e.matches(".scroll, .table-scroll") && e.scrollWidth > e.clientWidth + 1 && e.tagName !== "INPUT";
	return box.left < 0 || box.right > document.documentElement.clientWidth + 0.5 || cut;
}).slice(0, 3).map((e) => "it has no room for " + e.outerHTML.slice(0, 120))`

func areAccessible(t *testing.T, ctx context.Context, all map[string]shown) {
	axe, err := os.ReadFile("../bin/axe.min.js")
	if err != nil {
		missing(t, "axe", err)
	}
	watch := watched(t, ctx)
	for name, state := range all {
		// axe-core is large, so a page is opened once and then looked at in three ways.
		looks[0].to(t, ctx)
		state.open(t, ctx)
		do(t, ctx, chromedp.Evaluate[chromedp.Void](string(axe)+"; undefined"))
		for _, look := range looks {
			look.to(t, ctx)
			look.check(t, ctx, name)
		}
		for _, complaint := range watch() {
			t.Errorf("%s: %s", name, complaint)
		}
	}
}

// check reports the violations of the page that is open.
func (l look) check(t *testing.T, ctx context.Context, page string) {
	t.Helper()
	found := evaluate[findings](t, ctx, `axe.run(`+l.rules+`)`)
	if len(found.Passes) < l.atLeast {
		t.Errorf("%s, %s: only %d rules were checked", page, l.name, len(found.Passes))
	}
	for _, v := range found.Violations {
		for _, node := range v.Nodes {
			t.Errorf("%s, %s: %s (%s): %s\n%s", page, l.name, v.ID, v.Help, node.HTML, node.FailureSummary)
		}
	}
	for _, found := range evaluate[[]string](t, ctx, tooWide) {
		t.Errorf("%s, %s: %s", page, l.name, found)
	}
}

// watched watches the tab. The function that it returns lists what happened since the last call:
// requests to other origins, violations of the content security policy, and errors of scripts.
func watched(t *testing.T, ctx context.Context) func() []string {
	t.Helper()
	var mu sync.Mutex
	var list []string
	add := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, fmt.Sprintf(format, args...))
	}
	if err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "http://127.0.0.1:") && !strings.HasPrefix(e.Request.URL, "data:") {
				add("it requested %s", e.Request.URL)
			}
		case *cdplog.EventEntryAdded:
			// A status of 400 or more is logged, too, and many pages here have one.
			if e.Entry.Source != cdplog.EntrySourceNetwork {
				add("the browser says: %s (%s)", e.Entry.Text, e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			add("a script failed: %s", e.ExceptionDetails.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		seen := list
		list = nil
		return seen
	}
}

func markedInForcedColours(t *testing.T, ctx context.Context) {
	forcedColours.to(t, ctx)
	for _, c := range []struct {
		page         shown
		among, style string
	}{
		{states()["dashboard"], "header nav a", "borderBottomColor"},
		{documentationStates()["catalog, facets"], ".views a", "borderBottomStyle"},
		{documentationStates()["product, described"], ".tabs a", "borderBottomColor"},
		{documentationStates()["console, with a key"], ".languages a", "textDecorationLine"},
		{documentationStates()["console, with a key"], ".reference-nav a", "textDecorationLine"},
	} {
		c.page.open(t, ctx)
		style := `getComputedStyle(document.querySelector('` + c.among + `%s')).` + c.style
		current := evaluate[string](t, ctx, strings.ReplaceAll(style, "%s", "[aria-current]"))
		if other := evaluate[string](t, ctx, strings.ReplaceAll(style, "%s", ":not([aria-current])")); other == current {
			t.Errorf("%s: the current one and another both have %s %s", c.among, c.style, current)
		}
	}
}

func busyWhileOpen(t *testing.T, ctx context.Context) {
	opened(t, ctx, signedIn(&fake{catalog: published(weather()), account: registered()}), "/apis/weather")
	// There is no response, and the test moves the page's clock.
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`
		window.sent = 0;
		document.addEventListener("submit", (event) => { sent += event.defaultPrevented ? 0 : 1; event.preventDefault(); });
		window.timers = new Map();
		window.setTimeout = (f, ms) => { timers.set(timers.size + 1, { f, ms }); return timers.size; };
		window.clearTimeout = (id) => { if (timers.has(id)) timers.get(id).f = () => {}; };
		window.passed = (ms) => { for (const t of timers.values()) { if (t.ms <= ms) { const f = t.f; t.f = () => {}; f(); } } };
		undefined`))
	click := `document.querySelector("#subscribe-plan-free").click()`
	says := `document.querySelector("#subscribe-plan-free").textContent + " " + document.querySelector("#subscribe-plan-free").getAttribute("aria-busy")`
	evaluate[bool](t, ctx, click+", true")
	for _, ms := range []int{0, 5_000, 30_000} {
		if got := evaluate[string](t, ctx, click+", passed("+strconv.Itoa(ms)+"), "+says); got != "Sending… true" {
			t.Errorf("after %d ms the button reads %q", ms, got)
		}
	}
	if got := evaluate[int](t, ctx, "sent"); got != 1 {
		t.Errorf("four clicks sent %d requests", got)
	}
	if got := evaluate[string](t, ctx, "passed(60_000), "+says); got != "Subscribe to Free null" {
		t.Errorf("long after the request limit the button reads %q", got)
	}
	if got := evaluate[int](t, ctx, click+", sent"); got != 2 {
		t.Errorf("the form cannot be sent again: %d requests", got)
	}
	if got := evaluate[string](t, ctx, `document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" })), `+says); got != "Subscribe to Free null" {
		t.Errorf("after loading was stopped the button reads %q", got)
	}
}

func titleFollows(t *testing.T, ctx context.Context) {
	f := &fake{catalog: published(weather()), account: registered(subscription("plan-free", "Free", projections.SubscriptionActive))}
	f.operations = map[portal.OperationID]operations.Operation{"op-1": about("plan-free", "SubscribeRequested", projections.Accepted, "")}
	s := signedIn(f)
	var ended atomic.Bool
	inner := s.handler
	done := signedIn(&fake{catalog: f.catalog, account: f.account, operations: map[portal.OperationID]operations.Operation{
		"op-1": about("plan-free", "SubscribeRequested", projections.Succeeded, ""),
	}})
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ended.Load() {
			done.handler.ServeHTTP(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	})
	opened(t, ctx, s, "/operations/op-1")
	eventually(t, ctx, `document.title === "Subscribing to Free (Weather) · Gatehouse"`)
	ended.Store(true)
	eventually(t, ctx, `document.title === "Subscribed to Free (Weather) · Gatehouse" && document.querySelector("h1").textContent === "Subscribed to Free (Weather)"`)
}

// endIsAnnounced looks at what screen readers are told when something has ended.
func endIsAnnounced(t *testing.T, ctx context.Context) {
	for want, before := range map[string]*fake{
		"Your account is registered": {
			catalog: published(weather()), account: unregistered(), recent: []operations.Operation{about("", "RegisterUser", projections.Accepted, "")},
		},
		"Nothing is in progress any more": {
			catalog: published(weather()), account: registered(subscription("plan-free", "Free", projections.SubscriptionEnding, "op-7")),
		},
	} {
		var ended atomic.Bool
		s, after := signedIn(before), signedIn(&fake{catalog: before.catalog, account: registered()})
		inner := s.handler
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ended.Load() {
				after.handler.ServeHTTP(w, r)
				return
			}
			inner.ServeHTTP(w, r)
		})
		opened(t, ctx, s, "/dashboard")
		eventually(t, ctx, `document.querySelector("#account[data-poll]") !== null && document.getElementById("live").textContent === ""`)
		ended.Store(true)
		eventually(t, ctx, fmt.Sprintf(`document.getElementById("live").textContent === %q`, want))
	}
}

func shownAnew(t *testing.T, ctx context.Context) {
	s := signedIn(&fake{catalog: published(weather()), account: registered()})
	asked := make(chan struct{}, 1)
	inner := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dashboard/fragment" {
			asked <- struct{}{}
		}
		inner.ServeHTTP(w, r)
	})
	opened(t, ctx, s, "/dashboard")
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.dispatchEvent(new Event("visibilitychange")); undefined`))
	select {
	case <-asked:
	case <-time.After(patience):
		t.Error("the page requested nothing")
	}
}

// signedOutAtTheEnd deletes the account while the person looks.
func signedOutAtTheEnd(t *testing.T, ctx context.Context) {
	before := &fake{operations: map[portal.OperationID]operations.Operation{"op-1": about("", "AccountDeletionRequested", projections.Running, "", step("AccountDeleting", projections.Running, 0))}}
	s, after := signedIn(before), left(projections.Succeeded)
	var gone atomic.Bool
	inner := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gone.Load() {
			after.handler.ServeHTTP(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	})
	opened(t, ctx, s, "/operations/op-1")
	eventually(t, ctx, `document.querySelector(".top form[action='/sign-out']") !== null`)
	gone.Store(true)
	eventually(t, ctx, `document.querySelector("h1")?.textContent === "The account is deleted" && document.querySelector(".top form[action='/sign-out']") === null && document.querySelector(".top a[href^='/sign-in']") !== null`)
}

func timesAreTheReaders(t *testing.T, ctx context.Context) {
	if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"}); err != nil {
		t.Fatal(err)
	}
	f := &fake{activity: happened("You registered.", "Free became active.")}
	f.activity[0].At = time.Now().Add(-time.Hour)
	f.activity[1].At = time.Date(2025, 3, 31, 20, 30, 0, 0, time.UTC)
	s := signedIn(f)
	says(t, document(t, s.get("/activity"), http.StatusOK), ".activity li:last-child .when", "on 31 March 2025")
	opened(t, ctx, s, "/activity")
	line := `document.querySelector(".activity li:last-child time")`
	got := evaluate[string](t, ctx, line+`.textContent + "; " + `+line+`.title`)
	if !strings.HasPrefix(got, "on 1 April 2025; 1 April 2025") || !strings.HasSuffix(got, "05:30:00 GMT+9") {
		t.Errorf("an old time reads %q", got)
	}
	if got := evaluate[string](t, ctx, `document.querySelector(".activity time").title`); !strings.HasSuffix(got, " GMT+9") {
		t.Errorf("a time of today reads %q", got)
	}
	opened(t, ctx, signedIn(informed()), "/account/notices")
	const formats = `[...new Set([...document.querySelectorAll("main time")].map((time) => time.title.replace(/[0-9]+/g, "0")))].join("; ")`
	if got := evaluate[string](t, ctx, formats); got != "0 November 0, 0:0:0 GMT+0" {
		t.Errorf("tooltips have the formats %q", got)
	}
}

func namedInASmallWindow(t *testing.T, ctx context.Context) {
	do(t, ctx, chromedp.EmulateViewport(320, 640))
	opened(t, ctx, longNamed(&fake{account: registered()}), "/dashboard")
	for _, others := range []string{".brand", ".top nav", ".session form"} {
		apart := `(() => {
			const a = document.querySelector(".person").getBoundingClientRect(), b = document.querySelector("` + others + `").getBoundingClientRect();
			return a.width > 40 && a.height > 10 && (a.left >= b.right || a.bottom <= b.top || a.right <= b.left || a.top >= b.bottom);
		})()`
		if !evaluate[bool](t, ctx, apart) {
			t.Errorf("the person is not visible beside %s", others)
		}
	}
}

func contentsWhenItGrows(t *testing.T, ctx context.Context) {
	const visible = `document.querySelector(".reference-nav .nav-fold ul").checkVisibility({contentVisibilityAuto: true})`
	do(t, ctx, chromedp.EmulateViewport(500, 800))
	opened(t, ctx, visit(harbours()), harbourDocs)
	if evaluate[bool](t, ctx, visible) {
		t.Error("the navigation is open in a small window")
	}
	for _, width := range []int64{1280, 500, 960} {
		do(t, ctx, chromedp.EmulateViewport(width, 800))
		eventually(t, ctx, fmt.Sprintf("(%s) === %t", visible, width >= 960))
	}
}

func filtersWhenSmall(t *testing.T, ctx context.Context) {
	const visible = `document.querySelector(".filters select").checkVisibility({contentVisibilityAuto: true})`
	for _, c := range []struct {
		width int64
		state string
		want  bool
	}{{500, "licences", false}, {500, "licences, filtered", true}, {1280, "licences", true}} {
		do(t, ctx, chromedp.EmulateViewport(c.width, 800))
		opened(t, ctx, adminStates()[c.state].site, adminStates()[c.state].path) // open would open all that can be opened
		if got := evaluate[bool](t, ctx, visible); got != c.want {
			t.Errorf("%s at %d px: the filters are visible: %t", c.state, c.width, got)
		}
	}
}

func keyAtHand(t *testing.T, ctx context.Context) {
	states()["key"].open(t, ctx)
	eventually(t, ctx, `document.activeElement.textContent === "`+keyValue+`"`) // the browser focuses it after loading
	do(t, ctx, chromedp.KeyEvent(kb.Tab))
	if got := evaluate[string](t, ctx, `document.activeElement.dataset.copy`); got != "key-value" {
		t.Errorf("after Tab the focus is on the button that copies %q", got)
	}
	if got := evaluate[string](t, ctx, `document.querySelector("#first-call-0").textContent`); !strings.Contains(got, keyValue) {
		t.Errorf("the first call is %s", got)
	}
	left := `parseInt(document.querySelector("[data-countdown]").textContent.match(/\d+/)[0])`
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-hide-later]"), chromedp.NodeVisible))
	if got := evaluate[int](t, ctx, left); got <= 30 {
		t.Errorf("with more time the key is hidden in %d seconds", got)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-hide-now]"), chromedp.NodeVisible))
	eventually(t, ctx, `!document.documentElement.outerHTML.includes("`+keyValue+`") && document.querySelector("#first-call-0").textContent.includes("YOUR_API_KEY")`)
}
