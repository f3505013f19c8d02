package dynamodb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// AWS deletes items "within a few days" of their expiry time; until then they are read,
// written and counted (DynamoDB Developer Guide, "Using time to live"). Here the first
// request at least an hour after the expiry deletes them, but tables are swept at most
// every ten minutes.
const (
	ttlLinger = time.Hour
	ttlPause  = 10 * time.Minute
	// ttlOldest is the maximum age of an expiry time. An older one was probably not meant
	// as one, so the item stays.
	ttlOldest = 5 * 365 * 24 * time.Hour
)

type sweeping struct {
	mu   sync.Mutex
	next time.Time
}

func (s *sweeping) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.next) {
		return false
	}
	s.next = now.Add(ttlPause)
	return true
}

func (s *Service) swept(op wire.Operation) wire.Operation {
	return func(ctx context.Context, body []byte) (any, error) {
		if now := s.env.Now(); s.sweeping.due(now) {
			if err := s.sweep(now); err != nil {
				return nil, fmt.Errorf("deleting expired items: %w", err)
			}
		}
		return op(ctx, body)
	}
}

// sweep deletes expired items, but not those changed after it has found them.
func (s *Service) sweep(now time.Time) error {
	expired := map[*table][]expiredItem{}
	err := s.env.DB.View(func(tx *store.Tx) error {
		tables, err := store.AllJSON[*table](tx.Bucket(bucket, tablesBucket))
		if err != nil {
			return err
		}
		for _, t := range tables {
			if t.timeToLive(now).TimeToLiveStatus != ttlEnabled {
				continue
			}
			if expired[t], err = t.expired(tx, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for t, items := range expired {
		if len(items) == 0 {
			continue
		}
		if err := s.env.DB.Update(func(tx *store.Tx) error { return t.deleteUnchanged(tx, items) }); err != nil {
			return err
		}
	}
	return nil
}

type expiredItem struct{ place, content []byte }

func (t *table) expired(tx *store.Tx, now time.Time) ([]expiredItem, error) {
	name, err := json.Marshal(t.TTL)
	if err != nil {
		return nil, err
	}
	// Decoding every item would be slow, and few have the attribute as a number.
	begins := append(name, `:{"N":"`...)
	var all []expiredItem
	c := t.items(tx).Cursor()
	for place, rec := c.First(); place != nil; place, rec = c.Next() {
		if !bytes.Contains(rec, begins) {
			continue
		}
		it, err := record(rec).item()
		if err != nil {
			return nil, err
		}
		if it.hasExpired(t.TTL, now) {
			all = append(all, expiredItem{bytes.Clone(place), bytes.Clone(rec)})
		}
	}
	return all, nil
}

// hasExpired reports whether the attribute is in seconds since 1970 and its age within
// ttlLinger and ttlOldest.
func (it Item) hasExpired(attribute string, now time.Time) bool {
	v := it[attribute]
	if v.N == nil {
		return false
	}
	seconds, err := strconv.ParseFloat(*v.N, 64)
	if err != nil {
		return false
	}
	age := float64(now.Unix()) - math.Floor(seconds)
	return age >= ttlLinger.Seconds() && age <= ttlOldest.Seconds()
}

func (t *table) deleteUnchanged(tx *store.Tx, expired []expiredItem) error {
	// A table deleted meanwhile has no items, even if its name was reused.
	items := t.items(tx)
	for _, e := range expired {
		if !bytes.Equal(items.Get(e.place), e.content) {
			continue
		}
		if err := items.Delete(e.place); err != nil {
			return err
		}
	}
	return nil
}
