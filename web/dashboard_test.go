package web_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestTheDashboardShowsTheAccount(t *testing.T) {
	t.Parallel()
	waiting := subscription("plan-rates", "Basic", projections.SubscriptionPending, "op-7")
	waiting.Waiting = "aws"
	f := &fake{
		catalog: published(weather(), rates()),
		account: registered(
			subscription("plan-free", "Free", projections.SubscriptionActive), waiting,
			subscription("plan-gone", "Beta", projections.SubscriptionEnding, "op-8"),
			subscription("plan-max", "Unlimited", projections.SubscriptionEnded)),
		activity: []projections.Activity{{At: now.Add(-3 * time.Hour), Text: "You registered."}},
	}
	f.account.Keys = append(f.account.Keys, projections.Key{ID: "key-2", Name: "Second key", State: projections.KeyPending})
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)

	if got := doc.Find(".attention li").Length(); got != 2 {
		t.Errorf("%d attentions, want the waiting and the ending subscription", got)
	}
	says(t, doc, ".attention li:nth-child(1)", "Basic (Exchange rates) is waiting. API Gateway is not accepting the change right now. We retry automatically")
	one(t, doc, `.attention li:nth-child(1) a[href="/operations/op-7"]`)
	says(t, doc, ".attention li:nth-child(2)", "You are leaving Beta.")
	one(t, doc, `#account[data-poll="/dashboard/fragment"]`)

	says(t, doc, "#subscription-plan-free .badge", "Active")
	says(t, doc, "#subscription-plan-free .limits", "1,000 requests a day")
	says(t, doc, "#call-plan-free", "curl -H 'x-api-key: YOUR_API_KEY' 'https://weather.example/prod/A_PATH'")
	one(t, doc, `#subscription-plan-free form[method="post"][action="/subscriptions/plan-free/leave"] input[name="idempotency_key"]`)
	says(t, doc, "#subscription-plan-gone", "This plan is no longer offered")
	none(t, doc, "#subscription-plan-gone form")
	none(t, doc, "#subscription-plan-max")
	says(t, doc, "#past", "Past subscriptions (1)")

	says(t, doc, "#key-key-1", "Default key")
	says(t, doc, "#key-key-1", "Created 1 hour ago")
	one(t, doc, `#key-key-1 form[method="post"][action="/keys/key-1/reveal"]`)
	says(t, doc, "#key-key-2 .badge", "Being created")
	none(t, doc, "#key-key-2 form")

	says(t, doc, ".activity li", "You registered. 3 hours ago")
	none(t, doc, "#unregistered")
}

func TestAQuietDashboardPollsRarely(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather()), account: registered(subscription("plan-free", "Free", projections.SubscriptionActive))}
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
	none(t, doc, ".attention, [data-poll], head noscript")
	one(t, doc, `#account[data-idle="/dashboard/fragment"]`)
}

func TestTheDashboardShowsTheProgressOfARegistration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		recent   []operations.Operation
		says     string
		there    string
		notThere string
	}{
		"not requested": {
			says: "Your account is not registered yet", there: `#unregistered form[method="post"][action="/register"] button`, notThere: "#unregistered a",
		},
		"in progress": {
			recent: []operations.Operation{about("", "RegisterUser", projections.Running, "")},
			says:   "Your account is being registered", there: `#unregistered a[href="/operations/op-1"]`, notThere: "#unregistered form",
		},
		"done, but not in the views yet": {
			recent: []operations.Operation{about("", "RegisterUser", projections.Succeeded, "")},
			says:   "Your account is being registered", there: `#unregistered a[href="/operations/op-1"]`, notThere: "#unregistered form",
		},
		"failed": {
			recent: []operations.Operation{about("", "RegisterUser", projections.Failed, "failed")},
			says:   "Your account could not be registered", there: `#unregistered.bad form input[name="idempotency_key"]`, notThere: ".attention",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := document(t, signedIn(&fake{account: unregistered(), recent: c.recent}).get("/dashboard"), http.StatusOK)
			says(t, doc, "#unregistered", c.says)
			one(t, doc, c.there)
			none(t, doc, c.notThere)
			one(t, doc, "[data-poll]")
			says(t, doc, ".empty:has(a)", "You have no subscriptions yet.")
		})
	}
}

func TestTheDashboardShowsRequestsThatNoSubscriptionShows(t *testing.T) {
	t.Parallel()
	old := about("plan-free", "SubscribeRequested", projections.Rejected, "conflict")
	old.CreatedAt = now.Add(-8 * 24 * time.Hour)
	for name, c := range map[string]struct {
		account  projections.Account
		recent   []operations.Operation
		says     map[string]string
		notThere string
	}{
		"accepted but not decided yet": {
			account:  registered(),
			recent:   []operations.Operation{about("plan-free", "SubscribeRequested", projections.Accepted, "")},
			says:     map[string]string{"#account[data-poll] .attention": "Received Subscribing to Free (Weather). We have your request"},
			notThere: "#unmet",
		},
		"shown by its subscription": {
			account:  registered(subscription("plan-free", "Free", projections.SubscriptionPending)),
			recent:   []operations.Operation{about("plan-free", "SubscribeRequested", projections.Running, "")},
			says:     map[string]string{".attention li": "Free (Weather) is being set up", `.attention a[href="/operations/op-1"]`: "Follow it"},
			notThere: "#unmet",
		},
		"refused": {
			account:  registered(),
			recent:   []operations.Operation{about("plan-free", "SubscribeRequested", projections.Rejected, "conflict")},
			says:     map[string]string{".attention li": "Refused Subscribing to Free (Weather) was refused. Because of conflict.", `.attention a[href="/operations/op-1"]`: "See what happened"},
			notThere: "[data-poll]",
		},
		"failed": {
			account:  registered(),
			recent:   []operations.Operation{about("plan-free", "SubscribeRequested", projections.Failed, "failed")},
			says:     map[string]string{".attention li": "Subscribing to Free (Weather) failed. Something went wrong on our side."},
			notThere: "[data-poll]",
		},
		"leaving failed": {
			account:  registered(subscription("plan-free", "Free", projections.SubscriptionActive)),
			recent:   []operations.Operation{about("plan-free", "UnsubscribeRequested", projections.Failed, "failed")},
			says:     map[string]string{".attention li": "Leaving Free (Weather) failed."},
			notThere: "[data-poll]",
		},
		"refused, and asked for again": {
			account: registered(subscription("plan-free", "Free", projections.SubscriptionActive)),
			recent: []operations.Operation{
				about("plan-free", "SubscribeRequested", projections.Succeeded, ""), about("plan-free", "SubscribeRequested", projections.Rejected, "conflict"),
			},
			notThere: ".attention",
		},
		"superseded by a newer request":   {account: registered(), recent: []operations.Operation{about("plan-free", "SubscribeRequested", projections.Rejected, "superseded")}, notThere: ".attention"},
		"refused more than a week ago":    {account: registered(), recent: []operations.Operation{old}, notThere: ".attention"},
		"the account's registration":      {account: registered(), recent: []operations.Operation{about("", "RegisterUser", projections.Failed, "failed")}, notThere: ".attention"},
		"another account's, never listed": {account: registered(), recent: []operations.Operation{{ID: "op-2", Actor: portal.AccountActor("other"), Type: "SubscribeRequested", Plan: "plan-free"}}, notThere: ".attention"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{catalog: published(weather()), account: c.account, recent: c.recent}
			doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
			for selector, want := range c.says {
				says(t, doc, selector, want)
			}
			none(t, doc, c.notThere)
		})
	}
}

func TestAKeyThatDoesNotWorkSaysWhy(t *testing.T) {
	t.Parallel()
	for state, c := range map[string]struct {
		badge, hint string
		attention   bool
	}{
		"pending":  {"Being created", "as soon as API Gateway has created it", false},
		"disabled": {"Disabled by the operator", "The operator of this portal has disabled the key", true},
		"released": {"Released", "It was in no plan for a long time", false},
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			f := &fake{catalog: published(weather()), account: registered(subscription("plan-free", "Free", projections.SubscriptionActive))}
			f.account.Keys[0].State = state
			doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
			says(t, doc, "#key-key-1 .badge", c.badge)
			says(t, doc, "#key-key-1 .hint", c.hint)
			none(t, doc, `form[action="/keys/key-1/reveal"]`)
			product := document(t, signedIn(f).get("/apis/weather"), http.StatusOK)
			for name, got := range map[string]bool{
				"the dashboard": doc.Find("#call-plan-free").Length() == 1, "the product": product.Find("#first-call").Length() == 1,
			} {
				if got != (state == "pending") {
					t.Errorf("%s shows a first call: %v", name, got)
				}
			}
			if got := doc.Find(".attention").Length() == 1; got != c.attention {
				t.Errorf("the dashboard shows an attention: %v", got)
			}
		})
	}
}

// The script tells screen readers data-announce when the part changes to it, and data-done when the next part
// announces nothing.
func TestPagesAnnounceTheEndOnlyOfWhatWasInProgress(t *testing.T) {
	t.Parallel()
	opening := []operations.Operation{about("", "RegisterUser", projections.Accepted, "")}
	failed := []operations.Operation{about("", "RegisterUser", projections.Failed, "failed")}
	pending := registered(subscription("plan-free", "Free", projections.SubscriptionPending, "op-7"))
	for name, c := range map[string]struct {
		account                          projections.Account
		recent                           []operations.Operation
		dashboard, product, whenItIsDone string
	}{
		"nothing was ever under way":          {account: registered()},
		"not registered, and not asked for":   {account: unregistered()},
		"registration is in progress":         {unregistered(), opening, "Your account is being registered", "Your account is being registered", "Your account is registered"},
		"registration has failed":             {unregistered(), failed, "Your account could not be registered", "Your account could not be registered", ""},
		"a subscription is being set up":      {pending, nil, "Free (Weather) is being set up", "Something is in progress", "Nothing is in progress any more"},
		"all that was asked for is there now": {account: registered(subscription("plan-free", "Free", projections.SubscriptionActive))},
	} {
		f := &fake{catalog: published(weather()), account: c.account, recent: c.recent}
		for path, part := range map[string][2]string{"/dashboard": {"#account", c.dashboard}, "/apis/weather": {"#offers", c.product}} {
			got := one(t, document(t, signedIn(f).get(path), http.StatusOK), part[0])
			if announce := got.AttrOr("data-announce", ""); announce != part[1] {
				t.Errorf("%s: %s announces %q, want %q", name, path, announce, part[1])
			}
			if done := got.AttrOr("data-done", ""); done != c.whenItIsDone {
				t.Errorf("%s: %s says in the end %q, want %q", name, path, done, c.whenItIsDone)
			}
		}
	}
}

func TestAKeyWithoutASubscriptionIsNotInUse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account projections.Account
		want    string
	}{
		"no subscription":               {registered(), "Not in use"},
		"a past subscription":           {registered(subscription("plan-free", "Free", projections.SubscriptionEnded)), "Not in use"},
		"a subscription":                {registered(subscription("plan-free", "Free", projections.SubscriptionActive)), "Active"},
		"a subscription being set up":   {registered(subscription("plan-free", "Free", projections.SubscriptionPending)), "Active"},
		"a subscription that is to end": {registered(subscription("plan-free", "Free", projections.SubscriptionEnding)), "Active"},
	} {
		doc := document(t, signedIn(&fake{catalog: published(weather()), account: c.account}).get("/dashboard"), http.StatusOK)
		if got := text(one(t, doc, "#key-key-1 .badge")); got != c.want {
			t.Errorf("%s: the key is %q, want %q", name, got, c.want)
		}
		one(t, doc, `#key-key-1 form[action="/keys/key-1/reveal"]`)
		if hinted := doc.Find("#key-key-1 .hint").Length() == 1; hinted != (c.want == "Not in use") {
			t.Errorf("%s: there is a hint: %t", name, hinted)
		}
	}
}

func TestTheDashboardListsKeysInUseFirst(t *testing.T) {
	t.Parallel()
	account := registered(subscription("plan-free", "Free", projections.SubscriptionActive))
	account.Keys = append([]projections.Key{{ID: "key-0", Ring: "licence/l-1", Name: "Old", State: projections.KeyActive, CreatedAt: now.Add(-2 * time.Hour)}}, account.Keys...)
	doc := document(t, signedIn(&fake{catalog: published(weather()), account: account}).get("/dashboard"), http.StatusOK)
	var shown []string
	for _, form := range doc.Find(`form[action$="/reveal"]`).EachIter() {
		shown = append(shown, form.AttrOr("action", ""))
	}
	if want := []string{"/keys/key-1/reveal", "/keys/key-0/reveal"}; !slices.Equal(shown, want) {
		t.Errorf("the keys are %v, want %v", shown, want)
	}
}

func TestAKeyWhoseSubscriptionWaitsIsWaitingToo(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{"": "Being created", "kms_key": "Waiting"} {
		sub := subscription("plan-free", "Free", projections.SubscriptionPending)
		sub.Waiting = reason
		account := registered(sub)
		account.Keys[0].State = projections.KeyPending
		doc := document(t, signedIn(&fake{catalog: published(weather()), account: account}).get("/dashboard"), http.StatusOK)
		if got := text(one(t, doc, "#key-key-1 .badge")); got != want {
			t.Errorf("waiting for %q: the key is %q, want %q", reason, got, want)
		}
	}
}

func TestAPlanHasItsPresentNameInTheCatalog(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather()), account: registered(
		subscription("plan-free", "Gratis", projections.SubscriptionActive), subscription("plan-gone", "Beta", projections.SubscriptionActive))}
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
	says(t, doc, "#subscription-plan-free h3", "Free")
	says(t, doc, "#leave-plan-free", "You can subscribe again at any time.")
	says(t, doc, "#subscription-plan-gone h3", "Beta")
	says(t, doc, "#leave-plan-gone", "It is no longer offered, so you cannot subscribe to it again.")
}

func TestTheDashboardsFragmentIsPartOfThePage(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather()), account: registered(subscription("plan-free", "Free", projections.SubscriptionPending, "op-7"))}
	s := signedIn(f)
	fragment := document(t, s.get("/dashboard/fragment"), http.StatusOK)
	none(t, fragment, "header, main, script")
	before := attr(t, one(t, fragment, "body > #account"), "data-version")
	if page := attr(t, one(t, document(t, s.get("/dashboard"), http.StatusOK), "#account"), "data-version"); page != before {
		t.Errorf("page and fragment have the versions %s and %s", page, before)
	}
	f.account = registered(subscription("plan-free", "Free", projections.SubscriptionActive))
	if after := attr(t, one(t, document(t, s.get("/dashboard/fragment"), http.StatusOK), "#account"), "data-version"); after == before {
		t.Error("another state has the same version")
	}
	none(t, document(t, s.get("/dashboard/fragment"), http.StatusOK), "[data-poll]")
}

func TestAPlansNameThatContainsTheProductsStandsAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ plan, title, heading string }{
		"another name":             {"Free", "Free (Weather) is being set up.", "Weather Free"},
		"the product's name":       {"Weather Free", "Weather Free is being set up.", "Weather Free"},
		"the same in another case": {"The weather for free", "The weather for free is being set up.", "The weather for free"},
		"a word that contains it":  {"Weatherproof", "Weatherproof (Weather) is being set up.", "Weather Weatherproof"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			product := weather()
			product.Plans[0].Name = c.plan
			f := &fake{catalog: published(product), account: registered(subscription("plan-free", "Free", projections.SubscriptionPending, "op-7"))}
			doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
			says(t, doc, ".attention b", c.title)
			if got := text(one(t, doc, "#subscription-plan-free h3")); got != c.heading {
				t.Errorf("the heading is %q, want %q", got, c.heading)
			}
			one(t, doc, `#subscription-plan-free h3 a[href="/apis/weather"]`)
		})
	}
}

func TestAPersonWithAKeyIsNotPromisedOne(t *testing.T) {
	t.Parallel()
	ended := registered(subscription("plan-free", "Free", projections.SubscriptionEnded))
	doc := document(t, signedIn(&fake{account: ended}).get("/dashboard"), http.StatusOK)
	says(t, doc, ".empty:has(a)", "You have no subscriptions right now. Find an API and pick a plan; your key then works with it.")
}

func TestProgressAndProblemsAreInSeparateSections(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather(), rates()), account: registered(
		subscription("plan-free", "Free", projections.SubscriptionActive), subscription("plan-rates", "Basic", projections.SubscriptionPending, "op-7"))}
	f.account.Keys[0].State = projections.KeyDisabled
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
	says(t, doc, `section[aria-labelledby="blocked"]`, "Needs attention Disabled Default key is disabled.")
	says(t, doc, `section[aria-labelledby="under-way"]`, "In progress Being set up Basic (Exchange rates) is being set up.")
	if got := doc.Find("#account .attention li").Length(); got != 2 {
		t.Errorf("%d attentions, want the key and the plan", got)
	}
}
