package snippet

import (
	"fmt"
	"strings"
	"unicode"
)

// hidden reports whether a character must be escaped to be seen: controls, line separators, and
// format characters that reorder or hide text (Unicode TR 36), but not newlines and tabs.
func hidden(r rune) bool {
	return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

func hasHidden(text string) bool { return strings.ContainsFunc(text, hidden) }

type escaping struct {
	// quotes get a backslash, as does the backslash.
	quotes  string
	unicode func(rune) string
	lines   bool
	special func(r rune, after string) bool
}

func (e escaping) write(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\\' || strings.ContainsRune(e.quotes, r), e.special != nil && e.special(r, text[i+len(string(r)):]):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n' && !e.lines:
			b.WriteString(`\n`)
		case r == '\t' && !e.lines:
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case hidden(r):
			b.WriteString(e.unicode(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func bracedUnicode(r rune) string { return fmt.Sprintf(`\u{%x}`, r) }

func longUnicode(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// singleQuoted is a literal of PHP and Ruby in which only the quote and the backslash are
// special.
func singleQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

type program struct{ strings.Builder }

func (p *program) line(format string, args ...any) {
	fmt.Fprintf(p, format+"\n", args...)
}
