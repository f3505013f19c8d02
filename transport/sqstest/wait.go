package sqstest

import (
	"testing"
	"time"
)

// Patience is how long a test waits for what must come.
const Patience = 20 * time.Second

// Next returns the next value. The test fails if none comes.
func Next[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case value, open := <-from:
		if !open {
			t.Fatal("the channel was closed")
		}
		return value
	case <-time.After(Patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

// Ended waits until the channel is closed. The test fails if a value comes first.
func Ended[T any](t testing.TB, from <-chan T) {
	t.Helper()
	select {
	case _, open := <-from:
		if open {
			t.Fatal("something came where nothing should")
		}
	case <-time.After(Patience):
		t.Fatal("it did not end")
	}
}

// Eventually polls until the condition holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("it never came about that %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
