package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Session makes the calls of one message. All its methods return nil, a
// *portal.Postponed (no token, no turn to attach, too little time left of the
// message, a table that does not answer, or ctx ended before), a *Refused, a *Full
// or an *Unavailable. After a Postponed that call was not made; where a method
// makes several, an earlier one may have been, so every method may be repeated.
type Session struct {
	cp      *ControlPlane
	urgency Urgency
	lease   func() time.Time
}

// Session begins the calls of one message. lease says until when the message is
// ours; a call starts only if that is at least twice its timeout away, so that
// nobody else works on the message while the call can still take effect. nil is
// for work that no message stands behind.
func (cp *ControlPlane) Session(urgency Urgency, lease func() time.Time) *Session {
	return &Session{cp: cp, urgency: urgency, lease: lease}
}

// operation is one of AWS's, and what a call of it needs.
type operation struct {
	name      string
	class     class
	exclusive bool // under the attach lease
}

// call makes one attempt. A token that no call is made with goes back to the
// process's other calls of that class and urgency. The error is one of those of
// Session, or absent, or conflict.
func (s *Session) call(ctx context.Context, op operation, attempt func(ctx context.Context) error) error {
	release, err := s.admit(ctx, op)
	if err != nil {
		return err
	}
	return s.attempt(ctx, op, release, attempt)
}

// attempt is what call does once the call is admitted.
func (s *Session) attempt(ctx context.Context, op operation, release func(), attempt func(ctx context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, s.cp.timeout)
	defer cancel()
	err := classify(attempt(within))
	release()
	s.report(ctx, op, err)
	return err
}

// read is call for operations of which neither 404 nor 409 has a meaning of its own.
func (s *Session) read(ctx context.Context, op operation, attempt func(ctx context.Context) error) error {
	return settled(s.call(ctx, op, attempt))
}

// admit gets what a call needs, and counts a call that does not get it. The token comes
// first: it lets so few through that the attach lease is rarely in dispute.
func (s *Session) admit(ctx context.Context, op operation) (release func(), err error) {
	release, err = s.enter(ctx, op)
	if err != nil {
		s.cp.observe(op.name, "postponed")
	}
	return release, err
}

func (s *Session) enter(ctx context.Context, op operation) (release func(), err error) {
	taker := s.cp.budget.taker(op.class, s.urgency)
	if err := taker.take(ctx); err != nil {
		return nil, err
	}
	release = func() {}
	if op.exclusive {
		s.cp.attaching.Add(1)
		defer s.cp.attaching.Add(-1)
		if release, err = s.cp.budget.leases.attach(ctx, 2*s.cp.timeout, s.urgency); err != nil {
			taker.giveBack()
			return nil, err
		}
	}
	if s.lease != nil && !s.cp.outlasts(s.lease) {
		s.withdraw(op, release)
		return nil, tooLate()
	}
	return release, nil
}

// withdraw gives back what admit got for a call that is not made after all.
func (s *Session) withdraw(op operation, release func()) {
	release()
	s.cp.budget.taker(op.class, s.urgency).giveBack()
}

// outlasts says whether a message is ours for so long that a call may start: until even
// one that is given up can no longer take effect.
func (cp *ControlPlane) outlasts(lease func() time.Time) bool {
	return lease().Sub(cp.budget.now()) >= 2*cp.timeout
}

func tooLate() error {
	return &portal.Postponed{After: jitter(time.Second, 3*time.Second), Reason: "message lease"}
}

// report counts an attempt, logs it if it failed, and slows everyone down if it
// was throttled.
func (s *Session) report(ctx context.Context, op operation, err error) {
	outcome := outcomeOf(err)
	s.cp.observe(op.name, outcome)
	if err == nil {
		return
	}
	log := zerolog.Ctx(ctx)
	level := zerolog.WarnLevel
	if outcome == "not_found" || outcome == "conflict" {
		level = zerolog.InfoLevel
	}
	log.WithLevel(level).Err(err).Str("operation", op.name).Str("outcome", outcome).Msg("control plane call failed")
	if outcome != "throttled" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := s.cp.budget.slow(ctx); err != nil {
		log.Warn().Err(err).Msg("the throttled control plane could not be recorded")
	}
}

func outcomeOf(err error) string {
	var (
		full        *Full
		no          *Refused
		notFound    *absent
		clash       *conflict
		unavailable *Unavailable
	)
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &full):
		return "full"
	case errors.As(err, &no):
		return "refused"
	case errors.As(err, &notFound):
		return "not_found"
	case errors.As(err, &clash):
		return "conflict"
	case errors.As(err, &unavailable) && unavailable.Throttled:
		return "throttled"
	case errors.As(err, &unavailable) && unavailable.Forbidden:
		return "forbidden"
	default:
		return "unavailable"
	}
}
