// Package deploytest makes the resources of Gatehouse's CloudFormation templates on a local AWS, for
// tests.
package deploytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-portal/gatehouse/deploy"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

// Read returns a template of Gatehouse, such as "data".
func Read(t testing.TB, name string) template.Template {
	t.Helper()
	text, err := fs.ReadFile(deploy.Templates, "cloudformation/"+name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	read, err := template.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return read
}

// Resolve resolves a template of Gatehouse for a stack. An empty account or Region is that of the local
// AWS.
func Resolve(t testing.TB, name string, stack template.Stack) *template.Resolved {
	t.Helper()
	if stack.Account == "" {
		stack.Account = localaws.Account
	}
	if stack.Region == "" {
		stack.Region = localaws.Region
	}
	resolved, err := Read(t, name).Resolve(stack)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return resolved
}

// Properties returns the resolved properties of a resource in the stack.
func Properties(t testing.TB, r *template.Resolved, resource string) map[string]any {
	t.Helper()
	properties, err := r.Properties(resource)
	if err != nil {
		t.Fatal(err)
	}
	return properties
}

// Stack is a stack whose resources exist.
type Stack struct {
	*template.Resolved
	// Outputs are the outputs of the stack.
	Outputs map[string]string
}

// Create makes the resources of a template of Gatehouse, each after those that it refers to. A resource
// type or a property that it cannot make fails the test, as does a circle of resources.
func Create(t testing.TB, cfg aws.Config, name string, stack template.Stack) Stack {
	t.Helper()
	m := &maker{t: t, cfg: cfg, stack: stack.Name, made: map[string]made{}, making: map[string]bool{}}
	stack.Ref = func(resource string) (any, error) { return m.of(resource).ref, nil }
	stack.GetAtt = func(resource, attribute string) (any, error) {
		value, ok := m.of(resource).attributes[attribute]
		if !ok {
			t.Fatalf("%s: %s has no attribute %s", name, resource, attribute)
		}
		return value, nil
	}
	m.Resolved = Resolve(t, name, stack)
	for _, resource := range m.Resources {
		m.of(resource)
	}
	outputs, err := m.Resolved.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	return Stack{m.Resolved, outputs}
}

// made is what Ref and GetAtt are for a resource that exists.
type made struct {
	ref        string
	attributes map[string]string
}

type maker struct {
	*template.Resolved
	t      testing.TB
	cfg    aws.Config
	made   map[string]made
	making map[string]bool
	stack  string
}

// generatedName is a name for a resource whose properties give none, as CloudFormation generates one.
func (m *maker) generatedName() string { return fmt.Sprintf("%s-generated-%d", m.stack, len(m.making)) }

func (m *maker) of(resource string) made {
	m.t.Helper()
	if done, ok := m.made[resource]; ok {
		return done
	}
	if m.making[resource] {
		m.t.Fatalf("%s depends on itself", resource)
	}
	m.making[resource] = true
	for _, before := range m.DependsOn(resource) {
		m.of(before)
	}
	make, ok := makers[m.Type(resource)]
	if !ok {
		m.t.Fatalf("%s: resources of type %s cannot be made", resource, m.Type(resource))
	}
	m.made[resource] = make(m, maps.Clone(Properties(m.t, m.Resolved, resource)))
	return m.made[resource]
}

func (m *maker) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// take removes a property and decodes it into a value.
func (m *maker) take(properties map[string]any, name string, into any) (given bool) {
	m.t.Helper()
	value, given := properties[name]
	delete(properties, name)
	if given {
		m.decode(value, into)
	}
	return given
}

// decode decodes properties into an input of the SDK, whose members have the names that CloudFormation
// gives them. It refuses others.
func (m *maker) decode(properties, into any) {
	m.t.Helper()
	text, err := json.Marshal(properties)
	m.ok(err)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	m.ok(decoder.Decode(into))
}

func (m *maker) json(value any) string {
	m.t.Helper()
	text, err := json.Marshal(value)
	m.ok(err)
	return string(text)
}
