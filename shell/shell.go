// Package shell quotes words for POSIX shells.
package shell

import (
	"regexp"
	"strings"
)

var plain = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// Word returns the text as one word, in quotes if it needs them.
func Word(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return Quote(text)
}

// Quote returns the text as one word in single quotes.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
