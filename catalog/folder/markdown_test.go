package folder_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

func TestLinksThatLeadNowhereAreWarnings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		overview string
		want     []string
	}{
		"a page":                {"[x](pages/errors.md#limits)", nil},
		"the changelog":         {"[x](changelog.md)", nil},
		"another product":       {"[x](../lights/overview.md) [y](../lights)", nil},
		"a page of the portal":  {"[x](../pages/getting-started.md)", nil},
		"other sites":           {"[x](https://a.example/b.md) <https://a.example> [y](mailto:a@b.example) [z](//a.example)", nil},
		"places in the portal":  {"[x](/apis) [y](#here)", nil},
		"an image":              {"![x](images/map.svg) [y](images/map.svg)", nil},
		"a missing page":        {"One.\n\nTwo [x](pages/nothing.md).\n", []string{`3: The link "pages/nothing.md" leads to no page. Add the page, or correct the path.`}},
		"a missing image":       {"One\ntwo\n![](images/nothing.svg)\n", []string{`1: There is no image "images/nothing.svg". Add it, or correct the path.`}},
		"another site's image":  {"![x](https://a.example/x.png)", []string{`1: Pages show no images of other sites. Put the image of "https://a.example/x.png" into the folder.`}},
		"an embedded image":     {"![x](data:image/png;base64,AAAA)", []string{`1: Pages show no images of other sites. Put the image of "data:image/png;base64,AAAA" into the folder.`}},
		"a script":              {"[x](javascript:alert(1))", []string{`1: Pages do not link to "javascript:alert(1)". Use a link that begins with https:// or mailto:.`}},
		"a way out":             {"[x](../../etc/passwd)", []string{`1: The link "../../etc/passwd" leads out of the catalog folder. Correct the path.`}},
		"a file not shown":      {"[x](openapi.json)", []string{`1: The portal does not show "openapi.json". Link to a page or an image.`}},
		"another folder's file": {"![x](../lights/lamp.svg)", []string{`1: The image "../lights/lamp.svg" belongs to another folder. Copy it into this one.`}},
		"an unknown product":    {"[x](../nothing/overview.md)", []string{`1: The link "../nothing/overview.md" leads to no page. Add the page, or correct the path.`}},
		"a product of another id": {"[x](../renamed/overview.md)",
			[]string{"1: The id of this product is new-name. Link to /apis/new-name."}},
		"after front matter": {"---\ntitle: x\n---\n\nText\n[x](nothing.md)", []string{`6: The link "nothing.md" leads to no page. Add the page, or correct the path.`}},
		"a code example":     {"`[x](nothing.md)`\n\n    [y](nothing.md)\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustRead(t, folderOf("tides/product.yaml", tidesYAML, "tides/overview.md", c.overview, "tides/changelog.md", "Text", "tides/pages/errors.md", "Text",
				"tides/images/map.svg", picture, "tides/openapi.json", "{}", "lights/product.yaml", "name: L\nplans: [{id: l}]\n", "lights/lamp.svg", picture,
				"renamed/product.yaml", "id: new-name\nname: R\nplans: [{id: r}]\n", "pages/getting-started.md", "Text"))
			var want []string
			for _, text := range c.want {
				want = append(want, "?tides/overview.md:"+text)
			}
			tells(t, f, want...)
			if len(f.Products) != 3 {
				t.Errorf("there are %d products", len(f.Products))
			}
		})
	}
}

func TestTitlesComeFromFrontMatterOrTheFirstHeading(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, title, body string }{
		"a heading":                    {"# One `two` & three\n\nText\n", "One two & three", "Text\n"},
		"a heading with a line below":  {"One\n===\n\nText\n", "One", "Text\n"},
		"a closed heading":             {"# One #\nText\n", "One", "Text\n"},
		"a heading after text":         {"Text\n\n# One\n", "One", "Text\n\n# One\n"},
		"a heading of level 2":         {"## One\n\nText\n", "One", "## One\n\nText\n"},
		"front matter and a heading":   {"---\ntitle: Two\n---\n# One\nText\n", "Two", "Text\n"},
		"front matter without a title": {"---\norder: 3\n---\nText\n", "A page", "Text\n"},
		"empty front matter":           {"---\n---\nText\n", "A page", "Text\n"},
		"a thematic break":             {"---\nText\n", "A page", "---\nText\n"},
	} {
		f := mustRead(t, folderOf("pages/a-page.md", c.source))
		if len(f.Pages) != 1 || f.Pages[0].Title != c.title || f.Pages[0].Hash != catalog.HashOf([]byte(c.body)) {
			t.Errorf("%s: %+v with %q, %v", name, f.Pages, f.Blobs[f.Pages[0].Hash], told(f.Problems))
		}
	}
}

func TestAHeadingThatRepeatsThePagesTitleIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ overview, changelog, wantOverview, wantChangelog string }{
		"the title":         {"# Tides\n\nText\n", "# Changelog\n\n## 1\n", "Text\n", "## 1\n"},
		"in other letters":  {"# TIDES\n\nText\n", "# ChangeLog\n\n## 1\n", "Text\n", "## 1\n"},
		"another title":     {"# Welcome\n\nText\n", "# 1.0\n\nText\n", "# Welcome\n\nText\n", "# 1.0\n\nText\n"},
		"in the wrong file": {"# Changelog\n", "# Tides\n", "# Changelog\n", "# Tides\n"},
		"a lower heading":   {"## Tides\n", "## Changelog\n", "## Tides\n", "## Changelog\n"},
	} {
		f := mustRead(t, folderOf("tides/product.yaml", tidesYAML, "tides/overview.md", c.overview, "tides/changelog.md", c.changelog))
		if len(f.Products) != 1 {
			t.Fatalf("%s: %v", name, told(f.Problems))
		}
		product := f.Products[0].Product
		if overview, changelog := string(f.Blobs[product.Overview]), string(f.Blobs[product.Changelog]); overview != c.wantOverview || changelog != c.wantChangelog {
			t.Errorf("%s: %q, %q", name, overview, changelog)
		}
	}
}

func TestAFileWithoutTextIsLeftOutWithAWarning(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"nothing": "", "blank lines": "\n \n", "a title": "# Tides\n", "front matter": "---\ntitle: Tides\n---\n",
	} {
		f := mustRead(t, folderOf("tides/product.yaml", tidesYAML, "tides/overview.md", source, "pages/tides.md", source))
		if len(f.Products) != 1 || f.Products[0].Product.Overview != "" || len(f.Pages) != 0 {
			t.Errorf("%s: %+v, %+v", name, f.Products, f.Pages)
		}
		if _, stored := f.Blobs[catalog.HashOf(nil)]; stored {
			t.Errorf("%s: an empty blob is to be stored", name)
		}
		want := "The file has no text besides its title, so it is not shown. Write the text, or remove the file."
		if got := told(f.Problems); len(got) != 2 || got[0] != "?pages/tides.md:0: "+want || got[1] != "?tides/overview.md:0: "+want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestFaultsInFrontMatterAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, want string }{
		"a title of no text": {"---\norder: 1\ntitle: [a]\n---\n", "pages/a.md:3: title must be text of at most 200 characters."},
		"an order of no use": {"---\norder: first\n---\n", "pages/a.md:2: order must be a whole number from 1 to 9999."},
		"an unknown key":     {"---\nlayout: x\n---\nText\n", `?pages/a.md:2: Gatehouse reads title and order here, and ignores "layout". Remove it.`},
		"broken YAML":        {"---\ntitle: 'a\n---\n", "pages/a.md:3: A quotation mark is opened here or before, and never closed. Close it."},
	} {
		f := mustRead(t, folderOf("pages/a.md", c.source))
		if got := told(f.Problems); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestHostileMarkdownIsReadInReasonableTime(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"[", "![", "> ", "* ", "`", "<!--", "**a", "[a](", "\\", "|", "- [ ] ", "&a", "<a "} {
		line := strings.Repeat(part, 2000/len(part)) + "\n"
		mustRead(t, folderOf("pages/a.md", strings.Repeat(line, 50)))
	}
}
