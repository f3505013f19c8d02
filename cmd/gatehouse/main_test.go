package main

import (
	"strings"
	"testing"
)

type broken struct{}

func (broken) Write([]byte) (int, error) { panic("broken") }

func TestPanicIsNotSwallowed(t *testing.T) {
	t.Parallel()
	defer func() {
		if got := recover(); got != "broken" {
			t.Errorf("the command panicked with %v, want broken", got)
		}
	}()
	code := run([]string{"version"}, broken{}, &strings.Builder{})
	t.Errorf("a command that panics ends with code %d", code)
}
