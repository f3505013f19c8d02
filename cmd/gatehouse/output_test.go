package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestProbeReportFitsInEightyColumns(t *testing.T) {
	t.Parallel()
	for _, usable := range []bool{true, false} {
		var out strings.Builder
		describe(&out, keyimport.Finding{Region: "ap-southeast-1", Usable: usable, Observations: []keyimport.Observation{
			{Needed: true, Expected: true, What: "the keys whose rows name a plan are in it, and are listed there at once, as they have to be", Seen: "2 of 2 in the plan"},
			{What: "a bad row leaves the others alone", Seen: "the whole import is refused, and would be halved until the bad row is alone: BadRequestException: a value is too short"},
		}})
		for line := range strings.Lines(out.String()) {
			if len(line) > 81 {
				t.Errorf("a line of %d characters: %s", len(line), line)
			}
		}
	}
}

func TestReasonIsPrintedWithItsCode(t *testing.T) {
	t.Parallel()
	op := app.FoundOperation{ID: "op", Progress: projections.Progress{
		Status: projections.Rejected, Code: "not_found", Message: "Free is no longer offered.",
	}}
	var out strings.Builder
	printHead(&out, op)
	if want := "why           Free is no longer offered. (not_found)\n"; !strings.Contains(out.String(), want) {
		t.Errorf("it prints\n%s, want %s", &out, want)
	}
	out.Reset()
	printHead(&out, app.FoundOperation{ID: "op", Progress: projections.Progress{Status: projections.Succeeded}})
	if strings.Contains(out.String(), "why") {
		t.Errorf("an operation that needs no reason prints\n%s", &out)
	}
	for code, want := range map[string]string{"kms_key": "waiting    The key is switched off. (kms_key)\n", "": "waiting    The key is switched off.\n"} {
		out.Reset()
		printStep(&out, projections.Step{Status: projections.Waiting, Code: code, Detail: "The key is switched off.", At: time.Now()})
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("a step with code %q prints %q", code, &out)
		}
	}
}

func TestKeysWhosePromptsOnlyForStandardInput(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]int{"-": 1, "typed": 0} {
		asked := 0
		text, err := textOrInput(t.Context(), key, strings.NewReader("typed\n"), func() { asked++ })
		if err != nil || text != "typed" || asked != want {
			t.Errorf("%s: %q (%v), asked %d times, want %d", key, text, err, asked, want)
		}
	}
}

func TestReadingStandardInputCanBeInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	silent, w := io.Pipe()
	defer w.Close()
	_, err := textOrInput(ctx, "-", silent, interrupt)
	if err == nil || err.Error() != "interrupted" {
		t.Errorf("it returns %v", err)
	}
}

func TestDeadLetterIsDescribedByTypeAndSubject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		letter deadletters.Letter
		want   string
	}{
		"a request":                      {deadletters.Letter{Report: deadletters.Report{Type: "gatehouse.SubscribeRequested.v1", Subject: "account/ann"}}, "a SubscribeRequested about account/ann"},
		"a message without a stream":     {deadletters.Letter{Report: deadletters.Report{Type: "Notification", Queue: "q"}}, "a Notification"},
		"a type with control characters": {deadletters.Letter{Report: deadletters.Report{Type: "bad\x1b[2Jtype", Queue: "q"}}, "a bad\uFFFD[2Jtype"},
		"a message without a type":       {deadletters.Letter{Report: deadletters.Report{Queue: "gatehouse-jobs.fifo"}}, "a message from the queue gatehouse-jobs.fifo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := about(c.letter); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAPanicIsPrintedWithItsStack(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	fail(&out, app.InWords(portal.Guard(func() error { panic("the moon is full") })()))
	if text := out.String(); !strings.HasPrefix(text, "gatehouse: Panic: the moon is full\n") || !strings.Contains(text, "TestAPanicIsPrintedWithItsStack") {
		t.Errorf("it prints\n%s", text)
	}
}

func TestTheCommandThatDisablesAKeyIsPrintedWithItsID(t *testing.T) {
	t.Parallel()
	const disable = "\n  aws apigateway update-api-key --api-key g1 --patch-operations op=replace,path=/enabled,value=false\n"
	for state, disabled := range map[string]bool{"enabled": false, "disabled": true} {
		var out strings.Builder
		printOwner(&out, app.KeyOwner{Account: "ann", Key: "k1", GatewayID: "g1", Disabled: disabled}, app.FoundAccount{ID: "ann"})
		if text := out.String(); !strings.Contains(text, "state         "+state+"\n") || strings.Contains(text, disable) == disabled {
			t.Errorf("for a key that is %s it prints\n%s", state, text)
		}
	}
}

func TestALetterThatNobodyCanReadIsLeftWithoutTheDecodersWords(t *testing.T) {
	t.Parallel()
	const look = " Look at its body, then discard it."
	for name, c := range map[string]struct {
		letter deadletters.Letter
		want   string
	}{
		"not JSON":        {deadletters.Letter{Report: deadletters.Report{Class: "unreadable", Body: []byte("<xml/>")}}, "The message could not be read: it is not JSON." + look},
		"not an event":    {deadletters.Letter{Report: deadletters.Report{Class: "unreadable", Body: []byte("{}")}}, "The message could not be read: it is not a CloudEvent 1.0 of ours." + look},
		"an unknown type": {deadletters.Letter{Report: deadletters.Report{Class: "unknown_type"}}, "This version does not know its type. Update Gatehouse, then replay it."},
	} {
		if got := app.WhyLeft(c.letter); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestADiscardedLetterSaysWhoDiscardedItWhen(t *testing.T) {
	t.Parallel()
	one := alreadyDiscarded(deadletters.Letter{Report: deadletters.Report{ID: "x"}, Discard: &deadletters.Discard{
		By: "arn:aws:iam::1:user/ann", At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Reason: "a test",
	}})
	if want := "already discarded at 2026-03-01 12:00:00 UTC by arn:aws:iam::1:user/ann: a test"; one.about != want || one.Did != "already discarded" {
		t.Errorf("it says %+v, want %q", one, want)
	}
}
