package dynamodb

import (
	"fmt"
	"slices"
	"strings"
)

// maxNameSize is in bytes.
const maxNameSize = 65535

// normalize checks a sent item and converts its numbers to the stored form.
func (it Item) normalize() error {
	for name, v := range it {
		switch {
		case name == "":
			return invalidParameter("Attribute name must not be empty")
		case len(name) > maxNameSize:
			return invalidParameter("Attribute name is too large, must be less than 65536 bytes")
		}
		if err := v.normalize(1); err != nil {
			return err
		}
		it[name] = v
	}
	return nil
}

func (v *Value) normalize(depth int) error {
	if depth > maxDepth {
		return invalid("Nesting Levels have exceeded supported limits")
	}
	switch count := v.setMembers(); {
	case count == 0:
		return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case count > 1:
		return invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	switch v.kind() {
	case "N":
		n, err := parseNumber(*v.N)
		if err != nil {
			return err
		}
		if n.String() != *v.N {
			*v = numberValue(n)
		}
	case "NULL":
		if !*v.NULL {
			return invalidParameter("Null attribute value types must have the value of true")
		}
	case "L":
		for i := range v.L {
			if err := v.L[i].normalize(depth + 1); err != nil {
				return err
			}
		}
	case "M":
		for name, e := range v.M {
			if err := e.normalize(depth + 1); err != nil {
				return err
			}
			v.M[name] = e
		}
	case "SS", "NS", "BS":
		return v.normalizeSet()
	}
	return nil
}

// AWS has different error texts for the three kinds of sets.
func (v *Value) normalizeSet() error {
	switch {
	case v.SS != nil:
		if len(v.SS) == 0 {
			return invalidParameter("An string set  may not be empty")
		}
		if hasDuplicate(v.SS) {
			return invalidParameter("Input collection [%s] contains duplicates.", strings.Join(v.SS, ", "))
		}
	case v.NS != nil:
		return v.normalizeNumberSet()
	default:
		if len(v.BS) == 0 {
			return invalidParameter("Binary sets should not be empty")
		}
		if hasDuplicate(v.elements()) {
			return invalidParameter("Input collection %s of type BS contains duplicates.", fmt.Sprint(v.BS))
		}
	}
	return nil
}

func (v *Value) normalizeNumberSet() error {
	if len(v.NS) == 0 {
		return invalidParameter("An number set  may not be empty")
	}
	for i, text := range v.NS {
		n, err := parseNumber(text)
		if err != nil {
			return err
		}
		v.NS[i] = n.String()
	}
	if hasDuplicate(v.NS) {
		return invalid("Input collection contains duplicates")
	}
	return nil
}

func hasDuplicate(texts []string) bool {
	sorted := slices.Sorted(slices.Values(texts))
	return len(slices.Compact(sorted)) < len(texts)
}
