package app

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestErrorsReadAsSentences(t *testing.T) {
	t.Parallel()
	missing := portal.Fail(portal.NotFound, "There is no dead letter x.")
	unreadable := &portal.Error{Code: portal.Invalid, Message: "It could not be read.", Err: errors.New("unexpected end")}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"one of ours", missing, "There is no dead letter x."},
		{"with a cause", unreadable, "It could not be read: unexpected end"},
		{"with a cause of ours", &portal.Error{Code: portal.Invalid, Message: "It cannot be replayed.", Err: unreadable}, "It cannot be replayed. It could not be read: unexpected end"},
		{"wrapped", fmt.Errorf("replaying x: %w", missing), "replaying x: There is no dead letter x."},
		{"several", errors.Join(missing, fmt.Errorf("reading y: %w", unreadable), missing), "There is no dead letter x.\nreading y: It could not be read: unexpected end\nThere is no dead letter x."},
		{"postponed", portal.Postpone("the records do not answer", fmt.Errorf("reading: %w", missing)), "postponed, the records do not answer: reading: There is no dead letter x."},
		{"one of somebody else", errors.New("not_found: no such host"), "not_found: no such host"},
	} {
		if got := spoken(c.err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
