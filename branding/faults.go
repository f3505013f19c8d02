package branding

import (
	"fmt"
	"strings"
)

// Faults are all that is wrong with a folder. Each is a line that says what to change.
type Faults []string

func (f Faults) Error() string {
	return fmt.Sprintf("the branding is not usable:\n  %s", strings.Join(f, "\n  "))
}

func suggestion(word string, known []string) string {
	best, distance := "", 3
	for _, candidate := range known {
		if d := edits(strings.ToLower(word), candidate); d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return "; the keys here are " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

func edits(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
