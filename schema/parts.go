package schema

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Sequence numbers and times in keys are padded, so that they sort as numbers.

// Sequence formats a sequence number.
func Sequence(n int64) string { return fmt.Sprintf("%012d", n) }

// Milliseconds formats a time in milliseconds.
func Milliseconds(t time.Time) string { return fmt.Sprintf("%015d", t.UnixMilli()) }

// Nanoseconds formats a time in nanoseconds.
func Nanoseconds(t time.Time) string { return fmt.Sprintf("%020d", t.UnixNano()) }

func accountPartition(account portal.AccountID) string { return "account#" + string(account) }

// actorPartition is the account's partition if the actor is an account.
func actorPartition(actor portal.Actor) string {
	if account, ok := actor.Account(); ok {
		return accountPartition(account)
	}
	return "actor#" + string(actor)
}

func shardOf(stream portal.Stream, shards uint32) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(stream))
	return int(h.Sum32() % shards)
}
