package apigateway

import (
	"net/url"
	"strings"
	"sync"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type tree struct {
	resource *resource
	static   map[string]*tree
	// variable is the child for a path variable: {name} or {name+}.
	variable *tree
}

type trees struct{ built sync.Map }

func (t *trees) of(tx *store.Tx, api, deploymentID string) (*tree, error) {
	id := api + "/" + deploymentID
	if have, ok := t.built.Load(id); ok {
		return have.(*tree), nil
	}
	d, err := findDeployment(tx, api, deploymentID)
	if err != nil {
		return nil, err
	}
	root := buildTree(d.Resources)
	t.built.Store(id, root)
	return root, nil
}

func buildTree(resources []resource) *tree {
	root := &tree{}
	for i := range resources {
		at := root
		for _, part := range segments(resources[i].Path) {
			at = at.child(part)
		}
		at.resource = &resources[i]
	}
	return root
}

func (t *tree) child(part string) *tree {
	if isVariable(part) {
		if t.variable == nil {
			t.variable = &tree{}
		}
		return t.variable
	}
	if t.static == nil {
		t.static = map[string]*tree{}
	}
	if t.static[part] == nil {
		t.static[part] = &tree{}
	}
	return t.static[part]
}

// segments splits a path, without trailing slashes, as on AWS.
func segments(path string) []string {
	path = strings.TrimRight(strings.TrimPrefix(path, "/"), "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// match finds the method for a percent-encoded path. Static segments take precedence over
// variables; resources without a method for the verb are skipped. The parameters' values
// stay encoded.
func (t *tree) match(path []string, verb string, parameters map[string]string) (method, *resource) {
	if len(path) == 0 {
		return t.method(verb)
	}
	segment, err := url.PathUnescape(path[0])
	if err != nil {
		return method{}, nil
	}
	if next := t.static[segment]; next != nil {
		if m, res := next.match(path[1:], verb, parameters); res != nil {
			return m, res
		}
	}
	next := t.variable
	if next == nil || next.resource == nil {
		return method{}, nil
	}
	name, value, rest := strings.Trim(next.resource.PathPart, "{}"), path[0], path[1:]
	if isGreedy(next.resource.PathPart) {
		name, value, rest = strings.TrimSuffix(name, "+"), strings.Join(path, "/"), nil
	}
	m, res := next.match(rest, verb, parameters)
	if res != nil {
		parameters[name] = value
	}
	return m, res
}

func (t *tree) method(verb string) (method, *resource) {
	if t.resource == nil {
		return method{}, nil
	}
	for _, have := range []string{verb, "ANY"} {
		if m, ok := t.resource.Methods[have]; ok {
			return m, t.resource
		}
	}
	return method{}, nil
}
