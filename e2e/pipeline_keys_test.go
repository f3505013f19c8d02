// The keys of pipeline_test.go.

package e2e

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/state"
)

// keysPerRing is how many keys an account may have, besides those that others replace.
const keysPerRing = 2

// keyRequests lists what a person may ask for about keys; rotating and revoking come up most often.
func keyRequests(key portal.KeyID, now time.Time) []events.Request {
	soon := now.Add(3 * time.Hour)
	return []events.Request{
		events.KeyRequested{Name: "Another"}, events.KeyRequested{Name: "For a while", Ends: &soon},
		events.KeyRenameRequested{Key: key, Name: "Renamed"},
		events.KeyRotationRequested{Key: key}, events.KeyRotationRequested{Key: key, Overlap: 3600}, events.KeyRotationRequested{Key: key, Overlap: 7 * 86400},
		events.KeyRotationRequested{Key: key, Leaked: true},
		events.KeyEndRequested{Key: key}, events.KeyEndRequested{Key: key}, events.KeyEndRequested{Key: key, At: &soon}, events.KeyEndRequested{Key: key, Keep: true},
	}
}

func (w *world) requestAboutKeys(account portal.AccountID) {
	history, err := w.reader.Account(context.Background(), account)
	if err != nil {
		w.Fatal(err)
	}
	keys := append(slices.Sorted(maps.Keys(history.Account.Keys)), "unknown")
	key := rapid.SampledFrom(keys).Draw(w.T, "the person's key")
	w.request(account, rapid.SampledFrom(keyRequests(key, w.clock)).Draw(w.T, "request about a key"))
}

// checkKeys checks that API Gateway has at most one key for each of the account's, that keys that
// have ended do not work, and that all others are in exactly the plans that the account holds.
func (w *world) checkKeys(folded state.Account) {
	made := map[string]int{}
	for id, name := range w.plane.madeAs {
		if strings.HasPrefix(name, string(folded.ID)+"/") && w.plane.nameOf(id) != "" {
			made[name]++
		}
	}
	for name, n := range made {
		if n > 1 {
			w.Errorf("API Gateway has %d keys made as %s", n, name)
		}
	}
	for _, key := range folded.Keys {
		if id := w.plane.keys[string(folded.ID)+"/"+string(key.ID)]; id != "" && key.Live() && key.Created() && w.plane.customers[id] != key.Ring.Customer() {
			w.Errorf("key %s of %s has the customer %q in API Gateway: %+v", id, folded.ID, w.plane.customers[id], key)
		}
	}
	if live := folded.LiveKeys(portal.AccountRing); len(live) > 2*keysPerRing {
		w.Errorf("%s has %d live keys", folded.ID, len(live))
	}
	for id, key := range folded.Keys {
		if key.Readying != 0 || key.Ending != 0 {
			w.Errorf("key %s of %s still waits: %+v", id, folded.ID, key)
		}
		if end := key.Ends; key.Live() && !end.IsZero() && end.Before(w.served) && folded.Keys[key.ReplacedBy].Readying == 0 {
			w.Errorf("key %s of %s should have ended at %s: %+v", id, folded.ID, end, key)
		}
		w.checkKey(folded, key)
	}
}

func (w *world) checkKey(folded state.Account, key state.Key) {
	for name, id := range w.plane.keys {
		if name != string(folded.ID)+"/"+string(key.ID) {
			continue
		}
		if _, disabled := w.plane.disabled[id]; !key.Live() && !disabled {
			w.Errorf("key %s has ended, and %s works: %+v", key.ID, id, key)
		}
	}
	for id, s := range folded.Subscriptions {
		if s.Phase == state.Active && key.Live() && key.Ring == s.Ring && folded.Attachments[portal.Pair{Key: key.ID, Plan: s.Plan}].Phase != state.Active {
			w.Errorf("key %s of %s is not in %s", key.ID, folded.ID, id)
		}
	}
}

// checkRevoked checks that no key came back that a request has ended.
func (w *world) checkRevoked(folded state.Account) {
	for _, msg := range w.requests[folded.ID] {
		end, ok := msg.Data.(events.KeyEndRequested)
		if !ok || end.At != nil || end.Keep {
			continue
		}
		p, err := w.views.Progress(context.Background(), msg.Operation)
		if err != nil {
			w.Fatal(err)
		}
		if p.Status == projections.Succeeded && folded.Keys[end.Key].Live() {
			w.Errorf("%s has revoked key %s, which is live", msg.Operation, end.Key)
		}
	}
}

// checkEndedForEver checks that no key works that any fact has ended, although the fold forgets ended keys,
// and that neither the fold nor the views keep them for ever.
func (w *world) checkEndedForEver(folded state.Account, facts []events.Event) {
	released := map[portal.KeyID]time.Time{}
	ended := map[portal.KeyID]bool{}
	for _, fact := range facts {
		switch f := fact.Data.(type) {
		case events.KeyEnding:
			ended[f.Key] = true
		case events.KeyReleased:
			released[f.Key] = fact.Time
		case events.KeyWanted:
			if ended[f.Key] {
				w.Errorf("key %s of %s has ended and is wanted again", f.Key, folded.ID)
			}
			for key, at := range released {
				if _, known := folded.Keys[key]; ended[key] && known && fact.Time.Sub(at) > 24*time.Hour {
					w.Errorf("key %s of %s ended long ago and is still known", key, folded.ID)
				}
			}
		}
	}
	for id, name := range w.plane.madeAs {
		account, key, _ := strings.Cut(name, "/")
		if account != string(folded.ID) || !ended[portal.KeyID(key)] || w.plane.nameOf(id) == "" {
			continue
		}
		if _, disabled := w.plane.disabled[id]; !disabled {
			w.Errorf("key %s of %s has ended, and %s works", key, folded.ID, id)
		}
	}
	shown, err := w.views.Account(context.Background(), folded.ID)
	if err != nil {
		w.Fatal(err)
	}
	for _, key := range shown.Keys {
		if _, gone := released[key.ID]; gone && ended[key.ID] {
			w.Errorf("key %s of %s is deleted and shown", key.ID, folded.ID)
		}
	}
}
