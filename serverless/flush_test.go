package serverless

import (
	"context"
	"errors"
	"testing"
)

func TestEachInvocationEndsWithAFlush(t *testing.T) {
	t.Parallel()
	var order []string
	failed := errors.New("failed")
	invoke := Flushing(func(_ context.Context, in string) (string, error) {
		order = append(order, in)
		return in + "!", failed
	}, func(context.Context) { order = append(order, "flush") })
	out, err := invoke(t.Context(), "event")
	if out != "event!" || !errors.Is(err, failed) {
		t.Errorf("got %q, %v", out, err)
	}
	if len(order) != 2 || order[1] != "flush" {
		t.Errorf("the order is %v", order)
	}
}
