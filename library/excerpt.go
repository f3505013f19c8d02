package library

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of an excerpt, in bytes.
const (
	maxExcerpt  = 180
	beforeMatch = 60
)

func (q question) excerpt(e entry) []Piece {
	text := firstLine(e.summary)
	at := q.first(text)
	if e.kind == KindOperation || at < 0 {
		if other := q.first(e.text); other >= 0 || text == "" || e.kind == KindOperation {
			text, at = e.text, other
		}
	}
	if in := q.first(e.parameters); at < 0 && in >= 0 {
		text, at = e.parameters, in
	}
	return q.mark(window(text, max(at, 0)))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (q question) first(text string) int {
	at := -1
	eachWord(text, func(begin, end int) bool {
		if q.matches(text[begin:end]) {
			at = begin
		}
		return at < 0
	})
	return at
}

func (q question) matches(word string) bool {
	for _, have := range words(word) {
		for _, list := range [][]string{q.words, q.pathWords} {
			for _, want := range list {
				if strings.HasPrefix(have, want) || resembles(want, have) {
					return true
				}
			}
		}
	}
	return false
}

func eachWord(text string, visit func(begin, end int) bool) {
	begin := -1
	for at, r := range text {
		inside := unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
		if begin >= 0 && !inside {
			if !visit(begin, at) {
				return
			}
			begin = -1
		}
		if inside && begin < 0 {
			begin = at
		}
	}
	if begin >= 0 {
		visit(begin, len(text))
	}
}

func window(text string, at int) string {
	begin := 0
	if at > beforeMatch {
		begin = at - beforeMatch
		if space := strings.IndexAny(text[begin:at], " \n"); space >= 0 {
			begin += space + 1
		}
	}
	end := len(text)
	if end-begin > maxExcerpt {
		end = begin + maxExcerpt
		if space := strings.LastIndexAny(text[begin:end], " \n"); begin+space > at {
			end = begin + space
		}
	}
	for begin < len(text) && !utf8.RuneStart(text[begin]) {
		begin++
	}
	for end < len(text) && !utf8.RuneStart(text[end]) {
		end++
	}
	cut := strings.Join(strings.Fields(text[begin:max(begin, end)]), " ")
	if begin > 0 && cut != "" {
		cut = "… " + cut
	}
	if end < len(text) && cut != "" {
		cut += " …"
	}
	return cut
}

func (q question) mark(text string) []Piece {
	var pieces []Piece
	from := 0
	eachWord(text, func(begin, end int) bool {
		if q.matches(text[begin:end]) {
			if begin > from {
				pieces = append(pieces, Piece{Text: text[from:begin]})
			}
			pieces = append(pieces, Piece{Text: text[begin:end], Match: true})
			from = end
		}
		return true
	})
	if from < len(text) {
		pieces = append(pieces, Piece{Text: text[from:]})
	}
	return pieces
}
