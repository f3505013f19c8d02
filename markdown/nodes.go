package markdown

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

func attribute(node *html.Node, key string) string {
	for _, a := range node.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func textNode(s string) *html.Node { return &html.Node{Type: html.TextNode, Data: s} }

func paragraph(s string) *html.Node {
	p := &html.Node{Type: html.ElementNode, Data: "p", DataAtom: atom.P}
	p.AppendChild(textNode(s))
	return p
}

func replace(old, replacement *html.Node) {
	old.Parent.InsertBefore(replacement, old)
	old.Parent.RemoveChild(old)
}

func unwrap(node *html.Node) {
	for child := node.FirstChild; child != nil; child = node.FirstChild {
		node.RemoveChild(child)
		node.Parent.InsertBefore(child, node)
	}
	node.Parent.RemoveChild(node)
}

func writeText(b *strings.Builder, node *html.Node) {
	switch {
	case node.Type == html.TextNode:
		if node.Parent.DataAtom != atom.Tr { // where it is space between cells
			b.WriteString(node.Data)
		}
		return
	case node.Type != html.ElementNode:
		return
	case node.DataAtom == atom.Img:
		b.WriteString(attribute(node, "alt"))
		return
	}
	around := ""
	switch node.DataAtom {
	case atom.P, atom.Br, atom.Hr, atom.Blockquote, atom.Pre, atom.Li, atom.Dt, atom.Dd, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Tr, atom.Caption, atom.Summary, atom.Details, atom.Div, atom.Table:
		around = "\n"
	case atom.Th, atom.Td:
		around = " "
	}
	b.WriteString(around)
	for child := range node.ChildNodes() {
		writeText(b, child)
	}
	b.WriteString(around)
}

func textOf(node *html.Node) string {
	var b strings.Builder
	writeText(&b, node)
	return collapse(b.String())
}

func collapse(s string) string { return strings.Join(strings.Fields(s), " ") }
