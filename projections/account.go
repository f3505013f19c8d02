package projections

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Profile is an account without its keys and subscriptions.
type Profile struct {
	Status       string    `dynamodbav:"status"`
	RegisteredAt time.Time `dynamodbav:"registered_at"`
	// Message says why the account is suspended, or was not opened.
	Message string `dynamodbav:"message,omitempty"`
}

// The statuses of an account.
const (
	StatusNone       = "none"
	StatusPending    = "pending" // an admin must approve the registration
	StatusDenied     = "denied"  // an admin has refused it
	StatusRegistered = "registered"
	StatusSuspended  = "suspended"
	StatusDeleting   = "deleting"
	StatusDeleted    = "deleted"
)

// Account is everything that the dashboard shows.
type Account struct {
	Profile Profile
	// Keys are sorted by age, the oldest first.
	Keys          []Key
	Subscriptions []Subscription
	Licences      []Licence
}

// profileRows writes a state row, guarded by sequence; only the account's stream writes it.
func profileRows(changed rows, account state.Account, fact events.Event) {
	if shown, ok := profileAfter(account, fact); ok {
		changed.view(changed.Profile(account.ID), fact.Sequence, shown)
	}
}

// profileAfter: ok is false for a fact that does not change the profile.
func profileAfter(account state.Account, fact events.Event) (shown Profile, ok bool) {
	shown = Profile{RegisteredAt: account.RegisteredAt}
	switch f := fact.Data.(type) {
	case events.UserRegistered, events.AccountReinstated:
		shown.Status = StatusRegistered
	case events.RegistrationPending:
		shown.Status = StatusPending
	case events.RegistrationDenied:
		shown.Status, shown.Message = StatusDenied, f.Message
	case events.AccountSuspended:
		shown.Status, shown.Message = StatusSuspended, f.Message
	case events.AccountDeleting:
		shown.Status = StatusDeleting
	case events.AccountDeleted:
		shown.Status = StatusDeleted
	default:
		return shown, false
	}
	return shown, true
}

// Profile reads an account without its keys and subscriptions, in one request. An account that
// never registered has StatusNone.
func (v *Views) Profile(ctx context.Context, id portal.AccountID) (Profile, error) {
	profile := Profile{Status: StatusNone}
	live, err := v.store.live(ctx)
	if err != nil {
		return profile, asUnavailable(err)
	}
	_, err = v.store.get(ctx, v.store.tables.Views, live.Profile(id), &profile)
	return profile, asUnavailable(err)
}

// Account reads an account. One that never registered is empty, with StatusNone.
func (v *Views) Account(ctx context.Context, id portal.AccountID) (Account, error) {
	account, err := inLive(ctx, v.store.generations, func(ctx context.Context, live schema.Generation) (Account, error) {
		return v.store.account(ctx, live, id)
	})
	if err != nil {
		return account, asUnavailable(err)
	}
	return account, v.nameAsOffered(ctx, account.Subscriptions)
}

func (s store) account(ctx context.Context, live schema.Generation, id portal.AccountID) (Account, error) {
	account := Account{Profile: Profile{Status: StatusNone}}
	err := s.query(ctx, live.Now(id), func(sk string, item map[string]types.AttributeValue) error {
		switch {
		case sk == schema.NowProfile:
			return attributevalue.UnmarshalMap(item, &account.Profile)
		case item[schema.TTL] != nil: // it is gone
		case strings.HasPrefix(sk, schema.NowKeyBegins):
			return appendRow(&account.Keys, item)
		case strings.HasPrefix(sk, schema.NowLicenceBegins):
			return appendRow(&account.Licences, item)
		case strings.HasPrefix(sk, schema.NowSubscriptionBegins):
			return appendRow(&account.Subscriptions, item)
		}
		return nil
	})
	slices.SortFunc(account.Keys, func(k, l Key) int { return cmp.Or(k.WantedAt.Compare(l.WantedAt), cmp.Compare(k.ID, l.ID)) })
	return account, err
}

// nameAsOffered gives subscriptions their plans' current names. A plan that is not offered any
// more keeps its old one.
func (v *Views) nameAsOffered(ctx context.Context, subscriptions []Subscription) error {
	if len(subscriptions) == 0 {
		return nil
	}
	offered, err := v.Catalog(ctx)
	if err != nil {
		return err
	}
	for i := range subscriptions {
		if plan, _, ok := offered.Plan(subscriptions[i].Plan); ok {
			subscriptions[i].Name, subscriptions[i].Offered = plan.Name, true
		}
	}
	return nil
}

// NamedKeys are the account's keys for portal.KeyLabels.
func (a Account) NamedKeys() []portal.NamedKey {
	named := make([]portal.NamedKey, 0, len(a.Keys))
	for _, key := range a.Keys {
		named = append(named, portal.NamedKey{ID: key.ID, Name: key.Name, WantedAt: key.WantedAt, ReplacedAt: key.ReplacedAt})
	}
	return named
}

// readingAtOnce is how many rows PastKeys reads at the same time.
const readingAtOnce = 10

// PastKeys finds the names of keys that are no longer among the account's Keys. It leaves out all
// others.
func (v *Views) PastKeys(ctx context.Context, account portal.AccountID, keys []portal.KeyID) ([]portal.NamedKey, error) {
	live, err := v.store.live(ctx)
	if err != nil {
		return nil, asUnavailable(err)
	}
	owners := make([]keyOwner, len(keys))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(readingAtOnce)
	for i, key := range keys {
		group.Go(portal.Guard(func() error {
			_, err := v.store.get(within, v.store.tables.Views, live.KeyOwner(key), &owners[i])
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return nil, asUnavailable(err)
	}
	var found []portal.NamedKey
	for i, owner := range owners {
		if owner.Account == account && owner.Name != "" {
			found = append(found, portal.NamedKey{ID: keys[i], Name: owner.Name, WantedAt: owner.WantedAt, ReplacedAt: owner.ReplacedAt})
		}
	}
	return found, nil
}

func appendRow[T any](list *[]T, item map[string]types.AttributeValue) error {
	var value T
	if err := attributevalue.UnmarshalMap(item, &value); err != nil {
		return err
	}
	*list = append(*list, value)
	return nil
}
