package sqs_test

import (
	"fmt"
	"slices"
	"testing"
)

// sendMany sends n messages of a group to a standard queue. Their body is the
// group's name.
func (l *local) sendMany(queue, group string, n int) {
	l.t.Helper()
	for range n {
		if group == "" {
			l.send(queue, "none")
		} else {
			l.send(queue, group, inGroup(group, ""))
		}
	}
}

func TestANoisyGroupIsServedAfterTheOthers(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	l.sendMany(q, "noisy", 50)
	l.sendMany(q, "quiet", 2)
	l.sendMany(q, "", 1)
	for range 3 {
		l.wantReceived(q, 10, slices.Repeat([]string{"noisy"}, 10)...)
	}
	// Thirty are in flight: the others come first, then the noisy group again.
	l.wantReceived(q, 6, "quiet", "quiet", "none", "noisy", "noisy", "noisy")
	l.wantReceived(q, 10, slices.Repeat([]string{"noisy"}, 10)...)
}

func TestAGroupIsNoLongerNoisyWhenItsMessagesAreDone(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	l.sendMany(q, "noisy", 40)
	for i := range 3 {
		for j, m := range l.receive(q, 10) {
			if i == 0 && j == 0 {
				l.delete(q, m)
			}
		}
	}
	l.sendMany(q, "quiet", 1)
	// Twenty-nine are in flight, so the oldest come first.
	l.wantReceived(q, 10, slices.Repeat([]string{"noisy"}, 10)...)
}

func TestAGroupWithASmallPartOfTheMessagesInFlightIsNotNoisy(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	for i := range 27 {
		l.sendMany(q, fmt.Sprint("crowd", i), 10)
	}
	for range 27 {
		l.receive(q, 10)
	}
	l.sendMany(q, "large", 40)
	for range 3 {
		l.receive(q, 10)
	}
	// Thirty of three hundred in flight are not more than a tenth.
	l.sendMany(q, "quiet", 1)
	l.wantReceived(q, 1, "large")
	l.wantReceived(q, 1, "quiet")
}

func TestNoisyGroupsAreKnownAfterARestart(t *testing.T) {
	t.Parallel()
	restarted(t, func(l *local) {
		q := l.create("q")
		l.sendMany(q, "noisy", 31)
		l.sendMany(q, "quiet", 1)
		for range 3 {
			l.receive(q, 10)
		}
	}, func(l *local, url func(string) string) {
		l.wantReceived(url("q"), 10, "quiet", "noisy")
	})
}
