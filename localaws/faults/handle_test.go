package faults_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

func TestAHandlerFailsUntilItsFaultIsLifted(t *testing.T) {
	t.Parallel()
	in := faults.New(faults.Operations{"sqs": {"SendMessage"}, faults.Handler: {"SubscribeRequested", "RegisterUser"}}, nil)
	handle := func(name string) (said string) {
		defer func() {
			if p := recover(); p != nil {
				said = "panic: " + p.(string)
			}
		}()
		if err := in.Handle(t.Context(), name); err != nil {
			return err.Error()
		}
		return ""
	}
	set := func(text string) {
		t.Helper()
		plan, err := faults.Parse(text)
		if err == nil {
			err = in.Set(plan)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	set("*:error=internal; sqs:down; handler.SubscribeRequested:panic,times=1; handler.SubscribeRequested:error=internal")
	for i, want := range []string{"panic: the handler of SubscribeRequested", "SubscribeRequested fails on purpose (internal)", "SubscribeRequested fails on purpose (internal)"} {
		if got := handle("SubscribeRequested"); !strings.Contains(got, want) {
			t.Errorf("message %d: %q, want %q", i, got, want)
		}
	}
	if got := handle("RegisterUser"); got != "" {
		t.Errorf("another type of message fails: %q", got)
	}
	if got := in.Counts().Of(faults.Handler, "SubscribeRequested"); got.Requests != 3 || got.Faults[faults.Panic] != 1 || got.Faults[faults.Error] != 2 {
		t.Errorf("the counts are %+v", got)
	}
	set("")
	if got := handle("SubscribeRequested"); got != "" {
		t.Errorf("after the fault was lifted: %q", got)
	}
	for text, want := range map[string]string{
		"handler.SubscribeRequested:lost": "only panic, error and latency", "sqs:panic": "only to handlers", "handler.Subscribed:panic": "no operation Subscribed",
	} {
		plan, err := faults.Parse(text)
		if err == nil {
			err = in.Set(plan)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
