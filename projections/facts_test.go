package projections

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const licenceStream portal.Stream = "licence/l-01"

// Facts in, rows out: the rows that the last fact of a stream adds.
func TestEveryFactLeadsToItsRows(t *testing.T) {
	t.Parallel()
	open := []said{registered, keyWanted, freeWanted}
	active := append(open[:3:3], keyCreated, freeAttached, freeActive)
	joined := said{"op-second", events.RequestJoined{Link: link(3), Plan: "free"}}
	disabled := said{"", events.KeyObserved{Key: "k1"}}
	releasing := said{"", events.KeyReleasing{Key: "k1"}}
	later := time.Date(2026, 12, 22, 9, 0, 0, 0, time.UTC)
	second := said{"op-key", events.KeyWanted{Key: "k2", Ring: portal.AccountRing, Name: "CI", Requested: true}}
	replacing := said{"op-key", events.KeyWanted{Key: "k2", Ring: portal.AccountRing, Name: "Default key", Requested: true, Replaces: "k1"}}
	revoked := said{"op-key", events.KeyEnding{Key: "k1", Reason: events.EndRevoked}}
	change := said{"op-plus", events.PlanChangeWanted{From: "free", Plan: "plus", Name: "Plus", Ring: portal.AccountRing}}
	moved := said{"", events.KeyMoved{Link: link(7), Key: "k1", From: "free", Plan: "plus"}}
	pending := said{"op-plus", events.SubscriptionApprovalPending{Plan: "plus", Name: "Plus", Ring: portal.AccountRing}}
	suspended := said{"", events.AccountSuspended{Message: "Too many calls."}}
	deleting := said{"", events.AccountDeleting{}}
	claimed := events.LicenceClaimed{Account: ann, Plan: "free", Name: "Free"}
	paid := events.LicenceNoticed{Link: link(1), Notice: events.MarketplaceNotified{At: at(1)}, Status: events.LicenceActive}
	lapsed := paid
	lapsed.Lapsed = true
	cases := []struct {
		name  string
		given []said
		last  said
		want  []string
	}{
		{"an account that signs up has a profile", nil, registered, []string{
			"log#activity#N | You registered.", "now#profile | registered", "operation#op-register step | succeeded"}},
		{"a key that is wanted is pending", open[:1], keyWanted, []string{
			"now#key#k1 | pending", "operation#op-free step | running"}},
		{"a key of an earlier portal is active at once", open[:1], said{"", events.KeyAdopted{Key: "k1", GatewayID: "g1", Ring: portal.AccountRing, Name: "Default key"}}, []string{
			"log#activity#N | Default key was taken over from the earlier portal. It keeps its value.", "now#key#k1 | active"}},
		{"a plan that is wanted is pending", open[:2], freeWanted, []string{
			"log#activity#N | You subscribed to Free.", "now#subscription#free | pending", "operation#op-free step | running"}},
		{"an operation that joins a wish gets a step", open, joined, []string{"operation#op-second step | running"}},
		{"a key that is created is active, and a step of the wish that waits for it", append(open[:3:3], joined), keyCreated, []string{
			"log#activity#N | Default key was created.", "now#key#k1 | active", "wish 3 step | running"}},
		{"a key that is attached is a step of the wish", append(open[:3:3], joined, keyCreated), freeAttached, []string{"wish 3 step | running"}},
		{"a plan that is activated ends the wish", append(open[:3:3], joined, keyCreated, freeAttached), freeActive, []string{
			"log#activity#N | Free became active.", "now#subscription#free | active", "wish 3 step | succeeded"}},
		{"a plan that waits has a reason, and the wish one step", append(open[:3:3], joined),
			said{"", events.WishParked{Link: link(3), Reason: events.WaitingForCapacity}}, []string{
				"now#subscription#free | pending | capacity", "wish 3 step | waiting | capacity"}},
		{"a plan that is left is ending", active, freeEnding, []string{
			"log#activity#N | You left Free.", "now#subscription#free | ending", "operation#op-leave step | running"}},
		{"a key that is detached is a step of the wish", whole[:7], whole[7], []string{"wish 7 step | running"}},
		{"a plan that has ended stays, as ended", whole[:8], whole[8], []string{
			"log#activity#N | Free ended.", "now#subscription#free | ended", "wish 7 step | succeeded"}},
		{"a plan that was deleted is lost, with the reason", active, said{"", events.SubscriptionLost{Plan: "free", Reason: events.LostPlanGone}}, []string{
			"log#activity#N | Free ended: the operator of this portal has removed the plan.", "now#subscription#free | ended | plan_gone"}},
		{"a plan that moved onto another plan's stage is lost, with the reason", active, said{"", events.SubscriptionLost{Plan: "free", Reason: events.LostStageTaken}}, []string{
			"log#activity#N | Free ended: it now covers the same API as another of your plans, and a key can be in only one of them.",
			"now#subscription#free | ended | stage_taken"}},
		{"a refusal is a step of the operation, with the reason", open,
			said{"op-plus", events.RequestRejected{Code: portal.Conflict, Message: "No."}}, []string{
				"log#activity#N | A request was refused: No.", "operation#op-plus step | rejected | conflict"}},
		{"a plan that API Gateway refuses for good has ended", open,
			said{"", events.RequestRejected{Link: link(3), Code: portal.NotFound, Message: "Gone."}}, []string{
				"log#activity#N | A request was refused: Gone.", "now#subscription#free | ended", "wish 3 step | rejected | not_found"}},
		{"a request that changes nothing has succeeded", active, said{"op-again", events.RequestUnchanged{}}, []string{
			"operation#op-again step | succeeded"}},
		{"a wish that a newer request overturns is rejected, and the newer operation gets no step", open,
			said{"op-leave", events.RequestSuperseded{Link: link(3)}}, []string{"wish 3 step | rejected | superseded"}},
		{"a request that comes too late is rejected itself", open, said{"op-again", events.RequestSuperseded{}}, []string{
			"operation#op-again step | rejected | superseded"}},
		{"a request that could not be handled has failed", nil, said{"op-register", events.RequestFailed{Class: "panic"}}, []string{
			"operation#op-register step | failed | failed"}},
		{"a key that the operator disabled is disabled", active, disabled, []string{
			"log#activity#N | The operator of this portal disabled Default key.", "now#key#k1 | disabled"}},
		{"a key that the operator enabled again is active", append(active[:6:6], disabled), said{"", events.KeyObserved{Key: "k1", Enabled: true}}, []string{
			"log#activity#N | The operator of this portal enabled Default key again.", "now#key#k1 | active"}},
		{"a key that will be released has no new rows", whole, releasing, nil},
		{"a key that was released is released", append(whole[:9:9], releasing), said{"", events.KeyReleased{Link: link(10), Key: "k1"}}, []string{
			"log#activity#N | Default key was released, because it was in no plan for a long time. Your next subscription restores it with the same value.",
			"now#key#k1 | released", "wish 10 step | running"}},
		{"a key that was released is pending once a plan is wanted again", append(whole[:9:9], releasing, said{"", events.KeyReleased{Link: link(10), Key: "k1"}}),
			freeWanted, []string{
				"log#activity#N | You subscribed to Free.", "now#key#k1 | pending", "now#subscription#free | pending", "operation#op-free step | running"}},
		{"a part of a quota that was used is a line of the activity", active,
			said{"", events.QuotaThresholdReached{Plan: "free", Key: "k1", Period: "MONTH", PeriodStart: "2026-11-01", Limit: 1000, Used: 803, Percent: 80}}, []string{
				"log#activity#N | Default key has used 80 % of its quota of Free for this month."}},
		{"a quota that was used up is a line of the activity", active,
			said{"", events.QuotaThresholdReached{Plan: "free", Key: "k1", Period: "DAY", PeriodStart: "2026-11-01", Limit: 1000, Used: 1002, Percent: 100}}, []string{
				"log#activity#N | Default key has used up its quota of Free for this day, 1000 requests."}},
		{"a document that is published is the catalog", nil,
			said{"op-sync", events.CatalogPublished{Hash: "h1"}}, []string{
				"catalog now | h1", "operation#op-sync step | succeeded"}},
		{"a key that was asked for has an operation of its own", active, second, []string{
			"log#activity#N | You asked for the key CI.", "now#key#k2 | pending", "operation#op-key step | running"}},
		{"a key that is ready ends its wish", append(active[:6:6], second), said{"", events.KeyReady{Link: link(7), Key: "k2"}}, []string{
			"wish 7 step | succeeded"}},
		{"a key that is renamed has its new name", active, said{"op-key", events.KeyRenamed{Key: "k1", Name: "CI"}}, []string{
			"log#activity#N | A key is now called CI.", "now#key#k1 | active", "operation#op-key step | succeeded"}},
		{"a key with an end shows it", active, said{"op-key", events.KeyEndScheduled{Key: "k1", Ends: &later, Reason: events.EndRotated}}, []string{
			"log#activity#N | Default key works until 22 December 2026, 09:00 UTC.", "now#key#k1 | active", "operation#op-key step | succeeded"}},
		{"a key that replaces another is said to be new", active, replacing, []string{
			"log#activity#N | A new key is to replace Default key.", "now#key#k1 | active", "now#key#k2 | pending", "operation#op-key step | running"}},
		{"an operation that replaces a key waits for the new one", append(active[:6:6], replacing),
			said{"op-key", events.KeyEndScheduled{Key: "k1", Ends: &later, Reason: events.EndRotated}}, []string{
				"log#activity#N | Default key works until 22 December 2026, 09:00 UTC.", "now#key#k1 | active", "operation#op-key step | running"}},
		{"a key that expires soon is announced", active, said{"", events.KeyEndsSoon{Key: "k1", Ends: later}}, []string{
			"log#activity#N | Default key expires on 22 December 2026, 09:00 UTC."}},
		{"a key that waits for API Gateway says so", append(active[:6:6], second), said{"", events.WishParked{Link: link(7), Reason: events.WaitingForCapacity}}, []string{
			"now#key#k2 | pending | capacity", "wish 7 step | waiting | capacity"}},
		{"a key that is revoked is ending", active, revoked, []string{
			"log#activity#N | Default key was revoked.", "now#key#k1 | ending", "operation#op-key step | running"}},
		{"a key that API Gateway refuses has ended", append(active[:6:6], revoked), said{"", events.KeyEnded{Link: link(7), Key: "k1"}}, []string{
			"now#key#k1 | ended", "wish 7 step | succeeded"}},
		{"a key that was blocked is blocked", active, said{"", events.KeyBlocked{Key: "k1"}}, []string{"now#key#k1 | blocked"}},
		{"a key that is no longer blocked is active", append(active[:6:6], said{"", events.KeyBlocked{Key: "k1"}}), said{"", events.KeyUnblocked{Key: "k1"}}, []string{
			"now#key#k1 | active"}},
		{"what a key has used of a quota has no row", active, said{"", events.QuotaUsed{Key: "k1", Plan: "free", PeriodStart: "2026-11-01", Period: "MONTH", Used: 3}}, nil},
		{"a key that begins with a whole quota is part of the activity", active, said{"", events.QuotaNotCarried{Key: "k1", Plan: "free"}}, []string{
			"log#activity#N | Default key began with a whole quota of Free, since what your other keys had used of it could not be read."}},
		{"a quota that a key takes over has no row", active, said{"", events.UsageCarried{Key: "k1", From: "k0", Plan: "free", Remaining: 3}}, nil},
		{"a change of plans shows both plans", active, change, []string{
			"log#activity#N | You asked to change from Free to Plus.", "now#subscription#free | active", "now#subscription#plus | pending", "operation#op-plus step | running"}},
		{"a key that has moved is a step of the wish", append(active[:6:6], change), moved, []string{"wish 7 step | running"}},
		{"a change that is complete ends the old plan", append(active[:6:6], change, moved), said{"", events.PlanChanged{Link: link(7), From: "free", Plan: "plus"}}, []string{
			"log#activity#N | You changed from Free to Plus.", "now#subscription#free | ended", "now#subscription#plus | active", "wish 7 step | succeeded"}},
		{"a change that is refused is undone", append(active[:6:6], change), said{"", events.PlanChangeRefused{Link: link(7), Plan: "plus", Code: portal.NotFound, Message: "Gone."}}, []string{
			"now#subscription#plus | ending", "wish 7 step | running"}},
		{"a plan that needs approval waits", active, pending, []string{
			"log#activity#N | You asked for Plus. It waits for approval.", "now#subscription#plus | awaiting_approval", "operation#op-plus step | waiting | approval", "wish 7 step | waiting | approval"}},
		{"a plan that was approved is pending", append(active[:6:6], pending), said{"", events.SubscriptionApproved{Link: link(7), Plan: "plus"}}, []string{
			"log#activity#N | The operator of this portal approved Plus.", "now#subscription#plus | pending", "wish 7 step | running"}},
		{"a plan that was denied has ended, and the admin's operation has succeeded", append(active[:6:6], pending),
			said{"op-again", events.SubscriptionDenied{Link: link(7), Plan: "plus", Message: "Ask sales."}}, []string{
				"log#activity#N | The operator of this portal denied Plus: Ask sales.", "now#subscription#plus | ended",
				"operation#op-again step | succeeded", "wish 7 step | rejected | denied"}},
		{"a registration that needs approval is pending", nil, said{"op-register", events.RegistrationPending{}}, []string{
			"log#activity#N | You asked for an account. It waits for approval.", "now#profile | pending", "operation#op-register step | waiting | approval"}},
		{"a registration that was denied shows why", nil, said{"", events.RegistrationDenied{Message: "Partners only."}}, []string{
			"log#activity#N | The operator of this portal denied the account: Partners only.", "now#profile | denied"}},
		{"an account that is suspended shows why", active, suspended, []string{
			"log#activity#N | The operator of this portal suspended the account: Too many calls.", "now#profile | suspended"}},
		{"an account that is reinstated is registered", append(active[:6:6], suspended), said{"", events.AccountReinstated{}}, []string{
			"log#activity#N | The operator of this portal reinstated the account.", "now#profile | registered"}},
		{"keys that are switched end the wish", append(active[:6:6], suspended), said{"", events.AccountKeysSwitched{Link: link(7)}}, []string{"wish 7 step | succeeded"}},
		{"a person who is promoted reads it", active, said{"op-again", events.AdminPromoted{}}, []string{
			"log#activity#N | An admin of this portal made you an admin, too.", "operation#op-again step | succeeded"}},
		{"a person who is demoted reads it", active, said{"op-again", events.AdminDemoted{}}, []string{
			"log#activity#N | An admin of this portal ended your promotion to admin.", "operation#op-again step | succeeded"}},
		{"an account that is being deleted has no plans", active, deleting, []string{
			"log#activity#N | You deleted the account.", "now#key#k1 | ending", "now#profile | deleting", "now#subscription#free | ended"}},
		{"an account that was deleted is deleted", append(active[:6:6], deleting), said{"", events.AccountDeleted{Link: link(7)}}, []string{
			"now#profile | deleted", "wish 7 step | succeeded"}},
		{"a licence that is claimed waits for AWS", nil, said{"op-claim", claimed}, []string{
			"now#licence#licence/l-01 | waiting", "operation#op-claim step | waiting | payment", "wish 1 step | waiting | payment"}},
		{"a licence that was paid and is not claimed is only in the list", nil, said{"", events.LicenceNoticed{Status: events.LicenceActive}}, nil},
		{"a licence that AWS calls active is active", []said{{"op-claim", claimed}}, said{"", paid}, []string{
			"now#licence#licence/l-01 | active", "wish 1 step | running"}},
		{"a claim waits for a contract although AWS calls the licence active", []said{{"op-claim", claimed}, {"", events.LicenceEntitled{Lapsed: true}}}, said{"", lapsed}, []string{
			"now#licence#licence/l-01 | ended", "wish 1 step | waiting | payment"}},
		{"access because of a licence ends the claim's wait", []said{{"op-claim", claimed}, {"", paid}}, said{"", events.LicenceAccessWanted{Link: link(1), Account: ann, Plan: "free", Name: "Free"}}, []string{
			"now#licence#licence/l-01 | active", "wish 1 step | running"}},
		{"access that ends shows the state of the licence", []said{{"op-claim", claimed}, {"", events.LicenceNoticed{Notice: events.MarketplaceNotified{At: at(1)}, Status: events.LicenceEnding}}},
			said{"", events.LicenceAccessEnding{Account: ann, Plan: "free", Reason: events.LicenceEnding}}, []string{"now#licence#licence/l-01 | ending"}},
		{"a licence that is released has ended for the account", []said{{"op-claim", claimed}, {"", paid}}, said{"", events.LicenceReleased{Account: ann}}, []string{
			"now#licence#licence/l-01 | ended"}},
		{"what a licence gives an account is a line of the activity", active, said{"", events.LicenceAccessSet{Licence: "licence/l-01", Sequence: 3, HasAccess: true, Plan: "free"}}, []string{
			"log#activity#N | AWS Marketplace confirmed a purchase."}},
		{"what the buyer is entitled to changes nothing in the state", []said{{"op-claim", claimed}, {"", paid}}, said{"", events.LicenceEntitled{Dimensions: []string{"pro"}, Plan: "free"}}, []string{
			"now#licence#licence/l-01 | active"}},
		{"a contract that has lapsed has ended", []said{{"op-claim", claimed}, {"", paid}}, said{"", events.LicenceEntitled{Lapsed: true}}, []string{
			"now#licence#licence/l-01 | ended"}},
		{"another plan of a licence is a change of its row", []said{{"op-claim", claimed}, {"", paid}}, said{"", events.LicencePlanChanged{Account: ann, From: "free", Plan: "plus", Name: "Plus", HasAccess: true}}, []string{
			"now#licence#licence/l-01 | active"}},
		{"names that an operator has corrected are in the row of the licence", []said{{"op-claim", claimed}, {"", paid}}, said{"", events.LicenceCorrected{Purchase: events.Purchase{Product: "prod2"}}}, []string{
			"now#licence#licence/l-01 | active"}},
		{"a licence that renews another one is a line of the activity", active, said{"", events.LicenceAccessSet{Licence: "licence/l-02", Sequence: 3, HasAccess: true, Plan: "free", Renews: &events.Renews{Licence: "licence/l-01"}}}, []string{
			"log#activity#N | AWS Marketplace renewed a purchase."}},
		{"the claim of a renewal is not told as a person's", active, said{"", events.LicenceAccessSet{Licence: "licence/l-02", Sequence: 3, Claimed: true, Plan: "free", Renews: &events.Renews{Licence: "licence/l-01"}}}, []string{
			"log#activity#N | AWS Marketplace made a new licence for a purchase that you renewed."}},
		{"a notice that names no licence is only in the list", nil, said{"", events.MarketplaceNoticeKept{}}, nil},
		{"a source that fails leaves the catalog", nil,
			said{"op-sync", events.CatalogSourceFailed{Source: "s", Message: "Not readable."}}, []string{
				"operation#op-sync step | failed | source_failed"}},
	}
	covered := map[string]bool{}
	for _, c := range cases {
		covered[c.last.fact.EventType()] = true
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, stream := newScreen(t), annStream
			switch c.last.fact.(type) {
			case events.CatalogPublished, events.CatalogSourceFailed:
				stream = portal.CatalogStream
			case events.LicenceClaimed, events.LicenceNoticed, events.LicenceAccessWanted, events.LicenceAccessEnding, events.LicenceReleased, events.LicenceEntitled, events.LicencePlanChanged, events.LicenceCorrected:
				stream = licenceStream
			case events.MarketplaceNoticeKept:
				stream = portal.NoticeStream("n1")
			}
			s.shown(stream, append(c.given[:len(c.given):len(c.given)], c.last)...)
			rows := s.rows(append(everything, "operation#op-second", "operation#op-key", "operation#op-plus", "operation#op-again", "operation#op-sync", "operation#op-claim", wishPartition(licenceStream, 1), wishPartition(annStream, 10), wishPartition(annStream, 7), catalogPartition)...)
			same(t, "rows of the last fact", c.want, describeRows(rows, int64(len(c.given))+1))
		})
	}
	for _, name := range events.FactTypes() {
		if !covered[name] {
			t.Errorf("no case covers %s", name)
		}
	}
}

func TestTheDashboardMatchesTheFold(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	same(t, "an account without facts", Account{Profile: Profile{Status: StatusNone}}, s.account())
	key := Key{ID: "k1", Name: "Default key", Ring: portal.AccountRing, State: KeyPending, Scheme: "v1", KMSKey: "arn:key", WantedAt: at(2)}
	plan := Subscription{Plan: "free", Name: "Free", Ring: portal.AccountRing, State: SubscriptionPending, Since: at(3), Operation: "op-free"}
	want := Account{Profile: Profile{Status: StatusRegistered, RegisteredAt: at(1)}, Keys: []Key{key}, Subscriptions: []Subscription{plan}}
	s.shown(annStream, registered, keyWanted, freeWanted)
	same(t, "with a pending plan", want, s.account())

	s.shown(annStream, keyCreated, freeAttached, freeActive)
	want.Keys[0].State, want.Keys[0].GatewayID, want.Keys[0].CreatedAt = KeyActive, "gw1", at(4)
	want.Subscriptions[0].State, want.Subscriptions[0].Since, want.Subscriptions[0].Operation = SubscriptionActive, at(6), ""
	same(t, "with an active plan", want, s.account())

	s.shown(annStream, freeEnding, said{"", events.WishParked{Link: link(7), Reason: events.WaitingForAWS}})
	want.Subscriptions[0].State, want.Subscriptions[0].Since, want.Subscriptions[0].Operation = SubscriptionEnding, at(7), "op-leave"
	want.Subscriptions[0].Waiting = "aws"
	same(t, "with a plan whose leaving waits", want, s.account())
}

func TestAnAccountsRowsAreItsOwn(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole...)
	// Ids that share a prefix with ann's.
	for _, other := range []portal.AccountID{"an", "anna", "ann#now"} {
		account, err := s.Account(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		page, err := s.Activity(t.Context(), other, "", 10)
		if err != nil || account.Profile.Status != StatusNone || len(account.Keys)+len(account.Subscriptions)+len(page.Lines) > 0 {
			t.Errorf("%s is shown %+v and %v, %v", other, account, page, err)
		}
	}
}
