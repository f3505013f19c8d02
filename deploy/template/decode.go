package template

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// plain turns a node into maps, lists, texts, numbers and booleans.
func plain(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		return plain(n.Content[0])
	case yaml.AliasNode:
		return nil, fmt.Errorf("line %d: CloudFormation knows no aliases", n.Line)
	case yaml.MappingNode:
		return plainMap(n)
	}
	var value any
	var err error
	if n.Kind == yaml.SequenceNode {
		value, err = plainList(n)
	} else if isFunction(n.Tag) {
		value = n.Value
	} else {
		value, err = scalar(n)
	}
	if err != nil || !isFunction(n.Tag) {
		return value, err
	}
	return function(n.Tag, value), nil
}

func isFunction(tag string) bool { return strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") }

// function is the long form of a function's short form.
func function(tag string, argument any) any {
	name := strings.TrimPrefix(tag, "!")
	switch name {
	case "Ref", "Condition":
		return map[string]any{name: argument}
	case "GetAtt":
		if text, ok := argument.(string); ok {
			resource, attribute, _ := strings.Cut(text, ".")
			argument = []any{resource, attribute}
		}
	}
	return map[string]any{"Fn::" + name: argument}
}

func plainMap(n *yaml.Node) (any, error) {
	all := map[string]any{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if _, twice := all[key.Value]; twice {
			return nil, fmt.Errorf("line %d: %s is given twice", key.Line, key.Value)
		}
		value, err := plain(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		all[key.Value] = value
	}
	if isFunction(n.Tag) {
		return function(n.Tag, all), nil
	}
	return all, nil
}

func plainList(n *yaml.Node) ([]any, error) {
	all := []any{}
	for _, one := range n.Content {
		value, err := plain(one)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, nil
}

func scalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!str":
		return n.Value, nil
	case "!!bool":
		return n.Value == "true", nil
	case "!!int", "!!float":
		return strconv.ParseFloat(n.Value, 64)
	}
	return nil, fmt.Errorf("line %d: %q is %s; write a text in quotes", n.Line, n.Value, n.Tag)
}

// decoder keeps the first error.
type decoder struct{ err error }

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

func (d *decoder) object(where string, value any) map[string]any {
	object, ok := value.(map[string]any)
	if !ok {
		d.fail("%s must be a map", where)
	}
	return object
}

func (d *decoder) text(where string, value any) string {
	text, ok := value.(string)
	if !ok {
		d.fail("%s must be a text", where)
	}
	return text
}

func (d *decoder) number(where string, value any) float64 {
	number, ok := value.(float64)
	if !ok {
		d.fail("%s must be a number", where)
	}
	return number
}

func (d *decoder) length(where string, value any) *int {
	n := int(d.number(where, value))
	return &n
}

func (d *decoder) parameter(name string, value any) (p Parameter) {
	for key, v := range d.object(name, value) {
		where := name + "." + key
		switch key {
		case "Type":
			p.Type = d.text(where, v)
		case "Description":
			p.Description = d.text(where, v)
		case "Default":
			p.Default = v
		case "AllowedValues":
			p.AllowedValues, _ = v.([]any)
		case "AllowedPattern":
			p.AllowedPattern = d.text(where, v)
		case "ConstraintDescription":
			p.ConstraintDescription = d.text(where, v)
		case "MinLength":
			p.MinLength = d.length(where, v)
		case "MaxLength":
			p.MaxLength = d.length(where, v)
		case "MinValue":
			least := d.number(where, v)
			p.MinValue = &least
		case "MaxValue":
			most := d.number(where, v)
			p.MaxValue = &most
		case "NoEcho":
			p.NoEcho = v == true
		default:
			d.fail("%s is unknown", where)
		}
	}
	return p
}

func (d *decoder) resource(name string, value any) (r Resource) {
	for key, v := range d.object(name, value) {
		where := name + "." + key
		switch key {
		case "Type":
			r.Type = d.text(where, v)
		case "Condition":
			r.Condition = d.text(where, v)
		case "DeletionPolicy":
			r.DeletionPolicy = d.text(where, v)
		case "UpdateReplacePolicy":
			r.UpdateReplacePolicy = d.text(where, v)
		case "DependsOn":
			r.DependsOn = d.names(where, v)
		case "Properties":
			r.Properties = d.object(where, v)
		case "Metadata":
		default:
			d.fail("%s is unknown", where)
		}
	}
	if r.Type == "" {
		d.fail("%s has no Type", name)
	}
	return r
}

func (d *decoder) rule(name string, value any) (r Rule) {
	rule := d.object(name, value)
	r.Condition = rule["RuleCondition"]
	all, _ := rule["Assertions"].([]any)
	for _, one := range all {
		assertion := d.object(name, one)
		r.Assertions = append(r.Assertions, Assertion{assertion["Assert"], d.text(name, assertion["AssertDescription"])})
	}
	if len(r.Assertions) == 0 {
		d.fail("rule %s asserts nothing", name)
	}
	return r
}

func (d *decoder) names(where string, value any) []string {
	if one, ok := value.(string); ok {
		return []string{one}
	}
	var all []string
	list, ok := value.([]any)
	if !ok {
		d.fail("%s must be a name or a list of names", where)
	}
	for _, one := range list {
		all = append(all, d.text(where, one))
	}
	return all
}

func (d *decoder) output(name string, value any) (o Output) {
	for key, v := range d.object(name, value) {
		where := name + "." + key
		switch key {
		case "Description":
			o.Description = d.text(where, v)
		case "Condition":
			o.Condition = d.text(where, v)
		case "Value":
			o.Value = v
		case "Export":
			o.Export = v
		default:
			d.fail("%s is unknown", where)
		}
	}
	return o
}
