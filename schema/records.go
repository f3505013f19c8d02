package schema

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Operation is an accepted request.
func Operation(id portal.OperationID) Key { return Key{"operation#" + string(id), "operation"} }

// ListedOperation lists an operation under its actor.
func ListedOperation(actor portal.Actor, at time.Time, id portal.OperationID) Key {
	list := OperationList(actor)
	return Key{list.PK, list.Begins + Milliseconds(at) + "#" + string(id)}
}

// OperationList is an actor's operations, oldest first.
func OperationList(actor portal.Actor) Range { return Range{actorPartition(actor), "operation#"} }

// Limits are an actor's rate limits and open requests. An account's Limits and Intent are one row.
func Limits(actor portal.Actor) Key { return Key{actorPartition(actor), intentSort} }

// Intent is a stream's last intent.
func Intent(stream portal.Stream) Key {
	if account, ok := stream.Account(); ok {
		return Key{accountPartition(account), intentSort}
	}
	return Key{"stream#" + string(stream), intentSort}
}

const intentSort = "intent"

// Reveal is one reveal of a key.
func Reveal(account portal.AccountID, at time.Time) Key {
	all := Reveals(account)
	return Key{all.PK, all.Begins + Nanoseconds(at)}
}

// Reveals are an account's, oldest first.
func Reveals(account portal.AccountID) Range { return Range{accountPartition(account), "reveal#"} }

// RevealCount counts an account's reveals in the present minute.
func RevealCount(account portal.AccountID) Key { return Key{accountPartition(account), "reveals"} }

// Person is an account's owner.
func Person(account portal.AccountID) Key { return Key{personBegins + string(account), "person"} }

// PersonOf returns the account of a Person row; ok is false for any other row.
func PersonOf(k Key) (account portal.AccountID, ok bool) {
	id, ok := strings.CutPrefix(k.PK, personBegins)
	return portal.AccountID(id), ok
}

const personBegins = "person#"

// PersonBegins is the prefix of every Person's partition key, and of no other
// row's.
func PersonBegins() string { return personBegins }

// Approval is a subscription that waits for an admin.
func Approval(asked time.Time, account portal.AccountID, wish int64) Key {
	return Key{Approvals().PK, Milliseconds(asked) + "#" + string(account) + "#" + Sequence(wish)}
}

// Approvals are all of them, oldest first.
func Approvals() Range { return Range{PK: "approvals"} }

// Notice is a notice to an account's owner. Ids sort by time.
func Notice(account portal.AccountID, id string) Key {
	all := Notices(account)
	return Key{all.PK, all.Begins + id}
}

// Notices are an account's, oldest first.
func Notices(account portal.AccountID) Range { return Range{accountPartition(account), "notice#"} }

// Delivery is a notice for one channel.
func Delivery(account portal.AccountID, channel, notice string) Key {
	all := Deliveries(account, channel)
	return Key{all.PK, all.Begins + notice}
}

// Deliveries are an account's to a channel, oldest first.
func Deliveries(account portal.AccountID, channel string) Range {
	return Range{accountPartition(account), "delivery#" + channel + "#"}
}

// NoticeSettings are an account's settings for notices.
func NoticeSettings(account portal.AccountID) Key {
	return Key{accountPartition(account), "settings#notices"}
}

// Told is how far an account's facts have become notices.
func Told(account portal.AccountID) Key { return Key{accountPartition(account), "settings#told"} }

// Webhook is an address to which an account's notices go.
func Webhook(account portal.AccountID, id string) Key {
	all := Webhooks(account)
	return Key{all.PK, all.Begins + id}
}

// Webhooks are an account's, oldest first.
func Webhooks(account portal.AccountID) Range { return Range{accountPartition(account), "webhook#"} }

// WebhookCount counts an account's webhooks.
func WebhookCount(account portal.AccountID) Key {
	return Key{accountPartition(account), "settings#webhooks"}
}

// WebhookTests is the row of when an account last had tests sent to its webhooks.
func WebhookTests(account portal.AccountID) Key {
	return Key{accountPartition(account), "settings#webhook-tests"}
}

// PersonWord is the row by which a person is found: by e-mail address, or a word of the name.
func PersonWord(word string, account portal.AccountID) Key {
	of := PersonWords(word)
	return Key{of.PK, of.Begins + "#" + string(account)}
}

// PersonWords are all words that begin with a text, which must not be empty.
func PersonWords(begins string) Range {
	first, _ := utf8.DecodeRuneInString(begins)
	return Range{"person-word#" + string(first), begins}
}

// AccountOfWord returns a PersonWord's account.
func AccountOfWord(k Key) portal.AccountID {
	return portal.AccountID(k.SK[strings.LastIndexByte(k.SK, '#')+1:])
}

// Settings are what a person has chosen.
func Settings(account portal.AccountID) Key {
	return Key{accountPartition(account), "settings#account"}
}

// Feedback is a person's feedback. Ids sort by time.
func Feedback(id string) Key { return Key{AllFeedback().PK, id} }

// AllFeedback is everybody's, oldest first.
func AllFeedback() Range { return Range{PK: "feedback"} }

// AccountFeedback lists a Feedback under its account.
func AccountFeedback(account portal.AccountID, id string) Key {
	all := AccountFeedbacks(account)
	return Key{all.PK, all.Begins + id}
}

// AccountFeedbacks are an account's, oldest first.
func AccountFeedbacks(account portal.AccountID) Range {
	return Range{accountPartition(account), feedbackBegins}
}

const feedbackBegins = "feedback#"

// FeedbackListedBy returns the id that an AccountFeedback lists; ok is false for any other row.
func FeedbackListedBy(k Key) (id string, ok bool) { return strings.CutPrefix(k.SK, feedbackBegins) }

// Invitation is an e-mail address that may register. id is a hash of it.
func Invitation(id string) Key { return Key{Invitations().PK, id} }

// Invitations are all invitations.
func Invitations() Range { return Range{PK: "invitations"} }

// AdoptedKey is a key of API Gateway that an account has taken over from an earlier portal.
func AdoptedKey(key portal.GatewayKeyID) Key { return Key{AdoptedKeys().PK, string(key)} }

// AdoptedKeys are all of them.
func AdoptedKeys() Range { return Range{PK: "adopted-keys"} }

// WaitingKey is a key of API Gateway that waits for its owner. email is a hash of their e-mail
// address.
func WaitingKey(email string, key portal.GatewayKeyID) Key {
	of := WaitingKeysOf(email)
	return Key{of.PK, of.Begins + string(key)}
}

// WaitingKeysOf are those of one e-mail address.
func WaitingKeysOf(email string) Range { return Range{WaitingKeys().PK, email + "#"} }

// WaitingKeys are all of them.
func WaitingKeys() Range { return Range{PK: "waiting-keys"} }

// Migrated is an identity whose account was opened from an earlier portal. id is a hash of issuer
// and subject.
func Migrated(id string) Key { return Key{"migrated", id} }

// Admin is an account that was promoted to admin.
func Admin(account portal.AccountID) Key { return Key{Admins().PK, string(account)} }

// Admins are all of them.
func Admins() Range { return Range{PK: "admins"} }

// GroupAdmin is an account whose owner was in the identity provider's admin group by the last ID token.
func GroupAdmin(account portal.AccountID) Key { return Key{GroupAdmins().PK, string(account)} }

// GroupAdmins are all of them.
func GroupAdmins() Range { return Range{PK: "group-admins"} }

// AdminsTold is what admins were last told of one kind of waiting things.
func AdminsTold(about string) Key { return Key{"admins-told", about} }

// Announced is a deprecated product with its sunset. Its subscribers are told about it once.
func Announced(product, sunset string) Key {
	return Key{"announced#" + product, "deprecated#" + sunset}
}

// AuditEntry is what an admin did.
func AuditEntry(at time.Time, id string) Key {
	return Key{AuditEntries().PK, Milliseconds(at) + "#" + id}
}

// AuditEntries are all of them, oldest first.
func AuditEntries() Range { return Range{PK: "audit"} }

// AuditFrom sorts before every AuditEntry of that time or later, and after every earlier one.
func AuditFrom(at time.Time) string { return Milliseconds(at) }

// PendingRegistration is a registration that waits for an admin.
func PendingRegistration(account portal.AccountID) Key {
	return Key{PendingRegistrations().PK, string(account)}
}

// PendingRegistrations are all of them.
func PendingRegistrations() Range { return Range{PK: "registrations"} }

// AccountNote is what an admin wrote down about an account. Ids sort by time.
func AccountNote(account portal.AccountID, id string) Key {
	all := AccountNotes(account)
	return Key{all.PK, all.Begins + id}
}

// AccountNotes are all notes about an account, oldest first.
func AccountNotes(account portal.AccountID) Range {
	return Range{PK: accountPartition(account), Begins: "note#"}
}

// Viewing is whose account an admin sees, until when.
func Viewing(admin portal.AccountID) Key { return Key{accountPartition(admin), "viewing"} }

// AccountRows are all rows of the account's partition.
func AccountRows(account portal.AccountID) Range { return Range{PK: accountPartition(account)} }

// DueShards may grow but never shrink: a job looks only into the shards that there are.
const DueShards = 8

// DueRow is work that falls due at that time.
func DueRow(stream portal.Stream, at time.Time, id string) Key {
	return Key{DuePartition(shardOf(stream, DueShards)), Milliseconds(at) + "#" + id}
}

// DuePartition is the partition of a shard's due rows. Their sort keys begin with Milliseconds.
func DuePartition(shard int) string { return fmt.Sprintf("due#%02d", shard) }

// Snapshot is a stream's fold in one version of the fold.
func Snapshot(stream portal.Stream, version string) Key {
	return Key{"snapshot#" + string(stream), version}
}

// JobRun is a job's latest run.
func JobRun(job string) Key { return Key{"job#" + job, "run"} }

// Scratch is a piece of a value that a job stores under a name in one of the sets below.
func Scratch(set, name string, piece int) Key {
	return Key{"scratch#" + set, fmt.Sprintf("%s#%04d", name, piece)}
}

// ScratchSet is the part of a set whose names begin with the text.
func ScratchSet(set, begins string) Range { return Range{"scratch#" + set, begins} }

// ScratchOf returns the name of a Scratch row's value, and whether it is the first piece.
func ScratchOf(k Key) (name string, first bool) {
	name, piece, _ := strings.Cut(k.SK, "#")
	return name, piece == "0000"
}

// CatalogRead is what one run of the job catalog has read.
func CatalogRead(run string) string { return "catalog-" + run }

// CatalogDeployments are the stages of each API.
func CatalogDeployments() string { return "catalog-deployments" }

// CatalogMappings are the base paths of each custom domain.
func CatalogMappings() string { return "catalog-mappings" }

// CatalogExports are the stages' OpenAPI documents.
func CatalogExports() string { return "catalog-exports" }

// CatalogSDKs are the stages' SDKs.
func CatalogSDKs() string { return "catalog-sdks" }

// CatalogFolder is what the catalog folder described last.
func CatalogFolder() string { return "catalog-folder" }

// CatalogReport is what the last run of the job catalog found.
func CatalogReport() string { return "catalog-report" }

// Swept is what a sweep has surveyed and found.
func Swept(run string) string { return "sweep-" + run }

// SweptShard is what a sweep has surveyed of a shard's accounts.
func SweptShard(run string, shard int) string { return fmt.Sprintf("%s-%02d", Swept(run), shard) }

// SweepResult is the last sweep's result.
func SweepResult() string { return "sweep-result" }

// SweepDrift is how API Gateway differs from the journal, as the last sweep has found it.
func SweepDrift() string { return "sweep-drift" }

// MarketplaceRead is how far the job marketplace has read, and what its last run found.
func MarketplaceRead() string { return "marketplace-read" }

// MarketplaceMetered is what the last run of the job metering did.
func MarketplaceMetered() string { return "marketplace-metered" }

// UsagePlans are the usage plans that a run of the job usage goes through.
func UsagePlans(run string) string { return "usage-" + run }

// UsageSummaries are the usage of all accounts on some days.
func UsageSummaries() string { return "usagesum" }

// RebuildResult is the last rebuild's result.
func RebuildResult() string { return "rebuild-result" }

// CatalogChunk is a part of a catalog document.
func CatalogChunk(hash string, number int) Key {
	return Key{CatalogDocument(hash).PK, fmt.Sprintf("chunk#%04d", number)}
}

// CatalogDocument is a document's chunks, in order.
func CatalogDocument(hash string) Range { return Range{PK: "catalog#" + hash} }

// CatalogRequest is a request that waits for the next run of the job catalog.
func CatalogRequest(id string) Key { return Key{CatalogRequests().PK, id} }

// CatalogRequests are all of them.
func CatalogRequests() Range { return Range{PK: "catalog-requests"} }

// Failure counts a message's failures.
func Failure(message string) Key { return Key{"failure#" + message, "failure"} }

// DeadLetter is a message that workers gave up.
func DeadLetter(id string) Key { return Key{DeadLetters().PK, id} }

// DeadLetters are all dead letters, by id.
func DeadLetters() Range { return Range{PK: "deadletter"} }

// Alarm is what workers know of an alarm for operators.
func Alarm(name string) Key { return Key{Alarms().PK, name} }

// Alarms are all of them.
func Alarms() Range { return Range{PK: "alarms"} }

// ShownLate is the last fact that became visible much too late.
func ShownLate() Key { return Key{"shown-late", "last"} }

// LetterOrder is an admin's order to replay or discard dead letters. Ids sort by time.
func LetterOrder(id string) Key { return Key{LetterOrders().PK, id} }

// LetterOrders are all orders that are not carried out yet, oldest first.
func LetterOrders() Range { return Range{PK: "letter-orders"} }

// Banner is a text at the top of every page. Ids sort by time.
func Banner(id string) Key { return Key{Banners().PK, id} }

// Banners are all banners, in the order in which they were written.
func Banners() Range { return Range{PK: "banners"} }

// BannersAdded counts the banners that were ever written, so that two admins cannot exceed the limit together.
func BannersAdded() Key { return Key{"banners-added", "count"} }

// ResendOrder is an admin's order to bill usage again that AWS Marketplace refused. Ids sort by time.
func ResendOrder(id string) Key { return Key{ResendOrders().PK, id} }

// ResendOrders are all orders that are not carried out yet, oldest first.
func ResendOrders() Range { return Range{PK: "resend-orders"} }

// DeadLetterPart is a part of a message that is too large for its DeadLetter.
func DeadLetterPart(bodyHash string, part int) Key {
	return Key{DeadLetterBody(bodyHash).PK, fmt.Sprintf("%03d", part)}
}

// DeadLetterBody are a message's parts, in order.
func DeadLetterBody(hash string) Range { return Range{PK: "deadletter#" + hash} }

// Budget has the token buckets of all processes.
func Budget(of portal.Target) Key { return Key{of.Of("budget"), "control-plane"} }

// AttachLease is the lease of the keys of plans.
func AttachLease(of portal.Target) Key { return Key{of.Of(leasePartition), "attach"} }

// AccountLease is the lease of an account. Do not delete it by hand: it outlives the lease if
// something that API Gateway did may not be recorded, so that the next worker checks the
// account's keys.
func AccountLease(of portal.Target, account portal.AccountID) Key {
	return Key{of.Of(leasePartition), accountPartition(account)}
}

const leasePartition = "lease"

// FullOfKeys is an AWS account that is full of keys.
func FullOfKeys(of portal.Target) Key { return Key{of.Of("limit"), "keys"} }

// ImportProbe is the last probe's result.
func ImportProbe() Key { return Key{"import-probe", "result"} }

// KMSCheck has a tag that changes with a KMS key's key material.
func KMSCheck(kmsKey string) Key { return Key{"kms-check#" + kmsKey, "tag"} }

// Health is never written. Reading it shows that the table answers.
func Health() Key { return Key{"health", "health"} }

// RestoreRun is how far a backup is restored.
func RestoreRun() Key { return Key{"restore", "run"} }
