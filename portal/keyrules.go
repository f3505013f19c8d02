package portal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxKeyName is the maximum length of a key's name, in characters.
const MaxKeyName = 100

// These characters reorder the text around them (UAX #9, explicit directional formatting). A name
// with one could make a page show another name.
const bidiControls = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

// KeyName returns a person's name for a key without spaces around it, or an Invalid that says
// what to change. Any script and emoji are allowed.
func KeyName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case !utf8.ValidString(name):
		return "", Fail(Invalid, "The name is not valid UTF-8 text. Choose another name.")
	case name == "":
		return "", Fail(Invalid, "Give the key a name, such as the program that will use it.")
	case utf8.RuneCountInString(name) > MaxKeyName:
		return "", Fail(Invalid, fmt.Sprintf("The name is longer than %d characters. Choose a shorter one.", MaxKeyName))
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", Fail(Invalid, "The name contains a line break or another control character. Choose a name on one line.")
	case strings.ContainsAny(name, bidiControls):
		return "", Fail(Invalid, "The name contains a character that changes the direction of text. Remove it, or choose another name.")
	case !strings.ContainsFunc(name, unicode.IsGraphic):
		return "", Fail(Invalid, "The name has no visible character. Choose another name.")
	}
	return name, nil
}

// The longest times for which a key may work: after its rotation, and in all from now.
const (
	MaxKeyOverlap = 30 * 24 * time.Hour
	MaxKeyExpiry  = 5 * 365 * 24 * time.Hour
)

// KeyEnd returns an Invalid that says what to change if a key cannot end then, at most longest
// after now.
func KeyEnd(end, now time.Time, longest time.Duration) error {
	switch {
	case !end.After(now):
		return Fail(Invalid, "The key cannot end in the past. Choose a time in the future.")
	case end.After(now.Add(longest)):
		return Fail(Invalid, "The key can end in at most "+lasting(longest)+". Choose an earlier time.")
	}
	return nil
}

// KeyOverlap returns an Invalid that says what to change if an old key cannot work that long after
// its rotation.
func KeyOverlap(overlap time.Duration) error {
	if overlap < 0 || overlap > MaxKeyOverlap {
		return Fail(Invalid, "The old key can work for 0 seconds to "+lasting(MaxKeyOverlap)+" longer. Choose an overlap in that range.")
	}
	return nil
}

// LeakedOverlap refuses an overlap for a key that has leaked.
func LeakedOverlap() error {
	return Fail(Invalid, "A key that has leaked ends at once, so it has no overlap. Leave out either overlap or leaked.")
}

func lasting(d time.Duration) string {
	if d == MaxKeyExpiry {
		return "5 years"
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// NamedKey is a key with its name. WantedAt is when it was created, ReplacedAt when another key of that name took
// its place, both zero if that is not known or has not happened.
type NamedKey struct {
	ID         KeyID
	Name       string
	WantedAt   time.Time
	ReplacedAt time.Time
}

// KeyLabels are the names by which people tell keys apart. A replaced key is called "CI (replaced
// 27 Nov)", with the time (UTC) if two of one name were replaced on one day. Keys whose labels
// are still the same are numbered, the oldest first.
func KeyLabels(keys []NamedKey) map[KeyID]string {
	byDay, labels := map[string]int{}, map[KeyID]string{}
	for _, key := range keys {
		byDay[replacedLabel(key, "2 Jan")]++
	}
	numbered := map[string]int{}
	sorted := slices.SortedFunc(slices.Values(keys), func(a, b NamedKey) int {
		return cmp.Or(a.WantedAt.Compare(b.WantedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, key := range sorted {
		label := replacedLabel(key, "2 Jan")
		if byDay[label] > 1 {
			label = replacedLabel(key, "2 Jan at 15:04")
		}
		if numbered[label]++; numbered[label] > 1 {
			label = fmt.Sprintf("%s (%d)", label, numbered[label])
		}
		labels[key.ID] = label
	}
	return labels
}

func replacedLabel(key NamedKey, format string) string {
	if key.ReplacedAt.IsZero() {
		return key.Name
	}
	return fmt.Sprintf("%s (replaced %s)", key.Name, key.ReplacedAt.UTC().Format(format))
}
