package tryit

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const anyKey = "ghNWqXFXBfqnnQcrmq6H3cEN59vv8OOQXj6rMRsLbFxri4gBMTq"

func each(format string) string {
	var out strings.Builder
	for _, c := range []byte(anyKey) {
		fmt.Fprintf(&out, format, c)
	}
	return out.String()
}

func TestAKeyIsMaskedInEverySpelling(t *testing.T) {
	t.Parallel()
	folded := base64.StdEncoding.EncodeToString([]byte("Authorization: Basic " + anyKey + ":"))
	for name, text := range map[string]string{
		"as it is":                      anyKey,
		"twice":                         anyKey + anyKey,
		"in lower case":                 strings.ToLower(anyKey),
		"in upper case":                 strings.ToUpper(anyKey),
		"in base64":                     base64.StdEncoding.EncodeToString([]byte(anyKey)),
		"in base64 after one byte":      base64.StdEncoding.EncodeToString([]byte("x" + anyKey + "y")),
		"in base64 after two bytes":     base64.URLEncoding.EncodeToString([]byte("x:" + anyKey + ":y")),
		"in base64 with line breaks":    folded[:40] + "\r\n" + folded[40:],
		"in hexadecimal":                hex.EncodeToString([]byte(anyKey)),
		"in a dump":                     fmt.Sprintf("% X", anyKey),
		"as a list of bytes":            strings.Trim(strings.ReplaceAll(fmt.Sprint([]byte(anyKey)), " ", ",\n  "), "[]"),
		"escaped for a URL":             each("%%%02x"),
		"escaped for a URL three times": each("%%2525%02X"),
		"escaped for JSON":              each(`\u%04x`),
		"escaped for JSON in JSON":      each(`\\u%04X`),
		"escaped for C":                 each(`\x%02x`),
		"escaped for HTML":              each("&#%d;"),
		"escaped for HTML in hex":       each("&#x%X;"),
		"in two members of a list":      `["` + anyKey[:25] + `", "` + anyKey[25:] + `"]`,
		"over two lines":                anyKey[:25] + `\r\n\t` + anyKey[25:],
		"a letter a line":               each("%c\n"),
	} {
		s := spellingsOf(anyKey)
		got := s.mask("before " + text + " after")
		if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") || !strings.Contains(got, Mask) {
			t.Errorf("%s: %q", name, got)
		}
		// Base64 shares a letter or two with what is around the key.
		if rest := lettersOf(strings.ReplaceAll(got, Mask, "")); len(rest) > len("beforeafter")+40 || strings.Contains(rest, strings.ToLower(anyKey[:6])) {
			t.Errorf("%s leaves %q", name, got)
		}
	}
}

func TestPartsOfAKeyAreMaskedAndOtherTextIsNot(t *testing.T) {
	t.Parallel()
	s := spellingsOf(anyKey)
	for text, want := range map[string]string{
		"the key " + anyKey[:20] + "...":  "the key " + Mask + "...",
		"…" + anyKey[30:42] + "…":         "…" + Mask + "…",
		"ends in " + anyKey[45:]:          "ends in " + anyKey[45:],
		"gh is how keys begin":            "gh is how keys begin",
		"%":                               "%",
		"%2":                              "%2",
		"%252525":                         "%252525",
		`\`:                               `\`,
		`\u00`:                            `\u00`,
		`\x6`:                             `\x6`,
		"&#":                              "&#",
		"&#x;&#;&#99999999999;":           "&#x;&#;&#99999999999;",
		"":                                "",
		strings.Repeat("ghNWqXFXBfq.", 3): strings.Repeat("ghNWqXFXBfq.", 3),
	} {
		if got := s.mask(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	document, err := json.Marshal(map[string]any{"numbers": strings.Repeat("0123456789", 100), "hex": strings.Repeat("deadbeef", 100), "text": strings.Repeat("a", 1000)})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.mask(string(document)); got != string(document) {
		t.Errorf("other text becomes %s", got)
	}
}

func BenchmarkMaskingALargeAnswer(b *testing.B) {
	s := spellingsOf(anyKey)
	text := strings.Repeat(`{"harbour":"Kiel","height":1.25,"at":"2026-11-22T09:00:00Z"},`, MaxResponse/60)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s.mask(text)
	}
}

func FuzzMaskedTextHasNoKey(f *testing.F) {
	for _, seed := range []string{"", "a%", `b\u`, "c&#x", "%25", "0", strings.Repeat("g", 20), anyKey[:30], `["` + anyKey} {
		f.Add(seed, seed)
	}
	s := spellingsOf(anyKey)
	f.Fuzz(func(t *testing.T, before, after string) {
		got := s.mask(before + "<" + anyKey + ">" + after)
		if strings.Contains(strings.ToLower(got), strings.ToLower(anyKey[:partLength])) {
			t.Errorf("%q shows the key", got)
		}
		if strings.Count(got, Mask) == 0 {
			t.Errorf("%q has no mask", got)
		}
	})
}
