// Package highlight colours code for pages, as spans with a class: the content security
// policy allows no inline styles.
package highlight

import (
	"html"
	"html/template"
	"strings"
	"time"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

// MaxBytes is the longest text that is coloured.
const MaxBytes = 16 << 10

// timeLimit is for all code of a page. The lexers' regular expressions backtrack, so a crafted text
// could keep them busy for minutes. Ordinary texts take milliseconds.
const timeLimit = 300 * time.Millisecond

// languages are the names that authors write behind a fence.
var languages = map[string]string{
	"bash": "bash", "sh": "bash", "shell": "bash", "zsh": "bash", "curl": "bash",
	"console": "console", "shell-session": "console",
	"javascript": "javascript", "js": "javascript", "mjs": "javascript", "jsx": "javascript", "node": "javascript",
	"typescript": "typescript", "ts": "typescript", "tsx": "typescript",
	"python": "python", "py": "python", "python3": "python",
	"go": "go", "golang": "go",
	"java": "java", "kotlin": "kotlin", "kt": "kotlin", "swift": "swift", "rust": "rust", "rs": "rust",
	"csharp": "csharp", "c#": "csharp", "cs": "csharp",
	"php": "php", "ruby": "ruby", "rb": "ruby",
	"json": "json", "jsonc": "json", "xml": "xml", "html": "html", "yaml": "yaml", "yml": "yaml", "toml": "toml", "ini": "ini",
	"http": "http", "graphql": "graphql", "sql": "sql", "css": "css", "diff": "diff",
	"powershell": "powershell", "ps1": "powershell",
}

// Code returns the text as HTML for inside of <pre><code>. The language may come from a
// document. Text in an unknown language, of more than MaxBytes, or that takes too long is
// escaped without colours.
func Code(language, text string) template.HTML { return NewBudget().Code(language, text) }

// Budget is the time for all code of one page.
type Budget struct{ left time.Duration }

// NewBudget returns the budget for a page.
func NewBudget() *Budget { return &Budget{left: timeLimit} }

// Code is the function Code within the budget. A spent budget gives no colours.
func (b *Budget) Code(language, text string) template.HTML {
	name := languages[strings.ToLower(language)]
	if name == "" || len(text) > MaxBytes || b.left <= 0 {
		return escaped(text)
	}
	lexer := lexers.Get(name)
	// The first use of a lexer compiles it, which is not the text's fault.
	if _, err := lexer.Tokenise(nil, ""); err != nil {
		return escaped(text)
	}
	start := time.Now()
	coloured, ok := spans(lexer, text, start.Add(b.left))
	b.left -= time.Since(start)
	if !ok {
		return escaped(text)
	}
	return coloured
}

func escaped(text string) template.HTML {
	return template.HTML(html.EscapeString(text)) //nolint:gosec // escaped
}

// spans colours the text. It returns false if the lexer fails, would change the text, or takes too
// long.
func spans(lexer chroma.Lexer, text string, deadline time.Time) (coloured template.HTML, ok bool) {
	defer func() {
		if recover() != nil { // chroma's iterators panic on errors
			coloured, ok = "", false
		}
	}()
	tokens, err := lexer.Tokenise(&chroma.TokeniseOptions{State: "root"}, text)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	open, rest := "", text
	for token := range tokens.Stdlib() {
		value := token.Value
		if !strings.HasPrefix(rest, value) {
			value = strings.TrimSuffix(value, "\n") // Some lexers add a last newline.
		}
		if !strings.HasPrefix(rest, value) || time.Now().After(deadline) {
			return "", false
		}
		rest = rest[len(value):]
		if class := classOf(token.Type); class != open && strings.TrimSpace(value) != "" {
			closeSpan(&b, open)
			if class != "" {
				b.WriteString(`<span class="` + class + `">`)
			}
			open = class
		}
		b.WriteString(html.EscapeString(value))
	}
	closeSpan(&b, open)
	return template.HTML(b.String()), rest == "" //nolint:gosec // every token is escaped
}

func closeSpan(b *strings.Builder, class string) {
	if class != "" {
		b.WriteString("</span>")
	}
}
