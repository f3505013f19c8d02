package api

import "time"

func timeText(t time.Time) string { return timeIn(time.RFC3339, t) }

func timeIn(format string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(format)
}
