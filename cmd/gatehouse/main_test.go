package main

import (
	"errors"
	"strings"
	"testing"
)

var errBroken = errors.New("broken")

// broken panics when it is written to.
type broken struct{}

func (broken) Write([]byte) (int, error) { panic(errBroken) }

func TestAPanicIsNotSwallowed(t *testing.T) {
	t.Parallel()
	defer func() {
		if got := recover(); got != errBroken {
			t.Errorf("the command panicked with %v, want %v", got, errBroken)
		}
	}()
	code := run([]string{"version"}, broken{}, &strings.Builder{})
	t.Errorf("a command that panics ends with code %d", code)
}
