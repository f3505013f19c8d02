package dynamodb

import (
	"fmt"
	"slices"
	"strings"
)

// maxNameSize is what an attribute's name may take, in bytes.
const maxNameSize = 65535

// normal checks an item that was sent, and returns it with its numbers in the
// form they are stored in.
func (it Item) normal() (Item, error) {
	checked := make(Item, len(it))
	for name, v := range it {
		if len(name) > maxNameSize {
			return nil, invalidParameter("Attribute name is too large, must be less than 65536 bytes")
		}
		var err error
		if checked[name], err = v.normal(1); err != nil {
			return nil, err
		}
	}
	return checked, nil
}

// normal checks a value that was sent at that depth of nesting, and returns it
// with its numbers in the form they are stored in.
func (v Value) normal(depth int) (Value, error) {
	if depth > maxDepth {
		return v, invalid("Nesting Levels have exceeded supported limits")
	}
	switch count := v.setMembers(); {
	case count == 0:
		return v, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case count > 1:
		return v, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	switch v.kind() {
	case "N":
		n, err := parseNumber(*v.N)
		if err != nil {
			return v, err
		}
		return numberValue(n), nil
	case "NULL":
		if !*v.NULL {
			return v, invalidParameter("Null attribute value types must have the value of true")
		}
		return v, nil
	case "L":
		return v.normalList(depth)
	case "M":
		return v.normalMap(depth)
	case "SS", "NS", "BS":
		return v.normalSet()
	}
	return v, nil
}

func (v Value) normalList(depth int) (Value, error) {
	checked := Value{L: make([]Value, len(v.L))}
	for i, e := range v.L {
		var err error
		if checked.L[i], err = e.normal(depth + 1); err != nil {
			return v, err
		}
	}
	return checked, nil
}

func (v Value) normalMap(depth int) (Value, error) {
	checked := Value{M: make(Item, len(v.M))}
	for name, e := range v.M {
		var err error
		if checked.M[name], err = e.normal(depth + 1); err != nil {
			return v, err
		}
	}
	return checked, nil
}

// The three kinds of sets are refused in three different wordings: AWS's own.
func (v Value) normalSet() (Value, error) {
	switch {
	case v.SS != nil:
		if len(v.SS) == 0 {
			return v, invalidParameter("An string set  may not be empty")
		}
		if hasDuplicate(v.SS) {
			return v, invalidParameter("Input collection [%s] contains duplicates.", strings.Join(v.SS, ", "))
		}
		return v, nil
	case v.NS != nil:
		return v.normalNumberSet()
	default:
		if len(v.BS) == 0 {
			return v, invalidParameter("Binary sets should not be empty")
		}
		if hasDuplicate(v.elements()) {
			return v, invalidParameter("Input collection %s of type BS contains duplicates.", fmt.Sprint(v.BS))
		}
		return v, nil
	}
}

func (v Value) normalNumberSet() (Value, error) {
	if len(v.NS) == 0 {
		return v, invalidParameter("An number set  may not be empty")
	}
	checked := make([]string, len(v.NS))
	for i, text := range v.NS {
		n, err := parseNumber(text)
		if err != nil {
			return v, err
		}
		checked[i] = n.String()
	}
	if hasDuplicate(checked) {
		return v, invalid("Input collection contains duplicates")
	}
	return Value{NS: checked}, nil
}

func hasDuplicate(texts []string) bool {
	sorted := slices.Sorted(slices.Values(texts))
	return len(slices.Compact(sorted)) < len(texts)
}
