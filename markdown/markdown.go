// Package markdown turns hostile Markdown into HTML that is safe in the portal's pages. Nothing in
// a text can run a script, send a form, take on an id of the page, leave its place in the page, or
// make a browser send a request to another site.
package markdown

import (
	"html/template"
	"strings"

	"golang.org/x/net/html"
)

// MaxBytes is how much of a text is read. If Render leaves out the rest, the page says so.
const MaxBytes = 512 << 10

// Options say where a text is shown. The zero value is good for a text without relative links
// and images.
type Options struct {
	// Level is that of the text's highest headings, 1 to 6; 0 means 2. Deeper headings follow
	// without gaps, and end at 6.
	Level int
	// Prefix begins the id of every heading; "" means "text-". Texts on one page need different
	// ones, and the page's own ids must not begin with them.
	Prefix string
	// Origin is the portal's, such as https://portal.example.com. Links to other origins have
	// rel="noopener nofollow".
	Origin string
	// Link returns the address for a relative link, such as pages/limits.md#quota, and "" if
	// there is none: then only the link's text is shown. Without Link, addresses stay as they
	// are.
	Link func(address string) string
	// Image returns the path in this portal, beginning with a slash, for a relative image, and
	// "" if there is none: then only the alternative text is shown. Without Image, no relative
	// image is shown. An image of another site becomes a link to it.
	Image func(address string) string
}

// Page is a rendered text.
type Page struct {
	HTML template.HTML
	// Contents are the headings in the order of the text.
	Contents []Heading
}

// Heading is a heading as rendered. ID has the prefix.
type Heading struct {
	Level    int
	ID, Text string
}

// Render renders GitHub Flavored Markdown, and the HTML in it that is harmless. It never fails:
// a text that is nested too deep is shown as it is written.
func Render(source string, options Options) Page {
	if options.Level == 0 {
		options.Level = 2
	}
	if options.Prefix == "" {
		options.Prefix = "text-"
	}
	root, ok := parse(source)
	if !ok {
		return Page{HTML: template.HTML("<pre>" + html.EscapeString(cut(source)) + "</pre>")} //nolint:gosec // escaped
	}
	contents := numberHeadings(root, options)
	rewrite(root, newRewriter(options, contents))
	if len(source) > MaxBytes {
		root.AppendChild(paragraph("This text is longer than 512 KB. The rest is left out."))
	}
	var b strings.Builder
	for child := range root.ChildNodes() {
		if html.Render(&b, child) != nil {
			return Page{HTML: template.HTML("<pre>" + html.EscapeString(cut(source)) + "</pre>")} //nolint:gosec // escaped
		}
	}
	return Page{HTML: template.HTML(b.String()), Contents: contents} //nolint:gosec // sanitized by parse
}

// Text returns the text without its markup, for search. Blocks are on lines of their own.
func Text(source string) string {
	root, ok := parse(source)
	if !ok {
		return cut(source)
	}
	var b strings.Builder
	writeText(&b, root)
	var lines []string
	for line := range strings.Lines(b.String()) {
		if line = collapse(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// FirstParagraph returns the text of the first paragraph that has any, on one line, "" if there is
// none.
func FirstParagraph(source string) string {
	root, ok := parse(source)
	if !ok {
		return ""
	}
	for node := range root.Descendants() {
		if node.Data == "p" && node.Type == html.ElementNode {
			if text := textOf(node); text != "" {
				return text
			}
		}
	}
	return ""
}
