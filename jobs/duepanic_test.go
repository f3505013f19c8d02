package jobs

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// poisonous panics while it reads that account, or returns the error.
type poisonous struct {
	accountReader
	account portal.AccountID
	err     error
}

func (p poisonous) Account(ctx context.Context, id portal.AccountID) (accounts.History, error) {
	if id != p.account {
		return p.accountReader.Account(ctx, id)
	}
	if p.err != nil {
		return accounts.History{}, p.err
	}
	panic("oh")
}

func TestARowWhoseHandlingPanicsStopsNobody(t *testing.T) {
	t.Parallel()
	within := portal.Postpone("the queues do not answer", portal.Guard(func() error { panic("oh") })())
	for name, err := range map[string]error{"in the job's goroutine": nil, "in another goroutine, taken for an outage": within} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			for _, account := range []string{"ann", "bob", "carol", "dan", "eve", "fred", "gil", "hal"} {
				d.want(account, "free")
			}
			d.DueRows.Accounts = poisonous{d.DueRows.Accounts, "carol", err}
			d.now = opened.Add(3 * time.Minute)
			cursor := ""
			for range 50 {
				var next string
				if failed := portal.Guard(func() (err error) {
					next, err = d.Run(t.Context(), cursor)
					return err
				})(); failed != nil {
					t.Fatalf("from %q: %v", cursor, failed)
				}
				if cursor = next; cursor == "" {
					break
				}
			}
			woken := d.asked()
			slices.Sort(woken)
			want := []portal.Stream{
				stream("ann"), stream("bob"), stream("dan"), stream("eve"), stream("fred"), stream("gil"), stream("hal"),
			}
			if diff := cmp.Diff(want, woken); diff != "" {
				t.Errorf("woken (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"wish"}, d.passed); diff != "" {
				t.Errorf("passed over (-want +got):\n%s", diff)
			}
		})
	}
}
