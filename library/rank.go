package library

import (
	"slices"
	"strings"
)

const (
	rankTitle   = 100
	rankNames   = 80
	rankSummary = 30
	rankText    = 5
)

const (
	same      = 1.0
	beginning = 0.7
	alike     = 0.3
)

// score is how good an answer the entry is. It depends on nothing else in the index, so the
// order of results tells nothing of entries that a viewer does not see.
func (q question) score(e entry) float64 {
	title, names := words(e.title), words(e.names)
	summary := words(e.summary)
	var sum float64
	all := q.words
	if q.path != "" {
		pattern := pathPattern(e.path)
		switch {
		case pattern == q.path:
			sum += 10 * rankTitle
		case strings.HasPrefix(pattern, q.path):
			sum += 5 * rankTitle
		default:
			all = slices.Concat(all, q.pathWords)
		}
	}
	for _, word := range all {
		sum += max(rankTitle*nearness(word, title), rankNames*nearness(word, names), rankSummary*nearness(word, summary), rankText*alike)
	}
	if len(all) > 0 && slices.Equal(all, asked(e.title)) {
		sum += rankTitle // the title is what was asked for
	}
	return sum
}

func nearness(word string, to []string) float64 {
	best := 0.0
	for _, other := range to {
		switch {
		case other == word:
			return same
		case strings.HasPrefix(other, word):
			best = max(best, beginning)
		case best < alike && resembles(word, other):
			best = alike
		}
	}
	return best
}

func resembles(a, b string) bool {
	one, other := []rune(a), []rune(b)
	if len(one) < minFuzzy {
		return false
	}
	if len(one) > len(other) {
		one, other = other, one
	}
	if len(other)-len(one) > 1 {
		return false
	}
	at := 0
	for at < len(one) && one[at] == other[at] {
		at++
	}
	if len(one) == len(other) {
		return at == len(one) || slices.Equal(one[at+1:], other[at+1:])
	}
	return slices.Equal(one[at:], other[at+1:])
}
