package tryit

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestABodyIsShownAsWhatItIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contentType, body string
		kind              Kind
		text              string
	}{
		"nothing":                     {"application/json", "", KindNone, ""},
		"JSON":                        {"application/json", `{"b":1,"a":2}`, KindJSON, "{\n  \"b\": 1,\n  \"a\": 2\n}"},
		"JSON of a kind":              {"application/problem+json; charset=utf-8", `[1.10,1e400]`, KindJSON, "[\n  1.10,\n  1e400\n]"},
		"JSON with a byte order mark": {"application/json", "\xef\xbb\xbf{}", KindJSON, "{}"},
		"JSON in UTF-16":              {"application/json", "\xff\xfe[\x001\x00]\x00", KindJSON, "[\n  1\n]"},
		"JSON with angle brackets":    {"application/json", `"<script>&"`, KindJSON, `"<script>&"`},
		"JSON that is not":            {"application/json", `{"a":`, KindText, `{"a":`},
		"several JSON values":         {"application/x-ndjson", "{}\n{}\n", KindText, "{}\n{}\n"},
		"XML":                         {"application/atom+xml", "<a/>", KindText, "<a/>"},
		"HTML":                        {"text/html", "<script>alert(1)</script>", KindText, "<script>alert(1)</script>"},
		"Latin-1":                     {"text/plain; charset=iso-8859-1", "K\xf6ln", KindText, "Köln"},
		"Shift JIS":                   {"text/plain; charset=Shift_JIS", "\x93\xfa\x96{", KindText, "日本"},
		"big-endian UTF-16":           {"text/plain; charset=utf-16be", "\x00h\x00i", KindText, "hi"},
		"an unknown charset":          {"text/plain; charset=nonsense", "hi", KindText, "hi"},
		"a charset that hides text":   {"text/plain; charset=iso-2022-kr", "hi", KindText, "hi"},
		"invalid UTF-8":               {"text/plain", "a\xff\xfeb", KindText, "a\uFFFDb"},
		"text with a NUL":             {"text/plain", "a\x00b\x1b\x7f\t\r\n", KindText, "a␀b␛␡\t\r\n"},
		"NULs that claim to be text":  {"text/plain", strings.Repeat("\x00", 1000), KindBinary, ""},
		"NULs that claim to be JSON":  {"application/json", strings.Repeat("\x01", 1000), KindBinary, ""},
		"text without a type":         {"", "hällo\n", KindText, "hällo\n"},
		"text as a stream of bytes":   {"application/octet-stream", "hello", KindText, "hello"},
		"bytes without a type":        {"", "\x7fELF\x00\x01", KindBinary, ""},
		"an image":                    {"image/png", "\x89PNG", KindBinary, ""},
		"an image of text":            {"image/svg+xml", "<svg/>", KindText, "<svg/>"},
		"a document":                  {"application/pdf", "%PDF", KindBinary, ""},
		"a type that is nonsense":     {"/;;;", "hello", KindBinary, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := (&answer{contentType: c.contentType, body: []byte(c.body)}).show()
			if b.Kind != c.kind || b.Text != c.text || b.Size != len(c.body) || (b.Kind == KindBinary) != (b.Note != "") || !utf8.ValidString(b.Text) {
				t.Errorf("shown as %+v", b)
			}
		})
	}
	b := (&answer{contentType: "text/plain", encoding: "br\x00, zstd", body: []byte("hello")}).show()
	if b.Kind != KindBinary || b.Text != "" || !strings.Contains(b.Note, "(br,zstd)") {
		t.Errorf("compressed in an unknown way: %+v", b)
	}
	if b := (&answer{contentType: strings.Repeat("a", 500) + "\x00\n<b>", body: []byte("x")}).show(); len(b.Type) > 100 || strings.ContainsAny(b.Type, "\x00\n") {
		t.Errorf("the type is %q", b.Type)
	}
}

func TestHeadersWithInvalidTextAreShownSafely(t *testing.T) {
	t.Parallel()
	r := (&answer{status: 799, header: http.Header{"X-A": {"a\xffb"}, "Set-Cookie": {"a=b"}, "set-cookie": {"c=d"}}}).response(false)
	if len(r.Headers) != 1 || r.Headers[0].Value != "a\uFFFDb" || r.Reason != "" {
		t.Errorf("shown as %+v", r)
	}
}

func TestIndentingCannotMakeTextMuchLarger(t *testing.T) {
	t.Parallel()
	deep := func(depth, width int) string {
		return strings.Repeat("[", depth) + strings.Repeat("1,", width) + "1" + strings.Repeat("]", depth)
	}
	for name, text := range map[string]string{
		"deep and wide":       deep(9000, 100_000),
		"deeper than Go goes": deep(20_000, 1),
		"very wide":           deep(1, 4_000_000),
	} {
		b := (&answer{contentType: "application/json", body: []byte(text)}).show()
		if len(b.Text) > maxIndented {
			t.Errorf("%s: %d bytes become %d", name, len(text), len(b.Text))
		}
	}
}

func FuzzIndentedKeepsTheValue(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":"\"]"}],"c":{}}`, `"\\"`, `[[],[[]]]`, `{"a:,{":"[,"}`, ` [ 1 , 2 ] `} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || len(text) > 1<<16 {
			return
		}
		got := indented(text)
		if size := indentedSize(text); size <= maxIndented && len(got) > size+1 {
			t.Errorf("%q becomes %d bytes, estimated at %d", text, len(got), size)
		}
		if compact(t, got) != compact(t, text) {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			out.WriteByte(text[i])
			i++
		case text[i] == '"':
			quoted = !quoted
		case !quoted && strings.ContainsRune(" \t\r\n", rune(text[i])):
			continue
		}
		out.WriteByte(text[i])
	}
	return out.String()
}
