package snippet

import (
	"html/template"

	"github.com/gatehouse-portal/gatehouse/highlight"
)

// Highlight colours a program in one of Languages, or text in another language of
// highlight.Code, such as json and http. highlight.Stylesheet has the colours.
func Highlight(language, text string) template.HTML {
	if known, ok := find(language); ok {
		language = known.lexer
	}
	return highlight.Code(language, text)
}
