package library

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/markdown"
)

// readable returns Markdown without its marks. Most descriptions have none.
func readable(text string) string {
	if !strings.ContainsAny(text, "#*_`[|<>~&\\-+=") {
		return text
	}
	return markdown.Text(text)
}
