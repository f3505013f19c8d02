package markdown

import (
	"strings"
	"testing"
)

func TestRelativeLinksLeadElsewhereAndAllElseStays(t *testing.T) {
	t.Parallel()
	link := func(address string) string {
		if strings.HasPrefix(address, "pages/errors.md") {
			return "https://portal.example.com/errors" + strings.TrimPrefix(address, "pages/errors.md")
		}
		return ""
	}
	for source, want := range map[string]string{
		"See [a](pages/errors.md#b) and [c](pages/errors.md).":       "See [a](https://portal.example.com/errors#b) and [c](https://portal.example.com/errors).",
		"[a](../secret/overview.md) ![b](../secret/c.svg \"title\")": "[a](#) ![b](# \"title\")",
		"[a](<../secret/over view.md>) [b]( ../secret/b.md )":        "[a](<#>) [b]( # )",
		"[a][b]\n\n[b]: ../secret/overview.md \"title\"":             "[a][b]\n\n[b]: # \"title\"",
		"> [a]\n>\n> [a]: <../secret/overview.md>":                   "> [a]\n>\n> [a]: <#>",
		"[a]:\n  ../secret/overview.md":                              "[a]:\n  #",
		"<a href=\"../secret/x\">a</a> <IMG SRC=../secret/y.svg>":    "<a href=\"#\">a</a> <IMG SRC=#>",
		"[a](/apis/secret) [b](?secret)":                             "[a](#) [b](#)",
		"[a](https://example.com/x) [b](#c) [d](mailto:e@f.example)": "[a](https://example.com/x) [b](#c) [d](mailto:e@f.example)",
		"[a](//example.com/x)":                                       "[a](//example.com/x)",
		"`[a](b.md)` [c](d.md)":                                      "`[a](b.md)` [c](#)",
		"```\n[a](b.md)\n```\n[c](d.md)\n\n    [e](f.md)\n":          "```\n[a](b.md)\n```\n[c](#)\n\n    [e](f.md)\n",
		"[a](..\\/secret) [b](%2e%2e/secret) [c](&#46;./secret)":     "[a](#) [b](#) [c](#)",
		"https://example.com/?a=1&src=b, or src=c":                   "https://example.com/?a=1&src=b, or src=c",
		"No links.": "No links.",
	} {
		if got := Relink(source, link); got != want {
			t.Errorf("%q became\n%q, want\n%q", source, got, want)
		}
	}
}
