package web_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestTheHomePageOffersTheNextStep(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather(), rates())}

	out := document(t, visit(f).get("/"), http.StatusOK)
	one(t, out, `.pitch a.button[href="/apis"]`)
	// Signing up leads back here, as the first step says; signing in does not.
	one(t, out, `.pitch a.button[href="/sign-in?return_to=%2F&screen=sign-up"]`)
	one(t, out, `.steps a[href="/sign-in?return_to=%2F&screen=sign-up"]`)
	one(t, out, `.pitch a[href="/sign-in?return_to=%2Fdashboard"]`)
	none(t, out, `a[href="/dashboard"]`)
	says(t, out, "#first-call", "curl -H 'x-api-key: YOUR_API_KEY' 'https://weather.example/prod/A_PATH'")
	one(t, out, `button[data-copy="first-call"]`)
	if got := out.Find(".steps > li").Length(); got != 3 {
		t.Errorf("the quickstart has %d steps, want 3", got)
	}
	one(t, out, `.cards a[href="/apis/weather"]`)

	in := document(t, signedIn(f).get("/"), http.StatusOK)
	one(t, in, `.pitch a.button[href="/dashboard"]`)
	none(t, in, `a[href^="/sign-in"]`)
}

func TestTheHomePageIsShownWithoutTheCatalog(t *testing.T) {
	t.Parallel()
	doc := document(t, visit(&fake{err: portal.Fail(portal.Unavailable, "not now")}).get("/"), http.StatusOK)
	none(t, doc, ".cards")
	says(t, doc, "#first-call", "https://api.example.com/")
}

func TestEveryPageHasItsLandmarksAndTheSignInState(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather()), account: registered()}
	for _, path := range []string{"/", "/apis", "/apis/weather", "/no/such/page"} {
		for name, s := range map[string]site{"out": visit(f), "in": signedIn(f)} {
			w := s.get(path)
			doc := document(t, w, w.Code)
			one(t, doc, `a.skip[href="#main"]`)
			one(t, doc, "main#main")
			one(t, doc, "header nav[aria-label]")
			one(t, doc, "h1")
			one(t, doc, `html[lang="en"]`)
			one(t, doc, `footer a[href="/api/v1/openapi.json"]`)
			if name == "in" {
				one(t, doc, `form[method="post"][action="/sign-out"] button`)
				says(t, doc, ".person", "Ada Lovelace")
			} else {
				one(t, doc, `header a[href^="/sign-in?return_to="]:not([href*="screen"])`)
				one(t, doc, `header a[href^="/sign-in?"][href*="screen=sign-up"]`)
			}
		}
	}
}

func TestTheCatalogCanBeSearchedWithoutAScript(t *testing.T) {
	t.Parallel()
	s := visit(&fake{catalog: published(weather(), rates())})
	for query, want := range map[string][]string{
		"":                  {"/apis/rates", "/apis/weather"},
		"?q=":               {"/apis/rates", "/apis/weather"},
		"?q=CURRENCY+costs": {"/apis/rates"},
		"?q=standard":       {"/apis/weather"},
		"?q=forecast+2.1":   {"/apis/weather"},
		"?q=weather+basic":  nil,
	} {
		doc := document(t, s.get("/apis"+query), http.StatusOK)
		one(t, doc, `form[method="get"][action="/apis"] input[name="q"]`)
		var got []string
		for _, link := range doc.Find(".cards h3 a").EachIter() {
			got = append(got, attr(t, link, "href"))
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s finds %v, want %v", query, got, want)
		}
	}
	card := one(t, document(t, s.get("/apis?q=weather"), http.StatusOK), ".card")
	for _, want := range []string{"Weather", "Forecasts for every place.", "2.1", "Free, Standard, Unlimited"} {
		if !strings.Contains(text(card), want) {
			t.Errorf("the card says %q, want %q in it", text(card), want)
		}
	}
}

func TestProductsAreSortedByNameIgnoringCase(t *testing.T) {
	t.Parallel()
	var products []catalog.Product
	for _, name := range []string{"Zebra", "apple", "Mango", "banana"} {
		products = append(products, catalog.Product{ID: name, Name: name})
	}
	s := visit(&fake{catalog: published(products...)})
	for path, want := range map[string]string{"/apis": "apple banana Mango Zebra", "/": "apple banana Mango"} {
		var got []string
		for _, link := range document(t, s.get(path), http.StatusOK).Find(".cards h3 a").EachIter() {
			got = append(got, text(link))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s lists %v, want %s", path, got, want)
		}
	}
}

func TestTheHomePageShowsProductsWithPlansFirst(t *testing.T) {
	t.Parallel()
	plans := []catalog.Plan{{ID: "plan", Name: "Plan"}}
	s := visit(&fake{catalog: published(
		catalog.Product{ID: "a", Name: "a"}, catalog.Product{ID: "b", Name: "b", Plans: plans}, catalog.Product{ID: "c", Name: "c"},
		catalog.Product{ID: "d", Name: "d", Plans: plans},
	)})
	var got []string
	for _, link := range document(t, s.get("/"), http.StatusOK).Find(".cards h3 a").EachIter() {
		got = append(got, text(link))
	}
	if strings.Join(got, " ") != "b d a" {
		t.Errorf("the first products are %v", got)
	}
}

func TestAFullKeySaysHowManyPlansItCanBeIn(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather(), rates()), account: registered(subscription("plan-rates", "Basic", projections.SubscriptionActive))}
	f.plansPerKey = 1
	says(t, document(t, signedIn(f).get("/apis/weather"), http.StatusOK), "#plan-plan-free .hint", "A key can be in at most 1 plan.")
}

func TestAnEmptyCatalogSaysWhy(t *testing.T) {
	t.Parallel()
	says(t, document(t, visit(&fake{}).get("/apis"), http.StatusOK), ".empty", "have not read it from API Gateway yet")
	says(t, document(t, visit(&fake{catalog: published()}).get("/apis"), http.StatusOK), ".empty", "The catalog is up to date but has nothing for people who are not signed in")
	doc := document(t, visit(&fake{catalog: published(weather())}).get("/apis?q=zebra"), http.StatusOK)
	says(t, doc, ".empty h2", "Nothing matches “zebra”")
	one(t, doc, `.empty a[href="/apis"]`)
}

func TestAProductShowsItsPlansLimitsAndEndpoints(t *testing.T) {
	t.Parallel()
	doc := document(t, visit(&fake{catalog: published(weather())}).get("/apis/weather"), http.StatusOK)
	says(t, doc, "#plan-plan-free .limits", "Rate 0.5 requests a second Burst 1 request at once Quota 1,000 requests a day")
	says(t, doc, "#plan-plan-std .limits", "Rate 50 requests a second Burst 100 requests at once Quota 1,000,000 requests a month")
	says(t, doc, "#plan-plan-max .limits", "Quota No limit in this plan")
	says(t, doc, "#endpoint-0", "https://weather.example/prod")
	one(t, doc, `button[data-copy="endpoint-0"]`)
	one(t, doc, `#plan-plan-free a[href="/sign-in?return_to=%2Fapis%2Fweather"]`)
	none(t, doc, `form[action^="/subscriptions"]`)
}

func TestAProductsPageOffersWhatTheAccountCanDo(t *testing.T) {
	t.Parallel()
	waiting := subscription("plan-free", "Free", projections.SubscriptionPending, "op-9")
	waiting.Waiting = "capacity"
	const subscribe = `form[action="/subscriptions/plan-free"]`
	for name, c := range map[string]struct {
		account  projections.Account
		recent   []operations.Operation
		there    []string
		notThere []string
		says     map[string]string
	}{
		"no subscription": {
			account:  registered(),
			there:    []string{`#plan-plan-free form[method="post"][action="/subscriptions/plan-free"] input[type="hidden"][name="idempotency_key"][value]`, "#offers[data-idle]"},
			notThere: []string{".leave", "#unregistered", "#first-call", ".badge", "[data-poll]"},
		},
		"subscribed": {
			account: registered(subscription("plan-free", "Free", projections.SubscriptionActive)),
			there: []string{
				`#leave-plan-free form[method="post"][action="/subscriptions/plan-free/leave"] input[name="idempotency_key"]`, `#first-call`,
				`#plan-plan-std a#change-plan-std[href="/subscriptions/plan-std/change"]`,
			},
			notThere: []string{subscribe, `form[action="/subscriptions/plan-std"]`, `form[action="/subscriptions/plan-max"]`},
			says: map[string]string{
				"#plan-plan-free .badge": "Active",
				"#why-plan-std":          "You have Free, which covers the same API. A key can be in only one such plan.",
				"#change-plan-std":       "Change to Standard",
			},
		},
		"being set up": {
			account:  registered(subscription("plan-free", "Free", projections.SubscriptionPending, "op-9")),
			there:    []string{`#plan-plan-free a[href="/operations/op-9"]`, `#leave-plan-free form[action="/subscriptions/plan-free/leave"]`, "#offers[data-poll]"},
			notThere: []string{subscribe, "#first-call", `form[action="/subscriptions/plan-std"]`, "#change-plan-std"},
			says:     map[string]string{"#plan-plan-free .badge": "Being set up", "#plan-plan-std .plan-actions": "Wait until Free is active."},
		},
		"changing": {
			account:  registered(changingTo("plan-std", "plan-free", projections.SubscriptionPending)...),
			there:    []string{`#plan-plan-std a[href="/operations/op-9"]`, "#offers[data-poll]"},
			notThere: []string{subscribe, ".leave", "#change-plan-free", "#change-plan-std", `form[action="/subscriptions/plan-std"]`},
			says:     map[string]string{"#plan-plan-free .badge": "Changing", "#plan-plan-std .badge": "Changing"},
		},
		"a change waits for approval": {
			account: registered(changingTo("plan-std", "plan-free", projections.SubscriptionAwaitingApproval)...),
			recent:  []operations.Operation{about("plan-std", "PlanChangeRequested", projections.Waiting, "approval")},
			there: []string{
				`#plan-plan-std form[method="post"][action="/subscriptions/plan-std/leave"] input[name="idempotency_key"]`, "#leave-plan-free",
				`#plan-plan-std a[href="/operations/op-9"]`,
			},
			notThere: []string{"#change-plan-std", `form[action="/subscriptions/plan-std"]`, "#leave-plan-std"},
			says: map[string]string{
				"#plan-plan-free .badge": "Active", "#plan-plan-std .badge": "Awaiting approval", "#withdraw-plan-std": "Withdraw the request",
				"#plan-plan-std .hint": "The operator of this portal has to approve it.",
			},
		},
		"waiting": {
			account:  registered(waiting),
			notThere: []string{subscribe},
			says:     map[string]string{"#plan-plan-free .badge": "Waiting", "#plan-plan-free .hint": "The operator of this portal has to make room"},
		},
		"ending": {
			account:  registered(subscription("plan-free", "Free", projections.SubscriptionEnding, "op-9")),
			there:    []string{`a[href="/operations/op-9"]`},
			notThere: []string{".leave", "#why-plan-std"},
			says:     map[string]string{"#plan-plan-free .badge": "Ending", subscribe: "Subscribe again"},
		},
		"ended": {
			account:  registered(subscription("plan-free", "Free", projections.SubscriptionEnded)),
			there:    []string{subscribe},
			notThere: []string{".leave", ".badge", "#why-plan-std"},
		},
		"requested but not decided yet": {
			account:  registered(),
			recent:   []operations.Operation{about("plan-free", "SubscribeRequested", projections.Accepted, "")},
			there:    []string{`#plan-plan-free a[href="/operations/op-1"]`, "#offers[data-poll]", `form[action="/subscriptions/plan-std"]`},
			notThere: []string{subscribe, ".leave"},
			says:     map[string]string{"#plan-plan-free .badge": "Received", "#plan-plan-free .note": "We have your request"},
		},
		"leaving but not decided yet": {
			account:  registered(subscription("plan-free", "Free", projections.SubscriptionActive)),
			recent:   []operations.Operation{about("plan-free", "UnsubscribeRequested", projections.Accepted, "")},
			there:    []string{`#plan-plan-free a[href="/operations/op-1"]`},
			notThere: []string{"#leave-plan-free", subscribe},
			says:     map[string]string{"#plan-plan-free .badge": "Received"},
		},
		"refused": {
			account: registered(),
			recent:  []operations.Operation{about("plan-free", "SubscribeRequested", projections.Rejected, "conflict")},
			there:   []string{subscribe, `#plan-plan-free .note a[href="/operations/op-1"]`, "#offers[data-idle]"},
			says:    map[string]string{"#plan-plan-free .note": "Subscribing to Free was refused. Because of conflict."},
		},
		"failed": {
			account: registered(),
			recent:  []operations.Operation{about("plan-free", "SubscribeRequested", projections.Failed, "failed")},
			there:   []string{subscribe, `#plan-plan-free .note a[href="/operations/op-1"]`},
			says:    map[string]string{"#plan-plan-free .note": "the operator of this portal can run it again"},
		},
		"refused, and subscribed to by a later request": {
			account: registered(subscription("plan-free", "Free", projections.SubscriptionActive)),
			recent: []operations.Operation{
				about("plan-free", "SubscribeRequested", projections.Succeeded, ""),
				about("plan-free", "SubscribeRequested", projections.Rejected, "conflict"),
			},
			notThere: []string{".note"},
		},
		"not registered": {
			account:  unregistered(),
			there:    []string{`#unregistered form[method="post"][action="/register"] input[name="product"][value="weather"]`, "#offers[data-poll]"},
			notThere: []string{subscribe},
			says:     map[string]string{"#unregistered": "Register to subscribe to APIs", "#plan-plan-free .hint": "Register first"},
		},
		"being registered": {
			account:  unregistered(),
			recent:   []operations.Operation{about("", "RegisterUser", projections.Accepted, "")},
			there:    []string{subscribe, `#unregistered a[href="/operations/op-1"]`, "#offers[data-poll]"},
			notThere: []string{`form[action="/register"]`},
			says:     map[string]string{"#unregistered": "Your account is being registered"},
		},
		"registering failed": {
			account:  unregistered(),
			recent:   []operations.Operation{about("", "RegisterUser", projections.Failed, "failed")},
			there:    []string{`#unregistered form[action="/register"] input[name="idempotency_key"]`, `#unregistered a[href="/operations/op-1"]`},
			notThere: []string{subscribe},
			says:     map[string]string{"#unregistered": "Your account could not be registered"},
		},
		"ten plans": {
			account:  registered(tenPlans()...),
			notThere: []string{subscribe},
			says:     map[string]string{"#plan-plan-free .hint": "A key can be in at most 10 plans. Leave one of them first, then subscribe to Free, or ask the operator of this portal to have the quota raised."},
		},
		"ten plans, of which one is being left": {
			account: registered(append(tenPlans()[1:], subscription("plan-0", "Plan", projections.SubscriptionEnding))...),
			there:   []string{subscribe},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{catalog: published(weather()), account: c.account, recent: c.recent}
			page := document(t, signedIn(f).get("/apis/weather"), http.StatusOK)
			fragment := document(t, signedIn(f).get("/apis/weather/fragment"), http.StatusOK)
			none(t, fragment, "header, main, script, h1")
			for _, doc := range []*goquery.Document{page, fragment} {
				for _, selector := range c.there {
					one(t, doc, selector)
				}
				for _, selector := range c.notThere {
					none(t, doc, selector)
				}
				for selector, want := range c.says {
					says(t, doc, selector, want)
				}
			}
		})
	}
}

// changingTo is a change of plans; the new one is in that state.
func changingTo(plan, from portal.PlanID, state string) []projections.Subscription {
	old, next := subscription(from, "Free", projections.SubscriptionActive), subscription(plan, "Standard", state, "op-9")
	next.Replaces = from
	if state == projections.SubscriptionPending {
		old.ChangesTo = plan
	}
	return []projections.Subscription{old, next}
}

func tenPlans() []projections.Subscription {
	var list []projections.Subscription
	for i := range 10 {
		id := portal.PlanID("other-" + strconv.Itoa(i))
		list = append(list, subscription(id, "Other", projections.SubscriptionActive))
	}
	return list
}

func TestAPlanOfAnotherProductIsInTheWayOnlyIfItCoversTheSameStage(t *testing.T) {
	t.Parallel()
	bundle := catalog.Product{ID: "bundle", Name: "Everything", Plans: []catalog.Plan{
		{ID: "plan-all", Name: "All", Stages: append([]portal.Stage{{API: "rates", Stage: "prod"}}, weatherStages...)},
	}}
	for held, want := range map[portal.PlanID]bool{"plan-all": true, "plan-rates": false} {
		f := &fake{
			catalog: published(weather(), rates(), bundle),
			account: registered(subscription(held, "Held", projections.SubscriptionActive)),
		}
		doc := document(t, signedIn(f).get("/apis/weather"), http.StatusOK)
		if want {
			says(t, doc, "#why-plan-free", "You have All of Everything, which covers the same API")
			one(t, doc, `#plan-plan-free a[href="/subscriptions/plan-free/change"]`)
			none(t, doc, `form[action="/subscriptions/plan-free"]`)
			one(t, doc, `#why-plan-free a[href="/apis/bundle"]`)
		} else {
			none(t, doc, "#why-plan-free")
		}
	}
}

func TestHostileNamesAreEscaped(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	product := catalog.Product{
		ID: `x/../"><script>`, Name: evil, Description: evil,
		Plans: []catalog.Plan{{ID: `p/"><script>?#`, Name: evil, Description: evil, Stages: weatherStages, Quota: &catalog.Quota{Limit: 1, Period: evil}}},
		APIs:  []catalog.API{{ID: "a", Name: evil, Version: evil, Stage: evil, Description: evil, Endpoint: `https://x'; rm -rf ~ #` + evil}},
	}
	f := &fake{
		catalog: published(product), account: registered(subscription(`p/"><script>?#`, evil, projections.SubscriptionActive, evil)),
		activity: []projections.Activity{{At: now, Text: evil}},
	}
	f.account.Keys[0].Name = evil
	for _, path := range []string{"/", "/apis", "/apis?q=" + url.QueryEscape(evil), "/apis/" + url.PathEscape(product.ID), "/dashboard", "/" + url.PathEscape(evil)} {
		w := signedIn(f).get(path)
		doc := document(t, w, w.Code)
		if got := doc.Find("script").Length(); got != 1 {
			t.Errorf("%s has %d scripts, want the portal's own", path, got)
		}
		none(t, doc, "img, [onerror], [style]")
	}
	doc := document(t, signedIn(f).get("/apis/"+url.PathEscape(product.ID)), http.StatusOK)
	says(t, doc, "h1", evil)
	if got := attr(t, one(t, doc, ".leave form"), "action"); got != "/subscriptions/p%2F%22%3E%3Cscript%3E%3F%23/leave" {
		t.Errorf("the form goes to %s", got)
	}
	says(t, doc, "#first-call", `'https://x'\''; rm -rf ~ #`)
}
