package library

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
)

// Viewer returns the caller's identity in the context as a catalog.Viewer.
func Viewer(ctx context.Context) catalog.Viewer {
	id, ok := identity.From(ctx)
	if !ok {
		return catalog.Viewer{}
	}
	return catalog.Viewer{SignedIn: true, Groups: id.Groups, Admin: id.Admin}
}
