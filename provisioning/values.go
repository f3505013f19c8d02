package provisioning

import (
	"context"
	"crypto/subtle"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// compareValues adds the keys whose value is not the one that the portal shows, as when somebody
// made a key by hand under the name of a key that a worker then adopted. Values stay in memory, a
// page at a time.
func (r *Reconciler) compareValues(ctx context.Context, drift Drift, progress func(LookProgress)) (Drift, error) {
	compared, position := 0, ""
	for {
		type valued struct {
			gateway.Listed
			value string
		}
		var page []valued
		var next string
		err := r.retryPostponed(ctx, func() (err error) {
			page = nil
			next, err = r.Keys.ValuesPage(ctx, r.Sweep.NamePrefix, position, func(key gateway.Listed, value string) {
				page = append(page, valued{key, value})
			})
			return err
		})
		if err != nil {
			return drift, fmt.Errorf("reading keys with their values: %w", err)
		}
		found := make([]*Finding, len(page))
		group, within := errgroup.WithContext(ctx)
		group.SetLimit(sweepReaders)
		for i, key := range page {
			group.Go(portal.Guard(func() error {
				return r.retryPostponed(within, func() (err error) {
					found[i], err = r.compareValue(within, key.Listed, key.value)
					return err
				})
			}))
		}
		if err := group.Wait(); err != nil {
			return drift, err
		}
		for _, finding := range found {
			if finding != nil {
				drift.Findings = append(drift.Findings, *finding)
				drift.Kinds[KeyValue]++
			}
		}
		compared += len(page)
		progress(LookProgress{Phase: "comparing values", Done: compared})
		if position = next; next == "" {
			drift.Values = true
			return drift, nil
		}
	}
}

// compareValue returns nil for a key that the journal does not have or has adopted, or that has the right value.
func (r *Reconciler) compareValue(ctx context.Context, listed gateway.Listed, value string) (*Finding, error) {
	id, keyID, ours := r.Sweep.ParseName(listed.Name)
	if !ours {
		return nil, nil
	}
	head, err := r.Sweep.Journal.Head(ctx, portal.AccountStream(id))
	if err != nil || head == 0 {
		return nil, err
	}
	history, err := r.Sweep.Accounts.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	key := history.Account.Keys[keyID]
	if key.GatewayID != listed.ID || !key.Live() || key.Adopted {
		return nil, nil
	}
	want, err := r.Values.Value(ctx, key.Scheme, key.KMSKey, id, keyID)
	if err != nil {
		return nil, fmt.Errorf("computing the value of key %s: %w", keyID, err)
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(value)) == 1 {
		return nil, nil
	}
	return &Finding{Kind: KeyValue, Mending: Replace, Account: id, Key: keyID, GatewayID: listed.ID}, nil
}
