package markdown

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

var destination = regexp.MustCompile(`\]\([ \t\n]*<([^<>\n]*)>|\]\([ \t\n]*([^\s<>()]+)|(?m:^[ \t>]*\[[^\]\n]+\]:[ \t\n]*<?([^\s<>]+))|(?i:<[a-z][^<>]*?\s(?:href|src)\s*=\s*["']?([^"'\s<>]+))`)

// Relink returns the Markdown with other addresses for its relative links and images. link returns
// the address, or "" to link to the top of the page. Links within the text, links to other sites,
// and code stay as they are. Text beyond MaxBytes is left out if it may have links.
func Relink(source string, link func(address string) string) string {
	if !strings.Contains(source, "](") && !strings.Contains(source, "]:") && !strings.Contains(source, "<") {
		return source
	}
	source = cut(source)
	var b strings.Builder
	var code []text.Segment
	from, read := 0, false
	for _, match := range destination.FindAllStringSubmatchIndex(source, -1) {
		begin, end := group(match)
		if !relative(source[begin:end]) {
			continue
		}
		if !read { // most texts have no relative links, and reading them takes long
			code, read = codeIn(source), true
		}
		for len(code) > 0 && code[0].Stop <= begin {
			code = code[1:]
		}
		if len(code) > 0 && code[0].Start <= begin {
			continue
		}
		address := link(source[begin:end])
		if address == "" {
			address = "#"
		}
		b.WriteString(source[from:begin] + address)
		from = end
	}
	b.WriteString(source[from:])
	return b.String()
}

func group(match []int) (begin, end int) {
	for i := 2; i+1 < len(match); i += 2 {
		if match[i] >= 0 {
			return match[i], match[i+1]
		}
	}
	return match[0], match[0]
}

func relative(address string) bool {
	if address == "" || strings.HasPrefix(address, "#") {
		return false
	}
	parsed, err := url.Parse(address)
	return err != nil || parsed.Scheme == "" && parsed.Host == ""
}

func codeIn(source string) []text.Segment {
	if tooDeep(source) {
		return nil
	}
	var all []text.Segment
	root := converter().Parser().Parse(text.NewReader([]byte(source)))
	_ = ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node.Kind() {
		case ast.KindFencedCodeBlock, ast.KindCodeBlock:
			for i := range node.Lines().Len() {
				all = append(all, node.Lines().At(i))
			}
		case ast.KindCodeSpan:
			for child := node.FirstChild(); child != nil; child = child.NextSibling() {
				if part, ok := child.(*ast.Text); ok {
					all = append(all, part.Segment)
				}
			}
		}
		return ast.WalkContinue, nil
	})
	return all
}
