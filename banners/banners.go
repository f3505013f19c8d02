// Package banners keeps the banners that admins and operators write: texts for everybody, at the top of every page
// for a time. Notices to single people are package notices'.
package banners

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/markdown"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Kind says how a banner looks.
type Kind string

// The kinds.
const (
	Info    Kind = "info"
	Warning Kind = "warning"
)

// Audience says who sees a banner.
type Audience string

// The audiences.
const (
	Everybody Audience = "all"
	SignedIn  Audience = "signed_in"
)

// State is the part of its time that a banner is in.
type State string

// The states.
const (
	// Scheduled: the banner has not begun.
	Scheduled State = "scheduled"
	Shown     State = "shown"
	// Over: the banner has ended. Its row is kept for 30 days.
	Over State = "over"
)

// Banner is a text at the top of every page.
type Banner struct {
	// ID sorts by the time when the banner was written.
	ID string `dynamodbav:"id"`
	// Text is Markdown without headings.
	Text     string   `dynamodbav:"text"`
	Kind     Kind     `dynamodbav:"kind"`
	Audience Audience `dynamodbav:"audience"`
	// Start is when the banner begins. End is when it ends, zero if it stays until somebody ends it.
	Start time.Time `dynamodbav:"start"`
	End   time.Time `dynamodbav:"end"`
	// By is the admin who wrote it, or "" if the operator Operator, user@host, did on the command line.
	By       portal.AccountID `dynamodbav:"by,omitempty"`
	Operator string           `dynamodbav:"operator,omitempty"`
	Created  time.Time        `dynamodbav:"created"`
	// Version is raised by each change.
	Version int64 `dynamodbav:"version"`
}

// State returns the banner's state at that time.
func (b Banner) State(now time.Time) State {
	switch {
	case !b.End.IsZero() && !now.Before(b.End):
		return Over
	case now.Before(b.Start):
		return Scheduled
	}
	return Shown
}

const (
	// MaxText is how many characters a text may have.
	MaxText = 1000
	// MaxAhead is how far ahead a banner may begin.
	MaxAhead = 366 * 24 * time.Hour
	// MostBanners is how many banners may be scheduled or shown at once.
	MostBanners = 20
)

// Checked returns the banner as it is stored: with trimmed text, in whole seconds of UTC, and beginning now if
// Start is zero. The error is Invalid, and says what to change. A banner that began before may keep its Start.
func (b Banner) Checked(now time.Time) (Banner, error) {
	b.Text = strings.TrimSpace(strings.ReplaceAll(b.Text, "\r\n", "\n"))
	b.Kind, b.Audience = cmp.Or(b.Kind, Info), cmp.Or(b.Audience, Everybody)
	now = now.UTC().Truncate(time.Second)
	if b.Start.IsZero() {
		b.Start = now
	}
	b.Start = b.Start.UTC().Truncate(time.Second)
	if !b.End.IsZero() {
		b.End = b.End.UTC().Truncate(time.Second)
	}
	return b, cmp.Or(checkText(b.Text), b.checkChoices(), b.checkTimes(now))
}

func checkText(text string) error {
	switch {
	case text == "":
		return invalid("Write a text.")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }):
		return invalid("The text has a character that cannot be shown. Remove it.")
	case utf8.RuneCountInString(text) > MaxText:
		return invalid("The text has %d characters. Shorten it to at most %d.", utf8.RuneCountInString(text), MaxText)
	case strings.TrimSpace(markdown.Text(text)) == "":
		return invalid("Nothing of the text would be shown. Write some words.")
	case len(markdown.Render(text, markdown.Options{}).Contents) > 0:
		return invalid("A banner has no headings. Make the line bold instead, between two asterisks each.")
	}
	return nil
}

func (b Banner) checkChoices() error {
	switch {
	case b.Kind != Info && b.Kind != Warning:
		return invalid("There is no kind %q. Choose info or warning.", b.Kind)
	case b.Audience != Everybody && b.Audience != SignedIn:
		return invalid("There is no audience %q. Choose all or signed_in.", b.Audience)
	}
	return nil
}

func (b Banner) checkTimes(now time.Time) error {
	switch {
	case b.Start.Sub(now) > MaxAhead:
		return invalid("The banner would begin more than a year from now. Choose an earlier start.")
	case b.End.IsZero():
		return nil
	case !b.End.After(b.Start):
		return invalid("The banner would end before it begins. Choose a later end, or none.")
	case !b.End.After(now):
		return invalid("The end has passed. Choose a later one, or none.")
	}
	return nil
}

func invalid(format string, args ...any) error {
	return portal.Fail(portal.Invalid, fmt.Sprintf(format, args...))
}

// sorted returns those that are shown, then those that are scheduled, then those that are over; each with warnings
// first and then by their start, but those that are over with the newest end first.
func sorted(all []Banner, now time.Time) []Banner {
	rank := map[State]int{Shown: 0, Scheduled: 1, Over: 2}
	return slices.SortedFunc(slices.Values(all), func(a, b Banner) int {
		order := cmp.Compare(rank[a.State(now)], rank[b.State(now)])
		if order == 0 && a.State(now) == Over {
			return cmp.Or(b.End.Compare(a.End), cmp.Compare(a.ID, b.ID))
		}
		if order == 0 && a.State(now) == Shown {
			order = cmp.Compare(b.Kind, a.Kind) // "warning" sorts behind "info"
		}
		return cmp.Or(order, a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
}
