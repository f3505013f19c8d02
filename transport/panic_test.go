package transport

import (
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// wantPanic checks that the error is a panic's, and that its stack is known.
func wantPanic(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "panic: oh") || portal.StackOf(err) == "" {
		t.Errorf("the error is %v, with the stack %q", err, portal.StackOf(err))
	}
}

// explosive is a publisher that panics.
type explosive struct{}

func (explosive) Publish(string, ...*message.Message) error { panic("oh") }
func (explosive) Close() error                              { return nil }

func TestAPanicOfOneOfTwoPublishersIsTheSendersError(t *testing.T) {
	t.Parallel()
	err := NewSender(&recorder{}, explosive{}, routes).Send(t.Context(),
		event("1", "account/a", events.RegisterUser{}), event("2", "account/a", events.UserRegistered{}))
	wantPanic(t, err)
}
