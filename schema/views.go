package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// The views table.

// LiveGeneration is the row of the pointer.
func LiveGeneration() Key { return Key{"generation", "live"} }

// Generation is one version of all views, counted from 1. Its rows have keys of their own.
type Generation int64

// GenerationOf returns the generation of a row of the views; ok is false if it has none.
func GenerationOf(k Key) (g Generation, ok bool) {
	first, _, _ := strings.Cut(k.PK, "#")
	digits, ok := strings.CutPrefix(first, "v")
	n, err := strconv.ParseInt(digits, 10, 64)
	return Generation(n), ok && err == nil
}

// Prefix begins every partition key of the generation, and of no other.
func (g Generation) Prefix() string { return fmt.Sprintf("v%d#", int64(g)) }

// The beginnings of the sort keys of an account's Now.
const (
	NowBegins             = "now#"
	NowProfile            = "now#profile"
	NowKeyBegins          = "now#key#"
	NowSubscriptionBegins = "now#subscription#"
	NowLicenceBegins      = "now#licence#"
)

// Now is the present state of an account: its profile, keys and subscriptions. These rows are few,
// so one query reads them all. The account's activities share the partition and are paged.
func (g Generation) Now(account portal.AccountID) Range {
	return Range{g.Prefix() + accountPartition(account), NowBegins}
}

// Profile is the row of an account itself.
func (g Generation) Profile(account portal.AccountID) Key { return Key{g.Now(account).PK, NowProfile} }

// Key is the row of a key of an account.
func (g Generation) Key(account portal.AccountID, key portal.KeyID) Key {
	return Key{g.Now(account).PK, NowKeyBegins + string(key)}
}

// Subscription is the row of a subscription of an account.
func (g Generation) Subscription(account portal.AccountID, id portal.SubscriptionID) Key {
	return Key{g.Now(account).PK, NowSubscriptionBegins + string(id)}
}

// LicenceOf is the row of a licence that an account has claimed.
func (g Generation) LicenceOf(account portal.AccountID, licence portal.Stream) Key {
	return Key{g.Now(account).PK, NowLicenceBegins + string(licence)}
}

// Activity is the row of one line of an account's activity, by the fact that it shows.
func (g Generation) Activity(account portal.AccountID, sequence int64) Key {
	all := g.Activities(account)
	return Key{all.PK, all.Begins + Sequence(sequence)}
}

// Activities are an account's lines, in order.
func (g Generation) Activities(account portal.AccountID) Range {
	return Range{g.Prefix() + accountPartition(account), "log#activity#"}
}

// OperationStep is the row of a fact that an operation's request led to.
func (g Generation) OperationStep(operation portal.OperationID, stream portal.Stream, sequence int64) Key {
	return g.OperationSteps(operation).step(stream, sequence)
}

// OperationSteps are the steps of an operation, in order.
func (g Generation) OperationSteps(operation portal.OperationID) Range {
	return Range{g.Prefix() + "operation#" + string(operation), stepBegins}
}

// WishStep is the row of a fact about a wish.
func (g Generation) WishStep(stream portal.Stream, wish, sequence int64) Key {
	return g.WishSteps(stream, wish).step(stream, sequence)
}

// WishSteps are the steps of a wish, in order.
func (g Generation) WishSteps(stream portal.Stream, wish int64) Range {
	return Range{g.Prefix() + "wish#" + string(stream) + "#" + Sequence(wish), stepBegins}
}

const stepBegins = "step#"

func (r Range) step(stream portal.Stream, sequence int64) Key {
	return Key{r.PK, r.Begins + string(stream) + "#" + Sequence(sequence)}
}

// Catalog is the row of the published catalog.
func (g Generation) Catalog() Key { return Key{g.Prefix() + "catalog", "now"} }

// AccountShards is the number of partitions of the list of accounts. It may grow with the next
// shape.
const AccountShards = 16

// ListedAccount is the row of an account in the list of all accounts, by the time of registration.
func (g Generation) ListedAccount(account portal.AccountID, registered time.Time) Key {
	shard := g.ListedAccounts(shardOf(portal.AccountStream(account), AccountShards))
	return Key{shard.PK, shard.Begins + ListedPlace(account, registered)}
}

// ListedAccounts are the accounts of a shard, oldest first.
func (g Generation) ListedAccounts(shard int) Range {
	return Range{fmt.Sprintf("%saccounts#%02d", g.Prefix(), shard), "at#"}
}

// Licence is the row of a licence in the list of all licences.
func (g Generation) Licence(licence portal.Stream) Key {
	shard := g.Licences(shardOf(licence, AccountShards))
	return Key{shard.PK, shard.Begins + string(licence)}
}

// Licences are the licences of a shard, in order.
func (g Generation) Licences(shard int) Range {
	return Range{fmt.Sprintf("%slicences#%02d", g.Prefix(), shard), "licence#"}
}

// ListedPlace orders the list of accounts. It ends the sort key of a ListedAccount.
func ListedPlace(account portal.AccountID, registered time.Time) string {
	return Milliseconds(registered) + "#" + string(account)
}

// IsListedPlace reports whether the text can be a ListedPlace.
func IsListedPlace(text string) bool {
	at, account, ok := strings.Cut(text, "#")
	_, err := strconv.ParseUint(at, 10, 63)
	return ok && err == nil && account != "" && len(at) == len(Milliseconds(time.Unix(0, 0)))
}

// KeyOwner is the row that names the account of a key.
func (g Generation) KeyOwner(key portal.KeyID) Key {
	return Key{g.Prefix() + "key#" + string(key), "owner"}
}

// Holder is the row of a key that is in a plan, or was.
func (g Generation) Holder(plan portal.PlanID, gatewayKey portal.GatewayKeyID) Key {
	all := g.Holders(plan)
	return Key{all.PK, all.Begins + string(gatewayKey)}
}

// Holders are the keys that are in a plan, or were.
func (g Generation) Holders(plan portal.PlanID) Range {
	return Range{g.Prefix() + "plan#" + string(plan), "holder#"}
}

// Checkpoint is the row of how far a stream is shown.
func (g Generation) Checkpoint(stream portal.Stream) Key {
	return Key{g.Prefix() + "checkpoint#" + string(stream), "checkpoint"}
}
