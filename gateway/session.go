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
// message, a table that does not answer, or ctx ended before), a *Refused, a
// *LimitReached or an *Unavailable. After a Postponed that call was not made; where a method
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

// call makes one attempt. A token that no call is made with goes back to the
// process's other calls of that class and urgency. The error is one of those of
// Session, or absent, or conflict.
func (s *Session) call(ctx context.Context, op Operation, attempt func(ctx context.Context) error) error {
	p, err := s.admit(ctx, op)
	if err != nil {
		return err
	}
	return s.attempt(ctx, op, p, attempt)
}

// attempt is what call does once the call is admitted.
func (s *Session) attempt(ctx context.Context, op Operation, p permit, attempt func(ctx context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, s.cp.timeout)
	defer cancel()
	err := func() error {
		defer p.release() // a panic, too, must not keep the attach lease and the lane
		return classify(op, attempt(within))
	}()
	s.report(ctx, op, err)
	return err
}

// read is call for operations of which neither 404 nor 409 has a meaning of its own.
func (s *Session) read(ctx context.Context, op Operation, attempt func(ctx context.Context) error) error {
	return asUnavailable(s.call(ctx, op, attempt))
}

// permit is what a call needs: a token, and the attach lease if the operation is exclusive.
type permit struct {
	token   token
	release func()
}

// admit gets what a call needs, and counts a call that does not get it.
func (s *Session) admit(ctx context.Context, op Operation) (permit, error) {
	p, err := s.enter(ctx, op)
	if err != nil {
		s.cp.observe(op.name, "postponed")
	}
	return p, err
}

// enter draws the token last, so that the call reaches AWS right after.
func (s *Session) enter(ctx context.Context, op Operation) (p permit, err error) {
	p.release = func() {}
	taker := s.cp.budget.taker(op.class, s.urgency)
	take := taker.take
	if op.exclusive {
		if p.release, err = s.turn(ctx, taker); err != nil {
			return permit{}, err
		}
		take = func(ctx context.Context) (token, error) { return taker.takeFirst(ctx, patience) }
	}
	if err := s.renew(ctx, &p, take); err != nil {
		return permit{}, err
	}
	if op.creates {
		if err := s.cp.budget.room.check(ctx); err != nil {
			s.withdraw(op, p)
			return permit{}, err
		}
		if err := s.renew(ctx, &p, take); err != nil {
			return permit{}, err
		}
	}
	if s.lease != nil && !s.cp.Outlasts(s.lease) {
		s.withdraw(op, p)
		return permit{}, tooLate()
	}
	return p, nil
}

// renew takes a token unless the one in hand may still be used. Without one it releases the
// permit.
func (s *Session) renew(ctx context.Context, p *permit, take func(context.Context) (token, error)) (err error) {
	for !p.token.usable(s.cp.budget.now()) {
		if p.token, err = take(ctx); err != nil {
			p.release()
			return err
		}
	}
	return nil
}

// turn waits for the attach lease, and to be able to afford a call under it.
func (s *Session) turn(ctx context.Context, t *taker) (release func(), err error) {
	s.cp.attaching.Add(1)
	defer s.cp.attaching.Add(-1)
	return s.cp.budget.attach.take(ctx, 2*s.cp.timeout, s.urgency, func(ctx context.Context) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		_, wait, err := s.cp.budget.draw(ctx, t.queue, 0)
		return wait, err
	})
}

// AwaitToken waits as long as a call that reads would wait for a token, and takes none. The
// error is a *portal.Postponed.
func (s *Session) AwaitToken(ctx context.Context) error {
	p, err := s.admit(ctx, ListAPIKeys)
	if err == nil {
		s.withdraw(ListAPIKeys, p)
	}
	return err
}

// withdraw gives back what admit got for a call that is not made after all.
func (s *Session) withdraw(op Operation, p permit) {
	p.release()
	s.cp.budget.taker(op.class, s.urgency).giveBack(p.token)
}

// Outlasts says whether a message is leased for so long that a call may start: until even a
// call that is given up can no longer take effect.
func (cp *ControlPlane) Outlasts(lease func() time.Time) bool {
	return lease().Sub(cp.budget.now()) >= 2*cp.timeout
}

func tooLate() error {
	return &portal.Postponed{After: jitter(time.Second, 3*time.Second), Reason: "message lease"}
}

// report counts an attempt, logs it if it failed, and records it if it was throttled: the
// second in a while slows every process down.
func (s *Session) report(ctx context.Context, op Operation, err error) {
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
	if err := s.cp.budget.throttled(ctx); err != nil {
		log.Warn().Err(err).Msg("the throttled control plane could not be recorded")
	}
}

func outcomeOf(err error) string {
	var (
		full        *LimitReached
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
