package markdown

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// maxMarks bounds the brackets, asterisks, underscores and tildes of a paragraph or line. goldmark's
// time grows faster than the square of their number.
const maxMarks = 1000

type crowded []string

// Transform implements parser.ASTTransformer for paragraphs.
func (c crowded) Transform(paragraph *ast.Paragraph, reader text.Reader, _ parser.Context) {
	n, lines := 0, paragraph.Lines()
	for _, line := range lines.Sliced(0, lines.Len()) {
		for _, mark := range c {
			n += strings.Count(string(line.Value(reader.Source())), mark)
		}
	}
	if n <= maxMarks {
		return
	}
	code := ast.NewCodeBlock()
	code.SetLines(lines)
	paragraph.Parent().ReplaceChild(paragraph.Parent(), paragraph, code)
}

// breakLines breaks lines with more than maxMarks marks: headings and cells of tables are not
// paragraphs, but end with the line.
func breakLines(source string) string {
	n, from := 0, 0
	var b strings.Builder
	for i := range len(source) {
		switch source[i] {
		case '\n':
			n = 0
		case '[', '*', '_', '~':
			if n++; n > maxMarks {
				b.WriteString(source[from:i])
				b.WriteByte('\n')
				n, from = 1, i
			}
		}
	}
	if from == 0 {
		return source
	}
	return b.String() + source[from:]
}
