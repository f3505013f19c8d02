package schema

import (
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// The records table: first what people asked for, then what keeps the loops going, then the control
// plane.

// Operation is the row of an accepted request: actor, subject, body, intent, and when it was
// handed in.
//
// Owner: operations. Kept: for ever.
func Operation(id portal.OperationID) Key { return Key{"operation#" + string(id), "operation"} }

// ListedOperation is the row of an operation's place in its actor's list.
//
// Owner: operations. Kept: TTL, 90 days.
func ListedOperation(actor portal.Actor, at time.Time, id portal.OperationID) Key {
	list := OperationList(actor)
	return Key{list.PK, list.Begins + Milliseconds(at) + "#" + string(id)}
}

// OperationList is the list of an actor's operations, the oldest first.
func OperationList(actor portal.Actor) Range { return Range{actorPartition(actor), "operation#"} }

// Limits is the row that counts an actor's recent requests and lists those that may be open. The
// same row of an account is also its Intent.
//
// Owner: operations. Kept: for ever.
func Limits(actor portal.Actor) Key { return Key{actorPartition(actor), intentSort} }

// Intent is the row of a stream's last intent number. The same row of an account is also its Limits.
//
// Owner: operations. Kept: for ever.
func Intent(stream portal.Stream) Key {
	if account, ok := stream.Account(); ok {
		return Key{accountPartition(account), intentSort}
	}
	return Key{"stream#" + string(stream), intentSort}
}

const intentSort = "intent"

// Reveal is the row of one reveal of a key of an account.
//
// Owner: projections. Kept: for ever.
func Reveal(account portal.AccountID, at time.Time) Key {
	all := Reveals(account)
	return Key{all.PK, all.Begins + Nanoseconds(at)}
}

// Reveals are all reveals of an account's keys, the oldest first.
func Reveals(account portal.AccountID) Range { return Range{accountPartition(account), "reveal#"} }

// RevealCount is the row that counts an account's reveals in the present minute. It also holds the
// time of the last reveal of each key.
//
// Owner: projections. Kept: for ever.
func RevealCount(account portal.AccountID) Key { return Key{accountPartition(account), "reveals"} }

// Person is the row of an account's e-mail address and name. Both are stored nowhere else for long.
//
// Owner: identity. Kept: for ever.
func Person(account portal.AccountID) Key { return Key{personBegins + string(account), "person"} }

// PersonOf is the account of a Person. ok is false for any other row.
func PersonOf(k Key) (account portal.AccountID, ok bool) {
	id, ok := strings.CutPrefix(k.PK, personBegins)
	return portal.AccountID(id), ok
}

const personBegins = "person#"

// PersonBegins is how the partition keys of all Persons begin, and no others.
func PersonBegins() string { return personBegins }

// What happens later, and what keeps the loops going.

// DueShards is over how many partitions the due rows are spread. It may grow at any time, since the
// job handles a row in whichever partition it is. Before it shrinks, the partitions that fall away
// must be empty.
const DueShards = 8

// DueRow is the row of what is to happen at that time. Rows of the same time have different ids.
//
// Owner: due. Kept: until it has happened.
func DueRow(stream portal.Stream, at time.Time, id string) Key {
	return Key{DuePartition(shardOf(stream, DueShards)), Milliseconds(at) + "#" + id}
}

// DuePartition is the partition of a shard's due rows, in the order of their times.
func DuePartition(shard int) string { return fmt.Sprintf("due#%02d", shard) }

// Snapshot is the row of the fold of a long stream and of the requests handled by then. version
// identifies the code of the fold.
//
// Owner: accounts. Kept: TTL, 90 days; may be deleted at any time.
func Snapshot(stream portal.Stream, version string) Key {
	return Key{"snapshot#" + string(stream), version}
}

// JobRun is the row of a job's latest run: slot, cursor, carrier and heartbeat.
//
// Owner: jobs. Kept: for ever.
func JobRun(job string) Key { return Key{"job#" + job, "run"} }

// Scratch is the row of a piece of a value that a job has stored in a set, under a name. The
// functions below name the sets, and say who owns them.
func Scratch(set, name string, piece int) Key {
	return Key{"scratch#" + set, fmt.Sprintf("%s#%04d", name, piece)}
}

// ScratchSet is the values of a set whose names begin with begins.
func ScratchSet(set, begins string) Range { return Range{"scratch#" + set, begins} }

// ScratchOf is the name of a Scratch. first is whether it is the first piece of its value.
func ScratchOf(k Key) (name string, first bool) {
	name, piece, _ := strings.Cut(k.SK, "#")
	return name, piece == "0000"
}

// CatalogRead is the set of what a run of the job catalog has read.
//
// Owner: catalog. Kept: TTL, 7 days.
func CatalogRead(run string) string { return "catalog-" + run }

// CatalogStages is the set of the stages of each API, with the time when they were read.
//
// Owner: catalog. Kept: TTL, 2 hours.
func CatalogStages() string { return "catalog-stages" }

// CatalogMappings is the set of the base paths of each custom domain, with the time when they were
// read.
//
// Owner: catalog. Kept: TTL, 2 hours.
func CatalogMappings() string { return "catalog-mappings" }

// Swept is the set of what a sweep has surveyed and found.
//
// Owner: provisioning. Kept: TTL, 7 days.
func Swept(run string) string { return "sweep-" + run }

// SweptShard is the set of what a sweep has surveyed of the accounts of a shard.
//
// Owner: provisioning. Kept: TTL, 7 days.
func SweptShard(run string, shard int) string { return fmt.Sprintf("%s-%02d", Swept(run), shard) }

// SweepResult is the set of what the last sweep has found.
//
// Owner: provisioning. Kept: TTL, 90 days.
func SweepResult() string { return "sweep-result" }

// RebuildResult is the set of what the last rebuild of the views has done.
//
// Owner: projections. Kept: TTL, 90 days.
func RebuildResult() string { return "rebuild-result" }

// CatalogChunk is the row of a part of a catalog document.
//
// Owner: catalog. Kept: for ever.
func CatalogChunk(hash string, number int) Key {
	return Key{CatalogDocument(hash).PK, fmt.Sprintf("chunk#%04d", number)}
}

// CatalogDocument is all of a catalog document, in order.
func CatalogDocument(hash string) Range { return Range{PK: "catalog#" + hash} }

// CatalogRequest is the row of a request that waits for the next run of the job catalog.
//
// Owner: catalog. Kept: until it is answered.
func CatalogRequest(id string) Key { return Key{CatalogRequests().PK, id} }

// CatalogRequests are all requests that wait for the next run.
func CatalogRequests() Range { return Range{PK: "catalog-requests"} }

// Failure is the row that counts the failures of a message.
//
// Owner: deadletters. Kept: TTL, 30 days after the last failure.
func Failure(message string) Key { return Key{"failure#" + message, "failure"} }

// DeadLetter is the row of a message that was given up.
//
// Owner: deadletters. Kept: for ever while it is open; TTL, 30 days after it is settled or discarded.
func DeadLetter(id string) Key { return Key{DeadLetters().PK, id} }

// DeadLetters are all dead letters, by id.
func DeadLetters() Range { return Range{PK: "deadletter"} }

// DeadLetterPart is the row of a part of a message that is too large for its DeadLetter.
//
// Owner: deadletters. Kept: for ever.
func DeadLetterPart(bodyHash string, part int) Key {
	return Key{DeadLetterBody(bodyHash).PK, fmt.Sprintf("%03d", part)}
}

// DeadLetterBody is all parts of such a message, in order.
func DeadLetterBody(hash string) Range { return Range{PK: "deadletter#" + hash} }

// The control plane and the KMS key.

// Budget is the row of the token buckets of all processes.
//
// Owner: gateway. Kept: for ever.
func Budget(of portal.Target) Key { return Key{of.Of("budget"), "control-plane"} }

// AttachLease is the row of the lease for changing the keys of plans.
//
// Owner: gateway. Kept: for ever.
func AttachLease(of portal.Target) Key { return Key{of.Of(leasePartition), "attach"} }

// AccountLease is the row of the lease for converging an account. It also remembers that something
// about the account's keys may be unrecorded, so it must not be deleted by hand.
//
// Owner: leases. Kept: until the account is settled.
func AccountLease(of portal.Target, account portal.AccountID) Key {
	return Key{of.Of(leasePartition), accountPartition(account)}
}

const leasePartition = "lease"

// FullOfKeys is the row that says until when an AWS account has no room for another key.
//
// Owner: gateway. Kept: until a key could be created.
func FullOfKeys(of portal.Target) Key { return Key{of.Of("limit"), "keys"} }

// ImportProbe is the row that says whether workers may import keys here.
//
// Owner: gateway/keyimport. Kept: for ever.
func ImportProbe() Key { return Key{"import-probe", "result"} }

// KMSCheck is the row of a tag of a KMS key. The tag differs if the key's material does.
//
// Owner: app. Kept: for ever.
func KMSCheck(kmsKey string) Key { return Key{"kms-check#" + kmsKey, "tag"} }

// Health is the key that the health check reads, to see whether the table answers.
//
// Owner: app. Kept: never written.
func Health() Key { return Key{"health", "health"} }
