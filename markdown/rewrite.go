package markdown

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/gatehouse-portal/gatehouse/highlight"
)

// rewriter changes what the policy lets through: targets of links and images, and code.
type rewriter struct {
	Options
	ids    map[string]bool
	budget *highlight.Budget
}

func newRewriter(options Options, contents []Heading) rewriter {
	r := rewriter{Options: options, ids: map[string]bool{}, budget: highlight.NewBudget()}
	for _, heading := range contents {
		r.ids[heading.ID] = true
	}
	return r
}

func rewrite(node *html.Node, r rewriter) {
	for _, child := range slices.Collect(node.ChildNodes()) {
		rewrite(child, r)
		if child.Type == html.CommentNode {
			node.RemoveChild(child)
		}
		if child.Type != html.ElementNode {
			continue
		}
		switch child.DataAtom {
		case atom.A:
			r.link(child)
		case atom.Img:
			r.image(child)
		case atom.Pre:
			r.code(child)
		case atom.Table:
			wrap(child)
		}
	}
}

func (r rewriter) link(node *html.Node) {
	address, external := r.resolve(attribute(node, "href"))
	if address == "" {
		unwrap(node)
		return
	}
	attributes := []html.Attribute{{Key: "href", Val: address}}
	if title := attribute(node, "title"); title != "" {
		attributes = append(attributes, html.Attribute{Key: "title", Val: title})
	}
	if external {
		attributes = append(attributes, html.Attribute{Key: "rel", Val: "noopener nofollow"})
	}
	node.Attr = attributes
}

func (r rewriter) resolve(raw string) (address string, external bool) {
	parsed, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || raw == "" {
		return "", false
	}
	if parsed.Scheme == "" && parsed.Host == "" {
		if parsed.Path == "" && parsed.RawQuery == "" {
			return r.fragment(parsed.Fragment), false
		}
		if r.Link == nil {
			return parsed.String(), false
		}
		if parsed, err = url.Parse(r.Link(parsed.String())); err != nil {
			return "", false
		}
	}
	switch {
	case parsed.Scheme == "mailto":
		return parsed.String(), false
	case web(parsed):
		return parsed.String(), parsed.Host != "" && r.Origin != parsed.Scheme+"://"+parsed.Host
	}
	return "", false
}

// web reports whether a browser opens the URL as the portal reads it. It may open http:a
// as a relative address or as http://a.
func web(u *url.URL) bool {
	return u.Scheme == "" || (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (r rewriter) fragment(name string) string {
	for _, id := range []string{r.Prefix + name, r.Prefix + slug(name)} {
		if name != "" && r.ids[id] {
			return (&url.URL{Fragment: id}).String()
		}
	}
	return ""
}

func (r rewriter) image(node *html.Node) {
	alt, source := attribute(node, "alt"), attribute(node, "src")
	parsed, err := url.Parse(strings.TrimSpace(source))
	switch {
	case err != nil || source == "":
		replace(node, textNode(alt))
	case parsed.Scheme != "" || parsed.Host != "":
		r.foreignImage(node, alt, parsed)
	default:
		address := ""
		if r.Image != nil {
			address = r.Image(parsed.String())
		}
		if !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.ContainsRune(address, '\\') {
			replace(node, textNode(alt))
			return
		}
		kept := []html.Attribute{{Key: "src", Val: address}, {Key: "alt", Val: alt}, {Key: "loading", Val: "lazy"}}
		for _, key := range []string{"title", "width", "height"} {
			if value := attribute(node, key); value != "" {
				kept = append(kept, html.Attribute{Key: key, Val: value})
			}
		}
		node.Attr = kept
	}
}

func (r rewriter) foreignImage(node *html.Node, alt string, source *url.URL) {
	if alt == "" {
		alt = "Image"
	}
	if inLink(node) || !web(source) {
		replace(node, textNode(alt))
		return
	}
	link := &html.Node{Type: html.ElementNode, Data: "a", DataAtom: atom.A, Attr: []html.Attribute{{Key: "href", Val: source.String()}}}
	if r.Origin != source.Scheme+"://"+source.Host {
		link.Attr = append(link.Attr, html.Attribute{Key: "rel", Val: "noopener nofollow"})
	}
	link.AppendChild(textNode(alt))
	replace(node, link)
}

func inLink(node *html.Node) bool {
	for parent := range node.Ancestors() {
		if parent.DataAtom == atom.A {
			return true
		}
	}
	return false
}

func (r rewriter) code(pre *html.Node) {
	code := pre.FirstChild
	if code == nil || code != pre.LastChild || code.DataAtom != atom.Code || code.FirstChild == nil ||
		code.FirstChild != code.LastChild || code.FirstChild.Type != html.TextNode {
		return
	}
	language := strings.TrimPrefix(attribute(code, "class"), "language-")
	coloured := r.budget.Code(language, code.FirstChild.Data)
	replace(code.FirstChild, &html.Node{Type: html.RawNode, Data: string(coloured)})
}

// wrap lets a table scroll, also by keyboard.
func wrap(table *html.Node) {
	box := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div, Attr: []html.Attribute{
		{Key: "class", Val: "table-scroll"}, {Key: "role", Val: "group"}, {Key: "aria-label", Val: "Table"}, {Key: "tabindex", Val: "0"},
	}}
	table.Parent.InsertBefore(box, table)
	table.Parent.RemoveChild(table)
	box.AppendChild(table)
}
