// Package clock says which stored times to believe. Processes store times that others go by,
// and a clock may be wrong: were every time believed, a process whose clock is ahead for a
// moment would stop the others until theirs have caught up.
package clock

import "time"

// Skew is how far ahead of this process's clock another process's may be.
const Skew = 10 * time.Second

// Latest is the latest time that another process can have stored by now, for something that
// it lets last for ahead. A time beyond it comes from a clock that was wrong.
func Latest(now time.Time, ahead time.Duration) time.Time { return now.Add(ahead + Skew) }

// Believed is a time that some process has stored, or now if it lies beyond Latest.
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

// Earlier is the time that some process has stored for something past, or now if it lies
// ahead at all.
func Earlier(stored, now time.Time) time.Time {
	if stored.After(now) {
		return now
	}
	return stored
}
