// Package template reads CloudFormation templates in YAML and resolves their intrinsic functions. It
// knows only the functions that Gatehouse's templates use, and fails at others.
package template

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Template is a template as it is written. A function, in its short or its long form, is a map
// whose one key is the long form, such as "Fn::Sub" or "Ref".
type Template struct {
	Description string
	Parameters  map[string]Parameter
	Rules       map[string]Rule
	Conditions  map[string]any
	Resources   map[string]Resource
	Outputs     map[string]Output
}

// Parameter is what a stack is asked for.
type Parameter struct {
	Type, Description string
	// Default is nil if the caller must give a value.
	Default                               any
	AllowedValues                         []any
	AllowedPattern, ConstraintDescription string
	MinLength, MaxLength                  *int
	MinValue, MaxValue                    *float64
	NoEcho                                bool
}

// Rule is a check of several parameters. Assertions must hold if Condition is nil or holds.
type Rule struct {
	Condition  any
	Assertions []Assertion
}

// Assertion is what a rule demands, and what CloudFormation says otherwise.
type Assertion struct {
	Assert      any
	Description string
}

// Resource is a resource with unresolved properties.
type Resource struct {
	Type, Condition, DeletionPolicy, UpdateReplacePolicy string
	DependsOn                                            []string
	Properties                                           map[string]any
}

// Output is what a stack tells others.
type Output struct {
	Description, Condition string
	Value                  any
	Export                 any
}

// Parse reads a template. A key that the template's format does not have, and one that is given
// twice, is an error.
func Parse(text []byte) (Template, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return Template{}, fmt.Errorf("reading the template: %w", err)
	}
	value, err := plain(&root)
	if err != nil {
		return Template{}, err
	}
	return decode(value)
}

func decode(value any) (Template, error) {
	d := decoder{}
	t := Template{Parameters: map[string]Parameter{}, Rules: map[string]Rule{}, Resources: map[string]Resource{}, Outputs: map[string]Output{}}
	for key, v := range d.object("the template", value) {
		switch key {
		case "AWSTemplateFormatVersion", "Metadata":
		case "Description":
			t.Description = d.text(key, v)
		case "Conditions":
			t.Conditions = d.object(key, v)
		case "Parameters":
			for name, one := range d.object(key, v) {
				t.Parameters[name] = d.parameter(name, one)
			}
		case "Rules":
			for name, one := range d.object(key, v) {
				t.Rules[name] = d.rule(name, one)
			}
		case "Resources":
			for name, one := range d.object(key, v) {
				t.Resources[name] = d.resource(name, one)
			}
		case "Outputs":
			for name, one := range d.object(key, v) {
				t.Outputs[name] = d.output(name, one)
			}
		default:
			d.fail("the template has an unknown section %s", key)
		}
	}
	return t, d.err
}
