package plain

import (
	stdpath "path"
	"regexp"
	"strings"

	"github.com/gatehouse-portal/gatehouse/library"
)

// maxLinks bounds the links of one text that are looked up.
const maxLinks = 2000

var (
	inlineLink = regexp.MustCompile(`(\]\(\s*<?)([^()\s<>]+)`)
	definition = regexp.MustCompile(`^( {0,3}\[[^\]]+\]:\s*<?)([^\s<>]+)`)
	fence      = regexp.MustCompile("^ {0,3}(```+|~~~+)")
	backticks  = regexp.MustCompile("`+")
)

// linker gives the links of a text the addresses that they lead to in the portal, since a text
// may be read anywhere.
type linker struct {
	baseURL, file string
	shelf         *library.Shelf
	left          int
}

// linked returns the page's Markdown with whole addresses in its relative links, except in code.
// A link to a page leads to its Markdown. Links that lead nowhere stay as they are.
func (d *Documents) linked(shelf *library.Shelf, page library.Page) string {
	l := linker{d.BaseURL, page.File, shelf, maxLinks}
	var b strings.Builder
	closing := ""
	for line := range strings.Lines(page.Markdown) {
		opened := fence.FindStringSubmatch(line)
		switch {
		case closing != "":
			if opened != nil && strings.HasPrefix(opened[1], closing) {
				closing = ""
			}
		case opened != nil:
			closing = opened[1]
		default:
			line = l.line(line)
		}
		b.WriteString(line)
	}
	return b.String()
}

// line rewrites the links of a line, outside its code spans.
func (l *linker) line(line string) string {
	if !strings.Contains(line, "](") && !strings.Contains(line, "]:") {
		return line
	}
	line = l.rewrite(definition, line)
	runs := backticks.FindAllStringIndex(line, maxLinks)
	var b strings.Builder
	from := 0
	for i := 0; i < len(runs); i++ {
		for j := i + 1; j < len(runs); j++ {
			if runs[j][1]-runs[j][0] == runs[i][1]-runs[i][0] {
				b.WriteString(l.rewrite(inlineLink, line[from:runs[i][0]]) + line[runs[i][0]:runs[j][1]])
				from, i = runs[j][1], j
				break
			}
		}
	}
	return b.String() + l.rewrite(inlineLink, line[from:])
}

func (l *linker) rewrite(links *regexp.Regexp, text string) string {
	return links.ReplaceAllStringFunc(text, func(link string) string {
		if l.left == 0 {
			return link
		}
		l.left--
		parts := links.FindStringSubmatch(link)
		return parts[1] + l.address(parts[2])
	})
}

func (l *linker) address(link string) string {
	if strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "//") {
		return l.baseURL + link
	}
	address, ok := l.shelf.Address(l.file, link)
	if !ok {
		return link
	}
	page, fragment, _ := strings.Cut(address, "#")
	if stdpath.Ext(page) == "" { // files have one
		page += markdownSuffix
	}
	if fragment != "" {
		page += "#" + fragment
	}
	return l.baseURL + page
}
