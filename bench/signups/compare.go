package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/state"
)

type compared struct {
	// Open counts accounts with open wishes, Differing those whose views differ from the
	// journal.
	Accounts, Open, Differing int
}

func (c *compared) String() string {
	if c == nil {
		return "the journal of another version was not read"
	}
	return fmt.Sprintf("%d accounts with open wishes, %d with views that differ from the journal", c.Open, c.Differing)
}

func (c *compared) kept(accounts int) bool {
	return c == nil || *c == compared{Accounts: accounts}
}

const patience = 30 * time.Second

// compare compares every account's views with its journal, until nothing differs or patience
// runs out. It returns nil if the programs are from another checkout, whose tables may have
// another format.
func (s *site) compare(ctx context.Context) (*compared, error) {
	if s.source != "" {
		return nil, nil
	}
	cfg, err := app.LoadConfig(nil)
	if err != nil {
		return nil, err
	}
	names, client := app.NamesFor(cfg.Prefix), dynamodb.NewFromConfig(s.aws.AWSConfig())
	facts := journal.New(client, names.Journal, names.Records)
	reader := accounts.NewReader(facts, client, names.Records, time.Now)
	views := projections.NewViews(client, projections.Tables{Views: names.Views, Records: names.Records}, catalog.NewStore(client, names.Records))

	var ids []portal.AccountID
	err = facts.Streams(ctx, func(stream portal.Stream) error {
		if id, ok := stream.Account(); ok {
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the accounts: %w", err)
	}
	result := &compared{Accounts: len(ids)}
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		var left []portal.AccountID
		result.Open, result.Differing = 0, 0
		for _, id := range ids {
			history, err := reader.Account(ctx, id)
			shown, failed := views.Account(ctx, id)
			if err := errors.Join(err, failed); err != nil {
				return nil, fmt.Errorf("comparing account %s: %w", id, err)
			}
			open, differing := history.Account.HasOpenWishes(), !shows(shown, history.Account)
			if open {
				result.Open++
			}
			if differing {
				result.Differing++
			}
			if open || differing {
				left = append(left, id)
			}
		}
		ids = left
		if len(left) == 0 || time.Now().After(deadline) {
			return result, nil
		}
	}
}

// shows reports whether the views show what the journal folds to.
func shows(shown projections.Account, account state.Account) bool {
	if (shown.Profile.Status == projections.StatusRegistered) != account.Registered {
		return false
	}
	if len(shown.Keys) != len(account.Keys) || len(shown.Subscriptions) != len(account.Subscriptions) {
		return false
	}
	for _, key := range shown.Keys {
		if (key.State == projections.KeyActive) != account.Keys[key.ID].Created() {
			return false
		}
	}
	phases := map[state.Phase]string{
		state.Wanted: projections.SubscriptionPending, state.Active: projections.SubscriptionActive,
		state.Ending: projections.SubscriptionEnding, state.Ended: projections.SubscriptionEnded,
	}
	for _, s := range shown.Subscriptions {
		if s.State != phases[account.Subscriptions[s.ID()].Phase] {
			return false
		}
	}
	return true
}
