package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func numbers(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func TestPacedTreatsAllInOrder(t *testing.T) {
	t.Parallel()
	var treated, told []int
	done, err := paced(t.Context(), numbers(4), 1000, func(_ context.Context, n int) error { treated = append(treated, n); return nil }, func(done int) { told = append(told, done) })
	if err != nil || done != 4 || len(treated) != 4 || treated[3] != 3 || told[3] != 4 {
		t.Errorf("%d done (%v): %v, told %v", done, err, treated, told)
	}
}

// The item in hand is finished under a context that does not end.
func TestAnInterruptEndsPacedBetweenTwoItems(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	var treated []int
	done, err := paced(ctx, numbers(10), 0, func(ctx context.Context, n int) error {
		if n == 2 {
			interrupt()
		}
		treated = append(treated, n)
		return ctx.Err()
	}, func(int) {})
	if err != nil || done != 3 || len(treated) != 3 {
		t.Errorf("%d done (%v): %v", done, err, treated)
	}
}

func TestPacedGoesOnAfterAFailureAndStopsAfterFiveInARow(t *testing.T) {
	t.Parallel()
	wrong := errors.New("no such letter")
	done, err := paced(t.Context(), numbers(10), 0, func(_ context.Context, n int) error {
		if n%2 == 0 {
			return wrong
		}
		return nil
	}, func(int) {})
	if done != 10 || strings.Count(err.Error(), "no such letter") != 5 {
		t.Errorf("%d done: %v", done, err)
	}
	done, err = paced(t.Context(), numbers(10), 0, func(context.Context, int) error { return wrong }, func(int) {})
	if done != 5 || !strings.Contains(err.Error(), "stopped, since 5 failed one after the other") {
		t.Errorf("%d done: %v", done, err)
	}
	done, err = paced(t.Context(), numbers(5), 0, func(context.Context, int) error { return wrong }, func(int) {})
	if done != 5 || strings.Contains(err.Error(), "stopped") {
		t.Errorf("all five failed, and nothing was left to stop: %d done: %v", done, err)
	}
}

func TestAProgressBarIsALineNowAndThenWithoutATerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	bar := newProgressBar(&out, "replayed", 100)
	at := bar.began
	bar.now = func() time.Time { return at }
	for done := 1; done <= 100; done++ {
		at = at.Add(time.Second / 4)
		bar.tell(done)
	}
	bar.end()
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 5 || lines[0] != "replayed 20 of 100, about 20s left" || lines[4] != "replayed 100 of 100" {
		t.Errorf("it prints\n%s", out.String())
	}
	out.Reset()
	quick := newProgressBar(&out, "replayed", 2)
	quick.tell(1)
	quick.tell(2)
	quick.end()
	if out.Len() > 0 {
		t.Errorf("what is over at once prints %q", out.String())
	}
}

func TestAProgressBarOfUnknownLengthCounts(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	bar := newProgressBar(&out, "", 0)
	bar.terminal = true
	bar.begin("reading keys", 0)
	bar.tell(12)
	bar.end()
	if text := out.String(); text != "\r\x1b[Kreading keys 12\n" {
		t.Errorf("it prints %q", text)
	}
}

func TestAProgressBarInATerminalIsOneLine(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	bar := newProgressBar(&out, "replayed", 4)
	bar.terminal = true
	at := bar.began
	bar.now = func() time.Time { return at }
	for done := 1; done <= 4; done++ {
		at = at.Add(time.Second)
		bar.tell(done)
	}
	bar.end()
	if text := out.String(); strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "["+strings.Repeat("#", barWidth)+"] replayed 4 of 4\n") || strings.Count(text, "\r") != 4 {
		t.Errorf("it prints %q", text)
	}
}

func TestAnAgeMayBeInDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90m": 90 * time.Minute, "2d": 48 * time.Hour, "1h30m": 90 * time.Minute} {
		var a age
		if err := a.UnmarshalText([]byte(text)); err != nil || time.Duration(a) != want {
			t.Errorf("%q is %v (%v)", text, time.Duration(a), err)
		}
	}
	for _, text := range []string{"", "0d", "-1h", "d", "2 days", "0s", "99999999d", "1.5d"} {
		var a age
		if err := a.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, time.Duration(a))
		}
	}
}
