package main

import (
	"fmt"
	"io"
)

// listLimit bounds a list.
type listLimit struct {
	Limit int `default:"50" help:"How many at most, up to 10000."`
}

// Validate checks the command line.
func (l listLimit) Validate() error {
	if l.Limit < 1 || l.Limit > 10_000 {
		return usageError(fmt.Sprintf("--limit %d: want 1 to 10000", l.Limit))
	}
	return nil
}

func printMore(w io.Writer, more bool) {
	if more {
		fmt.Fprintln(w, "There are more (--limit lists them).")
	}
}
