package gateway

import (
	"context"
	"time"
)

// State is the budget at one moment, for operators.
type State struct {
	// Left are the tokens for calls of any kind, of at most Burst; PerSecond come back in a second, half
	// as many until SlowUntil.
	Left, Burst, PerSecond float64
	// ThrottledAt is when AWS last refused a call that had a token, zero for never.
	ThrottledAt, SlowUntil time.Time
}

// State reads the budget. It draws no token. Before the first call of all, every token is left.
func (b *Budget) State(ctx context.Context) (State, error) {
	item, err := b.read(ctx)
	if err != nil {
		return State{}, err
	}
	now, size := item.refilled(b.now(), b.limits), b.limits[total]
	state := State{Left: now.Tokens[total], Burst: size.burst, PerSecond: size.rate}
	if item.ThrottledAt != 0 {
		state.ThrottledAt = time.UnixMilli(item.ThrottledAt)
	}
	if slow := time.UnixMilli(now.SlowUntil); slow.After(b.now()) {
		state.SlowUntil, state.PerSecond = slow, size.rate/2
	}
	return state, nil
}
