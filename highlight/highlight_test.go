package highlight

import (
	"html"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var tags = regexp.MustCompile(`<span class="hl-[a-z]+">|</span>`)

func TestCodeHasColoursAndKeepsItsText(t *testing.T) {
	t.Parallel()
	for language, text := range map[string]string{
		"json": "{\n  \"name\": \"tide <b>\",\n  \"height\": 4.2,\n  \"low\": null\n}",
		"bash": "curl --include 'https://example.com/?a=b&c' \\\n  --header 'x-api-key: YOUR_API_KEY'\n",
		"js":   "const a = `x ${1 < 2}`; // done", "python": "import requests\nprint(\"a\" + 'b')", "go": "package main\n\nfunc main() { println(`<a>`) }\n",
		"java": "public class Main { String s = \"&amp;\"; }", "c#": "var a = @\"x \"\"y\"\" z\";", "php": "<?php\n\necho 'a' . \"b$c\";\n", "RUBY": "puts \"a #{1 + 2}\"\n",
		"http": "HTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"a\": 1}", "yaml": "a: [1, two]\r\nb: true\r\n", "xml": "<a b=\"c\">d</a>",
		"diff": "-old\n+new\n",
	} {
		got := string(Code(language, text))
		if !strings.Contains(got, `<span class="hl-`) {
			t.Errorf("%s has no colours: %s", language, got)
		}
		if plain := html.UnescapeString(tags.ReplaceAllString(got, "")); plain != text {
			t.Errorf("%s reads %q, want %q", language, plain, text)
		}
	}
}

func TestEveryLanguageHasALexer(t *testing.T) {
	t.Parallel()
	for language := range languages {
		Code(language, "x") // which panics without one
	}
}

func TestOtherTextIsEscaped(t *testing.T) {
	t.Parallel()
	const hostile = `<script>alert("1")</script>` + "\x00\xff"
	for name, language := range map[string]string{"no language": "", "an unknown one": "brainfuck", "markup": `"><script>`, "one with a lexer": "html"} {
		if got := string(Code(language, hostile)); strings.Contains(tags.ReplaceAllString(got, ""), "<") {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := string(Code("json", strings.Repeat(`{"a":1}`, MaxBytes))); strings.Contains(got, "<") {
		t.Error("a text that is too long has colours")
	}
}

func TestASpentBudgetLeavesTextPlain(t *testing.T) {
	t.Parallel()
	budget := NewBudget()
	if got := budget.Code("json", "1"); !strings.Contains(string(got), "<span") {
		t.Errorf("%s has no colours", got)
	}
	budget.left = 0
	if got := budget.Code("json", `"<1>"`); got != "&#34;&lt;1&gt;&#34;" {
		t.Error(got)
	}
	budget.left = 1 // nanosecond, which is over before the first token
	if got := budget.Code("json", strings.Repeat(" 1,", 1000)); strings.Contains(string(got), "<") {
		t.Error("a text that took too long has colours")
	}
	if budget.left > 0 {
		t.Errorf("%v left", budget.left)
	}
}

func TestEveryClassIsReadableOnTheBackgroundsOfCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../web/assets/portal.css")
	if err != nil {
		t.Fatal(err)
	}
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(page), -1)
	light, dark, _ := strings.Cut(Stylesheet(), "@media (prefers-color-scheme: dark)")
	for i, css := range []string{light, dark} {
		backgrounds := [][]string{{"#f6f8fa", "#ffffff"}, {"#161b22", "#171f1c"}}[i]
		for _, name := range []string{"sunk", "card"} {
			backgrounds = append(backgrounds, regexp.MustCompile(`--` + name + `: (#[0-9a-f]{6});`).FindStringSubmatch(schemes[i][1])[1])
		}
		rules := regexp.MustCompile(`\.(hl-[a-z]+) \{ color: (#[0-9a-f]{6}); \}`).FindAllStringSubmatch(css, -1)
		if len(rules) != len(colours) {
			t.Fatalf("%d rules, want one for each class: %s", len(rules), css)
		}
		for _, rule := range rules {
			for _, background := range backgrounds {
				if got := contrast(t, rule[2], background); got < 4.5 {
					t.Errorf("%s %s on %s has %.2f : 1, want 4.5", rule[1], rule[2], background, got)
				}
			}
		}
	}
}

// contrast is that of WCAG 2.2.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	rgb, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(channel uint64) float64 {
		c := float64(channel&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8) + 0.0722*linear(rgb)
}
