package api

import (
	"maps"
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// ProblemCodes returns the codes of all problems.
func ProblemCodes() []portal.Code {
	return slices.Concat([]portal.Code{portal.Internal, methodNotAllowed}, slices.Collect(maps.Keys(statuses)), slices.Collect(maps.Values(codes)))
}
