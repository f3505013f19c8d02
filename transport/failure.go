package transport

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// RetryLimit says when a message that keeps failing becomes a dead letter: once it has
// failed Failures times over at least Span; 5 times, 15 minutes. What a handler's error
// leads to:
//
//	portal.Postponed        it comes again after its delay; nothing is counted
//	portal.ErrStopping      in a Postponed: it comes again at once, to another worker
//	portal.Error "invalid"  it is a dead letter at once
//	any other, or a panic   counted; it comes again after a backoff, or is a dead letter
//
// A message that cannot be read, or has no handler, is a dead letter at once. If the
// dead letter or the count cannot be written the message comes again: it is only
// deleted when it was handled or buried.
type RetryLimit struct {
	Failures int
	Span     time.Duration
}

func (l RetryLimit) withDefaults() RetryLimit {
	return RetryLimit{Failures: cmp.Or(l.Failures, 5), Span: cmp.Or(l.Span, 15*time.Minute)}
}

func (l RetryLimit) exhausted(f Failure, now time.Time) bool {
	return f.Count >= l.Failures && now.Sub(f.First) >= l.Span
}

// Failure is how often a message has failed so far, and when first.
type Failure struct {
	Count int
	First time.Time
}

// failures is where failures and dead letters are kept.
type failures interface {
	// Failed counts one more failure under the key, which is a FailureKey.
	Failed(ctx context.Context, key string, at time.Time) (Failure, error)
	// Bury keeps the dead letter. A second time for the same message is not an error.
	// It may forget what was counted under the FailureKey: that never comes again.
	Bury(ctx context.Context, letter DeadLetter) error
}

// noteTime is how long noting a failure may take.
const noteTime = 10 * time.Second

// policy answers each message: ack when it is handled or buried, otherwise nack.
type policy struct {
	failures failures
	limit    RetryLimit
	now      func() time.Time
}

func (p *policy) middleware(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		_, err := next(msg)
		h := handlingOf(msg.Context())
		h.outcome, h.err = p.decide(msg, h, err)
		switch h.outcome {
		case handled, ignored, buried:
			msg.Ack()
		default:
			msg.Nack()
		}
		return nil, nil
	}
}

// decide returns the error to tell of, which is the handler's unless noting it failed.
func (p *policy) decide(msg *message.Message, h *handling, err error) (outcome, error) {
	ctx := msg.Context()
	var later *portal.Postponed
	switch {
	case err == nil:
		return handled, nil
	case errors.Is(err, errIgnored):
		return ignored, nil
	case errors.As(err, &later) && errors.Is(err, portal.ErrStopping):
		pubsub.RedeliverAtOnce(ctx)
		return postponed, err
	case errors.As(err, &later):
		pubsub.RedeliverAfter(ctx, later.After)
		return postponed, err
	case errors.Is(context.Cause(ctx), pubsub.ErrClosing):
		// The worker cut it off, which is no fault of the message.
		return postponed, err
	}
	// The handler's time may be up; noting that needs some of its own.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	now := p.now().UTC()
	letter := deadLetter(msg, h, err, now)
	if !letter.Class.permanent() {
		failure, countErr := p.failures.Failed(ctx, letter.FailureKey, now)
		if countErr != nil {
			return kept, errors.Join(err, countErr)
		}
		if !p.limit.exhausted(failure, now) {
			return failed, err
		}
		letter.Attempts, letter.First = failure.Count, failure.First
	}
	if buryErr := p.failures.Bury(ctx, letter); buryErr != nil {
		return kept, errors.Join(err, buryErr)
	}
	return buried, err
}
