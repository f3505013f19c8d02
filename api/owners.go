package api

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func ownersOf[T any](ctx context.Context, known people, items []T, account func(T) portal.AccountID) (map[portal.AccountID]identity.Person, error) {
	found := map[portal.AccountID]identity.Person{}
	for _, item := range items {
		found[account(item)] = identity.Person{}
	}
	ids := make([]portal.AccountID, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	var mu sync.Mutex
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelReads)
	for _, id := range ids {
		group.Go(portal.Guard(func() error {
			person, err := known.Person(within, id)
			if portal.CodeOf(err) == portal.NotFound {
				err = nil
			}
			mu.Lock()
			defer mu.Unlock()
			found[id] = person
			return err
		}))
	}
	return found, group.Wait()
}
