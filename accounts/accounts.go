// Package accounts reads what the journal says of an account: its state and its latest
// facts. A process reads on from what it has read before, and a long stream that it has not
// read is read from a snapshot on, so that what a request of an account costs does not grow
// with the account's history. A snapshot is a copy of a fold and
// nothing more: it may be missing, be of another version or be deleted at any time, and
// then the stream is read from its first fact.
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
	// snapshotFrom is how many facts a reading must meet for a new snapshot to pay, and kept
	// how many of them stay in front of it.
	snapshotFrom = 200
	kept         = 100
	// maxHandled is how many requests a snapshot remembers, the latest ones, so that they are
	// recognised when they come again.
	maxHandled = 1000
	// maxPacked is how many bytes a gzipped state may have: DynamoDB takes 400 KB for an item.
	maxPacked   = 300 << 10
	snapshotTTL = 90 * 24 * time.Hour
)

// foldVersion is part of a snapshot's key. Raise it when a fold changes; what types of
// fact it knows is part of the key anyway.
const foldVersion = "1"

type streams interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
	ReadUpTo(ctx context.Context, stream portal.Stream, after int64, most int) (facts []events.Event, more bool, err error)
}

type tables interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Reader reads accounts. It remembers what it has read and reads on from there, always to the
// stream's end. It is safe for concurrent use.
type Reader struct {
	journal streams
	tables  tables
	records string
	now     func() time.Time
	memory  *memory
	from    int
	kept    int
}

// NewReader returns a Reader of that journal, which keeps its snapshots in the table
// named records.
func NewReader(journal streams, tables tables, records string, now func() time.Time) *Reader {
	return &Reader{journal: journal, tables: tables, records: records, now: now, memory: newMemory(), from: snapshotFrom, kept: kept}
}

// SnapshotEvery has snapshots made of shorter streams already, for tests: from so many
// facts on, with so many in front.
func (r *Reader) SnapshotEvery(from, kept int) *Reader {
	r.from, r.kept = from, kept
	return r
}

// History is an account as the journal tells of it.
type History struct {
	// Account is the fold of all facts.
	Account state.Account
	// Facts are the latest facts, in order: all of a short stream, at least the last
	// hundred of a long one.
	Facts []events.Event
	// Base is the state before Facts.
	Base state.Account
	// handled are requests that led to facts before Facts.
	handled []string
}

// Handled says whether the request is known to have led to a fact that is not among Facts.
func (h History) Handled(request string) bool { return slices.Contains(h.handled, request) }

// Account reads an account, consistently. Failures of the tables come as
// *portal.Postponed, what can never be read as *journal.PermanentError.
func (r *Reader) Account(ctx context.Context, id portal.AccountID) (History, error) {
	return r.read(ctx, id, -1)
}

// AccountFrom is Account with every fact after that sequence among Facts.
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

// latest reads to the stream's end, from where this process has read before or else from a
// snapshot, if either has every fact after that sequence still to come. damaged says that the
// snapshot is not to be believed.
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

// errAnother says that the journal does not hold what was read of it before: it was restored
// to an earlier time.
var errAnother = errors.New("the stream is not the one that was read before")

// readOn reads what came after what is known. It reads the last fact that is known once
// more, to see that it is still there; some facts always come after a snapshot.
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

// row is a snapshot, but for its attribute "state", which is the Account as gzipped JSON.
type row struct {
	Sequence int64    `dynamodbav:"seq"`
	Handled  []string `dynamodbav:"handled"`
	Expires  int64    `dynamodbav:"expires_at"`
}

// version tells folds apart: a program that knows other facts folds otherwise.
var version = portal.DeriveID(append([]string{foldVersion}, events.FactTypes()...)...)[:12]

func place(id portal.AccountID) map[string]types.AttributeValue {
	return schema.Snapshot(portal.AccountStream(id), version).Attributes()
}

// load reads a snapshot, and the zero Account if there is none or the table does not
// answer. An error says that the one which is there is damaged.
func (r *Reader) load(ctx context.Context, id portal.AccountID) (account state.Account, handled []string, err error) {
	out, err := r.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.records, Key: place(id), ConsistentRead: aws.Bool(false)})
	if err != nil || out.Item == nil {
		return state.Account{}, nil, nil // the stream itself tells the same
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
		return state.Account{}, nil, fmt.Errorf("it is of %s at %d, and lies at %d", account.ID, account.Sequence, found.Sequence)
	}
	return account, found.Handled, nil
}

// save keeps the state as it was some facts ago, in place of an older or a damaged one. A
// second one at the same place is the same; failing to is no fault.
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
