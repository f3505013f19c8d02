package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/traces"
)

// Session makes the calls of one message. Its methods return nil, a *Refused, a *LimitReached, an
// *Unavailable, or a *portal.Postponed: no token, no attach lease, too little left of the
// message's lease, a table that does not answer, or an ended ctx. A Postponed call was not made,
// but an earlier one of the same method may have been. Every method may be repeated.
type Session struct {
	cp      *ControlPlane
	urgency Urgency
	lease   func() time.Time
}

// Session begins the calls of one message. lease returns the end of the message's lease; nil is
// for work without a message. A call starts only if the lease lasts for two more call timeouts,
// so that no other worker has the message when the call takes effect.
func (cp *ControlPlane) Session(urgency Urgency, lease func() time.Time) *Session {
	return &Session{cp: cp, urgency: urgency, lease: lease}
}

func (s *Session) call(ctx context.Context, op Operation, attempt func(ctx context.Context) error) error {
	p, err := s.admit(ctx, op)
	if err != nil {
		return err
	}
	return s.attempt(ctx, op, p, attempt)
}

func (s *Session) attempt(ctx context.Context, op Operation, p permit, attempt func(ctx context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, s.cp.timeout)
	defer cancel()
	err := func() error {
		defer p.release() // a panic, too, must not keep the attach lease and the queue
		return classify(op, attempt(within))
	}()
	s.report(ctx, op, err)
	return err
}

func (s *Session) read(ctx context.Context, op Operation, attempt func(ctx context.Context) error) error {
	return asUnavailable(s.call(ctx, op, attempt))
}

type permit struct {
	token   token
	release func()
}

func (s *Session) admit(ctx context.Context, op Operation) (permit, error) {
	ctx, span := s.awaits(ctx, op)
	defer span.End()
	p, err := s.enter(ctx, op)
	if err != nil {
		s.postponed(span, op)
	}
	return p, err
}

// awaits begins the span of the wait for a token, and for the attach lease.
func (s *Session) awaits(ctx context.Context, op Operation) (context.Context, traces.Span) {
	ctx, span := traces.Start(ctx, traces.Internal, "await budget", op.name)
	span.Set(traces.Urgency, s.urgency.String())
	return ctx, span
}

func (s *Session) postponed(span traces.Span, op Operation) {
	s.cp.observe(op.name, "postponed")
	span.Set(traces.Outcome, "postponed")
}

// The token comes last, so that the call reaches AWS right after.
func (s *Session) enter(ctx context.Context, op Operation) (p permit, err error) {
	p.release = func() {}
	taker := s.cp.budget.taker(op.class, s.urgency)
	take := taker.take
	if op.exclusive {
		if p.release, err = s.turn(ctx, taker); err != nil {
			return permit{}, err
		}
		take = func(ctx context.Context) (token, error) { return taker.takeFirst(ctx, tokenWait) }
	}
	admitted := false
	release := p.release
	defer func() {
		if !admitted { // after a panic, too
			release()
		}
	}()
	if err := s.renew(ctx, &p, take); err != nil {
		return permit{}, err
	}
	if op.creates {
		if err := s.cp.budget.room.check(ctx); err != nil {
			s.returnToken(op, p)
			return permit{}, err
		}
		if err := s.renew(ctx, &p, take); err != nil {
			return permit{}, err
		}
	}
	if s.lease != nil && !s.cp.Outlasts(s.lease) {
		s.returnToken(op, p)
		return permit{}, tooLate()
	}
	admitted = true
	return p, nil
}

func (s *Session) renew(ctx context.Context, p *permit, take func(context.Context) (token, error)) (err error) {
	for !p.token.usable(s.cp.budget.now()) {
		if p.token, err = take(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) turn(ctx context.Context, t *taker) (release func(), err error) {
	return s.turnFor(ctx, t, 2*s.cp.timeout)
}

func (s *Session) turnFor(ctx context.Context, t *taker, length time.Duration) (release func(), err error) {
	s.cp.attaching.Add(1)
	defer s.cp.attaching.Add(-1)
	return s.cp.budget.attach.take(ctx, length, s.urgency, func(ctx context.Context) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(ctx, tableTimeout)
		defer cancel()
		_, wait, err := s.cp.budget.draw(ctx, t.kind, 0)
		return wait, err
	})
}

// AwaitToken waits for a token as a reading call does, and takes none. Its error is a
// *portal.Postponed.
func (s *Session) AwaitToken(ctx context.Context) error {
	p, err := s.admit(ctx, ListAPIKeys)
	if err == nil {
		s.returnPermit(ListAPIKeys, p)
	}
	return err
}

// returnPermit gives the token to the process's other calls.
func (s *Session) returnPermit(op Operation, p permit) {
	p.release()
	s.returnToken(op, p)
}

func (s *Session) returnToken(op Operation, p permit) {
	s.cp.budget.taker(op.class, s.urgency).giveBack(p.token)
}

// Outlasts reports whether a message's lease is long enough to start a call, even one that times
// out and takes effect.
func (cp *ControlPlane) Outlasts(lease func() time.Time) bool {
	return lease().Sub(cp.budget.now()) >= 2*cp.timeout
}

func tooLate() error {
	return &portal.Postponed{After: jitter(time.Second, 3*time.Second), Reason: "message lease"}
}

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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tableTimeout)
	defer cancel()
	if err := s.cp.budget.throttled(ctx); err != nil {
		log.Warn().Err(err).Msg("cannot record that API Gateway throttled a call")
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
