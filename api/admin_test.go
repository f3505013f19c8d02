package api

import (
	"context"
	"testing"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestOnlyAnAdminPassesTheGuardOfAdminRoutes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ctx  context.Context
		want portal.Code
	}{
		"nobody is signed in": {t.Context(), portal.Unauthorized},
		"another person":      {identity.With(t.Context(), identity.Identity{Account: "ann"}), portal.Forbidden},
		"an admin":            {identity.With(t.Context(), identity.Identity{Account: "ada", Admin: true}), ""},
	} {
		id, err := admin(c.ctx)
		if portal.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err == nil && id.Account != "ada" {
			t.Errorf("%s: the admin is %s", name, id)
		}
	}
}
