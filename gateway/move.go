package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Move detaches the key from one plan and attaches it to the other. In between, the key is in
// neither plan, so Move takes the attach lease and both tokens first, and repeats the second call
// at once if that may help. If API Gateway refuses to attach the key for good, Move attaches it
// to the first plan again.
//
// A plan that is gone, or that the key is not in, counts as detached. The errors are those of
// Attach. After any but a Postponed, the key may be in either plan or in none.
func (s *Session) Move(ctx context.Context, from, to portal.PlanID, key portal.GatewayKeyID) error {
	second, release, err := s.detachForMove(ctx, from, key)
	if err != nil {
		return err
	}
	until := s.cp.budget.now().Add(2 * s.cp.timeout)
	err = func() error {
		defer release()
		return s.attachUntil(ctx, until, second, to, key)
	}()
	err = s.attachAnswer(ctx, to, key, err)
	if no := (*Refused)(nil); errors.As(err, &no) && no.Reason != KeyGone && no.Rival != from {
		// The caller makes sure of the key; this only shortens its time without a plan.
		_ = s.Attach(ctx, from, key)
	}
	return err
}

func (s *Session) detachForMove(ctx context.Context, from portal.PlanID, key portal.GatewayKeyID) (second token, release func(), err error) {
	waiting, span := s.awaits(ctx, deleteUsagePlanKey)
	first, second, giveUp, err := s.admitMove(waiting)
	if err != nil {
		s.postponed(span, deleteUsagePlanKey)
	}
	span.End()
	if err != nil {
		return token{}, nil, err
	}
	detached := false
	defer func() {
		if !detached { // after a panic, too
			giveUp()
		}
	}()
	err = s.attempt(ctx, deleteUsagePlanKey, permit{token: first, release: func() {}}, func(ctx context.Context) error {
		_, err := s.cp.client.DeleteUsagePlanKey(ctx, &apigateway.DeleteUsagePlanKeyInput{
			UsagePlanId: aws.String(string(from)), KeyId: aws.String(string(key)),
		})
		return err
	})
	if err != nil && !IsNotFound(err) {
		s.returnToken(createUsagePlanKey, permit{token: second})
		return token{}, nil, asUnavailable(err)
	}
	detached = true
	return second, giveUp, nil
}

// admitMove takes the attach lease for up to four calls, and two tokens. The second is used later
// than tokens may be; since moves take turns, at most one call in all processes comes late.
func (s *Session) admitMove(ctx context.Context) (first, second token, release func(), err error) {
	taker := s.cp.budget.taker(deleteUsagePlanKey.class, s.urgency)
	giveUp, err := s.turnFor(ctx, taker, 4*s.cp.timeout)
	if err != nil {
		return first, second, nil, err
	}
	admitted := false
	defer func() {
		if !admitted { // after a panic, too
			taker.giveBack(first)
			taker.giveBack(second)
			giveUp()
		}
	}()
	for now := s.cp.budget.now; !first.usable(now()) || !second.usable(now()); {
		for _, t := range []*token{&first, &second} {
			if t.usable(now()) {
				continue
			}
			if *t, err = taker.takeFirst(ctx, tokenWait); err != nil {
				return first, second, nil, err
			}
		}
	}
	if s.lease != nil && s.lease().Sub(s.cp.budget.now()) < 4*s.cp.timeout {
		return first, second, nil, tooLate()
	}
	admitted = true
	return first, second, giveUp, nil
}

// attachUntil repeats the call until that time, each with a token, while another change is under
// way or API Gateway does not answer.
func (s *Session) attachUntil(ctx context.Context, until time.Time, t token, to portal.PlanID, key portal.GatewayKeyID) error {
	for {
		err := s.attempt(ctx, createUsagePlanKey, permit{token: t, release: func() {}}, s.attaching(to, key))
		var busy *Unavailable
		passes := IsConcurrentChange(err) || errors.As(err, &busy) && !busy.Forbidden
		if !passes || s.cp.budget.now().After(until) {
			return err
		}
		taker := s.cp.budget.taker(createUsagePlanKey.class, s.urgency)
		again, none := taker.takeFirst(ctx, tokenWait)
		if none != nil {
			return err
		}
		t = again
	}
}
