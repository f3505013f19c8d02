package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

func statusText(code int) string { return strconv.Itoa(code) }

// schema is the part of JSON Schema (draft 2020-12) that our document uses. An unknown member
// is an error, so that nothing goes unchecked.
type schema struct {
	Ref                  string            `json:"$ref"`
	Type                 kinds             `json:"type"`
	AnyOf                []schema          `json:"anyOf"`
	Properties           map[string]schema `json:"properties"`
	Required             []string          `json:"required"`
	AdditionalProperties *bool             `json:"additionalProperties"`
	Items                *schema           `json:"items"`
	Enum                 []any             `json:"enum"`
	Format               string            `json:"format"`
	MaxLength            int               `json:"maxLength"`
	MinItems             int               `json:"minItems"`
	MaxItems             int               `json:"maxItems"`
	Minimum              float64           `json:"minimum"`
	Maximum              float64           `json:"maximum"`
	Default              any               `json:"default"`
	ContentMediaType     string            `json:"contentMediaType"` // of bytes
	Description          string            `json:"description"`
	Examples             []any             `json:"examples"`
}

func (s *schema) UnmarshalJSON(data []byte) error {
	type plain schema
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*plain)(s))
}

// kinds is one type or several.
type kinds []string

func (k *kinds) UnmarshalJSON(data []byte) error {
	var one string
	if err := json.Unmarshal(data, &one); err == nil {
		*k = kinds{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(k))
}

func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

func (k kinds) have(kind string) bool {
	return slices.Contains(k, kind) || (kind == "integer" && slices.Contains(k, "number"))
}

// validate lists what is wrong with a value by a schema of the document.
func (d document) validate(s schema, value any, at string) (flaws []string) {
	if s.Ref != "" {
		return d.validate(d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")], value, at)
	}
	flaw := func(format string, args ...any) { flaws = append(flaws, at+": "+fmt.Sprintf(format, args...)) }
	if len(s.AnyOf) > 0 && !slices.ContainsFunc(s.AnyOf, func(one schema) bool { return len(d.validate(one, value, at)) == 0 }) {
		flaw("%v is none of them", value)
	}
	if kind := kindOf(value); len(s.Type) > 0 && !s.Type.have(kind) {
		flaw("%s, want %v", kind, s.Type)
		return flaws
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		flaw("%v is none of %v", value, s.Enum)
	}
	switch value := value.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339, value); s.Format == "date-time" && err != nil {
			flaw("%v", err)
		}
	case []any:
		for i, item := range value {
			if s.Items != nil {
				flaws = append(flaws, d.validate(*s.Items, item, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := value[name]; !ok {
				flaw("%s is missing", name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			property, ok := s.Properties[name]
			switch {
			case ok:
				flaws = append(flaws, d.validate(property, value[name], at+"."+name)...)
			case s.AdditionalProperties != nil && !*s.AdditionalProperties:
				flaw("%s is not in the document", name)
			}
		}
	}
	return flaws
}
