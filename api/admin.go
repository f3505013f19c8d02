package api

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// adminPath begins the paths of routes for admins, under Prefix.
const adminPath = "/admin"

// admin returns the signed-in admin. The error is Unauthorized if nobody is signed in, Forbidden for
// other people.
func admin(ctx context.Context) (identity.Identity, error) {
	if _, err := who(ctx); err != nil {
		return identity.Identity{}, err
	}
	id, _ := identity.From(ctx)
	if !id.Admin {
		return identity.Identity{}, portal.Fail(portal.Forbidden, "Only an admin of this portal may do this.")
	}
	return id, nil
}
