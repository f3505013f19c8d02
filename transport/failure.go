package transport

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Patience says when a message that keeps failing becomes a dead letter: at the
// failure by which it has failed Failures times over at least Span; 5 times, 15
// minutes. What a handler's error leads to:
//
//	portal.Postponed        it comes again after its delay; nothing is counted
//	portal.ErrStopping      in a Postponed: it comes again at once, to another worker
//	portal.Error "invalid"  it is a dead letter at once
//	any other, or a panic   counted; it comes again after a backoff, or is a dead letter
//	                        (a portal.PanicError also where it is in a Postponed)
//
// A message that cannot be read, or has no handler, is a dead letter at once. If the
// dead letter or the count cannot be written the message comes again: it is only
// deleted when it was handled or buried.
type Patience struct {
	Failures int
	Span     time.Duration
}

func (p Patience) withDefaults() Patience {
	return Patience{Failures: orDefault(p.Failures, 5), Span: orDefault(p.Span, 15*time.Minute)}
}

func (p Patience) exhausted(f Failure, now time.Time) bool {
	return f.Count >= p.Failures && now.Sub(f.First) >= p.Span
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

// policy answers each message: ack when it is handled or buried, otherwise nack.
type policy struct {
	failures failures
	patience Patience
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
	var panicked *portal.PanicError
	switch {
	case err == nil:
		return handled, nil
	case errors.Is(err, errIgnored):
		return ignored, nil
	case errors.As(err, &panicked):
		// It is counted, also where somebody took it for a reason to postpone.
	case errors.As(err, &later) && errors.Is(err, portal.ErrStopping):
		askNoDelay(ctx)
		return postponed, err
	case errors.As(err, &later):
		askDelay(ctx, later.After)
		return postponed, err
	case errors.Is(context.Cause(ctx), errShutdown):
		// The worker cut it off, which is no fault of the message.
		return postponed, err
	}
	// The handler's time may be up; noting that needs some of its own.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	now := p.now().UTC()
	letter := deadLetter(msg, h, err, now)
	if !letter.Class.permanent() {
		failure, countErr := p.failures.Failed(ctx, letter.FailureKey, now)
		if countErr != nil {
			return kept, errors.Join(err, countErr)
		}
		if !p.patience.exhausted(failure, now) {
			return failed, err
		}
		letter.Attempts, letter.First = failure.Count, failure.First
	}
	if buryErr := p.failures.Bury(ctx, letter); buryErr != nil {
		return kept, errors.Join(err, buryErr)
	}
	return buried, err
}

// refused is a message that is not to be tried again, and why.
type refused struct {
	class Class
	err   error
}

func (r *refused) Error() string { return r.err.Error() }
func (r *refused) Unwrap() error { return r.err }

func classOf(err error) Class {
	var r *refused
	var panicked *portal.PanicError
	switch {
	case errors.As(err, &r):
		return r.class
	case errors.As(err, &panicked):
		return Panicked
	case portal.CodeOf(err) == portal.Invalid:
		return Refused
	}
	return Failed
}

// failureKey is SQS's id of the message: another one for each queue that an event
// reaches, so that two consumers do not count for each other, another one for each
// replay, which starts anew, and the same for every delivery.
func failureKey(msg *message.Message, h *handling) string {
	return orDefault(msg.Metadata.Get(MessageIDKey), h.consumer.Name+"/"+h.head.ID)
}

// deadLetter is what would be buried if the first attempt were the last.
func deadLetter(msg *message.Message, h *handling, err error, now time.Time) DeadLetter {
	letter := DeadLetter{
		MessageID: h.head.ID, FailureKey: failureKey(msg, h), Queue: h.consumer.Queue, Consumer: h.consumer.Name,
		Type: h.head.Type, Subject: portal.Stream(h.head.Subject), Operation: portal.OperationID(h.head.Operation),
		Body: msg.Payload, Class: classOf(err), Error: errorText(err, msg.Payload),
		Attempts: 1, First: now, Last: now,
	}
	if letter.Class == Redriven {
		if received, err := strconv.Atoi(msg.Metadata.Get(ReceiveCountKey)); err == nil {
			letter.Attempts = received
		}
		if sent, err := time.Parse(time.RFC3339Nano, msg.Metadata.Get(SentAtKey)); err == nil {
			letter.First = sent
		}
	}
	return letter
}
