package projections

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// ListedAccount is an account in the list of all that ever registered.
type ListedAccount struct {
	ID           portal.AccountID `dynamodbav:"id"`
	Status       string           `dynamodbav:"status"`
	RegisteredAt time.Time        `dynamodbav:"registered_at"`
}

func (l ListedAccount) place() string { return schema.ListedPlace(l.ID, l.RegisteredAt) }

// keyOwner is a key's account, with the key's name once the account has the key no more.
type keyOwner struct {
	Account    portal.AccountID `dynamodbav:"account"`
	Name       string           `dynamodbav:"name,omitempty"`
	WantedAt   time.Time        `dynamodbav:"wanted_at"`
	ReplacedAt time.Time        `dynamodbav:"replaced_at"`
}

// listRows writes state rows, guarded by sequence; only the account's own stream writes them.
func listRows(changed rows, account state.Account, fact events.Event) {
	if f, ok := fact.Data.(events.KeyWanted); ok {
		changed.view(changed.KeyOwner(f.Key), fact.Sequence, keyOwner{Account: account.ID})
	}
	if profile, ok := profileAfter(account, fact); ok && account.Registered {
		changed.view(changed.ListedAccount(account.ID, account.RegisteredAt), fact.Sequence,
			ListedAccount{ID: account.ID, Status: profile.Status, RegisteredAt: account.RegisteredAt})
	}
}

// AccountsPage is a page of accounts, the latest registration first.
type AccountsPage struct {
	Accounts []ListedAccount
	// Next is the next page's cursor, "" on the last page.
	Next string
}

// Accounts lists the accounts that ever registered, the latest first, at most limit. The cursor
// is "" or a page's Next; any other is portal.Invalid. However many accounts there are, it reads
// few more than limit rows of each shard.
func (v *Views) Accounts(ctx context.Context, cursor string, limit int32) (AccountsPage, error) {
	if cursor != "" && !schema.IsListedPlace(cursor) {
		return AccountsPage{}, portal.Fail(portal.Invalid, "This page of the list does not exist. Start with the first.")
	}
	live, err := v.store.live(ctx)
	if err != nil {
		return AccountsPage{}, asUnavailable(err)
	}
	shards := make([][]ListedAccount, schema.AccountShards)
	group, within := errgroup.WithContext(ctx)
	for shard := range shards {
		group.Go(portal.Guard(func() error {
			return v.store.latest(within, v.store.tables.Views, live.ListedAccounts(shard), cursor, limit+1, func(item map[string]types.AttributeValue) error {
				return appendRow(&shards[shard], item)
			})
		}))
	}
	if err := group.Wait(); err != nil {
		return AccountsPage{}, asUnavailable(err)
	}
	return firstOf(slices.Concat(shards...), int(limit)), nil
}

func firstOf(all []ListedAccount, limit int) AccountsPage {
	slices.SortFunc(all, func(a, b ListedAccount) int { return cmp.Compare(b.place(), a.place()) })
	if len(all) <= limit {
		return AccountsPage{Accounts: all}
	}
	all = all[:limit]
	return AccountsPage{Accounts: all, Next: all[limit-1].place()}
}

// OwnerOf returns a key's account, "" if there is no such key.
func (v *Views) OwnerOf(ctx context.Context, key portal.KeyID) (portal.AccountID, error) {
	if key == "" || strings.ContainsRune(string(key), '#') {
		return "", nil
	}
	live, err := v.store.live(ctx)
	if err != nil {
		return "", asUnavailable(err)
	}
	var owner keyOwner
	_, err = v.store.get(ctx, v.store.tables.Views, live.KeyOwner(key), &owner)
	return owner.Account, asUnavailable(err)
}
