package outputtest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestABufferIsReadWhileItIsWritten(t *testing.T) {
	t.Parallel()
	var b Buffer
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 50 {
				fmt.Fprintln(&b, "line")
				if text := b.String(); !strings.HasSuffix(text, "line\n") {
					t.Errorf("it reads %q", text)
				}
			}
		})
	}
	writers.Wait()
	if got := strings.Count(b.String(), "line\n"); got != 200 {
		t.Errorf("it holds %d lines, want 200", got)
	}
}

func TestATailIsTheLastLines(t *testing.T) {
	t.Parallel()
	var b Buffer
	fmt.Fprint(&b, "one\ntwo\nthree")
	for n, want := range map[int]string{1: "three", 2: "two\nthree", 9: "one\ntwo\nthree"} {
		if got := b.Tail(n); got != want {
			t.Errorf("the last %d are %q, want %q", n, got, want)
		}
	}
}
