package web

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// times formats times in one reader's time zone. Days of usage and quota periods stay in UTC.
type times struct {
	now  time.Time
	zone *time.Location
}

// times are in UTC without a choice.
func (s *Web) times(ctx context.Context) times {
	when := times{now: s.now(), zone: time.UTC}
	if id, ok := identity.From(ctx); ok {
		if zone, err := members.ParseTimeZone(id.TimeZone); err == nil {
			when.zone = zone
		}
	}
	return when
}

// moment is a time shown by its age, which the script keeps up to date.
type moment struct {
	// Machine is RFC 3339, UTC, or "".
	Machine  string
	Absolute string
	Relative string
}

func (when times) moment(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{Machine: t.UTC().Format(time.RFC3339), Absolute: when.full(t), Relative: when.ago(t)}
}

// full has seconds and the short name of the zone, for tooltips.
func (when times) full(t time.Time) string {
	return t.In(when.zone).Format("2 January 2006, 15:04:05 MST")
}

// exactly names the zone only if it is UTC, which may not be the reader's. The foot of the page names
// any other.
func (when times) exactly(t time.Time) string {
	text := t.In(when.zone).Format("2 January 2006 at 15:04")
	if when.zone == time.UTC {
		text += " UTC"
	}
	return text
}

func (when times) day(t time.Time) string { return t.In(when.zone).Format(dayFormat) }

const dayFormat = "2 January 2006"

// ago returns the age in one unit, or the day after a month. The script uses the same
// words.
func (when times) ago(t time.Time) string {
	const day = 24 * time.Hour
	switch d := when.now.Sub(t); {
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return count(int(d/time.Second), "second") + " ago"
	case d < time.Hour:
		return count(int(d/time.Minute), "minute") + " ago"
	case d < day:
		return count(int(d/time.Hour), "hour") + " ago"
	case d < 31*day:
		return count(int(d/day), "day") + " ago"
	}
	return "on " + when.day(t)
}

func (when times) until(t time.Time) string {
	const day = 24 * time.Hour
	switch d := t.Sub(when.now); {
	case d < time.Minute:
		return "in a moment"
	case d < time.Hour:
		return "in " + count(int(d/time.Minute), "minute")
	case d < day:
		return "in " + count(int(d/time.Hour), "hour")
	default:
		return "in " + count(int(d/day), "day")
	}
}

// phrase is text with times in it, each as a time element.
type phrase []piece

type piece struct {
	Text              string
	Machine, Absolute string
	Ticks             bool
}

func plain(text string) piece { return piece{Text: text} }

func (when times) at(t time.Time) piece {
	return piece{Text: when.exactly(t), Machine: t.UTC().Format(time.RFC3339), Absolute: when.full(t)}
}

func (when times) countdown(t time.Time) piece {
	return piece{Text: when.until(t), Machine: t.UTC().Format(time.RFC3339), Absolute: when.full(t), Ticks: true}
}

// stamp matches times in texts of notices and projections.
var stamp = regexp.MustCompile(`\b\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November|December) \d{4}(?: at|,) \d{2}:\d{2} UTC\b`)

// phrase finds the times (UTC) in a stored text, and shows them like all others.
func (when times) phrase(text string) phrase {
	var found phrase
	begin := 0
	for _, place := range stamp.FindAllStringIndex(text, -1) {
		t, err := time.Parse("2 January 2006 at 15:04 UTC", strings.Replace(text[place[0]:place[1]], ",", " at", 1))
		if err != nil {
			continue // such as 31 February
		}
		if place[0] > begin {
			found = append(found, plain(text[begin:place[0]]))
		}
		found, begin = append(found, when.at(t)), place[1]
	}
	if begin < len(text) {
		found = append(found, plain(text[begin:]))
	}
	return found
}

const formTime = "2006-01-02T15:04"

func (when times) field(t time.Time) string { return t.In(when.zone).Format(formTime) }

func (when times) parse(text string) (time.Time, error) {
	at, err := time.ParseInLocation(formTime, text, when.zone)
	if err != nil {
		return time.Time{}, portal.Fail(portal.Invalid, "The day and time cannot be read. Write them like 2026-12-31T18:00.")
	}
	return at, nil
}
