package deadletters_test

import (
	"context"
	"testing"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// explosive panics where an account is folded, and where messages are sent.
type explosive struct{}

func (explosive) Account(context.Context, portal.AccountID) (accounts.History, error) { panic("oh") }
func (explosive) Remembered(portal.AccountID) (accounts.History, bool)                { panic("oh") }
func (explosive) Send(context.Context, ...events.Event) error                         { panic("oh") }
func (explosive) SendAgain(context.Context, ...events.Event) error                    { panic("oh") }

// The panic that made a request a dead letter comes again where the request's stream is read to
// record that it has failed.
func TestAMessageWhoseFailureCannotBeRecordedForAPanicIsALetter(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*fixture, *handlers.Config){
		"at folding the account":    func(_ *fixture, cfg *handlers.Config) { cfg.Accounts = explosive{} },
		"at publishing the failure": func(_ *fixture, cfg *handlers.Config) { cfg.Sender = explosive{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			cfg := handlers.Config{
				Journal: d.journal, Accounts: accounts.NewReader(d.journal, d.tables.Client, d.tables.Records, d.Recorder.Now), Sender: d.outbox, Now: d.Recorder.Now,
			}
			change(d, &cfg)
			d.Recorder.Requests = handlers.New(cfg)
			report := reportOf(t, register)
			report.Class = "panic"
			if err := portal.Guard(func() error { return d.Bury(t.Context(), report) })(); err != nil {
				t.Fatalf("burying: %v", err)
			}
			d.wantState(register.ID, deadletters.Open)
		})
	}
}
