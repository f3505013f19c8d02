package gateway

import "time"

// skew is how far ahead of this process's clock another process's may be.
const skew = 10 * time.Second

// latest is the latest time that another process can have stored by now, for something that
// it lets last for ahead. A time beyond it comes from a clock that was wrong.
func latest(now time.Time, ahead time.Duration) time.Time { return now.Add(ahead + skew) }

// believed is a time that some process has stored, or now if its clock must have been wrong.
// Otherwise a process whose clock is ahead for a moment would stop the others until theirs
// have caught up.
func believed(stored, now time.Time, ahead time.Duration) time.Time {
	if stored.After(latest(now, ahead)) {
		return now
	}
	return stored
}

// earlier is the time that some process has stored for something past, or now if it lies
// ahead at all.
func earlier(stored, now time.Time) time.Time {
	if stored.After(now) {
		return now
	}
	return stored
}

// believedMillis is believed for epoch milliseconds.
func believedMillis(stored int64, now time.Time, ahead time.Duration) int64 {
	return believed(time.UnixMilli(stored), now, ahead).UnixMilli()
}
