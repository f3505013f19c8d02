package tryit

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

func decoded(resp *http.Response) (body io.Reader, encoding string, err error) {
	encoding = strings.ToLower(strings.TrimSpace(strings.Join(resp.Header.Values("Content-Encoding"), ",")))
	switch encoding {
	case "", "identity":
		return resp.Body, "", nil
	case "gzip", "x-gzip":
		if resp.ContentLength == 0 || resp.Request.Method == http.MethodHead {
			return resp.Body, "", nil
		}
		unzipped, err := gzip.NewReader(resp.Body)
		return unzipped, "", err
	}
	return resp.Body, encoding, nil
}

func (a *answer) response(broken bool) *Response {
	r := &Response{Status: a.status, Reason: http.StatusText(a.status), Protocol: a.protocol, Headers: shown(a.header)}
	r.Body = a.show()
	r.Body.Truncated = a.truncated || broken
	switch {
	case a.crowded:
		r.Body.Note = "The portal is showing as many large answers as it can, so this is the first megabyte. Try again in a moment, or copy the code and run it yourself."
	case a.truncated:
		r.Body.Note = "The answer is longer than 10 MB. Copy the code and run it yourself to get the rest."
	}
	return r
}

const noText = "The answer is not text, so it is not shown. Copy the code and run it yourself to save it as a file."

func (a *answer) show() Body {
	b := Body{Kind: KindNone, Type: mediaType(a.contentType), Size: len(a.body)}
	if len(a.body) == 0 {
		return b
	}
	switch {
	case a.encoding != "":
		b.Kind, b.Note = KindBinary, fmt.Sprintf("The answer is compressed in a way that is not shown here (%s). Copy the code and run it yourself to get it.", plain(a.encoding))
	case !isText(b.Type, a.body):
		b.Kind, b.Note = KindBinary, noText
	default:
		b.Kind, b.Text = KindText, visible(toUTF8(a.body, a.contentType))
		if b.Text == "" {
			b.Kind, b.Note = KindBinary, noText
		} else if isJSON(b.Type) && json.Valid([]byte(b.Text)) {
			b.Kind, b.Text = KindJSON, indented(b.Text)
		}
	}
	return b
}

func mediaType(contentType string) string {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind, _, _ = strings.Cut(contentType, ";")
	}
	return plain(strings.ToLower(strings.TrimSpace(kind)))
}

func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return -1
		}
		return r
	}, text)
	return text[:min(len(text), 100)]
}

func isJSON(kind string) bool {
	return kind == "application/json" || strings.HasSuffix(kind, "+json") || kind == "text/json"
}

var textTypes = []string{
	"application/xml", "application/javascript", "application/x-javascript", "application/ecmascript", "application/yaml", "application/x-yaml",
	"application/x-www-form-urlencoded", "application/x-ndjson", "application/jsonl", "application/json-seq", "application/graphql",
	"application/sql", "application/toml", "application/x-sh",
}

// isText reports whether a body is readable: by its type, else if it looks like UTF-8.
func isText(kind string, body []byte) bool {
	switch {
	case strings.HasPrefix(kind, "text/"), isJSON(kind), strings.HasSuffix(kind, "+xml"), strings.HasSuffix(kind, "+yaml"), slices.Contains(textTypes, kind):
		return true
	case kind != "" && kind != "application/octet-stream" && kind != "binary/octet-stream":
		return false
	}
	start := body[:min(len(body), 4<<10)]
	for len(start) > 0 && len(start) < len(body) && !utf8.RuneStart(body[len(start)]) {
		start = start[:len(start)-1] // do not cut a letter in two
	}
	return utf8.Valid(start) && !bytes.ContainsFunc(start, func(r rune) bool {
		return r < ' ' && !strings.ContainsRune("\t\r\n\f\x1b", r)
	})
}

// toUTF8 converts text from the charset of its byte order mark or Content-Type, else UTF-8.
// Invalid bytes become U+FFFD.
func toUTF8(body []byte, contentType string) string {
	if text, ok := bytes.CutPrefix(body, []byte("\xef\xbb\xbf")); ok {
		return strings.ToValidUTF8(string(text), "\uFFFD")
	}
	_, parameters, _ := mime.ParseMediaType(contentType)
	label := parameters["charset"]
	switch {
	case bytes.HasPrefix(body, []byte("\xff\xfe")):
		label = "utf-16le"
	case bytes.HasPrefix(body, []byte("\xfe\xff")):
		label = "utf-16be"
	}
	encoding, name := charset.Lookup(label)
	if encoding == nil || name == "utf-8" || name == "replacement" {
		return strings.ToValidUTF8(string(body), "\uFFFD")
	}
	text, err := encoding.NewDecoder().Bytes(body)
	if err != nil {
		text = body
	}
	return strings.TrimPrefix(strings.ToValidUTF8(string(text), "\uFFFD"), "\uFEFF")
}

// visible returns the text with Unicode's pictures for control characters, each of which would
// take six bytes in JSON. It returns "" if they are too many for a text.
func visible(text string) string {
	controls := 0
	for i := range len(text) {
		if isControl(rune(text[i])) {
			controls++
		}
	}
	switch {
	case controls == 0:
		return text
	case controls > 100 && controls > len(text)/10:
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r == 0x7f {
			return '\u2421'
		} else if isControl(r) {
			return '\u2400' + r
		}
		return r
	}, text)
}

func isControl(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f }

func asText(body []byte) string { return strings.ToValidUTF8(string(body), "\uFFFD") }
