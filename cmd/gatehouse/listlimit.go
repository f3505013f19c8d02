package main

import (
	"fmt"
	"io"
)

// listLimit bounds a list. The command asks for one row more, which tells that the list goes on.
type listLimit struct {
	Limit int `default:"50" help:"How many at most, up to 10000."`
}

// Validate checks the command line.
func (l listLimit) Validate() error {
	if l.Limit < 1 || l.Limit > 10_000 {
		return usage(fmt.Sprintf("--limit %d: want 1 to 10000", l.Limit))
	}
	return nil
}

// cutTo returns at most limit rows. more: there were others.
func cutTo[T any](limit int, rows []T) (cut []T, more bool) {
	return rows[:min(len(rows), limit)], len(rows) > limit
}

func printMore(w io.Writer, more bool) {
	if more {
		fmt.Fprintln(w, "There are more (--limit lists them).")
	}
}
