// Package clock says which stored times to believe. A process with a fast clock may have
// stored a time far in the future; others that believed it would stop until then.
package clock

import "time"

// Skew is how far another process's clock may be ahead.
const Skew = 10 * time.Second

// Latest is the latest time that a right clock can have stored for something that lasts for
// ahead.
func Latest(now time.Time, ahead time.Duration) time.Time { return now.Add(ahead + Skew) }

// Believed is the stored time, or now if that is beyond Latest.
func Believed(stored, now time.Time, ahead time.Duration) time.Time {
	if stored.After(Latest(now, ahead)) {
		return now
	}
	return stored
}

// BelievedMillis is Believed for epoch milliseconds.
func BelievedMillis(stored int64, now time.Time, ahead time.Duration) int64 {
	return Believed(time.UnixMilli(stored), now, ahead).UnixMilli()
}

// Earlier is the stored time, or now if that is in the future.
func Earlier(stored, now time.Time) time.Time {
	if stored.After(now) {
		return now
	}
	return stored
}
