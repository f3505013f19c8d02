package portal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func explode() error { panic("oh") }

func TestAPanicOfGuardedWorkIsAnErrorWithItsStack(t *testing.T) {
	t.Parallel()
	failed := make(chan error)
	go func() { failed <- portal.Guard(explode)() }()
	err := <-failed
	var panicked *portal.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "oh" || err.Error() != "panic: oh" {
		t.Errorf("it returns %v", err)
	}
	if !strings.Contains(portal.StackOf(fmt.Errorf("working: %w", portal.Postpone("later", err))), "explode") {
		t.Errorf("the stack does not say where it happened: %s", portal.StackOf(err))
	}
}

func TestGuardedWorkThatDoesNotPanicReturnsItsOwnError(t *testing.T) {
	t.Parallel()
	for _, want := range []error{nil, errors.New("no")} {
		got := portal.Guard(func() error { return want })()
		if !errors.Is(got, want) || portal.StackOf(got) != "" {
			t.Errorf("it returns %v with stack %q, want %v", got, portal.StackOf(got), want)
		}
	}
}

// line is a log line under construction, as zerolog's is.
type line map[string]string

func (l line) Str(key, value string) line {
	l[key] = value
	return l
}

func TestALineHasTheStackOfAPanicAndOfNoOtherError(t *testing.T) {
	t.Parallel()
	if got := portal.WithStack(line{}, portal.Guard(explode)()); !strings.Contains(got["stack"], "explode") {
		t.Errorf("for a panic the line has %v", got)
	}
	for _, err := range []error{nil, errors.New("no")} {
		if got := portal.WithStack(line{}, err); len(got) != 0 {
			t.Errorf("for %v the line has %v", err, got)
		}
	}
}
