package approvals_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

var began = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// fixture is a list over a local AWS.
type fixture struct {
	*approvals.List
	t       *testing.T
	journal *journal.Journal
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	cfg, err := app.LoadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	server := localawstest.Start(t)
	if err := app.Setup(t.Context(), server.AWSConfig(), cfg); err != nil {
		t.Fatal(err)
	}
	tables, names := dynamodb.NewFromConfig(server.AWSConfig()), app.NamesFor(cfg.Prefix)
	return fixture{approvals.NewList(tables, names.Records), t, journal.New(tables, names.Journal, names.Records)}
}

// apply writes the rows of the fact, and returns the account after it.
func (d fixture) apply(account state.Account, at time.Time, fact events.Fact) state.Account {
	d.t.Helper()
	after := account.Clone()
	after.Apply(events.Event{Sequence: account.Sequence + 1, Time: at, Operation: "op", Data: fact})
	if err := d.journal.Write(d.t.Context(), approvals.Changes(account, after)...); err != nil {
		d.t.Fatal(err)
	}
	return after
}

// pages reads all pages.
func (d fixture) pages(limit int) (all [][]portal.AccountID) {
	d.t.Helper()
	for cursor, begun := "", false; cursor != "" || !begun; begun = true {
		page, err := d.Page(d.t.Context(), cursor, limit)
		if err != nil {
			d.t.Fatal(err)
		}
		var accounts []portal.AccountID
		for _, row := range page.Rows {
			accounts = append(accounts, row.Account)
		}
		all, cursor = append(all, accounts), page.Next
	}
	return all
}

var pending = events.SubscriptionApprovalPending{Plan: "plus", Name: "Plus", Ring: portal.AccountRing, Replaces: "free"}

func TestASubscriptionIsListedAsLongAsItWaits(t *testing.T) {
	t.Parallel()
	link := events.Link{Wish: 2}
	for name, end := range map[string]events.Fact{
		"approved":            events.SubscriptionApproved{Link: link, Plan: "plus"},
		"denied":              events.SubscriptionDenied{Link: link, Plan: "plus"},
		"taken back":          events.SubscriptionEnding{Plan: "plus", Withdrawn: true},
		"rejected":            events.RequestRejected{Link: link},
		"the account deleted": events.AccountDeleting{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			account := d.apply(state.NewAccount("ann"), began, events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: portal.AccountRing})
			account = d.apply(account, began.Add(time.Hour), pending)
			page, err := d.Page(t.Context(), "", 10)
			if err != nil {
				t.Fatal(err)
			}
			want := []approvals.Row{{
				Account: "ann", Plan: "plus", Name: "Plus", Replaces: "free", ReplacesName: "Free", Wish: 2, Asked: began.Add(time.Hour), Operation: "op",
			}}
			if diff := cmp.Diff(want, page.Rows); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			waits := func() bool {
				row, ok, err := d.Waits(t.Context(), began.Add(time.Hour), "ann", 2)
				if err != nil || ok && cmp.Diff(want[0], row) != "" {
					t.Fatal(row, err)
				}
				return ok
			}
			if !waits() {
				t.Error("the row does not wait")
			}
			account = d.apply(account, began.Add(2*time.Hour), events.WishParked{Link: link, Reason: events.WaitingForAWS})
			d.apply(account, began.Add(3*time.Hour), end)
			if waits() {
				t.Error("the row waits although the request was answered")
			}
			if diff := cmp.Diff([][]portal.AccountID{nil}, d.pages(10)); diff != "" {
				t.Errorf("afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPagesListThoseThatHaveWaitedLongestFirst(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for i := range 5 {
		d.apply(state.NewAccount(portal.AccountID(fmt.Sprint("a", i))), began.Add(-time.Duration(i)*time.Minute), pending)
	}
	if diff := cmp.Diff([][]portal.AccountID{{"a4", "a3"}, {"a2", "a1"}, {"a0"}}, d.pages(2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
