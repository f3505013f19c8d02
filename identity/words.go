package identity

import (
	"slices"
	"strings"
	"unicode"
)

const (
	// maxWords bounds the words of a name that find a person.
	maxWords = 6
	// maxWord bounds a word, in bytes: it is part of a row's key.
	maxWord = 320
)

func wordsOf(p Person) []string {
	words := strings.FieldsFunc(normalised(p.Name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) > maxWords {
		words = words[:maxWords]
	}
	if p.Email != "" {
		words = append(words, normalised(p.Email))
	}
	for i, word := range words {
		words[i] = strings.ToValidUTF8(word[:min(len(word), maxWord)], "")
	}
	slices.Sort(words)
	return slices.Compact(words)
}

func normalised(text string) string { return strings.ToLower(strings.TrimSpace(text)) }
