package library

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// words splits a text into the index's words: lower case, without accents and punctuation.
// listHarbours is three words: listharbours, list, harbours.
func words(text string) []string {
	var all []string
	for _, part := range parts(text) {
		all = append(all, strings.ToLower(part))
		if all[len(all)-1] == part { // without capitals
			continue
		}
		if humps := humps(part); len(humps) > 1 {
			for _, hump := range humps {
				all = append(all, strings.ToLower(hump))
			}
		}
	}
	return all
}

// asked splits a query likewise, but takes listHarbours as one word.
func asked(query string) []string {
	found := parts(query)
	for i, word := range found {
		found[i] = strings.ToLower(word)
	}
	return found
}

// parts splits at everything but letters and digits. Each Han or kana letter is a part, since
// nothing separates words there.
func parts(text string) []string {
	var found []string
	begin := -1
	text = plain(text)
	for at, r := range text {
		single := r > unicode.MaxLatin1 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
		inside := !single && (unicode.IsLetter(r) || unicode.IsDigit(r))
		if begin >= 0 && !inside {
			found, begin = append(found, text[begin:at]), -1
		}
		if inside && begin < 0 {
			begin = at
		}
		if single {
			found = append(found, string(r))
		}
	}
	if begin >= 0 {
		found = append(found, text[begin:])
	}
	return found
}

func plain(text string) string {
	ascii := true
	for i := range len(text) {
		ascii = ascii && text[i] < 0x80
	}
	if ascii {
		return text
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(text))
}

func humps(word string) []string {
	runes := []rune(word)
	var found []string
	begin := 0
	for i := 1; i < len(runes); i++ {
		isNew := unicode.IsUpper(runes[i]) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsLower(runes[i+1]))
		if isNew {
			found, begin = append(found, string(runes[begin:i])), i
		}
	}
	return append(found, string(runes[begin:]))
}
