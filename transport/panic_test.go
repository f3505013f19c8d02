package transport

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func wantPanic(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "panic: oh") || portal.StackOf(err) == "" {
		t.Errorf("the error is %v, with the stack %q", err, portal.StackOf(err))
	}
}

type explosive struct{}

func (explosive) Publish(string, ...*message.Message) error { panic("oh") }
func (explosive) Close() error                              { return nil }

func TestAPanicOfOneOfTwoPublishersIsTheSendersError(t *testing.T) {
	t.Parallel()
	err := NewSender(&recorder{}, explosive{}, routes).Send(t.Context(),
		event("1", "account/a", events.RegisterUser{}), event("2", "account/a", events.UserRegistered{}))
	wantPanic(t, err)
}

type explosiveLedger struct {
	ledger
	counting bool
}

func (l *explosiveLedger) Failed(ctx context.Context, key string, at time.Time) (count int, first time.Time, err error) {
	if l.counting {
		panic("oh")
	}
	return l.ledger.Failed(ctx, key, at)
}

func (l *explosiveLedger) Bury(context.Context, DeadLetter) error { panic("oh") }

func TestAMessageWhoseFailureCannotBeNotedForAPanicIsKept(t *testing.T) {
	t.Parallel()
	for name, counting := range map[string]bool{"counting it": true, "burying it": false} {
		p := &policy{failures: &explosiveLedger{counting: counting}, limit: RetryLimit{Failures: 1, Span: time.Nanosecond}, now: time.Now}
		err := portal.Guard(func() error {
			h, acked, _ := handle(t, p, registrations, registration(t), func(context.Context, events.Event) error {
				return portal.Fail(map[bool]portal.Code{true: portal.Conflict, false: portal.Invalid}[counting], "No.")
			})
			if h.outcome != kept || acked {
				t.Errorf("%s: %s, acked %v", name, h.outcome, acked)
			}
			wantPanic(t, h.err)
			return nil
		})()
		if err != nil {
			t.Errorf("%s: the router sees %v", name, err)
		}
	}
}
