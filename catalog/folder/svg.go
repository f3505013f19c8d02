package folder

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
)

const (
	svgNamespace = "http://www.w3.org/2000/svg"
	maxSVGDepth  = 100
)

var activeElements = map[string]bool{
	"script": true, "foreignobject": true, "iframe": true, "object": true, "embed": true, "audio": true, "video": true,
	"handler": true, "listener": true, "html": true, "body": true, "link": true, "meta": true, "base": true,
}

// checkSVG refuses an SVG that could run a script, show HTML or fetch something. It returns the
// first fault or nil.
func checkSVG(data []byte) *fault {
	text, because := plainText(data)
	if because != nil {
		return because
	}
	c := &svgCheck{decoder: xml.NewDecoder(bytes.NewReader([]byte(text)))}
	for {
		token, err := c.decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c.fault("This is not well-formed XML. Export the image again.")
		}
		if f := c.check(token); f != nil {
			return f
		}
	}
	if !c.begun {
		return c.fault("The file has no <svg> element. Export the image again.")
	}
	return nil
}

type svgCheck struct {
	decoder *xml.Decoder
	begun   bool
	depth   int
	// style is how deep the open style element is, or 0; css its text so far.
	style int
	css   strings.Builder
}

func (c *svgCheck) fault(format string, args ...any) *fault {
	line, _ := c.decoder.InputPos()
	f := faultf(line, format, args...)
	return &f
}

func (c *svgCheck) check(token xml.Token) *fault {
	switch t := token.(type) {
	case xml.Directive:
		if fields := strings.Fields(string(t)); len(fields) == 0 || fields[0] != "DOCTYPE" || bytes.ContainsAny(t, "[") {
			return c.fault("The image declares entities. Remove the declarations that begin with <!.")
		}
	case xml.ProcInst:
		if t.Target != "xml" {
			return c.fault("The image has a processing instruction <?%s…?>. Remove it.", strings.Trim(clip(t.Target), `"`))
		}
	case xml.StartElement:
		return c.begin(t)
	case xml.EndElement:
		c.depth--
		if c.style > c.depth {
			c.style = 0
			if harmfulCSS(c.css.String()) {
				return c.fault("The style sheet in this image loads something or has escapes. Remove @import, url(…) and backslashes from it.")
			}
			c.css.Reset()
		}
	case xml.CharData:
		if c.style > 0 {
			c.css.Write(t)
		}
	}
	return nil
}

func (c *svgCheck) begin(e xml.StartElement) *fault {
	name := strings.ToLower(e.Name.Local)
	switch {
	case !c.begun && (name != "svg" || e.Name.Space != svgNamespace):
		return c.fault("The image must begin with <svg xmlns=\"%s\">.", svgNamespace)
	case activeElements[name] || strings.HasSuffix(e.Name.Space, "/xhtml"):
		return c.fault("The image has a <%s> element, which can run scripts or embed other documents. Remove it.", e.Name.Local)
	}
	c.begun = true
	if c.depth++; c.depth > maxSVGDepth {
		return c.fault("The elements of the image are nested more than %d levels deep. Simplify it.", maxSVGDepth)
	}
	if name == "style" && c.style == 0 {
		c.style = c.depth
	}
	for _, a := range e.Attr {
		if f := c.attribute(e.Name.Local, a); f != nil {
			return f
		}
	}
	return nil
}

func (c *svgCheck) attribute(element string, a xml.Attr) *fault {
	name, value := strings.ToLower(a.Name.Local), strings.TrimSpace(a.Value)
	switch {
	case a.Name.Space == "xmlns" || (a.Name.Space == "" && name == "xmlns"):
		return nil
	case strings.HasPrefix(name, "on"):
		return c.fault("The image has the attribute %s, which runs a script. Remove it.", a.Name.Local)
	case name == "base":
		return c.fault("The image has the attribute xml:base, which changes where references lead. Remove it.")
	case name == "href" || name == "src":
		if !strings.HasPrefix(value, "#") && (strings.ToLower(element) != "image" || !embeddedImage.MatchString(value)) {
			return c.fault("<%s> refers to %s, outside the image. Remove the reference, or embed the picture as PNG or JPEG.", element, clip(value))
		}
	case name == "attributename" && isReference(value):
		return c.fault("<%s> changes a reference or an event attribute. Remove it.", element)
	case name == "style" && harmfulCSS(value), name != "style" && harmfulFunction(value):
		return c.fault("The attribute %s refers to %s, outside the image. Remove the reference.", a.Name.Local, clip(value))
	}
	return nil
}

func isReference(attribute string) bool {
	attribute = strings.ToLower(attribute)
	return strings.HasPrefix(attribute, "on") || strings.HasSuffix(attribute, "href") || attribute == "src"
}

var (
	embeddedImage = regexp.MustCompile(`^data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/=\s]*$`)
	cssComment    = regexp.MustCompile(`(?s)/\*.*?\*/`)
	localURL      = regexp.MustCompile(`(?i)url\(\s*["']?#[^)]*\)`)
	loads         = regexp.MustCompile(`(?i)url\(|image-set\(|image\(|src\(|@import|javascript:|expression\(`)
)

// harmfulFunction reports whether a presentation attribute could fetch something. An address in
// plain text is harmless.
func harmfulFunction(value string) bool {
	value = localURL.ReplaceAllString(value, "")
	return strings.Contains(value, "(") && (strings.Contains(value, `\`) || loads.MatchString(value))
}

// harmfulCSS reports whether a style sheet could fetch something. References inside the document,
// url(#…), are harmless.
func harmfulCSS(css string) bool {
	css = localURL.ReplaceAllString(cssComment.ReplaceAllString(css, ""), "")
	return strings.Contains(css, `\`) || strings.Contains(css, "/*") || strings.Contains(css, "//") || loads.MatchString(css)
}
