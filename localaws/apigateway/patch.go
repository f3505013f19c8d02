package apigateway

import (
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type patches struct {
	Operations []patch `json:"patchOperations"`
}

type patch struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
	From  string `json:"from"`
}

func (p patch) change() string { return p.Op + " " + p.Path }

// invalid is the error for an unsupported change; paths are the supported ones.
func (p patch) invalid(paths ...string) error {
	if !slices.Contains([]string{"add", "remove", "replace", "move", "copy", "test"}, p.Op) {
		return &wire.Error{
			Code:    "ValidationException",
			Message: "1 validation error detected: Value '" + p.Op + "' at 'patchOperations.op' failed to satisfy constraint: Member must satisfy enum value set: [add, remove, move, test, replace, copy]",
		}
	}
	return badRequest("Invalid patch path  '%s' specified for op '%s'. Must be one of: [%s]", p.Path, p.Op, strings.Join(paths, ", "))
}

func (in *patches) apply(one func(patch) error) error {
	for _, p := range in.Operations {
		if err := one(p); err != nil {
			return err
		}
	}
	return nil
}

func (p patch) boolean(to *bool) error {
	switch strings.ToLower(p.Value) {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		return badRequest("Invalid boolean value for patch path '%s'", p.Path)
	}
	return nil
}

// entry returns the name in a path such as /requestParameters/{name}. Its slashes are
// escaped as in a JSON pointer (RFC 6901).
func (p patch) entry(prefix string) (name string, ok bool) {
	name, ok = strings.CutPrefix(p.Path, prefix+"/")
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name), ok && name != ""
}

// patchEntry changes a copy of the map, which others may share.
func patchEntry[V any](p patch, entries *map[string]V, name string, value V) error {
	changed := maps.Clone(*entries)
	if changed == nil {
		changed = map[string]V{}
	}
	switch p.Op {
	case "add", "replace":
		changed[name] = value
	case "remove":
		delete(changed, name)
	default:
		return p.invalid(p.Path)
	}
	*entries = changed
	return nil
}

func patchFlag(p patch, entries *map[string]bool, name string) error {
	value := false
	if p.Op != "remove" {
		if err := p.boolean(&value); err != nil {
			return err
		}
	}
	return patchEntry(p, entries, name, value)
}

// absent accepts only a patch that turns an unimplemented feature off.
func (p patch) absent() error {
	if p.Value == "" || p.Op == "remove" {
		return nil
	}
	return wire.NotImplemented("The patch path " + p.Path)
}

func (p patch) off() error {
	var on bool
	if err := p.boolean(&on); err != nil || !on {
		return err
	}
	return p.absent()
}
