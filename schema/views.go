package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// LiveGeneration points to the generation in use.
func LiveGeneration() Key { return Key{"generation", "live"} }

// Generation is one version of all views, counted from 1.
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

// The sort keys of an account's Now begin with these.
const (
	NowBegins             = "now#"
	NowProfile            = "now#profile"
	NowKeyBegins          = "now#key#"
	NowSubscriptionBegins = "now#subscription#"
	NowLicenceBegins      = "now#licence#"
)

// Now is an account's profile, keys and subscriptions. They are few, so one query reads them all.
// The account's activities share the partition and are paged.
func (g Generation) Now(account portal.AccountID) Range {
	return Range{g.Prefix() + accountPartition(account), NowBegins}
}

// Profile is the account itself.
func (g Generation) Profile(account portal.AccountID) Key { return Key{g.Now(account).PK, NowProfile} }

// Key is one of an account's keys.
func (g Generation) Key(account portal.AccountID, key portal.KeyID) Key {
	return Key{g.Now(account).PK, NowKeyBegins + string(key)}
}

// Subscription is one of an account's subscriptions.
func (g Generation) Subscription(account portal.AccountID, id portal.SubscriptionID) Key {
	return Key{g.Now(account).PK, NowSubscriptionBegins + string(id)}
}

// LicenceOf is a licence that an account has claimed.
func (g Generation) LicenceOf(account portal.AccountID, licence portal.Stream) Key {
	return Key{g.Now(account).PK, NowLicenceBegins + string(licence)}
}

// Activity is a line of an account's activity, by the fact that it shows.
func (g Generation) Activity(account portal.AccountID, sequence int64) Key {
	all := g.Activities(account)
	return Key{all.PK, all.Begins + Sequence(sequence)}
}

// Activities are an account's lines, in order.
func (g Generation) Activities(account portal.AccountID) Range {
	return Range{g.Prefix() + accountPartition(account), "log#activity#"}
}

// OperationStep is a fact that an operation's request led to.
func (g Generation) OperationStep(operation portal.OperationID, stream portal.Stream, sequence int64) Key {
	return g.OperationSteps(operation).step(stream, sequence)
}

// OperationSteps are an operation's, in order.
func (g Generation) OperationSteps(operation portal.OperationID) Range {
	return Range{g.Prefix() + "operation#" + string(operation), stepBegins}
}

// WishStep is a fact about a wish.
func (g Generation) WishStep(stream portal.Stream, wish, sequence int64) Key {
	return g.WishSteps(stream, wish).step(stream, sequence)
}

// WishSteps are a wish's, in order.
func (g Generation) WishSteps(stream portal.Stream, wish int64) Range {
	return Range{g.Prefix() + "wish#" + string(stream) + "#" + Sequence(wish), stepBegins}
}

const stepBegins = "step#"

func (r Range) step(stream portal.Stream, sequence int64) Key {
	return Key{r.PK, r.Begins + string(stream) + "#" + Sequence(sequence)}
}

// Catalog is the published catalog.
func (g Generation) Catalog() Key { return Key{g.Prefix() + "catalog", "now"} }

// AccountShards partition the list of accounts. Their number may grow with the next shape.
const AccountShards = 16

// ListedAccount lists an account by the time of registration.
func (g Generation) ListedAccount(account portal.AccountID, registered time.Time) Key {
	shard := g.ListedAccounts(shardOf(portal.AccountStream(account), AccountShards))
	return Key{shard.PK, shard.Begins + ListedPlace(account, registered)}
}

// ListedAccounts are a shard's, oldest first.
func (g Generation) ListedAccounts(shard int) Range {
	return Range{fmt.Sprintf("%saccounts#%02d", g.Prefix(), shard), "at#"}
}

// Licence lists a licence.
func (g Generation) Licence(licence portal.Stream) Key {
	shard := g.Licences(shardOf(licence, AccountShards))
	return Key{shard.PK, shard.Begins + string(licence)}
}

// Licences are a shard's, in order.
func (g Generation) Licences(shard int) Range {
	return Range{fmt.Sprintf("%slicences#%02d", g.Prefix(), shard), "licence#"}
}

// KeptNotice lists a notice that names no licence, by the source's time.
func (g Generation) KeptNotice(stream portal.Stream, at time.Time) Key {
	shard := g.KeptNotices(shardOf(stream, AccountShards))
	return Key{shard.PK, shard.Begins + Milliseconds(at) + "#" + string(stream)}
}

// KeptNotices are those of a shard, oldest first.
func (g Generation) KeptNotices(shard int) Range {
	return Range{fmt.Sprintf("%snotices#%02d", g.Prefix(), shard), "at#"}
}

// ListedPlace ends the sort key of a ListedAccount.
func ListedPlace(account portal.AccountID, registered time.Time) string {
	return Milliseconds(registered) + "#" + string(account)
}

// IsListedPlace reports whether the text can be a ListedPlace.
func IsListedPlace(text string) bool {
	at, account, ok := strings.Cut(text, "#")
	_, err := strconv.ParseUint(at, 10, 63)
	return ok && err == nil && account != "" && len(at) == len(Milliseconds(time.Unix(0, 0)))
}

// KeyOwner names a key's account.
func (g Generation) KeyOwner(key portal.KeyID) Key {
	return Key{g.Prefix() + "key#" + string(key), "owner"}
}

// Holder is a key that is in a plan, or was.
func (g Generation) Holder(plan portal.PlanID, gatewayKey portal.GatewayKeyID) Key {
	all := g.Holders(plan)
	return Key{all.PK, all.Begins + string(gatewayKey)}
}

// Holders are all of a plan.
func (g Generation) Holders(plan portal.PlanID) Range {
	return Range{g.Prefix() + "plan#" + string(plan), "holder#"}
}

// Checkpoint is how far a stream is shown.
func (g Generation) Checkpoint(stream portal.Stream) Key {
	return Key{g.Prefix() + "checkpoint#" + string(stream), "checkpoint"}
}
