package folder

import (
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// maxLine bounds what a Markdown parser searches for each opening bracket in a line.
const maxLine = 64 << 10

type article struct {
	title string
	order int
	body  string
	links []link
}

type link struct {
	target string
	image  bool
	line   int
}

// parseArticle reads a Markdown file. It removes a first heading of level 1 if the page shows it
// above the text.
func parseArticle(source string, shown func(heading string) bool) (article, []fault) {
	front, body, faults := splitFrontMatter(source)
	a := article{title: front.title, order: front.order, body: body}
	for i, line := range strings.Split(body, "\n") {
		if len(line) > maxLine {
			return a, append(faults, faultf(front.lines+i+1, "This line is longer than %s. Break it into several.", size(maxLine)))
		}
	}
	raw := []byte(body)
	tree := markdownParser.Parser().Parse(text.NewReader(raw))
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			if a.title == "" {
				a.title = strings.TrimSpace(textOf(n, raw))
			}
		case *ast.Link:
			a.links = append(a.links, link{string(n.Destination), false, front.lines + lineOf(n, raw)})
		case *ast.Image:
			a.links = append(a.links, link{string(n.Destination), true, front.lines + lineOf(n, raw)})
		}
		return ast.WalkContinue, nil
	})
	if heading, ok := tree.FirstChild().(*ast.Heading); ok && heading.Level == 1 && heading.Lines().Len() > 0 && shown(strings.TrimSpace(textOf(heading, raw))) {
		a.body = below(body, heading)
	}
	return a, faults
}

var markdownParser = goldmark.New(goldmark.WithExtensions(extension.GFM))

// below returns what follows a heading, which may have a line of "=" under it.
func below(body string, heading *ast.Heading) string {
	last := heading.Lines().At(heading.Lines().Len() - 1)
	rest := body[last.Start:]
	_, rest, _ = strings.Cut(rest, "\n")
	if line, after, _ := strings.Cut(rest, "\n"); line != "" && strings.Trim(line, "= ") == "" && strings.Contains(line, "=") {
		rest = after
	}
	return strings.TrimLeft(rest, "\n")
}

func textOf(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Text:
				b.Write(n.Segment.Value(source))
				if n.SoftLineBreak() {
					b.WriteByte(' ')
				}
			case *ast.String:
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// lineOf returns the line of the text in an inline node or, if it has none, of the block around it.
func lineOf(n ast.Node, source []byte) int {
	at := -1
	_ = ast.Walk(n, func(inner ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := inner.(*ast.Text); ok && entering {
			at = t.Segment.Start
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	for block := n.Parent(); at < 0 && block != nil; block = block.Parent() {
		if block.Type() == ast.TypeBlock && block.Lines().Len() > 0 {
			at = block.Lines().At(0).Start
		}
	}
	if at < 0 {
		return 0
	}
	return 1 + strings.Count(string(source[:at]), "\n")
}

type frontMatter struct {
	title string
	order int
	lines int
}

// splitFrontMatter separates YAML between two lines "---" at the beginning.
func splitFrontMatter(source string) (front frontMatter, body string, faults []fault) {
	rest, ok := strings.CutPrefix(source, "---\n")
	if !ok {
		return front, source, nil
	}
	yaml, body, ok := cutLine(rest, "---")
	if !ok {
		return front, source, nil // a thematic break
	}
	front.lines = strings.Count(source[:len(source)-len(body)], "\n")
	if strings.TrimSpace(yaml) == "" {
		return front, body, nil
	}
	m, faults := parseYAML(yaml)
	for i := range faults {
		faults[i].line++
	}
	for _, key := range sortedKeys(m.value) {
		value, line := m.value[key], m.line(key)+1
		text, isText := value.(string)
		switch {
		case key == "title" && isText && strings.TrimSpace(text) != "" && len(text) <= 200:
			front.title = strings.TrimSpace(text)
		case key == "title":
			faults = append(faults, faultf(line, "title must be text of at most 200 characters."))
		case key == "order":
			if front.order = place(text); front.order == 0 {
				faults = append(faults, faultf(line, "order must be a whole number from 1 to 9999."))
			}
		default:
			faults = append(faults, warningf(line, "Gatehouse reads title and order here, and ignores %s. Remove it.", clip(key)))
		}
	}
	return front, body, faults
}

func cutLine(text, mark string) (before, after string, ok bool) {
	at := 0
	for line := range strings.Lines(text) {
		if strings.TrimRight(line, " \t\n") == mark {
			return text[:at], text[at+len(line):], true
		}
		at += len(line)
	}
	return text, "", false
}

func (r *reader) checkLink(from string, l link) (image string, because *fault) {
	warn := func(format string, args ...any) (string, *fault) {
		f := warningf(l.line, format, args...)
		return "", &f
	}
	scheme, _, hasScheme := strings.Cut(strings.ToLower(l.target), ":")
	switch {
	case l.target == "" || strings.HasPrefix(l.target, "#") || strings.HasPrefix(l.target, "/") && !strings.HasPrefix(l.target, "//") && !l.image:
		return "", nil
	case hasScheme && !strings.ContainsAny(scheme, "/?#.") || strings.HasPrefix(l.target, "//"):
		if l.image {
			return warn("Pages show no images of other sites. Put the image of %s into the folder.", clip(l.target))
		}
		if scheme != "http" && scheme != "https" && scheme != "mailto" && hasScheme {
			return warn("Pages do not link to %s. Use a link that begins with https:// or mailto:.", clip(l.target))
		}
		return "", nil
	}
	file, _, ok := catalog.LinkedFile(from, l.target)
	if !ok {
		return warn("The link %s leads out of the catalog folder. Correct the path.", clip(l.target))
	}
	switch {
	case r.files.reason(file) != "":
		return warn("%s %s.", path.Base(file), r.files.reason(file))
	case isImage(file) && r.files.known[file]:
		if top(file) != top(from) {
			return warn("The image %s belongs to another folder. Copy it into this one.", clip(l.target))
		}
		return file, nil
	case l.image:
		return warn("There is no image %s. Add it, or correct the path.", clip(l.target))
	case r.isPage(file):
		if id := r.ids[top(file)]; id != "" && id != top(file) && top(file) != top(from) {
			return warn("The id of this product is %s. Link to /apis/%s.", id, id)
		}
		return "", nil
	case r.files.known[file]:
		return warn("The portal does not show %s. Link to a page or an image.", clip(l.target))
	}
	return warn("The link %s leads to no page. Add the page, or correct the path.", clip(l.target))
}

func top(name string) string {
	folder, _, _ := strings.Cut(name, "/")
	return folder
}

func (r *reader) isPage(file string) bool {
	folder, name, _ := strings.Cut(file, "/")
	if folder == catalog.PagesFolder {
		return path.Dir(name) == "." && path.Ext(name) == ".md" && r.files.known[file]
	}
	switch {
	case name == "" || name == "overview.md":
		return r.productFile(folder) != ""
	case name == "changelog.md" || path.Dir(name) == catalog.PagesFolder && path.Ext(name) == ".md":
		return r.productFile(folder) != "" && r.files.known[file]
	}
	return false
}
