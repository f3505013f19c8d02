package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// YAML writes a JSON document as YAML, in the same order, without a second copy in memory, since
// documents can be large. Numbers stay as written.
func YAML(document []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	w := &yamlWriter{decoder: decoder}
	w.Grow(len(document))
	if err := w.value(0, false); err != nil {
		return nil, err
	}
	return w.Bytes(), nil
}

// maxKey is the longest key before its colon, in bytes. YAML allows 1024
// characters (YAML 1.2, section 8.2.2).
const maxKey = 1000

type yamlWriter struct {
	bytes.Buffer
	decoder *json.Decoder
}

// value writes the next value. inList: "- " was just written, so an object's first member follows
// on the same line.
func (w *yamlWriter) value(depth int, inList bool) error {
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return w.object(depth, inList)
		}
		return w.list(depth, inList)
	case string:
		w.text(token, depth)
	case nil:
		w.WriteString(" null")
	default:
		fmt.Fprintf(w, " %v", token)
	}
	w.WriteByte('\n')
	return nil
}

func (w *yamlWriter) object(depth int, inList bool) error {
	if !w.decoder.More() {
		w.WriteString(" {}\n")
		return w.end()
	}
	if !inList && w.Len() > 0 {
		w.WriteByte('\n')
	}
	for first := true; w.decoder.More(); first = false {
		switch {
		case inList && first:
			w.WriteByte(' ')
		default:
			w.indent(depth)
		}
		name, err := w.decoder.Token()
		if err != nil {
			return err
		}
		key := scalar(fmt.Sprint(name))
		if len(key) > maxKey {
			w.WriteString("? " + key + "\n")
			w.indent(depth)
		} else {
			w.WriteString(key)
		}
		w.WriteByte(':')
		if err := w.value(depth+1, false); err != nil {
			return err
		}
	}
	return w.end()
}

func (w *yamlWriter) list(depth int, inList bool) error {
	if !w.decoder.More() {
		w.WriteString(" []\n")
		return w.end()
	}
	if inList || w.Len() > 0 {
		w.WriteByte('\n')
	}
	for w.decoder.More() {
		w.indent(depth)
		w.WriteByte('-')
		if err := w.value(depth+1, true); err != nil {
			return err
		}
	}
	return w.end()
}

func (w *yamlWriter) end() error {
	_, err := w.decoder.Token()
	return err
}

func (w *yamlWriter) indent(depth int) {
	for range depth {
		w.WriteString("  ")
	}
}

// text writes a string, as a block if it has several lines and fits one.
func (w *yamlWriter) text(s string, depth int) {
	if !strings.Contains(s, "\n") || !fitsBlock(s) || depth == 0 {
		w.WriteByte(' ')
		w.WriteString(scalar(s))
		return
	}
	w.WriteString(" |")
	body := s
	switch {
	case !strings.HasSuffix(s, "\n"):
		w.WriteByte('-')
	case strings.HasSuffix(s, "\n\n"):
		w.WriteByte('+')
		body = s[:len(s)-1]
	default:
		body = s[:len(s)-1]
	}
	for line := range strings.SplitSeq(body, "\n") {
		w.WriteByte('\n')
		if line != "" {
			w.indent(depth)
			w.WriteString(line)
		}
	}
}

// fitsBlock reports whether a literal block (YAML 1.2, section 8.1.2) has the same content: the
// first line decides the indentation, and some characters need escapes.
func fitsBlock(s string) bool {
	return !strings.HasPrefix(s, " ") && !strings.HasPrefix(s, "\n") && strings.Trim(s, "\n") != "" &&
		!strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && needsEscape(r) }) && !strings.HasPrefix(s, "\t")
}

func needsEscape(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == unicode.ReplacementChar || r >= 0xfffe && r <= 0xffff
}

var (
	// plainText needs no quotes in YAML 1.1 and 1.2.
	plainText = regexp.MustCompile(`^[A-Za-z/$][A-Za-z0-9_./{}$#-]*( [A-Za-z0-9_./{}$()-]+)*$`)
	// YAML 1.1 or 1.2 takes these for something other than text.
	otherwise = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|y|n|null)$`)
)

// scalar writes a string on one line. JSON's quotes are YAML's, too.
func scalar(s string) string {
	if plainText.MatchString(s) && !otherwise.MatchString(s) {
		return s
	}
	var out bytes.Buffer
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case r == unicode.ReplacementChar:
			out.WriteRune(r)
		case needsEscape(r):
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
