package openapi

import (
	"fmt"
	"strings"
)

// describeType sets the type as people read it. It needs the schemas filled.
func (s *Schema) describeType(depth int) string {
	if s.Type != "" {
		return s.Type
	}
	if s.typing || depth > maxHops {
		return "any"
	}
	s.typing = true
	phrase := s.phrase(depth)
	s.typing = false
	s.Type = phrase
	return phrase
}

func (s *Schema) phrase(depth int) string {
	s.inferType()
	words := []string{}
	for _, t := range s.Types {
		if t == "array" && s.Items != nil {
			t = "array of " + s.Items.reference(depth+1)
		}
		words = append(words, t)
	}
	if len(words) == 0 {
		words = append(words, s.choice(depth))
	}
	if s.Nullable && words[0] != "any" {
		words = append(words, "null")
	}
	return strings.Join(words, " or ")
}

func (s *Schema) reference(depth int) string {
	if s.Name == "" {
		return s.describeType(depth)
	}
	if s.Nullable {
		return s.Name + " or null"
	}
	return s.Name
}

func (s *Schema) choice(depth int) string {
	options := s.OneOf
	if options == nil {
		options = s.AnyOf
	}
	if len(options) > 4 {
		return fmt.Sprintf("one of %d types", len(options))
	}
	var words []string
	seen := map[string]bool{}
	for _, option := range options {
		word := option.reference(depth + 1)
		if !seen[word] {
			seen[word] = true
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return "any"
	}
	return strings.Join(words, " or ")
}

func (s *Schema) inferType() {
	switch {
	case s.Types != nil || s.OneOf != nil || s.AnyOf != nil && s.Properties == nil:
	case s.Properties != nil || s.Additional != nil || s.closed:
		s.Types = []string{"object"}
	case s.Items != nil:
		s.Types = []string{"array"}
	case s.Enum != nil && s.from.enumOfStrings(), s.Format != "" && stringFormat(s.Format), s.Rules.text():
		s.Types = []string{"string"}
	}
}

func (n *node) enumOfStrings() bool {
	values := n.get("enum").list()
	for _, value := range values {
		if value.kind != stringKind {
			return false
		}
	}
	return len(values) > 0
}
