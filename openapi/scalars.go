package openapi

import (
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

var formats = map[string]string{
	"date-time":             "2026-01-31T12:00:00Z",
	"date":                  "2026-01-31",
	"time":                  "12:00:00Z",
	"duration":              "PT1H",
	"email":                 "user@example.com",
	"idn-email":             "user@example.com",
	"hostname":              "api.example.com",
	"idn-hostname":          "api.example.com",
	"ipv4":                  "192.0.2.1",
	"ipv6":                  "2001:db8::1",
	"uri":                   "https://example.com",
	"url":                   "https://example.com",
	"iri":                   "https://example.com",
	"uri-reference":         "/example",
	"iri-reference":         "/example",
	"uri-template":          "/example/{id}",
	"uuid":                  "3fa85f64-5717-4562-b3fc-2c963f66afa6",
	"byte":                  "ZXhhbXBsZQ==",
	"binary":                "data",
	"json-pointer":          "/example",
	"relative-json-pointer": "1/example",
	"regex":                 "^[a-z]+$",
	"phone":                 "+15555550100",
}

func stringFormat(format string) bool { return formats[format] != "" }

func (g *generator) string(s *Schema) *node {
	r := s.Rules
	if r == nil {
		r = &Rules{}
	}
	if r.Pattern != "" {
		if made, ok := g.matching(r); ok {
			return text(made)
		}
	}
	word := formats[s.Format]
	if word == "" {
		word = "string"
	}
	if fits(word, r) || s.Format != "" && stringFormat(s.Format) {
		return text(word)
	}
	return text(stretched(word, r))
}

func stretched(word string, r *Rules) string {
	if r.MinLength != nil && len(word) < *r.MinLength {
		least := min(*r.MinLength, maxGenerated)
		word = strings.Repeat(word, least/len(word)+1)[:least]
	}
	if r.MaxLength != nil && len(word) > *r.MaxLength {
		word = word[:*r.MaxLength]
	}
	return word
}

func fits(s string, r *Rules) bool {
	length := utf8.RuneCountInString(s)
	return (r.MinLength == nil || length >= *r.MinLength) && (r.MaxLength == nil || length <= *r.MaxLength)
}

const maxGenerated = 1_000

// maxPatterns is for how many patterns strings are made up, maxPattern the longest. Compiling
// one can take milliseconds.
const (
	maxPatterns = 1_000
	maxPattern  = 500
)

func (g *generator) matching(r *Rules) (string, bool) {
	if len(r.Pattern) > maxPattern {
		return "", false
	}
	key := fmt.Sprint(r.Pattern, "\n", limit(r.MinLength), limit(r.MaxLength))
	made, known := g.patterns[key]
	if !known && len(g.patterns) < maxPatterns {
		if found, ok := matching(r.Pattern, r); ok {
			made = &found
		}
		g.patterns[key] = made
	}
	if made == nil {
		return "", false
	}
	return *made, true
}

func limit(count *int) int {
	if count == nil {
		return -1
	}
	return *count
}

func matching(pattern string, r *Rules) (string, bool) {
	exact, err := regexp.Compile(pattern)
	if err != nil {
		return "", false
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	for _, extra := range []int{0, 1, 3, 8, 20} {
		var b strings.Builder
		w := patternWriter{out: &b, extra: extra, left: 10_000}
		w.write(parsed)
		made := b.String()
		if r.MinLength != nil && utf8.RuneCountInString(made) < *r.MinLength && !strings.HasSuffix(pattern, "$") {
			made = stretched(made+"a", r)
		}
		if made != "" && fits(made, r) && exact.MatchString(made) {
			return made, true
		}
	}
	return "", exact.MatchString("") && fits("", r)
}

// patternWriter writes a string that a regular expression matches. Repetitions get some extra
// rounds.
type patternWriter struct {
	out   *strings.Builder
	extra int
	left  int
}

func (w *patternWriter) write(re *syntax.Regexp) {
	if w.left--; w.left < 0 || w.out.Len() > maxGenerated {
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		w.out.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		w.out.WriteRune(readable(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		w.out.WriteByte('a')
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			w.write(sub)
		}
	case syntax.OpAlternate:
		w.write(re.Sub[0])
	case syntax.OpStar:
		w.repeat(re.Sub[0], 0, -1)
	case syntax.OpPlus:
		w.repeat(re.Sub[0], 1, -1)
	case syntax.OpQuest:
		w.repeat(re.Sub[0], 0, 1)
	case syntax.OpRepeat:
		w.repeat(re.Sub[0], re.Min, re.Max)
	}
}

func (w *patternWriter) repeat(re *syntax.Regexp, least, most int) {
	count := least + w.extra
	if most >= 0 {
		count = min(count, most)
	}
	for range count {
		w.write(re)
	}
}

func readable(ranges []rune) rune {
	for _, good := range [...]rune{'a', 'A', '1', '0'} {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= good && good <= ranges[i+1] {
				return good
			}
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i] >= ' ' {
			return ranges[i]
		}
	}
	if len(ranges) == 0 {
		return 'a'
	}
	return ranges[1]
}

// numberFor returns a number within the limits, preferably 1.
func numberFor(r *Rules, kind string) *node {
	if r == nil {
		return number("1")
	}
	step := 1.0
	if r.MultipleOf != nil {
		step = *r.MultipleOf
	}
	f := step
	if r.Minimum != nil && (f < *r.Minimum || r.ExclusiveMinimum && f <= *r.Minimum) {
		f = math.Ceil(*r.Minimum/step) * step
		if r.ExclusiveMinimum && f <= *r.Minimum {
			f += step
		}
	}
	if r.Maximum != nil && (f > *r.Maximum || r.ExclusiveMaximum && f >= *r.Maximum) {
		f = math.Floor(*r.Maximum/step) * step
		if r.ExclusiveMaximum && f >= *r.Maximum {
			f -= step
		}
	}
	if kind == "number" && r.MultipleOf == nil && r.Minimum != nil && r.Maximum != nil && (f < *r.Minimum || f > *r.Maximum || r.excludes(f)) {
		f = (*r.Minimum + *r.Maximum) / 2
	}
	if kind == "integer" {
		return number(strconv.FormatFloat(math.Trunc(f), 'f', 0, 64))
	}
	return number(jsonNumber(f))
}

func (r *Rules) excludes(f float64) bool {
	return r.ExclusiveMinimum && f == *r.Minimum || r.ExclusiveMaximum && f == *r.Maximum
}

func jsonNumber(f float64) string {
	if math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func addTo(n *node, i int) *node {
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil {
		return n
	}
	return number(jsonNumber(f + float64(i)))
}
