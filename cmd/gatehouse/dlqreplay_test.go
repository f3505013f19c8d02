package main

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/transport"
)

func TestOnlyALetterThatNoWorkerCouldReadIsToBeDiscarded(t *testing.T) {
	t.Parallel()
	for class, advice := range map[transport.Class]string{
		transport.Unreadable:  "then discard it",
		transport.UnknownType: "update the workers and this command, then replay it",
		transport.Failed:      "replay it with one as new as the workers",
		transport.Panicked:    "replay it with one as new as the workers",
		transport.Invalid:     "replay it with one as new as the workers",
		transport.Redriven:    "replay it with one as new as the workers",
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			why := whyLeft(deadletters.Letter{Report: deadletters.Report{Class: string(class), Body: []byte("<new>")}})
			if !strings.Contains(strings.ToLower(why), advice) || strings.Contains(why, "discard") != (class == transport.Unreadable) {
				t.Errorf("the command says %q, want the advice %q", why, advice)
			}
		})
	}
}
