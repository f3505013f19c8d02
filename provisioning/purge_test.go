package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

func purgeOf(store *keyStore, wait func(context.Context, time.Duration) error) provisioning.Purge {
	return provisioning.Purge{Keys: store, Wait: wait, ParseName: func(name string) (portal.AccountID, portal.KeyID, bool) {
		return gateway.ParseKeyName("g", name)
	}}
}

// crowded has five keys of Gatehouse's and three of other people.
func crowded() *keyStore {
	store := storeOf(listed("other", "prod"), listed("h1", "h/a/k"), listed("by-hand", "g/team/prod"))
	for n := range 5 {
		key := issued(portal.GatewayKeyID(fmt.Sprint("gw", n)), fmt.Sprintf("g/acct%d/key1", n))
		store.keys[key.ID] = key
	}
	return store
}

func wantOthers(t *testing.T, store *keyStore) {
	t.Helper()
	if len(store.keys) != 3 || len(store.deleted) != 5 {
		t.Errorf("left are %v", store.sorted())
	}
}

func TestAPurgeDeletesItsOwnKeysOnly(t *testing.T) {
	t.Parallel()
	store, waits := crowded(), &atOnce{}
	store.failures = []error{throttle, throttle}
	purge := purgeOf(store, waits.wait)
	all, err := purge.List(t.Context())
	if err != nil || len(all.Ours) != 5 || all.Named != 1 || all.Others != 2 {
		t.Fatalf("listed %+v, %v", all, err)
	}
	var last string
	deleted, err := purge.Run(t.Context(), func(done, total int) { last = fmt.Sprint(done, " of ", total) })
	if err != nil || deleted != 5 || last != "5 of 5" || waits.waits != 2 {
		t.Errorf("deleted %d, %s, %d waits, %v", deleted, last, waits.waits, err)
	}
	wantOthers(t, store)
}

func TestAnInterruptedPurgeIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	store := crowded()
	store.beforeDelete = func() {
		if len(store.deleted) == 2 {
			store.failures = []error{throttle}
		}
	}
	purge := purgeOf(store, func(context.Context, time.Duration) error { return errStop })
	deleted, err := purge.Run(t.Context(), silent)
	if !errors.Is(err, errStop) || deleted != 3 {
		t.Fatalf("deleted %d, %v", deleted, err)
	}
	store.beforeDelete = nil
	purge = purgeOf(store, (&atOnce{}).wait)
	if deleted, err := purge.Run(t.Context(), silent); err != nil || deleted != 2 {
		t.Errorf("deleted %d, %v", deleted, err)
	}
	wantOthers(t, store)
}

func TestTwoPurgesAtOnceDeleteEverything(t *testing.T) {
	t.Parallel()
	store := crowded()
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			purge := purgeOf(store, (&atOnce{}).wait)
			if _, err := purge.Run(t.Context(), silent); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	wantOthers(t, store)
}

func TestAPurgeGivesUpOnWorkersThatMakeKeys(t *testing.T) {
	t.Parallel()
	store, made := crowded(), 0
	store.beforeDelete = func() {
		made++
		key := issued(portal.GatewayKeyID(fmt.Sprint("new", made)), "g/acct0/key1")
		store.keys[key.ID] = key
	}
	purge := purgeOf(store, (&atOnce{}).wait)
	if _, err := purge.Run(t.Context(), silent); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("it ends with %v", err)
	}
}
