// Package accounts reads accounts from the journal: the state and the latest facts. A process reads
// on from what it has read before, and starts a long stream that it has not read at a snapshot, so
// the cost of a request does not grow with the account's history. A snapshot is only a copy of a
// fold. If there is none, or one of another version, the stream is read from its first fact.
package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gzipped"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

const (
	// snapshotFrom is how many facts must follow a snapshot before a new one is made. kept is how
	// many of the latest facts the new one leaves out.
	snapshotFrom = 200
	kept         = 100
	// maxHandled is how many handled requests a snapshot remembers, the latest ones, so that they
	// are recognised when they are delivered again.
	maxHandled = 1000
	// maxPacked is how many bytes a gzipped state may have. A DynamoDB item may have 400 KB.
	maxPacked   = 300 << 10
	snapshotTTL = 90 * 24 * time.Hour
)

// foldVersion is part of a snapshot's key. Raise it when a fold changes. New types of facts change
// the key by themselves.
const foldVersion = "1"

type streams interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
	ReadUpTo(ctx context.Context, stream portal.Stream, after int64, most int) (facts []events.Event, more bool, err error)
}

type tables interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Reader reads accounts, always to the end of the stream. It is safe for concurrent use.
type Reader struct {
	journal streams
	tables  tables
	records string
	now     func() time.Time
	memory  *memory
	from    int
	kept    int
}

// NewReader returns a Reader of the journal. It keeps its snapshots in the table named records.
func NewReader(journal streams, tables tables, records string, now func() time.Time) *Reader {
	return &Reader{journal: journal, tables: tables, records: records, now: now, memory: newMemory(), from: snapshotFrom, kept: kept}
}

// SnapshotEvery makes snapshots of shorter streams, for tests: after from facts, leaving out the
// latest kept.
func (r *Reader) SnapshotEvery(from, kept int) *Reader {
	r.from, r.kept = from, kept
	return r
}

// History is what the journal says about an account.
type History struct {
	// Account is the fold of all facts.
	Account state.Account
	// Facts are the latest facts, in order: all of a short stream, at least the last
	// hundred of a long one.
	Facts []events.Event
	// Base is the state before Facts.
	Base state.Account
	// handled are the requests that led to facts before Facts.
	handled []string
}

// Handled reports whether the request is known to have led to a fact before Facts.
func (h History) Handled(request string) bool { return slices.Contains(h.handled, request) }

// Account reads an account consistently. Its errors are those of Journal.Read.
func (r *Reader) Account(ctx context.Context, id portal.AccountID) (History, error) {
	return r.read(ctx, id, -1)
}

// AccountFrom is Account with every fact after that sequence number in Facts.
func (r *Reader) AccountFrom(ctx context.Context, id portal.AccountID, after int64) (History, error) {
	return r.read(ctx, id, after)
}

func (r *Reader) read(ctx context.Context, id portal.AccountID, after int64) (History, error) {
	now, damaged, err := r.latest(ctx, id, after)
	if err != nil {
		return History{}, err
	}
	r.memory.keep(portal.AccountStream(id), now)
	if after < 0 && len(now.facts) >= r.from {
		r.save(ctx, now, damaged)
	}
	return History{Account: now.account.Clone(), Facts: slices.Clip(now.facts), Base: now.base.Clone(), handled: now.handled}, nil
}

// latest reads to the end of the stream: on from what this process remembers, or else from a
// snapshot, provided that the result then has every fact after that sequence number. damaged says
// that the snapshot, or the memory, does not agree with the stream.
func (r *Reader) latest(ctx context.Context, id portal.AccountID, after int64) (now read, damaged bool, err error) {
	stream := portal.AccountStream(id)
	begins := func(base state.Account) bool { return after < 0 || base.Sequence <= after }
	if known, ok := r.memory.recall(stream); ok && begins(known.base) {
		now, err = r.readOn(ctx, stream, known)
		if !errors.Is(err, errAnother) {
			return now, false, err
		}
		now, err = r.readOn(ctx, stream, nothing(id))
		return now, true, err
	}
	now = nothing(id)
	if after < int64(r.from) {
		facts, more, err := r.journal.ReadUpTo(ctx, stream, 0, r.from)
		if now = now.with(facts); err != nil || !more {
			return now, false, err
		}
	}
	base, handled, err := r.load(ctx, id)
	switch {
	case err != nil:
		damaged = true
		zerolog.Ctx(ctx).Warn().Err(err).Str("account", string(id)).Msg("a snapshot cannot be read; the stream is read from its first fact")
	case base.Sequence > now.account.Sequence && begins(base):
		onward, err := r.readOn(ctx, stream, read{base: base, handled: handled, account: base})
		if !errors.Is(err, errAnother) {
			return onward, false, err
		}
		damaged = true
	}
	now, err = r.readOn(ctx, stream, now)
	return now, damaged, err
}

// errAnother means that the journal no longer holds what was read of it before, because it was
// restored to an earlier time.
var errAnother = errors.New("the stream is not the one that was read before")

// readOn reads the facts after the known ones. It reads the last known fact again, to check that it
// is still there. A snapshot is always followed by some facts.
func (r *Reader) readOn(ctx context.Context, stream portal.Stream, known read) (read, error) {
	from, last := known.account.Sequence, len(known.facts)-1
	if last >= 0 {
		from--
	}
	facts, err := r.journal.Read(ctx, stream, from)
	if err != nil {
		return read{}, err
	}
	if known.account.Sequence > 0 && len(facts) == 0 || last >= 0 && !reflect.DeepEqual(facts[0], known.facts[last]) {
		return read{}, errAnother
	}
	if last >= 0 {
		facts = facts[1:]
	}
	if len(facts) == 0 {
		return known, nil
	}
	return known.with(facts), nil
}

// row is a snapshot without its attribute "state", which is the Account as gzipped JSON.
type row struct {
	Sequence int64    `dynamodbav:"seq"`
	Handled  []string `dynamodbav:"handled"`
	Expires  int64    `dynamodbav:"expires_at"`
}

// version identifies the fold. A program that knows other types of facts folds differently.
var version = portal.DeriveID(append([]string{foldVersion}, events.FactTypes()...)...)[:12]

func place(id portal.AccountID) map[string]types.AttributeValue {
	return schema.Snapshot(portal.AccountStream(id), version).Attributes()
}

// load reads a snapshot. It returns the zero Account if there is none or the table does not answer.
// An error means that the snapshot is damaged.
func (r *Reader) load(ctx context.Context, id portal.AccountID) (account state.Account, handled []string, err error) {
	out, err := r.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.records, Key: place(id), ConsistentRead: aws.Bool(false)})
	if err != nil || out.Item == nil {
		return state.Account{}, nil, nil // the stream says the same
	}
	var found row
	account = state.NewAccount(id)
	if err := attributevalue.UnmarshalMap(out.Item, &found); err != nil {
		return state.Account{}, nil, err
	}
	body, err := gzipped.Unpack(out.Item["state"])
	if err != nil {
		return state.Account{}, nil, err
	}
	if err := json.Unmarshal(body, &account); err != nil {
		return state.Account{}, nil, err
	}
	if account.Sequence != found.Sequence || account.ID != id {
		return state.Account{}, nil, fmt.Errorf("it is of %s at %d, and its row says %d", account.ID, account.Sequence, found.Sequence)
	}
	return account, found.Handled, nil
}

// save stores the state as it was before the latest facts. It replaces an older or a damaged
// snapshot. Snapshots of the same sequence are equal. A failure is only logged.
func (r *Reader) save(ctx context.Context, now read, damaged bool) {
	account, handled := now.base.Clone(), slices.Clone(now.handled)
	before, facts := now.facts[:len(now.facts)-r.kept], now.facts[len(now.facts)-r.kept:]
	for _, fact := range before {
		account.Apply(fact)
		if _, failed := fact.Data.(events.RequestFailed); fact.Intent > 0 && !failed {
			handled = append(handled, fact.Causation)
		}
	}
	handled = slices.Compact(handled)
	if n := len(handled); n > maxHandled {
		handled = handled[n-maxHandled:]
	}
	if account.NotUnderstood != "" {
		return
	}
	packed, err := pack(account)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("account", string(account.ID)).Msg("no snapshot is kept")
		return
	}
	item, err := attributevalue.MarshalMap(row{Sequence: account.Sequence, Handled: handled, Expires: r.now().Add(snapshotTTL).Unix()})
	if err != nil {
		return
	}
	maps.Copy(item, place(account.ID))
	item["state"] = packed
	put := &dynamodb.PutItemInput{TableName: &r.records, Item: item}
	if !damaged {
		put.ConditionExpression = aws.String("attribute_not_exists(pk) OR seq < :seq")
		put.ExpressionAttributeValues = map[string]types.AttributeValue{":seq": item["seq"]}
	}
	_, err = r.tables.PutItem(ctx, put)
	if err != nil && !journal.LostRace(err) {
		zerolog.Ctx(ctx).Warn().Err(err).Str("account", string(account.ID)).Msg("a snapshot could not be kept")
		return
	}
	r.memory.keep(portal.AccountStream(account.ID), read{base: account, handled: handled, facts: slices.Clone(facts), account: now.account})
}

func pack(account state.Account) (*types.AttributeValueMemberB, error) {
	body, err := json.Marshal(account)
	if err != nil {
		return nil, err
	}
	packed, err := gzipped.Pack(body)
	if err == nil && len(packed.Value) > maxPacked {
		err = fmt.Errorf("the state has %d bytes, gzipped", len(packed.Value))
	}
	return packed, err
}
