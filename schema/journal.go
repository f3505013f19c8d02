package schema

import (
	"fmt"
	"strconv"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// The table <prefix>-journal.

// Fact is the row of a fact of a stream, as it is published.
//
// Owner: journal. Kept: for ever.
func Fact(stream portal.Stream, sequence int64) Key { return Key{string(stream), Sequence(sequence)} }

// Facts are all facts of a stream, in order.
func Facts(stream portal.Stream) Range { return Range{PK: string(stream)} }

// SequenceOf is the sequence number of a fact's row.
func SequenceOf(fact Key) int64 {
	n, _ := strconv.ParseInt(fact.SK, 10, 64)
	return n
}

// RegistryShards is the number of partitions of the list of streams. It may grow but never
// shrink.
const RegistryShards = 16

// RegisteredStream is the row that lists a stream.
//
// Owner: journal. Kept: for ever.
func RegisteredStream(stream portal.Stream) Key {
	return Key{Registry(shardOf(stream, RegistryShards)).PK, string(stream)}
}

// Registry lists the streams of a shard.
func Registry(shard int) Range { return Range{PK: fmt.Sprintf("registry#%02d", shard)} }

// StreamOf returns the stream that a row of the registry lists.
func StreamOf(registered Key) portal.Stream { return portal.Stream(registered.SK) }

// Identity is the row of the account of one issuer and subject, by a hash of both.
//
// Owner: identity. Kept: for ever.
func Identity(hash string) Key { return Key{"identity#" + hash, "account"} }
