package schema

import (
	"fmt"
	"strconv"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Fact is a fact of a stream.
func Fact(stream portal.Stream, sequence int64) Key { return Key{string(stream), Sequence(sequence)} }

// Facts are a stream's facts, in order.
func Facts(stream portal.Stream) Range { return Range{PK: string(stream)} }

// SequenceOf returns a Fact's sequence.
func SequenceOf(fact Key) int64 {
	n, _ := strconv.ParseInt(fact.SK, 10, 64)
	return n
}

// RegistryShards may grow but never shrink.
const RegistryShards = 16

// RegisteredStream lists a stream.
func RegisteredStream(stream portal.Stream) Key {
	return Key{Registry(shardOf(stream, RegistryShards)).PK, string(stream)}
}

// Registry lists the streams of a shard.
func Registry(shard int) Range { return Range{PK: fmt.Sprintf("registry#%02d", shard)} }

// StreamOf returns the stream of a RegisteredStream.
func StreamOf(registered Key) portal.Stream { return portal.Stream(registered.SK) }

// Identity names the account of an issuer and subject. hash is of both.
func Identity(hash string) Key { return Key{identityBegins + hash, "account"} }

const identityBegins = "identity#"

// IdentityBegins is the prefix of every Identity's partition key, and of no other row's.
func IdentityBegins() string { return identityBegins }
