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

// RetryLimit says when a message that keeps failing becomes a dead letter: after Failures
// failures (5) over at least Span (15 minutes).
type RetryLimit struct {
	Failures int
	Span     time.Duration
}

func (l RetryLimit) withDefaults() RetryLimit {
	return RetryLimit{Failures: cmp.Or(l.Failures, 5), Span: cmp.Or(l.Span, 15*time.Minute)}
}

func (l RetryLimit) exhausted(count int, first, now time.Time) bool {
	return count >= l.Failures && now.Sub(first) >= l.Span
}

type failures interface {
	// Failed counts one more failure under the key and returns how many there were and when the
	// first was.
	Failed(ctx context.Context, key string, at time.Time) (count int, first time.Time, err error)
	// Bury stores the dead letter, and may be repeated. It may forget the failures under its
	// FailureKey, which is not used again.
	Bury(ctx context.Context, letter DeadLetter) error
}

const noteTime = 10 * time.Second

// policy acks messages that were handled, ignored or became dead letters, and nacks the others.
// The first row that matches a handler's error applies:
//
//	portal.ErrStopping      in a Postponed: delivered again at once, so that another worker can
//	                        take it; nothing is counted
//	portal.Postponed        delivered again after its delay; nothing is counted
//	any, cut off            by a worker that closes: delivered again; nothing is counted
//	portal.Error "invalid"  a dead letter at once
//	any other, and a panic  counted; delivered again after a backoff, or a dead letter
//
// A message also becomes a dead letter at once if it cannot be read, comes from a dead-letter
// queue of SQS, or has a type without a handler (unless the consumer has IgnoreUnknown). If the
// dead letter or the count cannot be written, the message is delivered again.
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
		return postponed, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	now := p.now().UTC()
	letter := deadLetter(msg, h, err, now)
	if !isPermanent(letter.Class) {
		var count int
		var first time.Time
		countErr := portal.Guard(func() (err error) {
			count, first, err = p.failures.Failed(ctx, letter.FailureKey, now)
			return err
		})()
		if countErr != nil {
			return kept, errors.Join(err, countErr)
		}
		if !p.limit.exhausted(count, first, now) {
			return failed, err
		}
		letter.Attempts, letter.First = count, first
	}
	if buryErr := portal.Guard(func() error { return p.failures.Bury(ctx, letter) })(); buryErr != nil {
		return kept, errors.Join(err, buryErr)
	}
	return buried, err
}
