package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// adminPath begins the paths of routes for admins, under Prefix.
const adminPath = "/admin"

func adminRoute(id, method, path, summary, description string) huma.Operation {
	return huma.Operation{OperationID: id, Tags: []string{tagAdmin}, Method: method, Path: adminPath + path, Summary: summary, Description: description}
}

// adminReads describes a route that changes nothing.
func adminReads(id, path, summary, description string) huma.Operation {
	op := adminRoute(id, http.MethodGet, path, summary, description)
	op.Security = signedIn
	return op
}

// adminChanges describes a route that changes something before it answers with status, 0 for huma's default.
func adminChanges(id, method, path, summary, description string, status int) huma.Operation {
	op := changing(adminRoute(id, method, path, summary, description))
	op.DefaultStatus = status
	return op
}

// adminRequests describes a route whose answer is an operation that a worker carries out.
func adminRequests(id, method, path, summary, description string) huma.Operation {
	return accepted(adminRoute(id, method, path, summary, description))
}

// admin returns the signed-in admin. The error is Unauthorized if nobody is signed in, Forbidden for
// other people.
func admin(ctx context.Context) (identity.Identity, error) {
	if _, err := callerAccount(ctx); err != nil {
		return identity.Identity{}, err
	}
	id, _ := identity.From(ctx)
	if !id.Admin {
		return identity.Identity{}, portal.Fail(portal.Forbidden, "Only an admin of this portal may do this.")
	}
	return id, nil
}
