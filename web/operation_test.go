package web_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func step(name string, status projections.Status, ago time.Duration) projections.Step {
	return projections.Step{Name: name, Detail: "Detail of " + name + ".", Status: status, At: now.Add(-ago)}
}

func operation(kind string, status projections.Status, code string, steps ...projections.Step) operations.Operation {
	return operations.Operation{
		ID: "op-1", Actor: portal.AccountActor(ada.Account), Type: kind, CreatedAt: now.Add(-time.Minute),
		Progress: projections.Progress{Status: status, Code: code, Message: "Because of " + code + ".", Steps: steps},
	}
}

func withLetter(op operations.Operation, letter deadletters.State) operations.Operation {
	op.Letter = letter
	return op
}

// givenUp is a request that became a dead letter.
func givenUp(letter deadletters.State) operations.Operation {
	return withLetter(operation("SubscribeRequested", projections.Failed, "failed", step("RequestFailed", projections.Failed, time.Second)), letter)
}

func waitingStep(reason string) projections.Step {
	waiting := step("WishParked", projections.Waiting, time.Second)
	waiting.Code = reason
	return waiting
}

// about returns an operation about a plan.
func about(plan portal.PlanID, kind string, status projections.Status, code string, steps ...projections.Step) operations.Operation {
	op := operation(kind, status, code, steps...)
	op.Plan = plan
	return op
}

func ended() map[portal.OperationID]operations.Operation {
	done := operation("SubscribeRequested", projections.Succeeded, "",
		step("KeyWanted", projections.Running, 50*time.Second), step("KeyCreated", projections.Running, 3*time.Second),
		step("SubscriptionActivated", projections.Succeeded, time.Second))
	done.Plan = "plan-free"
	return map[portal.OperationID]operations.Operation{"op-done": done}
}

func TestAnOperationsPageShowsItsStepsAndWhatComesNext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operation operations.Operation
		badge     string
		open      bool
		says      string
		there     []string
		notThere  []string
	}{
		"accepted": {
			operation: operation("SubscribeRequested", projections.Accepted, ""),
			badge:     "Received", open: true, says: "Next: we start working on it",
		},
		"running": {
			operation: operation("SubscribeRequested", projections.Running, "", step("KeyWanted", projections.Running, time.Second)),
			badge:     "In progress", open: true, says: "There is nothing you need to do",
		},
		"waiting for AWS": {
			operation: operation("SubscribeRequested", projections.Waiting, "aws", step("WishParked", projections.Waiting, time.Second)),
			badge:     "Waiting", open: true, says: "Next: we try again",
		},
		"waiting for capacity": {
			operation: operation("SubscribeRequested", projections.Waiting, "capacity", step("WishParked", projections.Waiting, time.Second)),
			badge:     "Waiting", open: true, says: "Next: the operator of this portal makes room",
		},
		"waiting for KMS": {
			operation: operation("SubscribeRequested", projections.Waiting, "kms", waitingStep("kms")),
			badge:     "Waiting", open: true, says: "AWS KMS does not answer",
		},
		"waiting for the KMS key": {
			operation: operation("SubscribeRequested", projections.Waiting, "kms_key", waitingStep("kms_key")),
			badge:     "Waiting", open: true, says: "This portal's KMS key is disabled or cannot be used",
		},
		"waiting for the KMS key, and who acts": {
			operation: operation("SubscribeRequested", projections.Waiting, "kms_key", waitingStep("kms_key")),
			badge:     "Waiting", open: true, says: "Next: the operator of this portal has to fix this",
		},
		"subscribed": {
			operation: ended()["op-done"], badge: "Done", says: "You can call the API now",
			there: []string{`form[action="/keys/key-1/reveal"]`, "#first-call", `.outcome a[href="/dashboard"]`},
		},
		"left": {
			operation: operation("UnsubscribeRequested", projections.Succeeded, ""), badge: "Done", says: "You have left the plan",
			there: []string{`.outcome a[href="/dashboard"]`}, notThere: []string{"#first-call"},
		},
		"registered": {
			operation: operation("RegisterUser", projections.Succeeded, ""), badge: "Done", says: "Your account is registered",
			there: []string{`.outcome a[href="/apis"]`},
		},
		"refused": {
			operation: operation("SubscribeRequested", projections.Rejected, "conflict"), badge: "Refused", says: "Because of conflict.",
			notThere: []string{`form[action="/register"]`},
		},
		"refused without a registration": {
			operation: operation("SubscribeRequested", projections.Rejected, "not_registered"), badge: "Refused", says: "Register your account first",
			there: []string{`.outcome form[method="post"][action="/register"] button`},
		},
		"superseded": {
			operation: operation("SubscribeRequested", projections.Rejected, "superseded"), badge: "Cancelled", says: "A newer request replaced this one",
		},
		"failed": {
			operation: operation("SubscribeRequested", projections.Failed, "failed"), badge: "Failed", says: "Your request is saved The operator of this portal can run it again.",
			there: []string{`#progress[data-idle="/operations/op-1/fragment"]`}, notThere: []string{`form[action="/register"]`},
		},
		"failed, and its dead letter is open": {
			operation: givenUp(deadletters.Open), badge: "Failed", says: "The operator of this portal has been told Your request is saved in their list of failures",
			there: []string{`#progress[data-idle="/operations/op-1/fragment"]`},
		},
		"failed, and the operator replays it": {
			operation: givenUp(deadletters.Replayed), badge: "Failed", says: "The operator of this portal runs your request again",
			there: []string{`#progress[data-idle="/operations/op-1/fragment"]`},
		},
		"failed, and the operator closed it": {
			operation: givenUp(deadletters.Discarded), badge: "Failed", says: "The operator of this portal has closed this request",
		},
		"failed, and no step says so": {
			operation: withLetter(operation("SubscribeRequested", projections.Failed, "failed"), deadletters.Open), badge: "Failed", says: "Something went wrong on our side.",
			there: []string{".timeline li.bad"},
		},
		"waiting for a repair": {
			operation: operation("SubscribeRequested", projections.Waiting, "fault", waitingStep("fault")),
			badge:     "Waiting", open: true, says: "Next: the operator of this portal fixes this",
		},
		"registration failed": {
			operation: operation("RegisterUser", projections.Failed, "failed"), badge: "Failed", says: "Registering your account failed",
			there: []string{
				`form[action="/register"] input[name="idempotency_key"]`,
				`.actions > form:first-child button:not(.secondary)`, `.actions > a.secondary[href="/dashboard"]`,
			},
		},
		"deleting the account": {
			operation: operation("AccountDeletionRequested", projections.Running, ""),
			badge:     "In progress", open: true, says: "this page says that the account is deleted",
		},
		"a type from a later version": {
			operation: operation("KeyRotationRequested", projections.Succeeded, "", step("KeyRotationScheduled", projections.Succeeded, 0)),
			badge:     "Done", says: "Key rotation scheduled",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := signedIn(&fake{
				catalog:    published(weather()),
				account:    registered(subscription("plan-free", "Free", projections.SubscriptionActive, "")),
				operations: map[portal.OperationID]operations.Operation{"op-1": c.operation},
			})
			page := document(t, s.get("/operations/op-1"), http.StatusOK)
			fragment := document(t, s.get("/operations/op-1/fragment"), http.StatusOK)
			says(t, page, ".state .badge", c.badge)
			says(t, page, "#progress", c.says)
			says(t, fragment, "#progress", c.says)
			none(t, fragment, "header, main, script")
			if c.open {
				one(t, page, `#progress[data-poll="/operations/op-1/fragment"]`)
				one(t, page, "head noscript")
				none(t, page, ".outcome")
			} else {
				none(t, page, "[data-poll], head noscript")
			}
			for _, selector := range c.there {
				one(t, page, selector)
			}
			for _, selector := range c.notThere {
				none(t, page, selector)
			}
		})
	}
}

func TestTheStepsShowTheirTimes(t *testing.T) {
	t.Parallel()
	doc := document(t, signedIn(&fake{operations: ended()}).get("/operations/op-done"), http.StatusOK)
	times := doc.Find(".timeline time")
	if times.Length() != 4 {
		t.Fatalf("%d times, want one for the request and each of three steps", times.Length())
	}
	first := times.First()
	if text(first) != "1 minute ago" || attr(t, first, "datetime") != "2026-11-22T08:59:00Z" || attr(t, first, "title") != "22 November 2026, 08:59:00 UTC" {
		t.Errorf("the first time is %s, %s, %s", text(first), attr(t, first, "datetime"), attr(t, first, "title"))
	}
	if got := text(times.Last()); got != "just now" {
		t.Errorf("the last time is %q", got)
	}
}

func TestAnOperationsVersionChangesWithItsSteps(t *testing.T) {
	t.Parallel()
	version := func(op operations.Operation) string {
		s := signedIn(&fake{operations: map[portal.OperationID]operations.Operation{"op-1": op}})
		return attr(t, one(t, document(t, s.get("/operations/op-1/fragment"), http.StatusOK), "#progress"), "data-version")
	}
	one := version(operation("UnsubscribeRequested", projections.Running, "", step("KeyWanted", projections.Running, 0)))
	if again := version(operation("UnsubscribeRequested", projections.Running, "", step("KeyWanted", projections.Running, 0))); again != one {
		t.Errorf("the same content has the versions %s and %s", one, again)
	}
	if two := version(operation("UnsubscribeRequested", projections.Running, "", step("KeyWanted", projections.Running, 0), step("KeyCreated", projections.Running, 0))); two == one {
		t.Errorf("another step has the same version %s", two)
	}
	if open, replayed := version(givenUp(deadletters.Open)), version(givenUp(deadletters.Replayed)); open == replayed {
		t.Errorf("a replay of the dead letter has the same version %s", open)
	}
}

func TestAFinishedOperationLeadsBackToItsProduct(t *testing.T) {
	t.Parallel()
	left := subscription("plan-free", "Free", projections.SubscriptionEnded)
	for name, c := range map[string]struct {
		operation operations.Operation
		account   projections.Account
		// want selects the link that leads back.
		want string
	}{
		"left":                           {about("plan-free", "UnsubscribeRequested", projections.Succeeded, ""), registered(left), "a.button:not(.secondary)"},
		"left since":                     {about("plan-free", "SubscribeRequested", projections.Succeeded, ""), registered(left), "a.button:not(.secondary)"},
		"refused":                        {about("plan-free", "SubscribeRequested", projections.Rejected, "conflict"), registered(), "a.button:not(.secondary)"},
		"refused without a registration": {about("plan-free", "SubscribeRequested", projections.Rejected, "not_registered"), unregistered(), "a.button.secondary"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{catalog: published(rates(), weather()), account: c.account, operations: map[portal.OperationID]operations.Operation{"op-1": c.operation}}
			doc := document(t, signedIn(f).get("/operations/op-1"), http.StatusOK)
			says(t, doc, ".outcome .actions "+c.want+`[href="/apis/weather"]`, "See the plans of Weather")
		})
	}
	gone := &fake{account: registered(left), operations: map[portal.OperationID]operations.Operation{"op-1": about("plan-free", "SubscribeRequested", projections.Succeeded, "")}}
	one(t, document(t, signedIn(gone).get("/operations/op-1"), http.StatusOK), `.outcome .actions a[href="/apis"]`)
}

func TestAnotherAccountsOperationLooksUnknown(t *testing.T) {
	t.Parallel()
	foreign := operation("SubscribeRequested", projections.Succeeded, "")
	foreign.Actor = portal.AccountActor("somebody-else")
	s := signedIn(&fake{operations: map[portal.OperationID]operations.Operation{"op-1": foreign}})
	unknown := document(t, s.get("/operations/nothing"), http.StatusNotFound)
	theirs := document(t, s.get("/operations/op-1"), http.StatusNotFound)
	if text(unknown.Find("main")) != text(theirs.Find("main")) {
		t.Error("the pages differ")
	}
}

func TestTheFirstCallIsToTheProductOfTheOperation(t *testing.T) {
	t.Parallel()
	s := signedIn(&fake{
		catalog: published(rates(), weather()), operations: ended(),
		account: registered(subscription("plan-rates", "Basic", projections.SubscriptionActive, ""), subscription("plan-free", "Free", projections.SubscriptionActive, "")),
	})
	doc := document(t, s.get("/operations/op-done"), http.StatusOK)
	says(t, doc, "h1", "Subscribed to Free (Weather)")
	says(t, doc, "#first-call", weather().APIs[0].Endpoint)
	one(t, doc, `form[action="/keys/key-1/reveal"]`)
}

func TestAnOperationIsShownAfterItsPlanIsGone(t *testing.T) {
	t.Parallel()
	s := signedIn(&fake{operations: ended(), account: registered()})
	doc := document(t, s.get("/operations/op-done"), http.StatusOK)
	says(t, doc, "h1", "Subscribed to a plan")
	none(t, doc, "#first-call")
}

func TestAnOperationsTitleHasItsStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   string
		status projections.Status
		code   string
		want   string
	}{
		{"SubscribeRequested", projections.Accepted, "", "Subscribing to Free (Weather)"},
		{"SubscribeRequested", projections.Waiting, "aws", "Subscribing to Free (Weather)"},
		{"SubscribeRequested", projections.Succeeded, "", "Subscribed to Free (Weather)"},
		{"SubscribeRequested", projections.Rejected, "conflict", "Subscribing to Free (Weather) was refused"},
		{"SubscribeRequested", projections.Rejected, "superseded", "Subscribing to Free (Weather) was cancelled"},
		{"SubscribeRequested", projections.Failed, "failed", "Subscribing to Free (Weather) failed"},
		{"UnsubscribeRequested", projections.Running, "", "Leaving Free (Weather)"},
		{"UnsubscribeRequested", projections.Succeeded, "", "Left Free (Weather)"},
		{"RegisterUser", projections.Running, "", "Registering your account"},
		{"RegisterUser", projections.Succeeded, "", "Your account is registered"},
	} {
		op := operation(c.kind, c.status, c.code)
		if c.kind != "RegisterUser" {
			op.Plan = "plan-free"
		}
		s := signedIn(&fake{catalog: published(weather()), operations: map[portal.OperationID]operations.Operation{"op-1": op}})
		page := document(t, s.get("/operations/op-1"), http.StatusOK)
		fragment := document(t, s.get("/operations/op-1/fragment"), http.StatusOK)
		if got := text(one(t, page, "title")); got != c.want+" · Gatehouse" {
			t.Errorf("%s, %s: the title is %q", c.kind, c.status, got)
		}
		for _, got := range []string{text(one(t, page, "h1")), text(one(t, fragment, "h1")), attr(t, one(t, fragment, "#progress"), "data-title")} {
			if got != c.want {
				t.Errorf("%s, %s: the heading is %q, want %q", c.kind, c.status, got, c.want)
			}
		}
	}
}

func TestASucceededOperationShowsThePresentState(t *testing.T) {
	t.Parallel()
	disabled := registered(subscription("plan-free", "Free", projections.SubscriptionActive))
	disabled.Keys[0].State = "disabled"
	for name, c := range map[string]struct {
		kind    string
		offered bool
		account projections.Account
		says    string
		call    bool
	}{
		"subscribed": {
			kind: "SubscribeRequested", offered: true, account: registered(subscription("plan-free", "Free", projections.SubscriptionActive)),
			says: "You can call the API now", call: true,
		},
		"subscribed, and left since": {
			kind: "SubscribeRequested", offered: true, account: registered(subscription("plan-free", "Free", projections.SubscriptionEnded)),
			says: "You were subscribed to Free",
		},
		"subscribed, and leaving": {
			kind: "SubscribeRequested", offered: true, account: registered(subscription("plan-free", "Free", projections.SubscriptionEnding)),
			says: "You were subscribed to Free",
		},
		"subscribed, and the key is disabled": {
			kind: "SubscribeRequested", offered: true, account: disabled, says: "Your key does not work right now",
		},
		"left": {
			kind: "UnsubscribeRequested", offered: true, account: registered(subscription("plan-free", "Free", projections.SubscriptionEnded)),
			says: "You can subscribe to it again, or to another plan, at any time.",
		},
		"left, and no longer offered": {
			kind: "UnsubscribeRequested", account: registered(subscription("plan-free", "Free", projections.SubscriptionEnded)),
			says: "It is no longer offered, so you cannot subscribe to it again.",
		},
		"left, and subscribed again since": {
			kind: "UnsubscribeRequested", offered: true, account: registered(subscription("plan-free", "Free", projections.SubscriptionActive)),
			says: "You have subscribed to it again since.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{account: c.account, operations: map[portal.OperationID]operations.Operation{
				"op-1": about("plan-free", c.kind, projections.Succeeded, ""),
			}}
			if c.offered {
				f.catalog = published(weather())
			}
			doc := document(t, signedIn(f).get("/operations/op-1"), http.StatusOK)
			says(t, doc, ".outcome", c.says)
			if got := doc.Find("#first-call").Length() == 1; got != c.call {
				t.Errorf("the first call is shown: %v", got)
			}
		})
	}
}

func TestAfterAPurchaseOnlyItsOwnKeysAreOffered(t *testing.T) {
	t.Parallel()
	confirmed := about("plan-market", "MarketplaceConfirmed", projections.Succeeded, "")
	confirmed.Subject = "licence/l-bbbbbbbbbbbbbbbb"
	subscribed := about("plan-free", "SubscribeRequested", projections.Succeeded, "")
	subscribed.Subject = portal.AccountStream(ada.Account)
	second := projections.Key{ID: "k-c", Name: "CI", Ring: "licence/l-bbbbbbbbbbbbbbbb", State: projections.KeyActive, CreatedAt: now}
	over := projections.Key{ID: "k-d", Name: "Old", Ring: "licence/l-bbbbbbbbbbbbbbbb", State: projections.KeyEnding, CreatedAt: now}
	for name, c := range map[string]struct {
		operation operations.Operation
		keys      []projections.Key
		want      []string
		named     []string
	}{
		"the licence has one key":                 {confirmed, nil, []string{"/keys/k-b/reveal"}, nil},
		"the licence has two keys":                {confirmed, []projections.Key{second}, []string{"/keys/k-b/reveal", "/keys/k-c/reveal"}, []string{"Key for Fleet (2)", "CI"}},
		"the licence has a key that ends":         {confirmed, []projections.Key{over}, []string{"/keys/k-b/reveal"}, nil},
		"the plan is not paid for by a licence":   {subscribed, nil, []string{"/keys/key-1/reveal"}, nil},
		"the operation's licence has no key left": {func() operations.Operation { op := confirmed; op.Subject = "licence/l-cccc"; return op }(), nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := twice()
			f.catalog.Products = append(f.catalog.Products, weather())
			f.account.Subscriptions = append(f.account.Subscriptions, subscription("plan-free", "Free", projections.SubscriptionActive))
			f.account.Keys = append(append(f.account.Keys, registered().Keys...), c.keys...)
			f.operations = map[portal.OperationID]operations.Operation{"op-1": c.operation}
			outcome := one(t, document(t, signedIn(f).get("/operations/op-1"), http.StatusOK), ".outcome")
			var offered, named []string
			for _, form := range outcome.Find(".show-key form").EachIter() {
				offered = append(offered, form.AttrOr("action", ""))
			}
			for _, key := range outcome.Find(".key-name").EachIter() {
				named = append(named, text(key))
			}
			if !slices.Equal(offered, c.want) || !slices.Equal(named, c.named) {
				t.Errorf("it offers %v named %q, want %v named %q", offered, named, c.want, c.named)
			}
		})
	}
}
