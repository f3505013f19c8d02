package markdown

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// pathological units make parsers slow when they are repeated.
var pathological = []string{
	">", "> ", "- ", "-", "* ", "1. ", "1) a\n   ", "- - a\n", "- a\n", "- a\n\n", "> a\n", "- [ ] a\n",
	"[", "![", "](", "[a](", "[a](b", "[a](<", "[a](b \"", "[a](b (", "[a]: b\n", "[a]:\n", "[a]: b (\n", "[[a]]", "[a][b]", "![[", "[![", "![a](b)", "[a](javascript:b)",
	"*", "_", "**a", "*a_ ", "a**b", "a*b_c", "*(a", "**a _b ~~c ", "~~", "~~a", "***", "_a ", "`", "``a",
	"<", "<a ", "<!--", "<?", "<![CDATA[", "<b>", "<div>", "<div>\n\n", "</b>", "<table>", "<td>", "<a href=x>", "<p>", "<b><i></b>", "<pre><code>", "<img src=x>", "<details>", "<script>", "<svg>",
	"&", "&amp", "&#", "http://", "www.a", "a@b.", "a@", "https://a.b/(", "<https://a>", "|", "|a", "|a\n|-\n", "a|b\n-|-\n", "|[a](|b",
	"# a\n", "#", "a\n=\n", "```\n", "```json\n{\"a\n```\n", "~~~", "    ", "\t", "\n", "\\", "\\\n", "a\n", "a  \n", "\r", "\x00", "é",
}

// wrappers put the units into blocks of each kind.
var wrappers = map[string]string{
	"a paragraph": "%s", "a heading": "# %s", "an underlined heading": "a %s\n===\n", "a cell": "|a|b|\n|-|-|\n|%s", "a list item": "- %s", "code": "```json\n%s",
}

// Goldmark takes more than quadratic time for the marks within one block, without allocating,
// and for nested blocks. So this test looks at the sizes of what goldmark is given.
func TestNoBlockIsTooMuchForTheParser(t *testing.T) {
	t.Parallel()
	for name, wrapper := range wrappers {
		for _, unit := range pathological {
			// Enough for more than maxMarks of every unit that has a mark.
			source := fmt.Sprintf(wrapper, strings.Repeat(unit, maxMarks+100))
			if len(source) > 8<<10 {
				source = source[:8<<10]
			}
			if tooDeep(source) {
				continue
			}
			source = breakLines(source)
			document := converter().Parser().Parse(text.NewReader([]byte(source)))
			_ = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
				if !entering || node.Type() != ast.TypeBlock || node.IsRaw() {
					return ast.WalkContinue, nil
				}
				marks := 0
				for _, line := range node.Lines().Sliced(0, node.Lines().Len()) {
					for _, mark := range []string{"[", "*", "_", "~"} {
						marks += strings.Count(string(line.Value([]byte(source))), mark)
					}
				}
				if marks > maxMarks {
					t.Errorf("%s of %q: %d marks in a %s", name, unit, marks, node.Kind())
				}
				return ast.WalkContinue, nil
			})
		}
	}
}

func TestMemoryGrowsInProportionToTheText(t *testing.T) {
	for name, wrapper := range wrappers {
		for _, unit := range pathological {
			small, large := allocated(wrapper, unit, 2<<10), allocated(wrapper, unit, 8<<10)
			if large > 8*small && large > 4<<20 {
				t.Errorf("%s of %q: %d KB for a text of 2 KB, %d KB for one of 8 KB", name, unit, small>>10, large>>10)
			}
		}
	}
}

func allocated(wrapper, unit string, size int) uint64 {
	source := fmt.Sprintf(wrapper, strings.Repeat(unit, size/len(unit)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	Render(source, Options{})
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
