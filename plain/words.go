package plain

import (
	"fmt"
	"net/url"
	"strings"
)

func path(segments ...string) string {
	var b strings.Builder
	for _, segment := range segments {
		b.WriteString("/" + url.PathEscape(segment))
	}
	return b.String()
}

var special = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "#", `\#`, "~", `\~`,
)

// inline turns plain text into one line of Markdown that shows exactly this text.
func inline(text string) string { return special.Replace(strings.Join(strings.Fields(text), " ")) }

// code makes a code span. Backticks in it lengthen the fence.
func code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + strings.ReplaceAll(text, "|", `\|`) + fence
}

func (d *Documents) link(text, path string) string {
	return fmt.Sprintf("[%s](%s%s)", inline(text), d.BaseURL, path)
}

// item is a list's line: a link and what is said about it, or "".
func (d *Documents) item(text, path, about string) string {
	line := "- " + d.link(text, path)
	if about = inline(about); about != "" {
		line += ": " + about
	}
	return line + "\n"
}
