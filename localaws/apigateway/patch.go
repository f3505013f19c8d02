package apigateway

import (
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// patches is the body of every Update operation.
type patches struct {
	Operations []patch `json:"patchOperations"`
}

// patch is one change; values are strings whatever the member's type is.
type patch struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// change is what a patch is chosen by: "replace /name".
func (p patch) change() string { return p.Op + " " + p.Path }

// invalid is the refusal of a path that cannot be changed this way. paths are
// those that can be, as far as they are implemented.
func (p patch) invalid(paths ...string) error {
	if !slices.Contains([]string{"add", "remove", "replace", "move", "copy", "test"}, p.Op) {
		return &wire.Error{
			Code:    "ValidationException",
			Message: "1 validation error detected: Value '" + p.Op + "' at 'patchOperations.op' failed to satisfy constraint: Member must satisfy enum value set: [add, remove, move, test, replace, copy]",
		}
	}
	return badRequest("Invalid patch path  '%s' specified for op '%s'. Must be one of: [%s]", p.Path, p.Op, strings.Join(paths, ", "))
}

// apply runs the patches in order and stops at the first refusal.
func (in *patches) apply(one func(patch) error) error {
	for _, p := range in.Operations {
		if err := one(p); err != nil {
			return err
		}
	}
	return nil
}
