package openapi

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parse reads what a person typed. The problem is "" if the schema allows the value; otherwise the
// value is what was understood.
func (p *Parameter) parse(given string) (value, string) {
	if p.Media != "" {
		problem := ""
		if formatOf(p.Media) == jsonFormat && !json.Valid([]byte(given)) {
			problem = "must be JSON"
		}
		return value{single: given}, problem
	}
	return p.Schema.parse(given)
}

func (s *Schema) parse(given string) (value, string) {
	options := s.OneOf
	if options == nil {
		options = s.AnyOf
	}
	if len(options) == 0 {
		return s.parseTypes(given)
	}
	first, firstProblem := value{single: given}, ""
	for i, option := range options {
		if option == s || len(option.OneOf)+len(option.AnyOf) > 0 {
			return value{single: given}, "" // too intricate for a form
		}
		v, problem := option.parseTypes(given)
		if problem == "" {
			return v, ""
		}
		if i == 0 {
			first, firstProblem = v, problem
		}
	}
	return first, firstProblem
}

func (s *Schema) parseTypes(given string) (value, string) {
	if len(s.Types) == 0 {
		return value{single: given}, s.checkEnum(given)
	}
	var v value
	problem := ""
	for _, t := range s.Types {
		if v, problem = s.parseType(t, given); problem == "" {
			return v, ""
		}
	}
	return v, problem
}

func (s *Schema) parseType(kind, given string) (value, string) {
	switch kind {
	case "array":
		return s.parseList(given)
	case "object":
		return s.parseObject(given)
	}
	return value{single: given}, s.checkScalar(kind, given)
}

func (s *Schema) parseList(given string) (value, string) {
	v := value{shape: listShape}
	if strings.HasPrefix(strings.TrimSpace(given), "[") {
		parsed, err := readJSON([]byte(given), &warnings{})
		if err != nil {
			return value{single: given}, "must be a list: values with commas between them, or JSON"
		}
		for _, item := range parsed.items {
			v.list = append(v.list, item.plain())
		}
	} else {
		for item := range strings.SplitSeq(given, ",") {
			v.list = append(v.list, strings.TrimSpace(item))
		}
	}
	return v, s.checkList(v.list)
}

func (s *Schema) checkList(list []string) string {
	if r := s.Rules; r != nil {
		switch {
		case r.MinItems != nil && len(list) < *r.MinItems || r.MaxItems != nil && len(list) > *r.MaxItems:
			return "must have " + amount(r.MinItems, r.MaxItems, "item", "items")
		case r.UniqueItems && hasDuplicates(list):
			return "must not have the same item twice"
		}
	}
	if s.Items == nil {
		return ""
	}
	for i, item := range list {
		if _, problem := s.Items.parse(item); problem != "" {
			return fmt.Sprintf("has a wrong item %d, which %s", i+1, problem)
		}
	}
	return ""
}

func hasDuplicates(list []string) bool {
	sorted := slices.Sorted(slices.Values(list))
	return len(slices.Compact(sorted)) < len(list)
}

func (s *Schema) parseObject(given string) (value, string) {
	parsed, err := readJSON([]byte(given), &warnings{})
	if err != nil || !parsed.is(objectKind) {
		return value{single: given}, `must be a JSON object, such as {"name": "value"}`
	}
	v := value{shape: objectShape}
	for key, member := range parsed.members {
		f := field{name: key, values: []string{member.plain()}}
		if member.is(arrayKind) {
			f.values = nil
			for _, item := range member.items {
				f.values = append(f.values, item.plain())
			}
		}
		v.fields = append(v.fields, f)
	}
	for _, p := range s.Properties {
		if p.Required && !parsed.has(p.Name) {
			return v, fmt.Sprintf("must have the property %q", shorten(p.Name, 100))
		}
	}
	return v, ""
}

func (s *Schema) checkScalar(kind, given string) string {
	if problem := s.checkEnum(given); problem != "" {
		return problem
	}
	switch kind {
	case "integer", "number":
		return s.checkNumber(kind, given)
	case "boolean":
		if given != "true" && given != "false" {
			return "must be true or false"
		}
	case "string":
		return s.checkString(given)
	}
	return ""
}

func (s *Schema) checkEnum(given string) string {
	if s.Const != "" && given != s.Const {
		return "must be " + shorten(s.Const, 100)
	}
	if len(s.Enum) == 0 || slices.Contains(s.Enum, given) {
		return ""
	}
	return "must be one of " + shorten(strings.Join(s.Enum, ", "), 300)
}

// jsonNumeral is how JSON writes numbers; APIs need not understand more.
var jsonNumeral = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func (s *Schema) checkNumber(kind, given string) string {
	f, err := strconv.ParseFloat(given, 64)
	switch {
	case kind == "integer" && (!jsonNumeral.MatchString(given) || err == nil && f != math.Trunc(f)):
		return "must be a whole number"
	case !jsonNumeral.MatchString(given) || err != nil:
		return "must be a number"
	}
	r := s.Rules
	if r == nil {
		return ""
	}
	if r.Minimum != nil && (f < *r.Minimum || r.ExclusiveMinimum && f == *r.Minimum) ||
		r.Maximum != nil && (f > *r.Maximum || r.ExclusiveMaximum && f == *r.Maximum) {
		return "must be " + span(r)
	}
	if r.MultipleOf != nil && !isMultiple(f, *r.MultipleOf) {
		return "must be a multiple of " + decimal(*r.MultipleOf)
	}
	return ""
}

// isMultiple allows for the rounding of decimal fractions.
func isMultiple(f, step float64) bool {
	times := f / step
	return math.Abs(times-math.Round(times)) < 1e-9*max(1, math.Abs(times))
}

func (s *Schema) checkString(given string) string {
	r := s.Rules
	if r == nil {
		return ""
	}
	length := utf8.RuneCountInString(given)
	if r.MinLength != nil && length < *r.MinLength || r.MaxLength != nil && length > *r.MaxLength {
		return "must have " + amount(r.MinLength, r.MaxLength, "character", "characters")
	}
	if r.Pattern == "" {
		return ""
	}
	// The API checks a pattern that Go cannot read (a lookahead).
	if pattern, err := regexp.Compile(r.Pattern); err == nil && !pattern.MatchString(given) {
		return "must match " + shorten(r.Pattern, 200)
	}
	return ""
}
