package template

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// parameters are the values of a stack's parameters, checked as CloudFormation checks them: texts,
// or lists of texts.
func (t Template) parameters(given map[string]string) (map[string]any, error) {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := t.Parameters[name]; !ok {
			faults = append(faults, fmt.Errorf("the template has no parameter %s", name))
		}
	}
	all := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		p := t.Parameters[name]
		value, ok := given[name]
		switch {
		case ok:
		case p.Default == nil:
			faults = append(faults, fmt.Errorf("parameter %s must have a value", name))
			continue
		default:
			value = text(p.Default)
		}
		if fault := p.Fault(value); fault != "" {
			faults = append(faults, fmt.Errorf("parameter %s: %q %s", name, value, fault))
		}
		all[name] = value
		if p.isList() {
			all[name] = commaDelimited(value)
		}
	}
	return all, errors.Join(faults...)
}

func (p Parameter) isList() bool {
	return p.Type == "CommaDelimitedList" || strings.HasPrefix(p.Type, "List<")
}

func commaDelimited(value string) []any {
	var all []any
	for one := range strings.SplitSeq(value, ",") {
		all = append(all, strings.TrimSpace(one))
	}
	return all
}

// IsDefault reports whether a value is the default.
func (p Parameter) IsDefault(value string) bool { return p.Default != nil && text(p.Default) == value }

// Fault says what is wrong with a value, after the value, or is "".
func (p Parameter) Fault(value string) string {
	if len(p.AllowedValues) > 0 && !slices.ContainsFunc(p.AllowedValues, func(allowed any) bool { return text(allowed) == value }) {
		var allowed []string
		for _, one := range p.AllowedValues {
			allowed = append(allowed, text(one))
		}
		return "must be one of " + strings.Join(allowed, ", ")
	}
	if p.AllowedPattern != "" {
		whole, err := regexp.Compile(`^(?:` + p.AllowedPattern + `)$`)
		if err != nil {
			return "cannot be checked: " + err.Error()
		}
		if !whole.MatchString(value) {
			return strings.TrimSuffix(p.ConstraintDescription, ".")
		}
	}
	if p.MinLength != nil && len(value) < *p.MinLength || p.MaxLength != nil && len(value) > *p.MaxLength {
		return "has the wrong length"
	}
	if p.Type != "Number" {
		return ""
	}
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || p.MinValue != nil && number < *p.MinValue || p.MaxValue != nil && number > *p.MaxValue {
		return "must be a number" + p.limits()
	}
	return ""
}

func (p Parameter) limits() string {
	switch {
	case p.MinValue != nil && p.MaxValue != nil:
		return " from " + text(*p.MinValue) + " to " + text(*p.MaxValue)
	case p.MinValue != nil:
		return " of at least " + text(*p.MinValue)
	case p.MaxValue != nil:
		return " of at most " + text(*p.MaxValue)
	}
	return ""
}

// text is a scalar as CloudFormation writes it.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}
