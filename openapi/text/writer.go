package text

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// writer collects blocks of Markdown. Each ends with an empty line.
type writer struct {
	strings.Builder
	doc  *openapi.Document
	base string
	// level is that of the next heading.
	level   int
	schemas *schemas
	// limit is the length after which the rest of an operation or schema is left out.
	limit int
}

// full reports whether the rest of an operation or schema must be left out.
func (w *writer) full() bool { return w.Len() > w.limit }

// heading writes a heading. The text must be escaped, here and in paragraph.
func (w *writer) heading(text string) {
	w.WriteString(strings.Repeat("#", min(w.level, 6)) + " " + text + "\n\n")
}

// below writes a heading one level deeper.
func (w *writer) below(text string) {
	w.level++
	w.heading(text)
	w.level--
}

func (w *writer) paragraph(text string) {
	if text != "" {
		w.WriteString(text + "\n\n")
	}
}

// quote writes Markdown of the document as a block quote, which nothing in it can end.
func (w *writer) quote(source string) {
	source = cut(source, maxQuote)
	if strings.TrimSpace(source) == "" {
		return
	}
	for _, line := range lines(source) {
		w.WriteString(strings.TrimRight("> "+line, " ") + "\n")
	}
	w.WriteString("\n")
}

// example writes text without control characters, in a fence longer than any in it.
func (w *writer) example(language, text string) {
	text = strings.Join(lines(cut(text, maxExample)), "\n")
	if strings.TrimSpace(text) == "" {
		return
	}
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	w.WriteString(fence + language + "\n" + text + "\n" + fence + "\n\n")
}
