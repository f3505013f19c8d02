package branding_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/branding"
	"github.com/gatehouse-portal/gatehouse/highlight"
)

// own reads the palette of the portal's stylesheet.
func own(t *testing.T) branding.Palette {
	t.Helper()
	css, err := os.ReadFile("../web/assets/portal.css")
	if err != nil {
		t.Fatal(err)
	}
	palette, err := branding.ParsePalette(string(css), highlight.Stylesheet())
	if err != nil {
		t.Fatal(err)
	}
	return palette
}

// folder writes files, given as pairs of name and content.
func folder(t *testing.T, pairs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(pairs); i += 2 {
		write(t, dir, pairs[i], pairs[i+1])
	}
	return dir
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// faults loads a folder that is not usable.
func faults(t *testing.T, pairs ...string) branding.Faults {
	t.Helper()
	_, err := branding.Load(folder(t, pairs...), own(t))
	var found branding.Faults
	if !errors.As(err, &found) {
		t.Fatalf("the error is %v, want faults", err)
	}
	return found
}

const plainSVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>`

const acme = `name: Acme APIs
tagline: Everything that moves parcels.
logo_contains_name: true
colours:
  light: {accent: "#8a1c5b"}
  dark: {accent: "#f29bcb", background: "#141019"}
home:
  action: {text: Start here, url: /pages/getting-started}
footer:
  - {text: Imprint, url: "https://acme.example/imprint"}
  - {text: Contact, url: "mailto:apis@acme.example"}
links: {terms: /pages/terms, status: "https://status.acme.example"}
`

func TestAFolderIsRead(t *testing.T) {
	t.Parallel()
	b, err := branding.Load(folder(t, "branding.yaml", acme, "logo.svg", plainSVG, "logo-dark.svg", plainSVG+"<!-- dark -->",
		"favicon.png", "\x89PNG\r\n\x1a\nrest", "home.md", "# Hello", "home-top.md", "*Top*", "README.md", "notes"), own(t))
	if err != nil {
		t.Fatal(err)
	}
	if b.Name != "Acme APIs" || b.Tagline != "Everything that moves parcels." || !b.LogoContainsName || b.Home != "# Hello" || b.HomeTop != "*Top*" {
		t.Errorf("%+v", b)
	}
	if b.Action != (branding.Link{Text: "Start here", URL: "/pages/getting-started"}) || len(b.Footer) != 2 || b.Terms != "/pages/terms" || b.Privacy != "" {
		t.Errorf("%+v", b)
	}
	for name, want := range map[string]string{b.Logo: "image/svg+xml", b.LogoDark: "image/svg+xml", b.Favicon: "image/png", b.Stylesheet: "text/css; charset=utf-8"} {
		if got := b.Files[name]; got.Type != want || len(got.Body) == 0 {
			t.Errorf("%q is %s with %d bytes, want %s", name, got.Type, len(got.Body), want)
		}
	}
	css := string(b.Files[b.Stylesheet].Body)
	light, dark, _ := strings.Cut(css, "@media")
	if !strings.Contains(light, "--accent: #8a1c5b;") || strings.Contains(light, "--paper") {
		t.Errorf("the light colours are not those of the folder:\n%s", css)
	}
	if !strings.Contains(dark, "--accent: #f29bcb;") || !strings.Contains(dark, "--paper: #141019;") || !strings.Contains(dark, "--muted:") {
		t.Errorf("the dark colours are not those of the folder:\n%s", css)
	}
}

func TestAnEmptyFileIsThePortalsOwnLook(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "# nothing yet\n", "colours:\n"} {
		b, err := branding.Load(folder(t, "branding.yaml", content), own(t))
		if err != nil || b.Name != "" || b.Stylesheet != "" || len(b.Files) != 0 {
			t.Errorf("%q: %+v, %v", content, b, err)
		}
	}
}

func TestAnAccentForOneSchemeIsMadeReadableInTheOther(t *testing.T) {
	t.Parallel()
	b, err := branding.Load(folder(t, "branding.yaml", `colours: {light: {accent: "#4b0082"}}`), own(t))
	if err != nil {
		t.Fatal(err)
	}
	_, dark, _ := strings.Cut(string(b.Files[b.Stylesheet].Body), "@media")
	if !strings.Contains(dark, "--accent: #") || strings.Contains(dark, "--accent: #4b0082") {
		t.Errorf("dark mode has no lighter accent:\n%s", dark)
	}
}

func TestUnreadableColoursAreRefusedWithThePairAndAColourThatPasses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		yaml string
		want []string
	}{
		"a pale accent": {`colours: {light: {accent: "#7fd3a0"}}`, []string{
			"colours.light.accent #7fd3a0", "links on the background (#7fd3a0 on #f8f8f4) has 1.68 : 1 and needs 4.5 : 1", "would pass",
		}},
		"a dark accent in the dark":  {`colours: {dark: {accent: "#222266"}}`, []string{"colours.dark.accent", "links on the background"}},
		"grey text":                  {`colours: {light: {text: "#999999"}}`, []string{"colours.light.text", "text on the background (#999999 on #f8f8f4)", "would pass"}},
		"text of buttons":            {`colours: {light: {accent: "#0b6650", accent_text: "#0b6650"}}`, []string{"text of buttons (#0b6650 on #0b6650) has 1.00 : 1"}},
		"a focus ring":               {`colours: {dark: {focus: "#202020"}}`, []string{"colours.dark.focus", "the focus ring on the background", "needs 3 : 1"}},
		"a surface":                  {`colours: {light: {surface: "#000000"}}`, []string{"colours.light.surface", "text on cards and the header"}},
		"a background in the middle": {`colours: {light: {background: "#808080", text: "#808080"}}`, []string{"has 1.00 : 1", "No colour would pass"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := strings.Join(faults(t, "branding.yaml", c.yaml), "\n")
			for _, want := range c.want {
				if !strings.Contains(all, want) {
					t.Errorf("%q is missing in:\n%s", want, all)
				}
			}
		})
	}
}

func TestTheSuggestedColourIsAccepted(t *testing.T) {
	t.Parallel()
	for _, tried := range []string{"#7fd3a0", "#ffcc00", "#ff0000", "#00ffff", "#ff9900", "#ffffff", "#808080", "#f0f"} {
		for _, scheme := range []string{"light", "dark"} {
			yaml := `colours: {` + scheme + `: {accent: "` + tried + `"}}`
			dir := folder(t, "branding.yaml", yaml)
			_, err := branding.Load(dir, own(t))
			if err == nil {
				continue
			}
			_, rest, ok := strings.Cut(err.Error(), ". #")
			if !ok {
				t.Errorf("%s: no colour is suggested: %v", yaml, err)
				continue
			}
			write(t, dir, "branding.yaml", `colours: {`+scheme+`: {accent: "#`+rest[:6]+`"}}`)
			if _, err := branding.Load(dir, own(t)); err != nil {
				t.Errorf("%s: the suggestion is refused: %v", yaml, err)
			}
		}
	}
}

func TestEveryPairPassesWithEveryAcceptedBranding(t *testing.T) {
	t.Parallel()
	base := own(t)
	b, err := branding.Load(folder(t, "branding.yaml", acme, "logo.svg", plainSVG), base)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := branding.ParsePalette(merged(base, string(b.Files[b.Stylesheet].Body)), highlight.Stylesheet())
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []branding.Scheme{changed.Light, changed.Dark} {
		for _, pair := range branding.Pairs {
			if got := branding.Contrast(scheme[pair.Front], scheme[pair.Back]); got < pair.Least {
				t.Errorf("%s: %.2f : 1, want %g", pair.What, got, pair.Least)
			}
		}
	}
}

// merged writes a stylesheet with the colours of a palette, replaced by those of a branding.
func merged(base branding.Palette, css string) string {
	light, dark, _ := strings.Cut(css, "@media")
	var b strings.Builder
	for _, part := range []struct {
		scheme branding.Scheme
		css    string
	}{{base.Light, light}, {base.Dark, dark}} {
		b.WriteString(":root {\n")
		for name, colour := range part.scheme {
			if !strings.Contains(part.css, "--"+name+": ") {
				b.WriteString("--" + name + ": " + colour.String() + ";\n")
			}
		}
		_, rules, _ := strings.Cut(part.css, ":root {")
		rules, _, _ = strings.Cut(rules, "}")
		b.WriteString(rules + "}\n")
	}
	return b.String()
}

func TestFaultsOfTheFileAreAllNamedWithTheirLine(t *testing.T) {
	t.Parallel()
	got := faults(t, "branding.yaml", `naam: Acme
tagline: [a, b]
colors:
  light: {}
colours:
  light:
    acent: "#000000"
    text: black
  darc: {}
footer:
  - {text: Evil, url: "javascript:alert(1)"}
  - {text: No address}
  - {text: Other host, url: "//evil.example"}
links: {terms: "http://plain.example"}
logo_contains_name: maybe
`)
	for i, want := range []string{
		`branding.yaml:1: unknown key "naam"; did you mean "name"?`,
		`branding.yaml:2: tagline: this is a list; want a text`,
		`branding.yaml:3: unknown key "colors"; did you mean "colours"?`,
		`branding.yaml:7: colours.light: unknown key "acent"; did you mean "accent"?`,
		`branding.yaml:8: colours.light.text: "black" is not a colour; want six hexadecimal digits in quotes, like "#0b6650"`,
		`branding.yaml:9: colours: unknown key "darc"; did you mean "dark"?`,
		`branding.yaml:11: footer[0].url: "javascript:alert(1)" cannot be linked; want an https or mailto URL, or a path of the portal such as /pages/terms`,
		`branding.yaml:12: footer[1]: a link needs both text and url`,
		`branding.yaml:13: footer[2].url: "//evil.example" cannot be linked; want an https or mailto URL, or a path of the portal such as /pages/terms`,
		`branding.yaml:14: links.terms: "http://plain.example" cannot be linked; want an https or mailto URL, or a path of the portal such as /pages/terms`,
		`branding.yaml:15: logo_contains_name: this is "maybe"; want true or false`,
	} {
		if i >= len(got) || got[i] != want {
			t.Errorf("fault %d is not\n%s in:\n%s", i, want, strings.Join(got, "\n"))
			break
		}
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	t.Parallel()
	const head = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">`
	bomb := "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nname: *c\n"
	for name, c := range map[string]struct {
		pairs []string
		want  string
	}{
		"YAML that is broken":               {[]string{"branding.yaml", "name: [\n"}, "not valid YAML"},
		"two YAML documents":                {[]string{"branding.yaml", "name: A\n---\nname: B\n"}, "one YAML document"},
		"a YAML bomb":                       {[]string{"branding.yaml", bomb}, "anchors and aliases are not supported"},
		"YAML that is too large":            {[]string{"branding.yaml", "#" + strings.Repeat("x", 70<<10)}, "larger than 64 KB"},
		"a list instead of keys":            {[]string{"branding.yaml", "- name\n"}, "want keys with values"},
		"a key twice":                       {[]string{"branding.yaml", "name: A\nname: B\n"}, "appears twice"},
		"a name that is too long":           {[]string{"branding.yaml", "name: " + strings.Repeat("ä", 61)}, "at most 60"},
		"a name in several lines":           {[]string{"branding.yaml", "name: \"A\\nB\""}, "one line"},
		"no file":                           {[]string{"logo.svg", plainSVG}, "branding.yaml: the file is missing"},
		"a script in the logo":              {[]string{"logo.svg", head + `<script>alert(1)</script></svg>`}, "the element script"},
		"a script in capitals":              {[]string{"logo.svg", head + `<SCRIPT/></svg>`}, "the element SCRIPT"},
		"a prefixed script":                 {[]string{"logo.svg", head + `<svg:script xmlns:svg="http://www.w3.org/2000/svg"/></svg>`}, "the element script"},
		"an event handler":                  {[]string{"logo.svg", head + `<path onload="alert(1)"/></svg>`}, "the attribute onload"},
		"a foreign object":                  {[]string{"logo.svg", head + `<foreignObject/></svg>`}, "the element foreignObject"},
		"a link that runs a script":         {[]string{"logo.svg", head + `<a xlink:href="javascript:alert(1)"/></svg>`}, "refers to javascript:alert(1)"},
		"an external image":                 {[]string{"logo.svg", head + `<image href="https://evil.example/a.png"/></svg>`}, "refers to https://evil.example/a.png"},
		"an SVG inside":                     {[]string{"logo.svg", head + `<image href="data:image/svg+xml;base64,AAAA"/></svg>`}, "refers to data:image/svg"},
		"an external use":                   {[]string{"logo.svg", head + `<use href="other.svg#a"/></svg>`}, "refers to other.svg#a"},
		"a link changed by an animation":    {[]string{"logo.svg", head + `<a href="#a"><set attributeName="href" to="javascript:alert(1)"/></a></svg>`}, "the element set"},
		"an import in a style":              {[]string{"logo.svg", head + `<style>@import "https://evil.example"</style></svg>`}, "its style loads another file"},
		"an import in pieces":               {[]string{"logo.svg", head + `<style>@imp<![CDATA[ort "https://evil.example"]]></style></svg>`}, "its style loads another file"},
		"an escaped import":                 {[]string{"logo.svg", head + `<style>@\69mport "https://evil.example"</style></svg>`}, "its style loads another file"},
		"a URL in a style attribute":        {[]string{"logo.svg", head + `<path style="fill:url( 'https://evil.example/a')"/></svg>`}, "attribute style loads another file"},
		"a URL in a presentation attribute": {[]string{"logo.svg", head + `<path fill="url(https://evil.example/a)"/></svg>`}, "attribute fill loads another file"},
		"an entity":                         {[]string{"logo.svg", `<!DOCTYPE svg [<!ENTITY a "b">]>` + plainSVG}, "DOCTYPE"},
		"a stylesheet instruction":          {[]string{"logo.svg", `<?xml-stylesheet href="https://evil.example"?>` + plainSVG}, "xml-stylesheet"},
		"deep nesting":                      {[]string{"logo.svg", head + strings.Repeat("<g>", 200)}, "too many elements"},
		"an SVG that is not XML":            {[]string{"logo.svg", "<svg"}, "not valid XML"},
		"an unclosed SVG":                   {[]string{"logo.svg", "<svg><g></svg>"}, "not closed"},
		"an empty SVG":                      {[]string{"logo.svg", ""}, "no svg element"},
		"HTML as SVG":                       {[]string{"logo.svg", "<html></html>"}, "its root element is html"},
		"a logo that is too large":          {[]string{"logo.svg", plainSVG + strings.Repeat(" ", 300<<10)}, "larger than 256 KB"},
		"a favicon of another type":         {[]string{"favicon.png", plainSVG}, "favicon.png: the content is not of this type"},
		"two favicons":                      {[]string{"favicon.svg", plainSVG, "favicon.png", "\x89PNG\r\n\x1a\n"}, "keep one of"},
		"a dark logo alone":                 {[]string{"logo-dark.svg", plainSVG}, "there is no logo.svg"},
		"a logo of a type that is not read": {[]string{"logo.png", "\x89PNG"}, "logo.png: the portal does not read this file"},
		"a fragment that is not UTF-8":      {[]string{"home.md", "\xff\xfe"}, "home.md: the text is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pairs := c.pairs
			if pairs[0] != "branding.yaml" && name != "no file" {
				pairs = append([]string{"branding.yaml", "name: A\n"}, pairs...)
			}
			if all := strings.Join(faults(t, pairs...), "\n"); !strings.Contains(all, c.want) {
				t.Errorf("%q is missing in:\n%s", c.want, all)
			}
		})
	}
}

func TestASymbolicLinkDoesNotLeadOutOfTheFolder(t *testing.T) {
	t.Parallel()
	outside := folder(t, "home.md", "secret")
	dir := folder(t, "branding.yaml", "")
	if err := os.Symlink(filepath.Join(outside, "home.md"), filepath.Join(dir, "home.md")); err != nil {
		t.Fatal(err)
	}
	if b, err := branding.Load(dir, own(t)); err == nil {
		t.Errorf("the home page says %q", b.Home)
	}
}

func TestAMissingFolderIsNamed(t *testing.T) {
	t.Parallel()
	if _, err := branding.Load("/nonexistent/branding", own(t)); err == nil || !strings.Contains(err.Error(), "/nonexistent/branding does not exist") {
		t.Errorf("%v", err)
	}
}

func TestHarmlessSVGsAreAccepted(t *testing.T) {
	t.Parallel()
	for _, image := range []string{
		plainSVG,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- made by a program -->" + plainSVG,
		`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><style>path{fill:url(#a)}@media(prefers-color-scheme:dark){path{fill:#fff}}</style>` +
			`<defs><linearGradient id="a"/></defs><use xlink:href="#a"/><image href="data:image/png;base64,AAAA"/><path style="fill:url('#a')"/></svg>`,
	} {
		if _, err := branding.Load(folder(t, "branding.yaml", "", "logo.svg", image), own(t)); err != nil {
			t.Errorf("%s\n%v", image, err)
		}
	}
}
