// Command prose looks for habits of speech that make comments and documents hard to read, and
// for words of the glossary in another sense. It reads Go comments, names of tests and of their
// cases, Markdown and HTML templates below a folder, prints each place with a better way to say
// it, and exits with 1 if there is any.
//
// It passes over code in Markdown, and over paragraphs that quote such words on purpose:
// those end with "<!-- prose: quoted -->".
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	found, err := check(os.DirFS(root), os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "prose:", err)
		os.Exit(2)
	case found > 0:
		fmt.Fprintf(os.Stderr, "prose: %d places to reword\n", found)
		os.Exit(1)
	}
}

func check(tree fs.FS, out io.Writer) (found int, err error) {
	err = fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && skipped(path):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		blocks, err := blocksOf(tree, path)
		for _, b := range blocks {
			for _, f := range findingsIn(b) {
				found++
				line := b.line + strings.Count(b.text[:f.at[0]], "\n")
				fmt.Fprintf(out, "%s:%d: %s: %s\n", path, line, strings.Join(strings.Fields(b.text[f.at[0]:f.at[1]]), " "), f.advice)
			}
		}
		return err
	})
	return found, err
}

type finding struct {
	at     []int
	advice string
}

func findingsIn(b block) (all []finding) {
	if !b.name {
		for _, h := range habits {
			for _, at := range h.pattern.FindAllStringIndex(b.text, -1) {
				all = append(all, finding{at, h.advice})
			}
		}
	}
	for _, s := range senses {
		for _, at := range s.strayed(b.text) {
			all = append(all, finding{at, s.advice})
		}
	}
	return all
}

func skipped(folder string) bool {
	name := filepath.Base(folder)
	return name == "testdata" || name == "bin" || folder == "tools/prose" || folder != "." && strings.HasPrefix(name, ".")
}

// block is a comment, a paragraph of a document or a test's name, and the line it begins in.
type block struct {
	line int
	text string
	name bool
}

// blocksOf returns nothing for a kind of file without prose.
func blocksOf(tree fs.FS, path string) ([]block, error) {
	var read func(string) ([]block, error)
	switch filepath.Ext(path) {
	case ".go":
		read = func(source string) ([]block, error) { return inGo(source, strings.HasSuffix(path, "_test.go")) }
	case ".md", ".html", ".tmpl":
		read = paragraphs
	default:
		return nil, nil
	}
	content, err := fs.ReadFile(tree, path)
	if err != nil {
		return nil, err
	}
	blocks, err := read(string(content))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return blocks, nil
}

func inGo(source string, isTest bool) ([]block, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var blocks []block
	for _, group := range file.Comments {
		var text []string
		for _, comment := range group.List {
			text = append(text, strings.TrimPrefix(comment.Text, "//"))
		}
		blocks = append(blocks, block{line: files.Position(group.Pos()).Line, text: strings.Join(text, "\n")})
	}
	if isTest {
		blocks = append(blocks, names(files, file)...)
	}
	return blocks, nil
}

// names returns the names of a file's tests and of their cases: texts of several words that are
// keys of a map, or come first in a struct.
func names(files *token.FileSet, file *ast.File) (blocks []block) {
	add := func(at token.Pos, text string) {
		if strings.Contains(text, " ") {
			blocks = append(blocks, block{line: files.Position(at).Line, text: text, name: true})
		}
	}
	literal := func(e ast.Expr) {
		if text, ok := e.(*ast.BasicLit); ok && text.Kind == token.STRING {
			if value, err := strconv.Unquote(text.Value); err == nil {
				add(text.Pos(), value)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && strings.HasPrefix(n.Name.Name, "Test") {
				add(n.Pos(), inWords(n.Name.Name))
			}
		case *ast.CompositeLit:
			if len(n.Elts) > 0 {
				literal(n.Elts[0])
			}
			for _, e := range n.Elts {
				if pair, ok := e.(*ast.KeyValueExpr); ok {
					literal(pair.Key)
				}
			}
		}
		return true
	})
	return blocks
}

var inlineCode = regexp.MustCompile("`[^`\n]*`")

func paragraphs(document string) ([]block, error) {
	var blocks []block
	fenced := false
	current := block{}
	end := func() {
		if current.text != "" && !strings.Contains(current.text, "<!-- prose: quoted -->") {
			blocks = append(blocks, current)
		}
		current = block{}
	}
	for i, line := range strings.Split(document, "\n") {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence || fenced || strings.TrimSpace(line) == "" {
			end()
			fenced = fenced != fence
			continue
		}
		if current.text == "" {
			current.line = i + 1
		}
		current.text += inlineCode.ReplaceAllString(line, "`…`") + "\n"
	}
	end()
	return blocks, nil
}
