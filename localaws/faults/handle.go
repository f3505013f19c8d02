package faults

import (
	"context"
	"fmt"
	"slices"
)

// Handle applies the plan's faults of handlers before a message of that type is handled: it waits, panics, or
// returns an error. Without a rule for the type it does nothing, and counts nothing.
func (in *Injector) Handle(ctx context.Context, messageType string) error {
	rule := Rule{Service: Handler, Operation: messageType}
	if !slices.ContainsFunc(in.Plan().Rules, func(r Rule) bool { return r.matches(rule.Service, rule.Operation) }) {
		return nil
	}
	f := in.draw(Call{Service: Handler, Operation: messageType})
	if !pause(ctx, f.latency+f.wait) {
		return ctx.Err()
	}
	switch f.kind {
	case Panic:
		panic("the handler of " + messageType + " is broken on purpose: a fault of gatehouse local")
	case Error:
		return fmt.Errorf("the handler of %s fails on purpose (%s): a fault of gatehouse local", messageType, f.failure)
	}
	return nil
}
