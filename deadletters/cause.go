package deadletters

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode"
)

// Cause is what letters that failed in the same way have in common.
type Cause struct {
	// ID follows from Class and Text, so it is the same for every letter of the cause.
	ID    string
	Class string
	// Text is the error without ids, numbers and addresses, in which "…" replaces them. It is one
	// line of at most maxCause characters.
	Text string
}

const maxCause = 160

// changing are the parts of an error that differ from message to message: quoted text, URLs, ARNs,
// names of streams, words that hold a digit, numbers, and ids that happen to have no digit. A status
// code of HTTP stays.
var changing = regexp.MustCompile(`"[^"]*"|https?://\S+|arn:[^\s,;]+|\b(?:account|licence|legacy|marketplace|job)/[^\s,;:)]+|StatusCode: \d+|[\pL_-]*\d[\pL\pN._:/#-]*|\b(?:[a-z]{20,}|[A-Z]{20,})\b`)

// Cause returns the letter's cause.
func (r Report) Cause() Cause {
	text := changing.ReplaceAllStringFunc(r.Error, func(part string) string {
		switch {
		case strings.HasPrefix(part, "StatusCode: "):
			return part
		case strings.HasPrefix(part, `"`):
			return `"…"`
		}
		if kind, _, isStream := strings.Cut(part, "/"); isStream && !strings.ContainsFunc(kind, notLetter) {
			return kind + "/…"
		}
		return "…" + strings.Repeat(":", len(part)-len(strings.TrimRight(part, ":")))
	})
	text = shortened(strings.Join(strings.Fields(strings.Map(visible, text)), " "))
	sum := sha256.Sum256([]byte(r.Class + "\x00" + text))
	return Cause{ID: hex.EncodeToString(sum[:4]), Class: r.Class, Text: text}
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case !unicode.IsPrint(r):
		return unicode.ReplacementChar
	}
	return r
}

func shortened(text string) string {
	if letters := []rune(text); len(letters) > maxCause {
		return string(letters[:maxCause]) + "…"
	}
	return text
}
