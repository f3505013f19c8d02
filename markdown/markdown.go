// Package markdown turns hostile Markdown into HTML that is safe in the portal's pages. No text
// can run a script, send a form, take an id of the page, leave its place, or make a browser send a
// request to another site.
package markdown

import (
	"html/template"
	"strings"

	"golang.org/x/net/html"
)

// MaxBytes is how much of a text is read. If Render leaves out the rest, the page says so.
const MaxBytes = 512 << 10

// Options say where a text is shown. The zero value suits a text without relative links and
// images.
type Options struct {
	// Level is that of the highest headings, 1 to 6; 0 means 2. Deeper headings follow
	// without gaps, and end at 6.
	Level int
	// Prefix begins the id of every heading; "" means "text-". It must be unique in the page,
	// and begin none of the page's own ids.
	Prefix string
	// Origin is the portal's, such as https://portal.example.com. Links to others have
	// rel="noopener nofollow".
	Origin string
	// Link returns the address for a relative link, such as pages/limits.md#quota, or "" to
	// show only the link's text. Without Link, addresses stay as they are.
	Link func(address string) string
	// Image returns the path in this portal, beginning with a slash, for a relative image, or
	// "" to show only the alternative text. Without Image, no relative image is shown. An
	// image of another site becomes a link.
	Image func(address string) string
}

// Page is a rendered text.
type Page struct {
	HTML     template.HTML
	Contents []Heading
}

// Heading is a heading as rendered. ID has the prefix.
type Heading struct {
	Level    int
	ID, Text string
}

// Render renders GitHub Flavored Markdown, and the harmless HTML in it. It never fails: a text
// that is nested too deep is shown as written.
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

// Text returns the text without markup, for search. Each block is on its own line.
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

// FirstParagraph returns the first paragraph with text, on one line, or "".
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
