package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAnInterruptEndsAQuestion(t *testing.T) {
	t.Parallel()
	silent, _ := io.Pipe()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	q := &questions{in: bufio.NewReader(silent), out: io.Discard, terminal: true}
	if yes, err := q.yes(ctx, "Go on?"); yes || !errors.Is(err, errStopped) {
		t.Errorf("the answer is %t, %v", yes, err)
	}
}

func TestOnlyTheWordItselfIsAConfirmation(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"acme\n": true, " acme \n": true, "acme": true, "acm\n": false, "yes\n": false, "\n": false} {
		q := &questions{in: bufio.NewReader(strings.NewReader(answer)), out: io.Discard, terminal: true}
		if got, err := q.typed(t.Context(), "Type acme", "acme"); got != want || err != nil {
			t.Errorf("%q is %t, %v", answer, got, err)
		}
	}
	q := &questions{in: bufio.NewReader(strings.NewReader("acme\n")), out: io.Discard}
	if got, err := q.typed(t.Context(), "Type acme", "acme"); got || err != nil {
		t.Errorf("without a terminal it is %t, %v", got, err)
	}
}
