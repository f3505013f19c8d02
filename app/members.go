package app

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (n Names) identity() identity.Tables {
	return identity.Tables{Journal: n.Journal, Records: n.Records, Sessions: n.Sessions}
}

// newErasure: the rows of notices and webhooks are in the account's partition, which it empties.
func newErasure(c clients, names Names, store *members.Store) members.Erasure {
	return members.Erasure{
		Waiting:    adoptions.NewStore(c.dynamodb, names.Records, time.Now),
		Store:      store,
		People:     identity.Lookup{DynamoDB: c.dynamodb, Tables: names.identity()},
		Identities: identity.Eraser{DynamoDB: c.dynamodb, Tables: names.identity()},
	}
}

func admitInvited(store *members.Store) func(context.Context) error {
	return func(ctx context.Context) error {
		id, _ := identity.From(ctx)
		switch {
		case id.Email == "":
			return portal.Fail(portal.Forbidden, "Only invited people can register at this portal, and your token names no e-mail address. Send an ID token.")
		case !id.Verified:
			return portal.Fail(portal.Forbidden, "Only invited people can register at this portal, and your identity provider has not verified your e-mail address. Verify it there, then sign in again.")
		}
		invited, err := store.UseInvitation(ctx, id.Email, id.Account)
		if err != nil || invited {
			return err
		}
		return portal.Fail(portal.Forbidden, fmt.Sprintf("Only invited people can register at this portal, and %s has no open invitation. Ask the operator for one, then sign in again.", id.Email))
	}
}
