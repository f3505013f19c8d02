package projections

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Facts in, rows out: what the last fact of a stream adds to the views.
func TestEveryFactLeadsToItsRows(t *testing.T) {
	t.Parallel()
	open := []said{registered, keyWanted, freeWanted}
	active := append(open[:3:3], keyCreated, freeActive)
	joined := said{"op-second", events.RequestJoined{Plan: "free"}}
	cases := []struct {
		name  string
		given []said
		last  said
		want  []string
	}{
		{"an account that signs up has a profile", nil, registered, []string{
			"log#activity#N | You signed up.", "now#profile | registered", "operation#op-register step | succeeded"}},
		{"a key that is wanted is pending", open[:1], keyWanted, []string{
			"now#key#k1 | pending", "operation#op-free step | running"}},
		{"a plan that is wanted is pending", open[:2], freeWanted, []string{
			"log#activity#N | You subscribed to Free.", "now#subscription#free | pending", "operation#op-free step | running"}},
		{"who joins is told, and listed with the plan", open, joined, []string{
			"now#subscription#free | pending", "operation#op-second step | running"}},
		{"a key that is created is active, which everybody who waits for it is told", append(open[:3:3], joined), keyCreated, []string{
			"log#activity#N | Default key was created.", "now#key#k1 | active", "operation#op-free step | running", "operation#op-second step | running"}},
		{"a plan that is activated ends everybody's operation", append(open[:3:3], joined, keyCreated),
			said{"", events.SubscriptionActivated{Ends: ends("op-free", "op-second"), Plan: "free", Key: "k1"}}, []string{
				"log#activity#N | Free became active.", "now#subscription#free | active",
				"operation#op-free step | succeeded", "operation#op-second step | succeeded"}},
		{"a plan that waits says why to everybody who waits for it", append(open[:3:3], joined),
			said{"", events.SubscriptionParked{Plan: "free", Reason: events.WaitingForCapacity}}, []string{
				"now#subscription#free | pending | capacity",
				"operation#op-free step | waiting | capacity", "operation#op-second step | waiting | capacity"}},
		{"a plan that is left is ending", active, freeEnding, []string{
			"log#activity#N | You left Free.", "now#subscription#free | ending", "operation#op-leave step | running"}},
		{"a plan that has ended stays as such", append(active[:5:5], freeEnding), freeEnded, []string{
			"log#activity#N | Free ended.", "now#subscription#free | ended", "operation#op-leave step | succeeded"}},
		{"a refusal is the operation's, with its reason", open,
			said{"op-plus", events.RequestRejected{Ends: ends("op-plus"), Code: portal.Conflict, Message: "No."}}, []string{
				"log#activity#N | A request was refused: No.", "operation#op-plus step | rejected | conflict"}},
		{"a plan that API Gateway refuses for good has ended", open,
			said{"", events.RequestRejected{Ends: ends("op-free"), Code: portal.NotFound, Message: "Gone.", Withdraws: "free"}}, []string{
				"log#activity#N | A request was refused: Gone.", "now#subscription#free | ended", "operation#op-free step | rejected | not_found"}},
		{"what is so already has succeeded", active, said{"op-again", events.RequestUnchanged{Ends: ends("op-again")}}, []string{
			"operation#op-again step | succeeded"}},
		{"what a newer request overturned is rejected, and the newer one has no step of it", open,
			said{"op-leave", events.RequestSuperseded{Ends: ends("op-free")}}, []string{
				"operation#op-free step | rejected | superseded"}},
		{"what could not be handled has failed", nil, said{"op-register", events.RequestFailed{Ends: ends("op-register"), Class: "panic"}}, []string{
			"operation#op-register step | failed | failed"}},
		{"a key that was shown says so", active, said{"", events.KeyRevealed{Key: "k1"}}, []string{
			"log#activity#N | Default key was shown to you.", "now#key#k1 | active"}},
		{"a document that is published is the catalog", nil,
			said{"op-sync", events.CatalogPublished{Ends: ends("op-sync"), Hash: "h1"}}, []string{
				"catalog now | h1", "operation#op-sync step | succeeded"}},
		{"a source that fails leaves the catalog", nil,
			said{"op-sync", events.CatalogSourceFailed{Ends: ends("op-sync"), Source: "s", Message: "Not readable."}}, []string{
				"operation#op-sync step | failed | source_failed"}},
	}
	covered := map[string]bool{}
	for _, c := range cases {
		covered[c.last.fact.EventType()] = true
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, stream := newScreen(t), annStream
			if c.last.op == "op-sync" {
				stream = portal.CatalogStream
			}
			s.shown(stream, append(c.given[:len(c.given):len(c.given)], c.last)...)
			rows := s.rows(append(everything, "operation#op-second", "operation#op-plus", "operation#op-again", "operation#op-sync", catalogPartition)...)
			same(t, "rows of the last fact", c.want, describeRows(rows, int64(len(c.given))+1))
		})
	}
	for _, name := range events.FactTypes() {
		if !covered[name] {
			t.Errorf("no case says what a %s leads to", name)
		}
	}
}

func TestTheDashboardIsWhatTheFoldSays(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	same(t, "an account nobody heard of", Account{Profile: Profile{Status: StatusNone}}, s.account())
	key := Key{ID: "k1", Name: "Default key", Slot: portal.DefaultSlot, State: KeyPending, Scheme: "v1", KMSKey: "arn:key", WantedAt: at(2)}
	plan := Subscription{Plan: "free", Name: "Free", Key: "k1", State: SubscriptionPending, Since: at(3), Operations: []portal.OperationID{"op-free"}}
	want := Account{Profile: Profile{Status: StatusRegistered, RegisteredAt: at(1)}, Keys: []Key{key}, Subscriptions: []Subscription{plan}}
	s.shown(annStream, registered, keyWanted, freeWanted)
	same(t, "with a plan on its way", want, s.account())

	s.shown(annStream, keyCreated, freeActive, said{"", events.KeyRevealed{Key: "k1"}})
	want.Keys[0].State, want.Keys[0].GatewayID, want.Keys[0].CreatedAt, want.Keys[0].RevealedAt = KeyActive, "gw1", at(4), at(6)
	want.Subscriptions[0].State, want.Subscriptions[0].Since, want.Subscriptions[0].Operations = SubscriptionActive, at(5), nil
	same(t, "with a plan that is open", want, s.account())

	s.shown(annStream, freeEnding, said{"", events.SubscriptionParked{Plan: "free", Reason: events.WaitingForAWS}})
	want.Subscriptions[0].State, want.Subscriptions[0].Since, want.Subscriptions[0].Operations = SubscriptionEnding, at(7), []portal.OperationID{"op-leave"}
	want.Subscriptions[0].Waiting = "aws"
	same(t, "with a plan that waits to be left", want, s.account())
}

func TestAnAccountsRowsAreItsOwn(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole...)
	// Ids that begin alike.
	for _, other := range []portal.AccountID{"an", "anna", "ann#now"} {
		account, err := s.Account(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := s.Activity(t.Context(), other, 0, 10)
		if err != nil || account.Profile.Status != StatusNone || len(account.Keys)+len(account.Subscriptions)+len(lines) > 0 {
			t.Errorf("%s is shown %+v and %v, %v", other, account, lines, err)
		}
	}
}
