package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/markdown"
)

// inline returns a description on one line, with markup escaped. It must not begin a line.
func inline(description string) string {
	plain := description
	if !isPlain(description) {
		plain = markdown.Text(description)
	}
	plain = strings.Join(strings.Fields(plain), " ")
	var b strings.Builder
	for i, r := range plain {
		after, _ := utf8.DecodeRuneInString(plain[i+utf8.RuneLen(r):])
		before, _ := utf8.DecodeLastRuneInString(plain[:i])
		switch {
		case strings.ContainsRune("\\`*[]<>|~", r),
			r == '_' && !(word(before) && word(after)), // names such as harbour_id are no emphasis
			r == '&' && (word(after) || after == '#'),
			r == '#' && (after == utf8.RuneError || after == '#' || after == ' '):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isPlain reports whether a text is the same as Markdown. Most descriptions are, and reading
// Markdown takes long.
func isPlain(text string) bool {
	text = strings.TrimSpace(text)
	if text == "" {
		return true
	}
	first, _ := utf8.DecodeRuneInString(text)
	return unicode.IsLetter(first) && len(text) < 10_000 && utf8.ValidString(text) && !strings.ContainsAny(text, "\n\r\x00\\`*_[]<>&#~|")
}

func word(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_')
}

// quoted returns Markdown as a quote that its headings, fences and HTML cannot leave.
func quoted(description string) string {
	lines := strings.Split(strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(description)), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight("> "+line, " \t")
	}
	return strings.Join(lines, "\n")
}

// span returns a code span on one line. In a cell, bars get a backslash, which GitHub
// Flavored Markdown removes.
func span(s string, cell bool) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "(empty)"
	}
	if cell {
		s = strings.ReplaceAll(s, "|", `\|`)
	}
	ticks := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// fenced returns a block of code that nothing in the text ends.
func fenced(language, s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	fence := strings.Repeat("`", max(3, longestRun(s, '`')+1))
	return fence + language + "\n" + strings.TrimRight(s, "\n") + "\n" + fence
}

func longestRun(s string, of rune) int {
	longest, run := 0, 0
	for _, r := range s {
		if run++; r != of {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}
