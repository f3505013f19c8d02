package folder_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestHarmlessImagesAreAccepted(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a gradient and a style sheet": `<style>/* http://a.example */ @media (prefers-color-scheme: dark) { .a { fill: url(#g); stroke: #fff } }</style>
			<defs><linearGradient id="g"/></defs><path class="a" fill="url('#g')" style="stroke: url( #g )"/><use href="#g"/><use xlink:href="#g"/>`,
		"text about scripts":  `<title>script onload="x" javascript:alert(1) http://a.example</title><desc>url(http://a.example)</desc>`,
		"an embedded picture": `<image href="data:image/png;base64,iVBORw0KGgo="/>`,
		"an editor's data":    `<metadata xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:RDF/></metadata>`,
	} {
		f := mustRead(t, withImage(`<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">`+
			`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">`+body+`</svg>`))
		if len(f.Problems) != 0 {
			t.Errorf("%s: %q", name, told(f.Problems))
		}
	}
}

func TestImagesThatCouldRunOrFetchSomethingAreRefused(t *testing.T) {
	t.Parallel()
	const begin = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">` + "\n"
	for name, c := range map[string]struct{ image, want string }{
		"a script":                      {begin + "<script>alert(1)</script></svg>", "2: The image has a <script> element, which"},
		"a script in capitals":          {begin + "<SCRIPT/></svg>", "2: The image has a <SCRIPT> element"},
		"a script of a prefix":          {`<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script/></s:svg>`, "1: The image has a <script> element"},
		"foreign HTML":                  {begin + `<g>` + "\n" + `<foreignObject/></g></svg>`, "3: The image has a <foreignObject> element"},
		"an HTML element":               {begin + `<p xmlns="http://www.w3.org/1999/xhtml"/></svg>`, "2: The image has a <p> element"},
		"an event attribute":            {begin + `<g onclick="alert(1)"/></svg>`, "2: The image has the attribute onclick, which runs a script"},
		"an event attribute at the top": {`<svg xmlns="http://www.w3.org/2000/svg" ONLOAD="x"/>`, "1: The image has the attribute ONLOAD"},
		"a link to a script":            {begin + `<a xlink:href="javascript:alert(1)"/></svg>`, `2: <a> refers to "javascript:alert(1)", outside the image`},
		"a script with blanks":          {begin + "<a href=\" java\tscript:alert(1)\"/></svg>", "2: <a> refers to"},
		"another site's image":          {begin + `<image href="https://a.example/x.png"/></svg>`, `2: <image> refers to "https://a.example/x.png", outside the image`},
		"an embedded SVG":               {begin + `<image href="data:image/svg+xml;base64,AAAA"/></svg>`, "2: <image> refers to"},
		"an embedded document":          {begin + `<use href="data:image/png;base64,AAAA#a"/></svg>`, "2: <use> refers to"},
		"another file":                  {begin + `<use href="other.svg#a"/></svg>`, "2: <use> refers to"},
		"a filter that loads":           {begin + `<feImage href="/x"/></svg>`, "2: <feImage> refers to"},
		"an animated reference":         {begin + `<set attributeName="xlink:href" to="javascript:x"/></svg>`, "2: <set> changes a reference"},
		"an animated event":             {begin + `<set attributeName="onclick" to="x"/></svg>`, "2: <set> changes a reference"},
		"a fill that loads":             {begin + `<path fill="url(https://a.example/x)"/></svg>`, "2: The attribute fill refers to"},
		"a fill with escapes":           {begin + `<path fill="u\72l(https://a.example/x)"/></svg>`, "2: The attribute fill refers to"},
		"an animated fill that loads":   {begin + `<animate attributeName="fill" values="#fff;url(//a.example/x)"/></svg>`, "2: The attribute values refers to"},
		"a style that loads":            {begin + `<path style="fill: URL( 'https://a.example/x' )"/></svg>`, "2: The attribute style refers to"},
		"a style with escapes":          {begin + `<path style="fill: u\72l(x)"/></svg>`, "2: The attribute style refers to"},
		"a style sheet that imports":    {begin + `<style>@import "https://a.example/x";</style></svg>`, "2: The style sheet in this image loads something"},
		"a style sheet in pieces":       {begin + `<style>a { b: u<![CDATA[rl(https:]]>//a.example) }</style></svg>`, "2: The style sheet in this image loads something"},
		"an import behind a comment":    {begin + `<style>/* */ @import/**/ "x";</style></svg>`, "2: The style sheet in this image loads something"},
		"an image-set":                  {begin + `<style>a { b: image-set("x" 1x) }</style></svg>`, "2: The style sheet in this image loads something"},
		"a base":                        {begin + `<g xml:base="https://a.example/"/></svg>`, "2: The image has the attribute xml:base"},
		"entities":                      {"<!DOCTYPE svg [ <!ENTITY a \"b\"> ]>" + begin + "</svg>", "1: The image declares entities"},
		"a bomb of entities":            {"<!DOCTYPE svg [\n<!ENTITY a \"aaaa\">\n<!ENTITY b \"&a;&a;\">\n]>" + begin + "&b;</svg>", "4: The image declares entities"},
		"an unknown entity":             {begin + "&a;</svg>", "2: This is not well-formed XML"},
		"a style sheet of the document": {`<?xml-stylesheet href="https://a.example/x"?>` + begin + "</svg>", "1: The image has a processing instruction"},
		"HTML":                          {"<html><svg/></html>", "1: The image must begin with <svg"},
		"no namespace":                  {"<svg/>", "1: The image must begin with <svg"},
		"text":                          {"hello", "1: The file has no <svg> element"},
		"an open element":               {begin + "<g>", "2: This is not well-formed XML"},
		"another encoding":              {`<?xml version="1.0" encoding="UTF-7"?>` + begin + "</svg>", "1: This is not well-formed XML"},
		"UTF-16":                        {"\xff\xfe<\x00", "0: The file is in UTF-16"},
		"deep nesting":                  {begin + strings.Repeat("<g>", 200), "2: The elements of the image are nested more than 100 levels deep"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustRead(t, withImage(c.image))
			got := told(f.Problems)
			if len(got) != 1 || !strings.HasPrefix(got[0], "a/a.svg:"+c.want) || len(f.Products) != 0 {
				t.Errorf("%q, %d products", got, len(f.Products))
			}
		})
	}
}

func withImage(svg string) fstest.MapFS {
	return folderOf("a/product.yaml", "name: A\nplans: [{id: x}]\nimage: {file: a.svg, alt: ''}\n", "a/a.svg", svg)
}
