package markdown

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var levels = []atom.Atom{atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6}

func level(node *html.Node) int {
	for i, heading := range levels {
		if node.Type == html.ElementNode && node.DataAtom == heading {
			return i + 1
		}
	}
	return 0
}

func numberHeadings(root *html.Node, options Options) []Heading {
	highest := 6
	for node := range root.Descendants() {
		if l := level(node); l > 0 {
			highest = min(highest, l)
		}
	}
	var headings []Heading
	above, used := options.Level, names{}
	for node := range root.Descendants() {
		l := level(node)
		if l == 0 {
			continue
		}
		l = min(l-highest+options.Level, above, len(levels))
		above = l + 1
		text := textOf(node)
		id := options.Prefix + used.unique(slug(text))
		node.DataAtom, node.Data = levels[l-1], levels[l-1].String()
		node.Attr = []html.Attribute{{Key: "id", Val: id}}
		headings = append(headings, Heading{Level: l, ID: id, Text: text})
	}
	return headings
}

// maxSlug bounds slugs, in characters.
const maxSlug = 64

func slug(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToLower(text) {
		switch {
		case n == maxSlug:
			return strings.TrimRight(b.String(), "-")
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
			b.WriteRune(r)
			n++
		case (r == '-' || unicode.IsSpace(r)) && b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
			n++
		}
	}
	if s := strings.TrimRight(b.String(), "-"); s != "" {
		return s
	}
	return "section"
}

// names makes slugs unique. It counts each slug, so many headings of one name take no longer
// than others.
type names map[string]int

func (n names) unique(slug string) string {
	name := slug
	for n[name] > 0 {
		n[slug]++
		name = slug + "-" + strconv.Itoa(n[slug])
	}
	n[name] = 1
	return name
}
