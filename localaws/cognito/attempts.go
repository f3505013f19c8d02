package cognito

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// The fifth failed sign-in locks a user out for a second, each further one twice as long, up to 15
// minutes. Attempts during a lockout do not count. A sign-in, or 15 minutes without an attempt, resets
// the count:
// https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html#authentication-flow-lockout-behavior
const (
	freeFailures = 5
	longestLock  = 15 * time.Minute
	forgetAfter  = 15 * time.Minute
)

type attempts struct {
	Failed      int
	Last        time.Time
	LockedUntil time.Time
}

func (a attempts) locked(now time.Time) bool { return now.Before(a.LockedUntil) }

func (a attempts) failed(now time.Time) attempts {
	since := a.Last
	if a.LockedUntil.After(since) {
		since = a.LockedUntil
	}
	if now.Sub(since) >= forgetAfter {
		a = attempts{}
	}
	a.Failed++
	a.Last = now
	if over := a.Failed - freeFailures; over >= 0 {
		// A longer shift would overflow.
		lock := time.Second << min(over, 10)
		a.LockedUntil = now.Add(min(lock, longestLock))
	}
	return a
}

func attemptsIn(tx *store.Tx, p pool) store.Bucket { return tx.Bucket("cognito", "attempts", p.ID) }

func findAttempts(tx *store.Tx, p pool, u user) (attempts, error) {
	a, _, err := store.GetJSON[attempts](attemptsIn(tx, p), u.Sub)
	return a, err
}

func forgetAttempts(tx *store.Tx, p pool, u user) error {
	attempts := attemptsIn(tx, p)
	if attempts.Get([]byte(u.Sub)) == nil {
		return nil
	}
	return attempts.Delete([]byte(u.Sub))
}

func (s *Service) countFailure(p pool, u user) error {
	return s.env.DB.Update(func(tx *store.Tx) error {
		a, err := findAttempts(tx, p, u)
		if err != nil {
			return err
		}
		return store.PutJSON(attemptsIn(tx, p), u.Sub, a.failed(s.env.Now()))
	})
}
