package faults

import (
	"fmt"
	"strings"
	"time"
)

// Range is the durations from Min to Max.
type Range struct{ Min, Max time.Duration }

// UnmarshalText parses the text of String.
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

// MarshalText returns the text of String.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String returns "250ms" or "10ms-1s".
func (r Range) String() string {
	if r.Min == r.Max {
		return r.Min.String()
	}
	return r.Min.String() + "-" + r.Max.String()
}

func (r Range) valid() bool { return r.Min >= 0 && r.Max >= r.Min }

// at returns Min at 0, and Max at 1.
func (r Range) at(point float64) time.Duration {
	return r.Min + time.Duration(point*float64(r.Max-r.Min))
}
