package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

var adminOnly = events.Decides{Scopes: []portal.Scope{portal.AdminScope}}

func promoted() said { return said{events.AdminPromoted{Decides: adminOnly}, "op-promote", 5} }
func demoted() said  { return said{events.AdminDemoted{Decides: adminOnly}, "op-demote", 6} }

func TestPromotion(t *testing.T) {
	t.Parallel()
	promote := events.AdminPromotionRequested{}
	check(t, Promotion, []decision{
		{"it makes the owner an admin", []said{registered()}, promote, 5, []events.Fact{events.AdminPromoted{Decides: adminOnly}}},
		{"a second one changes nothing", []said{registered(), promoted()}, promote, 6, []events.Fact{events.RequestUnchanged{Decides: adminOnly}}},
		{"it can follow a demotion", []said{registered(), promoted(), demoted()}, promote, 7, []events.Fact{events.AdminPromoted{Decides: adminOnly}}},
		{"one older than the demotion is superseded", []said{registered(), promoted(), demoted()}, promote, 5, []events.Fact{events.RequestSuperseded{}}},
		{"an account that nobody has registered is refused", nil, promote, 5, rejection(adminOnly, portal.NotRegistered, "Only a registered account can be an admin.")},
		{"a suspended account is refused", []said{registered(), suspended()}, promote, 6, rejection(adminOnly, portal.Suspended, "The account is suspended. Reinstate it first.")},
		{"an account that is being deleted is refused", []said{registered(), deleting()}, promote, 8, rejection(adminOnly, portal.Deleting, "The account is being deleted, so its owner cannot become an admin.")},
	})
}

func TestDemotion(t *testing.T) {
	t.Parallel()
	const notHere = "The account was not promoted here. Members of the identity provider's admin group are admins until they leave the group there."
	demote, ends := events.AdminDemotionRequested{}, []events.Fact{events.AdminDemoted{Decides: adminOnly}}
	check(t, Demotion(promotedNow{owner: true, sender: true}), []decision{
		{"it ends a promotion", []said{registered(), promoted()}, demote, 6, ends},
		{"it ends a promotion of which only the row tells", []said{registered()}, demote, 6, ends},
		{"one older than the promotion is superseded", []said{registered(), promoted()}, demote, 4, []events.Fact{events.RequestSuperseded{}}},
	})
	check(t, Demotion(promotedNow{sender: true}), []decision{
		{"a second one is refused", []said{registered(), promoted(), demoted()}, demote, 7, rejection(adminOnly, portal.Conflict, notHere)},
		{"an account that was not promoted is refused", []said{registered()}, demote, 6, rejection(adminOnly, portal.Conflict, notHere)},
	})
	check(t, Demotion(promotedNow{owner: true}), []decision{
		{"a sender who is no longer an admin is refused", []said{registered(), promoted()}, demote, 6, rejection(adminOnly, portal.Forbidden, "You are no longer an admin of this portal, so you cannot remove another admin.")},
		{"a sender of the admin group need not be promoted", []said{registered(), promoted()}, events.AdminDemotionRequested{ByGroup: true}, 6, ends},
	})
}

// adminFixture is a decider over a real journal and the rows of admins.
type adminFixture struct {
	t      *testing.T
	tables journaltest.Tables
	*Decider
	journal *journal.Journal
	intent  portal.Intent
}

func newAdminFixture(t *testing.T) *adminFixture {
	tables := journaltest.Start(t)
	facts := journal.New(tables.Client, tables.Journal, tables.Records)
	d := &adminFixture{t: t, tables: tables, journal: facts}
	d.Decider = New(Config{
		Journal: facts, Accounts: accounts.NewReader(facts, tables.Client, tables.Records, time.Now), Sender: mute{}, Now: time.Now,
		Promoted: func(ctx context.Context, account portal.AccountID) (bool, error) {
			out, err := tables.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &tables.Records, Key: schema.Admin(account).Attributes()})
			return err == nil && len(out.Item) > 0, err
		},
	})
	return d
}

type mute struct{}

func (mute) Send(context.Context, ...events.Event) error      { return nil }
func (mute) SendAgain(context.Context, ...events.Event) error { return nil }

// request returns a request about an account.
func (d *adminFixture) request(from, about portal.AccountID, request events.Request) events.Event {
	d.intent++
	id := portal.OperationID(string(from) + "-" + string(about) + "-" + events.Name(request.EventType()))
	return events.Event{
		ID: string(id), Operation: id, Source: "/test", Subject: portal.AccountStream(about), Time: time.Now(), Actor: portal.AccountActor(from), Intent: d.intent, Data: request,
	}
}

func (d *adminFixture) handleAll(requests ...events.Event) {
	d.t.Helper()
	for _, msg := range requests {
		var postponed *portal.Postponed
		for {
			err := d.Handlers()[msg.Type()](d.t.Context(), msg)
			if errors.As(err, &postponed) {
				continue
			}
			if err != nil {
				d.t.Error(err)
			}
			break
		}
	}
}

func (d *adminFixture) isAdmin(account portal.AccountID) bool {
	d.t.Helper()
	is, err := d.promoted(d.t.Context(), account)
	if err != nil {
		d.t.Fatal(err)
	}
	return is
}

// The rest of an admin's rights is that of others: an admin who takes another one away must be an admin
// still, also when the other does the same in that moment, in another process.
func TestTwoAdminsWhoRemoveEachOtherLeaveOneAdmin(t *testing.T) {
	t.Parallel()
	demote, suspend, remove := events.Request(events.AdminDemotionRequested{}), events.Request(events.AccountSuspensionRequested{Message: "No."}), events.Request(events.AccountDeletionRequested{})
	for name, c := range map[string]struct{ ann, bob events.Request }{
		"both delete": {remove, remove}, "both suspend": {suspend, suspend}, "both demote": {demote, demote},
		"one deletes, one demotes": {remove, demote}, "one deletes, one suspends": {remove, suspend}, "one suspends, one demotes": {suspend, demote},
	} {
		for order := range 4 {
			t.Run(fmt.Sprintf("%s, order %d", name, order), func(t *testing.T) {
				t.Parallel()
				d := newAdminFixture(t)
				for _, account := range []portal.AccountID{"ann", "bob"} {
					d.handleAll(d.request(account, account, events.RegisterUser{}), d.request("root", account, events.AdminPromotionRequested{}))
				}
				// Both are accepted before either is decided.
				first, second := d.request("ann", "bob", c.ann), d.request("bob", "ann", c.bob)
				switch order {
				case 0:
					d.handleAll(first, second, first, second)
				case 1:
					d.handleAll(second, first)
				default:
					var wait sync.WaitGroup
					for _, msg := range []events.Event{first, second} {
						wait.Go(func() { d.handleAll(msg, msg) })
					}
					wait.Wait()
				}
				if d.isAdmin("ann") == d.isAdmin("bob") {
					t.Fatalf("ann is an admin: %t, and so is bob", d.isAdmin("ann"))
				}
				loser, winner := portal.AccountID("ann"), portal.AccountID("bob")
				if d.isAdmin("ann") {
					loser, winner = "bob", "ann"
				}
				if got := d.fold(winner).Standing; !got.Admin || got.Suspended || got.Leaving() {
					t.Errorf("%s is left, and is %+v", winner, got)
				}
				if got := d.rejections(winner); len(got) != 1 || got[0].Code != portal.Forbidden || !strings.Contains(got[0].Message, "no longer an admin") {
					t.Errorf("the request of %s was answered with %+v", loser, got)
				}
			})
		}
	}
}

// In a circle, each admin removes the next one.
func TestThreeAdminsWhoRemoveEachOtherInACircleLeaveAnAdmin(t *testing.T) {
	t.Parallel()
	demote, suspend, remove := events.Request(events.AdminDemotionRequested{}), events.Request(events.AccountSuspensionRequested{Message: "No."}), events.Request(events.AccountDeletionRequested{})
	for name, requests := range map[string][3]events.Request{
		"all demote": {demote, demote, demote}, "all suspend": {suspend, suspend, suspend}, "all delete": {remove, remove, remove}, "each does another": {demote, suspend, remove},
	} {
		for order := range 3 {
			t.Run(fmt.Sprintf("%s, order %d", name, order), func(t *testing.T) {
				t.Parallel()
				d, circle := newAdminFixture(t), []portal.AccountID{"ann", "bob", "cid"}
				for _, account := range circle {
					d.handleAll(d.request(account, account, events.RegisterUser{}), d.request("root", account, events.AdminPromotionRequested{}))
				}
				var all []events.Event
				for i, account := range circle {
					all = append(all, d.request(account, circle[(i+1)%3], requests[i]))
				}
				switch order {
				case 0:
					d.handleAll(all...)
				case 1:
					d.handleAll(all[2], all[1], all[0])
				default:
					var wait sync.WaitGroup
					for _, msg := range all {
						wait.Go(func() { d.handleAll(msg, msg) })
					}
					wait.Wait()
				}
				left := 0
				for _, account := range circle {
					if standing := d.fold(account).Standing; d.isAdmin(account) {
						left++
						if !standing.Admin || standing.Suspended || standing.Leaving() {
							t.Errorf("%s is an admin, and is %+v", account, standing)
						}
					}
				}
				if left != 1 && left != 2 {
					t.Errorf("%d of 3 admins are left", left)
				}
			})
		}
	}
}

// Older versions promoted an admin with a row alone.
func TestAdminsOfWhomOnlyTheRowTellsFollowTheSameRules(t *testing.T) {
	t.Parallel()
	suspend, remove := events.Request(events.AccountSuspensionRequested{Message: "No."}), events.Request(events.AccountDeletionRequested{})
	for name, request := range map[string]events.Request{"suspended": suspend, "deleted": remove} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newAdminFixture(t)
			for _, account := range []portal.AccountID{"ann", "bob"} {
				d.handleAll(d.request(account, account, events.RegisterUser{}))
				if err := d.journal.Write(t.Context(), journal.Row{Key: schema.Admin(account), Value: adminRow{By: "root", At: time.Now()}}); err != nil {
					t.Fatal(err)
				}
			}
			first, second := d.request("ann", "bob", request), d.request("bob", "ann", request)
			d.handleAll(first)
			if d.isAdmin("bob") {
				t.Errorf("bob was %s and is still an admin", name)
			}
			d.handleAll(second)
			if standing := d.fold("ann").Standing; !d.isAdmin("ann") || standing.Suspended || standing.Leaving() {
				t.Errorf("ann is no admin any more, and is %+v", standing)
			}
		})
	}
}

func (d *adminFixture) fold(account portal.AccountID) state.Account {
	d.t.Helper()
	history, err := d.accounts.Account(d.t.Context(), account)
	if err != nil {
		d.t.Fatal(err)
	}
	return history.Account
}

func (d *adminFixture) rejections(account portal.AccountID) (all []events.RequestRejected) {
	d.t.Helper()
	facts, err := d.journal.Read(d.t.Context(), portal.AccountStream(account), 0)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, fact := range facts {
		if rejected, ok := fact.Data.(events.RequestRejected); ok {
			all = append(all, rejected)
		}
	}
	return all
}

func TestASuspendedAdminIsNoneUntilTheReinstatement(t *testing.T) {
	t.Parallel()
	d := newAdminFixture(t)
	d.handleAll(d.request("ann", "ann", events.RegisterUser{}), d.request("root", "ann", events.AdminPromotionRequested{}),
		d.request("root", "ann", events.AccountSuspensionRequested{Message: "No.", ByGroup: true}))
	if d.isAdmin("ann") {
		t.Error("a suspended admin is an admin")
	}
	d.handleAll(d.request("root", "ann", events.AccountReinstatementRequested{}))
	if !d.isAdmin("ann") {
		t.Error("after the reinstatement ann is no admin")
	}
	d.handleAll(d.request("ann", "ann", events.AccountDeletionRequested{}))
	if got := d.rejections("ann"); len(got) != 1 || got[0].Code != portal.Conflict || !d.isAdmin("ann") {
		t.Errorf("an admin who deletes their own account gets %+v", got)
	}
	d.handleAll(d.request("root", "ann", events.AccountDeletionRequested{ByGroup: true}))
	if d.isAdmin("ann") || !d.fold("ann").Standing.Leaving() {
		t.Error("an admin of the group cannot delete another admin")
	}
}

func TestAnyAdminMayRemoveSomebodyWhoIsNone(t *testing.T) {
	t.Parallel()
	d := newAdminFixture(t)
	d.handleAll(d.request("ann", "ann", events.RegisterUser{}), d.request("bob", "ann", events.AccountSuspensionRequested{Message: "No."}), d.request("bob", "ann", events.AccountDeletionRequested{}))
	if got := d.rejections("ann"); len(got) != 0 || !d.fold("ann").Standing.Leaving() {
		t.Errorf("the requests were answered with %+v", got)
	}
}

func TestTwoAdminsWhoDemoteEachOtherAtOnceLeaveOneAdmin(t *testing.T) {
	t.Parallel()
	for range 10 {
		d := newAdminFixture(t)
		for _, account := range []portal.AccountID{"ann", "bob"} {
			d.handleAll(d.request(account, account, events.RegisterUser{}), d.request("root", account, events.AdminPromotionRequested{}))
		}
		if !d.isAdmin("ann") || !d.isAdmin("bob") {
			t.Fatal("promotions have no rows")
		}
		both := []events.Event{d.request("ann", "bob", events.AdminDemotionRequested{}), d.request("bob", "ann", events.AdminDemotionRequested{})}
		var wait sync.WaitGroup
		for _, msg := range both {
			wait.Go(func() { d.handleAll(msg, msg) })
		}
		wait.Wait()
		if d.isAdmin("ann") == d.isAdmin("bob") {
			t.Fatalf("ann is an admin: %t, and so is bob", d.isAdmin("ann"))
		}
	}
}

func TestASecondDeliveryOfAPromotionOrDemotionChangesNothing(t *testing.T) {
	t.Parallel()
	d := newAdminFixture(t)
	promote, demote := d.request("root", "ann", events.AdminPromotionRequested{}), d.request("root", "ann", events.AdminDemotionRequested{ByGroup: true})
	d.handleAll(d.request("ann", "ann", events.RegisterUser{}), promote, promote, demote, promote, demote)
	facts, err := d.journal.Read(t.Context(), portal.AccountStream("ann"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(facts) != 3 || d.isAdmin("ann") {
		t.Errorf("there are %d facts, want 3; she is an admin: %t", len(facts), d.isAdmin("ann"))
	}
	if facts[1].Actor != portal.AccountActor("root") || facts[1].Operation == "" {
		t.Errorf("the promotion is %+v", facts[1])
	}
}
