package folder_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/catalog/folder"
)

const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>`

func TestEverythingThatAFolderSaysIsRead(t *testing.T) {
	t.Parallel()
	overview, page, changelog := "Read [errors](pages/errors.md).\n\n![Map](images/map.svg)\n", "What goes wrong.\n", "## 2.0\n"
	f := mustRead(t, folderOf("tides/product.yaml", `
id: tide-tables
name: Tide Tables
description: Tides of every harbour.
category: Weather
tags: [tides, 2026]
owner: {name: Coast Team, email: coast@example.com, url: "https://coast.example.com"}
image: {file: images/map.svg, alt: A map}
featured: true
status: deprecated
sunset: 2027-03-31
successor: lights
version: 1.10
version_of: lights
visibility:
  groups: [partners, staff]
apis:
  - name: Tides
    stage: v1
    slug: tides
    title: Tides API
    description: High and low waters.
    version: 1.4
    openapi: ./openapi.json
    sdks: [javascript, java]
  - openapi: openapi.json
    endpoint: https://api.example.com/v1
plans:
  - id: a1
    title: Free
    description: For trials.
    price: 0 €
    approval: automatic
  - name: Tides Plus
    recommended: true
    approval: manual
  - name: Tides Internal
    offer: false
  - name: Tides Fleet
    marketplace:
      product_code: 4fk3q8
      listing: https://aws.amazon.com/marketplace/pp/prodview-1
      dimensions: [fleet, fleet_annual]
      meter: portal
      meter_dimension: requests
      notices: eventbridge
  - name: Tides Pro
    marketplace: {product_code: 9zx, listing: "https://aws.amazon.com/marketplace/pp/prodview-2"}
`, "tides/openapi.json", openAPI, "tides/overview.md", overview, "tides/changelog.md", changelog,
		"tides/pages/errors.md", "# Errors\n\n"+page, "tides/pages/first-steps.md", "---\ntitle: The first steps\norder: 1\n---\nGo.\n",
		"tides/images/map.svg", picture, "lights/product.yaml", "name: Lights\nversion: 2\nplans: [{id: l}]\n"))
	tells(t, f)
	definition := f.Products[1].APIs[0].Definition
	want := catalog.Described{
		Path: "tides",
		Product: catalog.Product{
			ID: "tide-tables", Name: "Tide Tables", Description: "Tides of every harbour.", Category: "Weather", Tags: []string{"tides", "2026"},
			Owner: &catalog.Owner{Name: "Coast Team", Email: "coast@example.com", URL: "https://coast.example.com"},
			Image: &catalog.Image{Hash: catalog.HashOf([]byte(picture)), Type: "image/svg+xml", Alt: "A map"}, Featured: true,
			Status: catalog.StatusDeprecated, Sunset: "2027-03-31", Successor: "lights", Version: "1.10", VersionOf: "lights",
			Visibility: catalog.VisibleGroups, Groups: []string{"partners", "staff"},
			Overview: catalog.HashOf([]byte(overview)), Changelog: catalog.HashOf([]byte(changelog)),
			Pages: []catalog.Page{
				{Name: "first-steps", Title: "The first steps", Hash: catalog.HashOf([]byte("Go.\n"))},
				{Name: "errors", Title: "Errors", Hash: catalog.HashOf([]byte(page))},
			},
			Files: []catalog.File{{Name: "images/map.svg", Hash: catalog.HashOf([]byte(picture)), Type: "image/svg+xml"}},
		},
		Plans: []catalog.DescribedPlan{
			{ID: "a1", Title: "Free", Description: "For trials.", Price: "0 €", Line: 29},
			{Named: "Tides Plus", Recommended: true, Approval: catalog.ApprovalManual, Line: 34},
			{Named: "Tides Internal", Withheld: true, Line: 37},
			{Named: "Tides Fleet", Line: 39, Listing: &catalog.Listing{
				Product: "4fk3q8", URL: "https://aws.amazon.com/marketplace/pp/prodview-1", Dimensions: []string{"fleet", "fleet_annual"},
				Meter: catalog.MeterPortal, MeterDimension: "requests", Notices: "eventbridge",
			}},
			{Named: "Tides Pro", Line: 47, Listing: &catalog.Listing{Product: "9zx", URL: "https://aws.amazon.com/marketplace/pp/prodview-2", Meter: catalog.MeterNone}},
		},
		APIs: []catalog.DescribedAPI{
			{Named: "Tides", Stage: "v1", Slug: "tides", Title: "Tides API", Description: "High and low waters.", Version: "1.4", Definition: definition, SDKs: []string{"javascript", "java"}, Line: 18},
			{Slug: "directory", Title: "Directory", Endpoint: "https://api.example.com/v1", Definition: definition, Line: 26},
		},
	}
	if diff := cmp.Diff(want, f.Products[1]); diff != "" {
		t.Error(diff)
	}
	if lights := f.Products[0].Product; lights.ID != "lights" || lights.VersionOf != "lights" {
		t.Errorf("the product that others are versions of is %+v", lights)
	}
	for _, hash := range []string{definition, want.Product.Overview, want.Product.Changelog, want.Product.Pages[0].Hash, want.Product.Pages[1].Hash, want.Product.Image.Hash} {
		if body, ok := f.Blobs[hash]; !ok || catalog.HashOf(body) != hash {
			t.Errorf("there is no blob %s", hash)
		}
	}
	if len(f.Blobs) != 6 {
		t.Errorf("there are %d blobs", len(f.Blobs))
	}
}

func TestOneBadProductIsLeftOutAndTheOthersStay(t *testing.T) {
	t.Parallel()
	f := mustRead(t, folderOf("bad/product.yaml", "name: [", "tides/product.yaml", tidesYAML, "worse/readme.txt", "x"))
	tells(t, f, "bad/product.yaml:1: …", `worse/product.yaml:0: The folder has no product.yaml. Add one, or begin the folder's name with "_" to have it ignored.`)
	if len(f.Products) != 1 || f.Products[0].Product.ID != "tides" {
		t.Errorf("products are %+v", f.Products)
	}
	if diff := cmp.Diff([]string{"bad", "worse"}, f.Broken); diff != "" {
		t.Error(diff)
	}
	for hash := range f.Blobs {
		t.Errorf("blob %s belongs to no product", hash)
	}
}

func TestWhatIsWrongBetweenProductsIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fsys     fstest.MapFS
		want     []string
		products int
	}{
		"two products with one id": {
			folderOf("a/product.yaml", tidesYAML, "b/product.yaml", "id: a\nname: B\nplans: [{id: b}]\n"),
			[]string{"b/product.yaml:1: The product in the folder a has the id a, too. Give this one another id."}, 1,
		},
		"a plan in two products": {
			folderOf("a/product.yaml", tidesYAML, "b/product.yaml", "name: B\nplans:\n  - id: b\n  - name: Tides Free\n"),
			[]string{`b/product.yaml:4: The plan with the name "Tides Free" belongs to the product in the folder a. Name it in one product only.`}, 2,
		},
		"a plan twice in a product": {
			folderOf("a/product.yaml", tidesYAML+"  - name: Tides Free\n"),
			[]string{`a/product.yaml:4: The plan with the name "Tides Free" is in this list twice. Remove one of the two.`}, 0,
		},
		"two recommended plans": {
			folderOf("a/product.yaml", "name: A\nplans:\n  - id: a\n    recommended: true\n  - id: b\n    recommended: true\n"),
			[]string{"?a/product.yaml:6: Two plans are recommended. Recommend one only."}, 1,
		},
		"a stage twice": {
			folderOf("a/product.yaml", "name: A\napis:\n  - {name: A, stage: v1}\n  - {name: A, stage: v1}\n"),
			[]string{"a/product.yaml:4: This stage is in the list twice. Remove one of the two."}, 0,
		},
		"a slug twice": {
			folderOf("a/product.yaml", "name: A\napis:\n  - {name: A, stage: v1, slug: x}\n  - {name: A, stage: v2, slug: x}\n"),
			[]string{"a/product.yaml:4: Two APIs of this product have the slug x. Give this one another slug."}, 0,
		},
		"an unknown successor": {
			folderOf("tides/product.yaml", tidesYAML, "b/product.yaml", "name: B\nstatus: deprecated\nsuccessor: tide\nplans: [{id: b}]\n"),
			[]string{`b/product.yaml:3: There is no product "tide". Did you mean tides?`}, 1,
		},
		"itself as the successor": {
			folderOf("b/product.yaml", "name: B\nstatus: deprecated\nsuccessor: b\nplans: [{id: b}]\n"),
			[]string{"b/product.yaml:3: The product names itself as its successor. Name another product, or remove successor."}, 0,
		},
		"a successor with an error": {
			folderOf("a/product.yaml", "name: [", "b/product.yaml", "name: B\nstatus: deprecated\nsuccessor: a\nplans: [{id: b}]\n"),
			[]string{"a/product.yaml:1: …"}, 1,
		},
		"a version of nothing": {
			folderOf("b/product.yaml", "name: B\nversion: 1\nversion_of: tides\nplans: [{id: b}]\n"),
			[]string{`b/product.yaml:3: There is no product "tides". Use the id of another product in this folder, or remove the line.`}, 0,
		},
		"a version of a product without a version": {
			folderOf("tides/product.yaml", tidesYAML, "b/product.yaml", "name: B\nversion: 1\nversion_of: tides\nplans: [{id: b}]\n"),
			[]string{"b/product.yaml:3: The product tides has no version. Add one to tides/product.yaml."}, 1,
		},
		"a version of a product with an error": {
			folderOf("a/product.yaml", "name: [", "b/product.yaml", "name: B\nversion: 1\nversion_of: a\nplans: [{id: b}]\n"),
			[]string{"a/product.yaml:1: …"}, 1,
		},
		"a version of a version": {
			folderOf("a/product.yaml", "name: A\nversion: 3\nplans: [{id: a}]\n", "b/product.yaml", "name: B\nversion: 2\nversion_of: a\nplans: [{id: b}]\n",
				"c/product.yaml", "name: C\nversion: 1\nversion_of: b\nplans: [{id: c}]\n"),
			[]string{`c/product.yaml:3: b is itself a version of a. Write "version_of: a".`}, 2,
		},
		"one version twice": {
			folderOf("a/product.yaml", "name: A\nversion: 1\nplans: [{id: a}]\n", "b/product.yaml", "name: B\nversion: 1\nversion_of: a\nplans: [{id: b}]\n"),
			[]string{`b/product.yaml:2: The folder a is version "1", too. Give this one another version.`}, 1,
		},
		"a plan that Gatehouse meters without a dimension": {
			folderOf("a/product.yaml", listed("meter: portal")),
			[]string{`a/product.yaml:7: "meter: portal" needs the dimension in which AWS Marketplace bills requests. Add it, such as "meter_dimension: requests".`}, 0,
		},
		"a dimension of a plan that API Gateway meters": {
			folderOf("a/product.yaml", listed("meter_dimension: requests", "meter: api-gateway")),
			[]string{`a/product.yaml:7: meter_dimension is for plans that Gatehouse meters. Write "meter: portal", or remove it.`}, 0,
		},
		"a plan of a newer listing that API Gateway meters": {
			folderOf("a/product.yaml", listed("notices: eventbridge", "meter: api-gateway")),
			[]string{`a/product.yaml:8: API Gateway cannot meter a listing that announces purchases by events: it bills the customer identifier of a buyer, and buyers of such a listing have none. Write "meter: portal".`}, 0,
		},
		"a plan of an older listing that API Gateway meters": {folderOf("a/product.yaml", listed("notices: sns", "meter: api-gateway")), nil, 1},
		"idle hours of a plan that API Gateway meters": {
			folderOf("a/product.yaml", listed("meter_idle: true", "meter: api-gateway")),
			[]string{`a/product.yaml:7: meter_idle is for plans that Gatehouse meters. Write "meter: portal", or remove it.`}, 0,
		},
		"a plan that waits for approval and is paid for": {
			folderOf("a/product.yaml", listed("meter: none")+"    approval: manual\n"),
			[]string{"a/product.yaml:8: A plan that is sold on AWS Marketplace cannot wait for approval, since its buyers pay already. Remove approval or marketplace."}, 0,
		},
		"two plans of one listing without dimensions": {
			folderOf("a/product.yaml", listed("dimensions: [pro]"), "b/product.yaml", strings.Replace(listed("meter: none"), "id: x", "id: y", 1)),
			[]string{"b/product.yaml:5: Another plan in a/product.yaml has this product code, too. Give both plans the dimensions that buy them."}, 1,
		},
		"a dimension that buys two plans": {
			folderOf("a/product.yaml", listed("dimensions: [pro]"), "b/product.yaml", strings.Replace(listed("dimensions: [team, pro]"), "id: x", "id: y", 1)),
			[]string{`b/product.yaml:7: The dimension "pro" buys another plan in a/product.yaml already. Name it for one plan only.`}, 1,
		},
		"two plans of one listing, each with its dimension": {
			folderOf("a/product.yaml", listed("dimensions: [pro]"), "b/product.yaml", strings.Replace(listed("dimensions: [team]"), "id: x", "id: y", 1)), nil, 2,
		},
		"the id of the portal's pages": {
			folderOf("a/product.yaml", "id: pages\n"+tidesYAML),
			[]string{"a/product.yaml:1: The id pages is taken by the portal's own pages. Use another one."}, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustRead(t, c.fsys)
			tells(t, f, c.want...)
			if len(f.Products) != c.products {
				t.Errorf("there are %d products", len(f.Products))
			}
		})
	}
}

// listed is a product with a plan that is sold on AWS Marketplace.
func listed(more ...string) string {
	yaml := "name: A\nplans:\n  - id: x\n    marketplace:\n      product_code: 4fk\n      listing: https://aws.amazon.com/marketplace/pp/prodview-1\n"
	for _, line := range more {
		yaml += "      " + line + "\n"
	}
	return yaml
}

func TestFilesThatAProductNamesAreChecked(t *testing.T) {
	t.Parallel()
	api := func(file string) string { return "name: A\napis:\n  - openapi: " + file + "\n" }
	image := func(file string) string { return "name: A\nplans: [{id: x}]\nimage: {file: " + file + ", alt: ''}\n" }
	link := &fstest.MapFile{Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink}
	for name, c := range map[string]struct {
		fsys fstest.MapFS
		want string
	}{
		"a missing document":    {folderOf("a/product.yaml", api("openapi.yaml")), `a/product.yaml:3: There is no file "openapi.yaml". Add it, or correct the path.`},
		"a misspelled document": {folderOf("a/product.yaml", api("openapi.jsn"), "a/openapi.json", openAPI), `a/product.yaml:3: There is no file "openapi.jsn". Add it, or correct the path. Did you mean openapi.json?`},
		"a path out of the folder": {
			folderOf("a/product.yaml", api("../b/openapi.json"), "b/openapi.json", openAPI, "b/product.yaml", tidesYAML),
			`a/product.yaml:3: The path "../b/openapi.json" leads out of the product's folder. Put the file into the folder, and write its path from there.`,
		},
		"an absolute path":        {folderOf("a/product.yaml", api("/etc/passwd")), `a/product.yaml:3: The path "/etc/passwd" leads out of the product's folder. Put the file into the folder, and write its path from there.`},
		"a path with backslashes": {folderOf("a/product.yaml", api(`docs\openapi.json`)), `a/product.yaml:3: The path "docs\\openapi.json" leads out of the product's folder. …`},
		"a folder":                {folderOf("a/product.yaml", api("docs"), "a/docs/x.json", "{}"), `a/product.yaml:3: There is no file "docs". Add it, or correct the path.`},
		"a symbolic link": {
			fstest.MapFS{"a/product.yaml": {Data: []byte(api("openapi.json"))}, "a/openapi.json": link},
			`a/product.yaml:3: "openapi.json" is a symbolic link, which Gatehouse does not follow. Put a copy in its place.`,
		},
		"a symbolic link to product.yaml": {
			fstest.MapFS{"a/product.yaml": link},
			`a/product.yaml:0: product.yaml is a symbolic link, which Gatehouse does not follow. Put a copy in its place.`,
		},
		"a symbolic link to an overview": {
			fstest.MapFS{"a/product.yaml": {Data: []byte(tidesYAML)}, "a/overview.md": link},
			`a/overview.md:0: overview.md is a symbolic link, which Gatehouse does not follow. Put a copy in its place.`,
		},
		"a symbolic link to a page": {
			fstest.MapFS{"a/product.yaml": {Data: []byte(tidesYAML)}, "a/pages/x.md": link},
			`a/pages/x.md:0: x.md is a symbolic link, which Gatehouse does not follow. Put a copy in its place.`,
		},
		"a pipe": {
			fstest.MapFS{"a/product.yaml": {Data: []byte(tidesYAML), Mode: fs.ModeNamedPipe}},
			`a/product.yaml:0: product.yaml is not a regular file. Remove it.`,
		},
		"an image of another kind": {folderOf("a/product.yaml", image("a.gif"), "a/a.gif", "GIF89a"), "a/a.gif:0: a.gif is not an image that the portal shows. Use SVG, PNG, JPEG, WebP or AVIF."},
		"HTML that calls itself PNG": {folderOf("a/product.yaml", image("a.png"), "a/a.png", "<html><script>"),
			"a/a.png:0: The content of the file is not PNG. Save the image in the format that its name ends with."},
		"a large image": {folderOf("a/product.yaml", image("a.png"), "a/a.png", "\x89PNG\r\n\x1a\n"+strings.Repeat("x", 1<<20)), "a/a.png:0: The file is larger than 1 MB. Make it smaller."},
		"an image with a script": {folderOf("a/product.yaml", image("a.svg"), "a/a.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\">\n<script/></svg>"),
			"a/a.svg:2: The image has a <script> element, which can run scripts or embed other documents. Remove it."},
		"both spellings of product.yaml": {folderOf("a/product.yaml", tidesYAML, "a/product.yml", tidesYAML), "a/product.yml:0: The folder has product.yaml and product.yml. Remove one of them."},
		"a folder whose name is no id": {folderOf("My Tides/product.yaml", tidesYAML),
			`My Tides/product.yaml:0: The folder's name "My Tides" cannot be the product's id. Rename the folder to lower-case letters, digits and hyphens, or add an id.`},
		"a page whose name is no address": {folderOf("a/product.yaml", tidesYAML, "a/pages/Getting Started.md", "x"),
			"a/pages/Getting Started.md:0: A page's name is part of its address. Rename the file to lower-case letters, digits and hyphens, such as getting-started.md."},
		"a page in capitals": {folderOf("a/product.yaml", tidesYAML, "a/pages/faq.MD", "x"), "a/pages/faq.MD:0: The name of a page must end in .md. Rename the file."},
		"a large page":       {folderOf("a/product.yaml", tidesYAML, "a/overview.md", strings.Repeat("word\n", 300<<10)), "a/overview.md:0: The file is larger than 1 MB. Make it smaller."},
		"a long line":        {folderOf("a/product.yaml", tidesYAML, "a/overview.md", "x\n"+strings.Repeat("[", 100<<10)), "a/overview.md:2: This line is longer than 64 KB. Break it into several."},
		"a page in Latin-1":  {folderOf("a/product.yaml", tidesYAML, "a/overview.md", "x\n\xe9"), "a/overview.md:2: This line has a byte that is not UTF-8. Save the file as UTF-8."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustRead(t, c.fsys)
			tells(t, f, c.want)
			if slices.ContainsFunc(f.Products, func(p catalog.Described) bool { return p.Path != "b" }) {
				t.Errorf("products are %+v", f.Products)
			}
		})
	}
}

func TestOpenAPIDocumentsThatCannotBeShownAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ document, want string }{
		"no JSON":                {`{"openapi": `, "a/api.json:1: …"},
		"no OpenAPI":             {`{"name": "x"}`, "a/api.json:0: The document does not say which OpenAPI it follows; add the member openapi, such as openapi: 3.0.3."},
		"nothing":                {"", "a/api.json:0: …"},
		"another file's schema":  {strings.Replace(openAPI, `{"description": "A."}`, `{"$ref": "file:///etc/passwd"}`, 1), "a/api.json:0: At /paths/…"},
		"another site's schema":  {strings.Replace(openAPI, `{"description": "A."}`, `{"$ref": "https://a.example/x.json"}`, 1), "a/api.json:0: At /paths/…"},
		"a product's own folder": {strings.Replace(openAPI, `{"description": "A."}`, `{"$ref": "other.json#/x"}`, 1), "a/api.json:0: At /paths/…"},
	} {
		f := mustRead(t, folderOf("a/product.yaml", "name: A\napis: [{openapi: api.json}]\n", "a/api.json", c.document))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tells(t, f, c.want)
			if len(f.Products) != 0 {
				t.Errorf("products are %+v", f.Products)
			}
		})
	}
}

func TestTooManyFilesAndLevelsAreRefused(t *testing.T) {
	t.Parallel()
	fsys := folderOf("a/product.yaml", tidesYAML, "deep/product.yaml", "name: D\nplans: [{id: d}]\n", "deep/1/2/3/4/5/6/7/8/9/x", "", "fine/product.yaml", "name: F\nplans: [{id: f}]\n")
	for i := range 600 {
		fsys[fmt.Sprintf("a/%d.txt", i)] = &fstest.MapFile{}
	}
	f := mustRead(t, fsys)
	tells(t, f, "a:0: The folder has more than 500 files. Move those that the portal does not show elsewhere.",
		"a/product.yaml:0: …", "deep:0: The folder has more than 8 levels of folders. Move the files up.")
	if len(f.Products) != 1 || f.Products[0].Path != "fine" {
		t.Errorf("products are %+v", f.Products)
	}
	many := fstest.MapFS{}
	for i := range 501 {
		many[fmt.Sprintf("p%d/product.yaml", i)] = &fstest.MapFile{Data: []byte(tidesYAML)}
	}
	if _, err := folder.Read(many); err == nil || !strings.Contains(err.Error(), "more than 500 folders") {
		t.Errorf("501 products: %v", err)
	}
}

func TestNamesThatBeginWithADotOrUnderscoreAreIgnored(t *testing.T) {
	t.Parallel()
	f := mustRead(t, folderOf(".git/x", "", "_drafts/product.yaml", "name: [", "tides/product.yaml", tidesYAML, "tides/.DS_Store", "", "README.md", "x"))
	tells(t, f)
	if len(f.Products) != 1 {
		t.Errorf("products are %+v", f.Products)
	}
	f = mustRead(t, folderOf("product.yaml", tidesYAML))
	tells(t, f, "?product.yaml:0: Gatehouse reads products from folders. Move this file and what belongs to it into a folder with the product's name.")
}

func TestAProductWithManyProblemsListsTheFirstOnes(t *testing.T) {
	t.Parallel()
	f := mustRead(t, folderOf("a/product.yaml", tidesYAML, "a/overview.md", strings.Repeat("[x](nothing.md)\n\n", 200)))
	if last := f.Problems[len(f.Problems)-1]; len(f.Problems) != 50 || last.Text != "There are 151 more problems. Correct the others first." || !last.Warning {
		t.Errorf("%d problems, the last one is %+v", len(f.Problems), last)
	}
}

func TestOneReadingAfterAnotherGivesTheSame(t *testing.T) {
	t.Parallel()
	fsys := folderOf("b/product.yaml", tidesYAML, "a/product.yaml", "name: [", "c/product.yaml", "name: C\napis: [{openapi: o.json}]\n", "c/o.json", openAPI,
		"c/overview.md", "[x](y.md) [z](q.md)", "pages/b.md", "", "pages/a.md", "")
	first := mustRead(t, fsys)
	for range 20 {
		if diff := cmp.Diff(first, mustRead(t, fsys)); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestALocalFolderIsReadWithoutLeavingIt(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(outside, "openapi.json"), openAPI)
	write(filepath.Join(outside, "product.yaml"), "name: Stolen\nplans: [{id: s}]\n")
	write(filepath.Join(dir, "tides/product.yaml"), tidesYAML)
	write(filepath.Join(dir, "linked/product.yaml"), "name: L\napis: [{openapi: docs/openapi.json}]\n")
	if err := errors.Join(os.Symlink(outside, filepath.Join(dir, "linked/docs")), os.Symlink(outside, filepath.Join(dir, "stolen")),
		syscall.Mkfifo(filepath.Join(dir, "tides/overview.md"), 0o644)); err != nil {
		t.Fatal(err)
	}
	f, err := folder.Local(dir).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tells(t, f, "stolen:0: stolen is a symbolic link, which Gatehouse does not follow. Put a copy in its place.",
		`linked/product.yaml:2: "docs/openapi.json" is a symbolic link, which Gatehouse does not follow. Put a copy in its place.`,
		"tides/overview.md:0: overview.md is not a regular file. Remove it.")
	if len(f.Products) != 0 {
		t.Errorf("products are %+v", f.Products)
	}
}

func TestAFolderThatCannotBeReadIsAnErrorWithAdvice(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for location, want := range map[string]string{
		"/nothing/here":      "there is no folder /nothing/here. Create it, or correct the path",
		file:                 file + " is a file. Name the catalog folder, which has a folder for each product",
		"":                   "the catalog folder has no name. Name a path or s3://bucket/prefix",
		"https://a.example/": "the catalog folder https://a.example/ has an unknown scheme https. Use a path or s3://bucket/prefix",
		"s3://":              "the catalog folder s3:// names no bucket. Use s3://bucket/prefix",
	} {
		source, err := folder.Open(location, nil)
		if err == nil {
			_, err = source.Read(t.Context())
		}
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", location, err, want)
		}
	}
	if _, err := folder.Read(brokenFS{}); err == nil {
		t.Error("a folder whose files cannot be read counts as read")
	}
}

// brokenFS lists a product whose file fails to be read.
type brokenFS struct{}

func (brokenFS) Open(name string) (fs.File, error) {
	if name == "a/product.yaml" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("input/output error")}
	}
	return folderOf("a/product.yaml", tidesYAML).Open(name)
}

func TestThePortalsOwnPagesAreRead(t *testing.T) {
	t.Parallel()
	f := mustRead(t, folderOf("pages/getting-started.md", "# Getting *started*\n\n![Steps](steps.svg)\n", "pages/steps.svg", picture,
		"pages/terms.md", "---\ntitle: Terms of use\norder: 1\n---\nText.", "pages/no-title.md", "Text.", "pages/bad.md", "\xff"))
	tells(t, f, "pages/bad.md:1: This line has a byte that is not UTF-8. Save the file as UTF-8.")
	want := []catalog.Page{
		{Name: "terms", Title: "Terms of use", Hash: catalog.HashOf([]byte("Text."))},
		{Name: "getting-started", Title: "Getting started", Hash: catalog.HashOf([]byte("![Steps](steps.svg)\n"))},
		{Name: "no-title", Title: "No title", Hash: catalog.HashOf([]byte("Text."))},
	}
	if diff := cmp.Diff(want, f.Pages); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]catalog.File{{Name: "steps.svg", Hash: catalog.HashOf([]byte(picture)), Type: "image/svg+xml"}}, f.Files); diff != "" {
		t.Error(diff)
	}
}

func TestAFolderSaysThatItIsMeantToHaveNoProducts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files fstest.MapFS
		meant bool
		tells []string
	}{
		"no file":               {folderOf(), false, nil},
		"the file":              {folderOf(".empty", ""), true, nil},
		"the file and pages":    {folderOf(".empty", "", "pages/a.md", "Text\n"), true, nil},
		"the file in a product": {folderOf("tides/.empty", "", "tides/product.yaml", tidesYAML), false, nil},
		"the file and a product": {folderOf(".empty", "on purpose", "tides/product.yaml", tidesYAML), true, []string{
			"?.empty:0: This file says that the catalog folder is meant to have no products, but it has folders of products. Remove the file, so that the portal notices if all of them are deleted by mistake.",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustRead(t, c.files)
			tells(t, f, c.tells...)
			if f.MeantEmpty != c.meant {
				t.Errorf("meant to be empty: %t, want %t", f.MeantEmpty, c.meant)
			}
		})
	}
}
