package cognito

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// A user who fails to sign in five times is locked out for a second, and after
// each further failure for twice as long, up to some 15 minutes. Attempts while
// locked out do not count. Signing in, or 15 minutes without an attempt, starts
// anew. So it is in Cognito:
// https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html#authentication-flow-lockout-behavior
const (
	freeFailures = 5
	longestLock  = 15 * time.Minute
	forgetAfter  = 15 * time.Minute
)

// attempts are a user's failures since the last sign-in.
type attempts struct {
	Failed      int
	Last        time.Time
	LockedUntil time.Time
}

// locked reports whether the user may not even try.
func (a attempts) locked(now time.Time) bool { return now.Before(a.LockedUntil) }

// failed adds one failure.
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
		// Shifting by more than that would only overflow.
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

// countFailure adds one failure to what is stored now.
func (s *Service) countFailure(p pool, u user) error {
	return s.env.DB.Update(func(tx *store.Tx) error {
		a, err := findAttempts(tx, p, u)
		if err != nil {
			return err
		}
		return store.PutJSON(attemptsIn(tx, p), u.Sub, a.failed(s.env.Now()))
	})
}
