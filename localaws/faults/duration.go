package faults

import (
	"fmt"
	"strings"
	"time"
)

// Range is a fixed duration, or all those from Min to Max. Its text is "250ms" or
// "10ms-1s".
type Range struct{ Min, Max time.Duration }

// UnmarshalText reads what String writes.
func (r *Range) UnmarshalText(text []byte) error {
	from, to, ranged := strings.Cut(string(text), "-")
	low, err := time.ParseDuration(from)
	if err != nil {
		return fmt.Errorf("%q is not a duration like 250ms, nor a range like 10ms-1s", text)
	}
	high := low
	if ranged {
		if high, err = time.ParseDuration(to); err != nil {
			return fmt.Errorf("%q is not a range like 10ms-1s", text)
		}
	}
	*r = Range{low, high}
	return nil
}

// MarshalText writes the text.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String is the text.
func (r Range) String() string {
	if r.Min == r.Max {
		return r.Min.String()
	}
	return r.Min.String() + "-" + r.Max.String()
}

func (r Range) valid() bool { return r.Min >= 0 && r.Max >= r.Min }

// at is the duration at a point between 0, the shortest, and 1, the longest.
func (r Range) at(point float64) time.Duration {
	return r.Min + time.Duration(point*float64(r.Max-r.Min))
}
