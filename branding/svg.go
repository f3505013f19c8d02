package branding

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// The limits of an SVG image, far beyond any logo.
const (
	maxElements = 20_000
	maxDepth    = 100
)

// refusedElements can run scripts, embed other documents, or change a link after it was checked.
var refusedElements = []string{"script", "foreignobject", "iframe", "embed", "object", "handler", "listener", "animate", "set", "animatemotion", "animatetransform"}

// checkSVG returns what makes the image unsafe or unusable, or "". In a page, an image runs
// none of this, but the file also has its own address.
func checkSVG(body []byte) string {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	depth, elements, styleDepth := 0, 0, 0
	var styles strings.Builder
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "this is not valid XML: " + err.Error()
		}
		switch token := token.(type) {
		case xml.Directive:
			return "it has a DOCTYPE or entities; remove them"
		case xml.ProcInst:
			if token.Target != "xml" {
				return "it has the processing instruction " + token.Target + "; remove it"
			}
		case xml.StartElement:
			if elements, depth = elements+1, depth+1; elements > maxElements || depth > maxDepth {
				return "it has too many elements; simplify it"
			}
			if elements == 1 && token.Name.Local != "svg" {
				return "its root element is " + token.Name.Local + ", and not svg"
			}
			if says := checkElement(token); says != "" {
				return says
			}
			if styleDepth == 0 && strings.EqualFold(token.Name.Local, "style") {
				styleDepth = depth
			}
		case xml.EndElement:
			if depth == styleDepth {
				styleDepth = 0
			}
			depth--
		case xml.CharData:
			if styleDepth > 0 {
				styles.Write(token)
			}
		}
	}
	if reachesOut(styles.String()) {
		return "its style loads another file; embed what it needs"
	}
	if elements == 0 {
		return "it has no svg element"
	}
	if depth != 0 {
		return "an element is not closed"
	}
	return ""
}

func checkElement(element xml.StartElement) string {
	name := strings.ToLower(element.Name.Local)
	if slices.Contains(refusedElements, name) {
		return "it has the element " + element.Name.Local + "; remove it"
	}
	for _, attribute := range element.Attr {
		key, value := strings.ToLower(attribute.Name.Local), strings.TrimSpace(attribute.Value)
		switch {
		case strings.HasPrefix(key, "on"):
			return "it has the attribute " + attribute.Name.Local + ", which runs a script; remove it"
		case (key == "href" || key == "src") && !strings.HasPrefix(value, "#") && !embedded(value):
			return "it refers to " + shortened(value) + "; embed what it needs"
		case key == "base" || key == "xmlns" && strings.Contains(value, "xhtml"):
			return "it has the attribute " + attribute.Name.Local + "; remove it"
		case reachesOut(value):
			return "its attribute " + attribute.Name.Local + " loads another file; embed what it needs"
		}
	}
	return ""
}

func embedded(address string) bool {
	for _, kind := range []string{"png", "jpeg", "webp", "gif"} {
		if strings.HasPrefix(strings.ToLower(address), "data:image/"+kind+";base64,") {
			return true
		}
	}
	return false
}

// reachesOut reports whether a style or attribute refers to anything outside the file. A
// backslash could hide that.
func reachesOut(css string) bool {
	css = strings.ToLower(css)
	if strings.Contains(css, "@import") || strings.Contains(css, "javascript:") || strings.Contains(css, "image-set(") ||
		strings.Contains(css, `\`) && strings.ContainsAny(css, "({@") {
		return true
	}
	for _, rest := range strings.Split(css, "url(")[1:] {
		if !strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n\"'"), "#") {
			return true
		}
	}
	return false
}
