package highlight

import (
	"fmt"
	"strings"

	"github.com/alecthomas/chroma/v2"
)

// colour is a class with its colours. Each has a contrast of at least 4.5 : 1 on
// the backgrounds of code in portal.css.
type colour struct{ class, light, dark string }

var colours = []colour{
	{"hl-comment", "#5a655f", "#93a19a"},
	{"hl-keyword", "#8a2a8f", "#dba4ee"},
	{"hl-string", "#0a5c48", "#7fd8b8"},
	{"hl-number", "#8f3d05", "#f0b27c"},
	{"hl-name", "#1a4f9c", "#93c1fb"},
	{"hl-variable", "#7a4a00", "#e6c787"},
	{"hl-inserted", "#0b6235", "#7ddc9b"},
	{"hl-deleted", "#a02318", "#f5a79d"},
}

// Stylesheet returns the classes' rules, for light and, in a media query, dark pages. Other
// tokens inherit their colour.
func Stylesheet() string {
	var light, dark strings.Builder
	for _, c := range colours {
		fmt.Fprintf(&light, ".%s { color: %s; }\n", c.class, c.light)
		fmt.Fprintf(&dark, "  .%s { color: %s; }\n", c.class, c.dark)
	}
	return light.String() + "@media (prefers-color-scheme: dark) {\n" + dark.String() + "}\n"
}

func classOf(t chroma.TokenType) string {
	switch {
	case t == chroma.GenericInserted:
		return "hl-inserted"
	case t == chroma.GenericDeleted:
		return "hl-deleted"
	case t == chroma.GenericHeading, t == chroma.GenericSubheading, t == chroma.OperatorWord, t == chroma.OperatorReserved:
		return "hl-keyword"
	case t == chroma.GenericOutput, t == chroma.GenericPrompt, t.InCategory(chroma.Comment):
		return "hl-comment"
	case t.InCategory(chroma.Keyword):
		return "hl-keyword"
	case t.InSubCategory(chroma.LiteralString):
		return "hl-string"
	case t.InCategory(chroma.Literal):
		return "hl-number"
	case t.InSubCategory(chroma.NameVariable):
		return "hl-variable"
	case t.InSubCategory(chroma.NameFunction), t.InSubCategory(chroma.NameBuiltin), t == chroma.NameTag, t == chroma.NameAttribute,
		t == chroma.NameClass, t == chroma.NameProperty, t == chroma.NameKeyword, t == chroma.NameDecorator:
		return "hl-name"
	}
	return ""
}
