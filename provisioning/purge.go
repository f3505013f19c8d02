package provisioning

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// PurgeCalls are the control-plane calls of a purge. Every call may be repeated.
type PurgeCalls interface {
	KeysPage(ctx context.Context, namePrefix, position string) (keys []gateway.Listed, next string, err error)
	DeleteKey(ctx context.Context, key portal.GatewayKeyID) error
}

// Purge deletes every key that Gatehouse has made, for uninstalling: those with a name and a
// description of Gatehouse's. The journal still has them, so a worker would make them again.
// Nothing needs to be remembered between two runs, since deleted keys are not listed any more.
type Purge struct {
	Keys      PurgeCalls
	ParseName func(name string) (portal.AccountID, portal.KeyID, bool)
	Wait      func(ctx context.Context, d time.Duration) error
}

// Purgeable are the keys of the AWS account and Region.
type Purgeable struct {
	// Ours are the keys that Gatehouse has made. Named counts those that have such a name and were
	// made by somebody else, and Others all other keys.
	Ours   []gateway.Listed
	Named  int
	Others int
}

// List lists all keys.
func (p *Purge) List(ctx context.Context) (Purgeable, error) {
	var all Purgeable
	for position := ""; ; {
		var keys []gateway.Listed
		var next string
		err := RetryPostponed(ctx, p.Wait, func() (err error) {
			keys, next, err = p.Keys.KeysPage(ctx, "", position)
			return err
		})
		if err != nil {
			return Purgeable{}, fmt.Errorf("listing keys: %w", err)
		}
		for _, key := range keys {
			_, _, named := p.ParseName(key.Name)
			switch {
			case named && key.Issued:
				all.Ours = append(all.Ours, key)
			case named:
				all.Named++
			default:
				all.Others++
			}
		}
		if position = next; next == "" {
			return all, nil
		}
	}
}

// mostRounds is how often Run lists the keys before it gives up on workers that make more.
const mostRounds = 5

// Run deletes all keys that List calls ours, and lists again until none is left. AWS allows five
// deletions a second, and the budget of the control plane fewer. progress counts keys. Two may run
// at once.
func (p *Purge) Run(ctx context.Context, progress func(done, total int)) (deleted int, err error) {
	gone := map[portal.GatewayKeyID]bool{} // API Gateway may list a key a little longer
	for range mostRounds {
		all, err := p.List(ctx)
		if err != nil {
			return len(gone), err
		}
		left := slices.DeleteFunc(all.Ours, func(key gateway.Listed) bool { return gone[key.ID] })
		if len(left) == 0 {
			return len(gone), nil
		}
		total := len(gone) + len(left)
		for _, key := range left {
			err := RetryPostponed(ctx, p.Wait, func() error { return p.Keys.DeleteKey(ctx, key.ID) })
			if err != nil {
				return len(gone), fmt.Errorf("deleting key %s: %w", key.ID, err)
			}
			gone[key.ID] = true
			progress(len(gone), total)
		}
	}
	return len(gone), portal.Fail(portal.Conflict, "New keys appear while the old ones are deleted. Stop all workers, then run this again.")
}
