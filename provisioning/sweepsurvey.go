package provisioning

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (s *Sweep) surveyAttached(ctx context.Context, p sweepProgress, from Listings) (sweepProgress, error) {
	plans, err := s.plans(ctx, p)
	if err != nil {
		return p, err
	}
	if p.Index >= len(plans) {
		return p.to(compareStreams), nil
	}
	prefix, adopted, err := s.ours(ctx)
	if err != nil {
		return p, err
	}
	plan := plans[p.Index]
	keys, next, err := from.PlanKeysPage(ctx, plan, prefix, p.Position)
	if err != nil {
		return p, fmt.Errorf("listing the keys of plan %s: %w", plan, err)
	}
	if err := s.keep(ctx, p, fmt.Sprintf("pair-%05d-%05d", p.Index, p.Page), plan, keys, adopted); err != nil {
		return p, err
	}
	if next == "" {
		p.Position, p.Page, p.Index = "", 0, p.Index+1
		return p, nil
	}
	p.Position, p.Page = next, p.Page+1
	return p, nil
}

func (s *Sweep) plans(ctx context.Context, p sweepProgress) ([]portal.PlanID, error) {
	return gathered[portal.PlanID](ctx, s.Scratch, p, "plans-")
}

func gathered[T any](ctx context.Context, from scratch, p sweepProgress, prefix string) ([]T, error) {
	var all []T
	err := from.Each(ctx, p.set(), prefix, func(_ string, body []byte) error {
		var page []T
		err := json.Unmarshal(body, &page)
		all = append(all, page...)
		return err
	})
	return all, err
}

// ours returns with which prefix to list keys, and the owners of keys with other names.
func (s *Sweep) ours(ctx context.Context) (prefix string, adopted map[portal.GatewayKeyID]Owner, err error) {
	if s.Adopted == nil {
		return s.NamePrefix, nil, nil
	}
	adopted, err = s.Adopted(ctx)
	if err != nil || len(adopted) == 0 {
		return s.NamePrefix, nil, err
	}
	return "", adopted, nil
}

// surveyed is a stored page of keys: of a plan's, or of all keys if Plan is "".
type surveyed struct {
	Plan portal.PlanID `json:"plan,omitempty"`
	Keys []ownedKey    `json:"keys"`
}

type ownedKey struct {
	gateway.Listed
	Owner
}

func (s *Sweep) keep(ctx context.Context, p sweepProgress, name string, plan portal.PlanID, keys []gateway.Listed, adopted map[portal.GatewayKeyID]Owner) error {
	shards := map[int]*surveyed{}
	for _, key := range keys {
		owner, ok := adopted[key.ID]
		if !ok {
			owner.Account, owner.Key, ok = s.ParseName(key.Name)
		}
		if !ok {
			continue
		}
		n := shardOf(owner.Account)
		if shards[n] == nil {
			shards[n] = &surveyed{Plan: plan}
		}
		shards[n].Keys = append(shards[n].Keys, ownedKey{key, owner})
	}
	for n, page := range shards {
		if err := s.Scratch.Put(ctx, p.shard(n), name, page, surveyKept); err != nil {
			return err
		}
	}
	return nil
}

// shardOf: the journal shards its list of streams alike, so a page of streams needs one shard.
func shardOf(account portal.AccountID) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(portal.AccountStream(account)))
	return int(h.Sum32() % surveyShards)
}

func (s *Sweep) load(ctx context.Context, p sweepProgress, shard int) (map[portal.AccountID]*held, error) {
	all := map[portal.AccountID]*held{}
	err := s.Scratch.Each(ctx, p.shard(shard), "", func(_ string, body []byte) error {
		var page surveyed
		if err := json.Unmarshal(body, &page); err != nil {
			return err
		}
		for _, key := range page.Keys {
			account, id := key.Account, key.Key
			if all[account] == nil {
				all[account] = &held{pairs: map[pair]bool{}}
			}
			if page.Plan == "" {
				all[account].keys = append(all[account].keys, heldKey{key: id, Listed: key.Listed})
			} else {
				all[account].pairs[pair{key.ID, page.Plan}] = true
			}
		}
		return nil
	})
	return all, err
}

type survey struct {
	plans    map[portal.PlanID]bool
	accounts map[portal.AccountID]*held
	began    time.Time
}

func (s *Sweep) surveyOf(ctx context.Context, p sweepProgress, streams []portal.Stream) (survey, error) {
	sv := survey{plans: map[portal.PlanID]bool{}, accounts: map[portal.AccountID]*held{}, began: p.Found.Began}
	plans, err := s.plans(ctx, p)
	if err != nil {
		return sv, err
	}
	for _, plan := range plans {
		sv.plans[plan] = true
	}
	loaded := map[int]bool{}
	for _, stream := range streams {
		account, ok := stream.Account()
		if n := shardOf(account); ok && !loaded[n] {
			shard, err := s.load(ctx, p, n)
			if err != nil {
				return sv, err
			}
			maps.Copy(sv.accounts, shard)
			loaded[n] = true
		}
	}
	return sv, nil
}
