package text

import (
	"strings"
	"unicode"

	"github.com/gatehouse-portal/gatehouse/markdown"
)

const (
	// maxInline bounds text on one line, maxQuote the text of a description, and maxExample that of
	// an example, in bytes.
	maxInline  = 1 << 10
	maxQuote   = 16 << 10
	maxExample = 8 << 10
)

// plain turns Markdown into Markdown of one line that has its text only, fit for a table's cell.
func plain(source string) string {
	source = cut(source, maxQuote)
	if strings.ContainsAny(source, "`*_[]<>#|~\\&") {
		source = markdown.Text(source)
	}
	return inline(source)
}

// inline turns plain text into Markdown of one line that shows exactly this text, fit for headings,
// list items and cells.
func inline(text string) string {
	text = oneLine(text)
	runes := []rune(text)
	var b strings.Builder
	for i, r := range runes {
		before, after := ' ', ' '
		if i > 0 {
			before = runes[i-1]
		}
		if i+1 < len(runes) {
			after = runes[i+1]
		}
		if active(i, r, before, after) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return numbered(b.String())
}

// active reports whether a character can have a meaning in Markdown at this place.
func active(at int, r, before, after rune) bool {
	switch r {
	case '\\', '`', '*', '[', ']', '<', '|', '~':
		return true
	case '_':
		return !word(before) || !word(after)
	case '&':
		return word(after) || after == '#'
	case '#':
		return at == 0 || before == ' ' || before == '#'
	case '>', '+', '-', '=', ':':
		return at == 0
	}
	return false
}

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// numbered escapes what would begin a numbered list.
func numbered(line string) string {
	rest := strings.TrimLeft(line, "0123456789")
	if len(rest) == len(line) || rest == "" || rest[0] != '.' && rest[0] != ')' || len(rest) > 1 && rest[1] != ' ' {
		return line
	}
	return line[:len(line)-len(rest)] + `\` + rest
}

func oneLine(text string) string {
	return cut(strings.Join(strings.FieldsFunc(cut(text, maxQuote), blank), " "), maxInline)
}

// blank reports whether a character separates words or must not be printed.
func blank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// code turns text into a code span on one line. Backticks in it lengthen its marks.
func code(text string) string {
	text = oneLine(text)
	if text == "" {
		return ""
	}
	mark := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return mark + text + mark
}

// cell makes a code span fit for a table's cell, where a pipe ends the cell even in code (GitHub
// Flavored Markdown, section 4.10).
func cell(span string) string { return strings.ReplaceAll(span, "|", `\|`) }

// longestRun returns the length of the longest run of backticks.
func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// lines returns the lines of a text without control characters.
func lines(text string) []string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(text, "\ufffd"))
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
	return strings.Split(strings.Trim(text, "\n"), "\n")
}

// cut returns at most that many bytes of valid UTF-8, with an ellipsis if that is not all.
func cut(text string, size int) string {
	if len(text) <= size {
		return strings.ToValidUTF8(text, "\ufffd")
	}
	return strings.ToValidUTF8(text[:size], "") + "…"
}
