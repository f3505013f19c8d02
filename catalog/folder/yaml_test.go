package folder_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestFaultsInYAMLAreNamedWithTheLineAndWhatToChange(t *testing.T) {
	t.Parallel()
	const aliases = "Gatehouse does not read YAML anchors (&name) and aliases (*name). Write the value out, or put it in quotes."
	for name, c := range map[string]struct {
		yaml string
		want []string
	}{
		"a tab":                      {"name: A\nplans:\n\t- name: B\n", []string{"3: This line is indented with a tab, which YAML does not allow. Use spaces."}},
		"a colon in a value":         {"name: A: b\n", []string{"1: A colon followed by a blank is not allowed here. Put the value in quotes, or correct the indentation."}},
		"an indented key":            {"name: A\n plans: x\n", []string{"2: A colon followed by a blank is not allowed here. Put the value in quotes, or correct the indentation."}},
		"an open quotation mark":     {"name: 'A\n", []string{"2: A quotation mark is opened here or before, and never closed. Close it."}},
		"an open list":               {"plans: [a, b\nname: x\n", []string{"1: A list that began with [ is not closed. Separate its values with commas, and close it with ]."}},
		"an open group":              {"owner: {name: b\ntags: d", []string{"1: A group that began with { is not closed. Separate its members with commas, and close it with }."}},
		"a forbidden first letter":   {"name: @x\n", []string{"1: A value may not begin with this character. Put it in quotes."}},
		"an unknown escape":          {`name: "\q"`, []string{`1: A backslash in double quotes begins an escape that YAML does not know. Use single quotes, or write \\.`}},
		"a key that is there twice":  {"name: A\nplans:\n  - id: a\n    id: b\n", []string{`4: The key "id" is also in line 3. Remove one of them.`}},
		"two documents":              {"name: A\n---\nname: B\n", []string{`2: A second YAML document begins here. Keep one, and remove the line "---".`}},
		"an anchor":                  {"name: &a A\n", []string{"1: " + aliases}},
		"an alias without an anchor": {"name: *a\n", []string{"1: A value that begins with * is an alias, which Gatehouse does not read. Put the value in quotes."}},
		"an anchor and a merge key":  {"owner: &a {name: x}\nimage:\n  <<: *a\n", []string{"1: " + aliases, "3: " + aliases}},
		"a tag":                      {"name: !!binary aGVsbG8=\n", []string{`1: Gatehouse does not read YAML tags ("!!binary"). Remove the tag, or put the value in quotes.`}},
		"a list as a key":            {"? [a]\n: b\n", []string{"1: A key must be plain text. Check the indentation, and put values that begin with [, {, & or * in quotes."}},
		"an empty file":              {"", []string{"0: The file is empty. Write at least a name and a list of apis or plans."}},
		"a file of comments":         {"# name: A\n", []string{"0: The file is empty. Write at least a name and a list of apis or plans."}},
		"a list":                     {"- name: A\n", []string{`1: The file must consist of keys and values, such as "name: Harbour Tides".`}},
		"a word":                     {"name\n", []string{`1: The file must consist of keys and values, such as "name: Harbour Tides".`}},
		"a byte that is not UTF-8":   {"name: A\ncategory: M\xfcll\n", []string{"2: This line has a byte that is not UTF-8. Save the file as UTF-8."}},
		"UTF-16":                     {"\xff\xfen\x00a\x00", []string{"0: The file is in UTF-16. Save it as UTF-8."}},
		"an escaped NUL":             {`name: "A\0"`, []string{"1: This value has an escaped control character (U+0000). Remove it."}},
		"an escaped escape":          {`name: "A\e[31m"`, []string{"1: This value has an escaped control character (U+001B). Remove it."}},
		"a NUL":                      {"name: A\nplans: \x00\n", []string{"2: This line has a control character (U+0000). Remove it."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustRead(t, folderOf("tides/product.yaml", c.yaml))
			for i := range c.want {
				c.want[i] = "tides/product.yaml:" + c.want[i]
			}
			tells(t, f, c.want...)
			if len(f.Products) != 0 || len(f.Broken) != 1 {
				t.Errorf("products %v, broken %v", f.Products, f.Broken)
			}
		})
	}
}

func TestAYAMLBombIsRefusedWithoutBeingExpanded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	f := mustRead(t, folderOf("bomb/product.yaml", b.String()))
	if len(f.Products) != 0 || len(f.Problems) < 30 {
		t.Errorf("problems %d, products %d", len(f.Problems), len(f.Products))
	}
}

func TestDeepAndLargeYAMLIsRefused(t *testing.T) {
	t.Parallel()
	f := mustRead(t, folderOf("deep/product.yaml", "tags: "+strings.Repeat("[", 200)+strings.Repeat("]", 200)))
	tells(t, f, "deep/product.yaml:1: The values are nested more than 20 levels deep here. Check the indentation.")
	f = mustRead(t, folderOf("long/product.yaml", "tags: ["+strings.Repeat("a,", 30_000)+"]"))
	tells(t, f, "long/product.yaml:1: The file has more than 20000 values. Shorten it.")
	f = mustRead(t, folderOf("large/product.yaml", "name: "+strings.Repeat("a", 300<<10)))
	tells(t, f, "large/product.yaml:0: The file is larger than 256 KB. Make it smaller.")
}

func TestLineEndsAndAByteOrderMarkDoNotMatter(t *testing.T) {
	t.Parallel()
	for name, yaml := range map[string]string{
		"CRLF": strings.ReplaceAll(tidesYAML, "\n", "\r\n"), "CR": strings.ReplaceAll(tidesYAML, "\n", "\r"), "a byte order mark": "\xef\xbb\xbf" + tidesYAML,
	} {
		f := mustRead(t, folderOf("tides/product.yaml", yaml))
		if len(f.Products) != 1 || f.Products[0].Product.Name != "Tides" || f.Products[0].Plans[0].Line != 3 {
			t.Errorf("%s: %+v %v", name, f.Products, told(f.Problems))
		}
	}
}

func FuzzProductYAML(f *testing.F) {
	for _, seed := range []string{tidesYAML, "a: &a [*a]\n", "? x\n", "{{{{", "name: \"\\x", "---\n---\n", "visibility: {groups: [a]}\napis: [{openapi: x}]\n", "%YAML 1.1\n---\nname: a", "<<: {a: b}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, yaml string) {
		got := mustRead(t, folderOf("x/product.yaml", yaml))
		if len(got.Products)+len(got.Broken) != 1 {
			t.Errorf("products %v, broken %v", got.Products, got.Broken)
		}
		if len(got.Broken) == 1 && len(got.Problems) == 0 {
			t.Error("nothing says why the product is left out")
		}
	})
}
