package main

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
)

func TestWhatAProbeFoundFitsInEightyColumns(t *testing.T) {
	t.Parallel()
	for _, usable := range []bool{true, false} {
		var out strings.Builder
		describe(&out, keyimport.Finding{Region: "ap-southeast-1", Usable: usable})
		for line := range strings.Lines(out.String()) {
			if len(line) > 81 {
				t.Errorf("a line of %d characters: %s", len(line), line)
			}
		}
	}
}

func TestADeadLetterIsToldByWhatItSaysOfItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		letter deadletters.Letter
		want   string
	}{
		"a message of ours":  {deadletters.Letter{Report: deadletters.Report{Type: "gatehouse.SubscribeRequested.v1", Subject: "account/ann"}}, "a SubscribeRequested about account/ann"},
		"one without stream": {deadletters.Letter{Report: deadletters.Report{Type: "Notification", Queue: "q"}}, "a Notification"},
		"a stranger's":       {deadletters.Letter{Report: deadletters.Report{Type: "bad\x1b[2Jtype", Queue: "q"}}, "a bad\uFFFD[2Jtype"},
		"one without a type": {deadletters.Letter{Report: deadletters.Report{Queue: "gatehouse-jobs.fifo"}}, "a message from the queue gatehouse-jobs.fifo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := about(c.letter); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
