package markdown

import (
	"bytes"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extensions "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	gold "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// parse returns an element with the sanitized content, and false if the text is nested too deep
// for a page (512 elements).
func parse(source string) (*html.Node, bool) {
	source = cut(source)
	if tooDeep(source) {
		return nil, false
	}
	source = breakLines(source)
	var unsafe bytes.Buffer
	if err := converter().Convert([]byte(source), &unsafe); err != nil {
		return nil, false
	}
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	children, err := html.ParseFragment(policy().SanitizeReader(&unsafe), body)
	if err != nil {
		return nil, false
	}
	for _, child := range children {
		body.AppendChild(child)
	}
	return body, true
}

func cut(source string) string {
	if len(source) > MaxBytes {
		source = source[:MaxBytes]
	}
	return strings.ToValidUTF8(source, "\ufffd")
}

// maxMarkers is how many containers may begin on one line. With deeper nesting, parsing
// time grows with the square of the text.
const maxMarkers = 32

func tooDeep(source string) bool {
	for line := range strings.Lines(source) {
		if markers := strings.TrimLeft(line, " \t>-+*0123456789.)"); len(line)-len(markers) > maxMarkers {
			prefix := line[:len(line)-len(markers)]
			if strings.Count(prefix, ">")+len(marker.FindAllString(prefix, -1)) > maxMarkers {
				return true
			}
		}
	}
	return false
}

var marker = regexp.MustCompile(`([-+*]|[0-9][.)])[ \t]`)

var converter = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(
			extension.Linkify, extension.Strikethrough, extension.TaskList,
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
		),
		// The policy has the last word on all HTML.
		goldmark.WithParserOptions(parser.WithParagraphTransformers(
			util.Prioritized(crowded{"]:"}, 50),                // before link reference definitions are read
			util.Prioritized(crowded{"[", "*", "_", "~"}, 300), // once tables are no paragraphs any more
		)),
		goldmark.WithRendererOptions(gold.WithUnsafe(), renderer.WithNodeRenderers(util.Prioritized(checkboxes{}, 1))),
	)
})

// checkboxes writes the boxes of task lists as characters, not as form controls.
type checkboxes struct{}

func (checkboxes) RegisterFuncs(register renderer.NodeRendererFuncRegisterer) {
	register.Register(extensions.KindTaskCheckBox, func(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
		if box, ok := node.(*extensions.TaskCheckBox); ok && entering {
			text := "☐ "
			if box.IsChecked {
				text = "☑ "
			}
			_, err := w.WriteString(text)
			return ast.WalkContinue, err
		}
		return ast.WalkContinue, nil
	})
}

var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(
		"p", "br", "hr", "blockquote", "pre", "code", "ul", "ol", "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6",
		"strong", "b", "em", "i", "u", "del", "s", "ins", "sub", "sup", "kbd", "samp", "var", "mark", "small", "abbr", "cite", "q",
		"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "details", "summary", "div", "span",
	)
	p.AllowAttrs("href", "title").OnElements("a")
	p.AllowAttrs("src", "alt", "title").OnElements("img")
	p.AllowAttrs("title").OnElements("abbr")
	p.AllowAttrs("open").OnElements("details")
	number := regexp.MustCompile(`^[0-9]{1,4}$`)
	p.AllowAttrs("width", "height").Matching(number).OnElements("img")
	p.AllowAttrs("start").Matching(number).OnElements("ol")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[0-9]{1,2}$`)).OnElements("th", "td")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|right|center)$`)).OnElements("th", "td")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^language-[A-Za-z0-9#+_-]{1,30}$`)).OnElements("code")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.SkipElementsContent("textarea", "select", "svg", "math", "template", "title", "xmp", "audio", "video", "canvas", "applet")
	return p
})
