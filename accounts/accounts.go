// Package accounts reads an account's state and latest facts from the journal. The cost does not
// grow with the account's history: a process continues from what it read before. Of a new stream
// it reads the first 200 facts; if there are more, it continues from a snapshot. A snapshot is
// only a copy of a fold. If it is missing or has another version, the stream is read from its
// first fact.
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
	// When Account returns at least snapshotFrom facts, it stores a snapshot of all but the
	// last kept ones, unless it does not understand one of those before them.
	snapshotFrom = 200
	kept         = 100
	// maxHandled bounds the requests that a snapshot remembers, to recognise redeliveries.
	maxHandled = 1000
	// maxPacked bounds the gzipped state, in bytes. DynamoDB takes 400 KB for an item.
	maxPacked   = 300 << 10
	snapshotTTL = 90 * 24 * time.Hour
)

// foldVersion is part of a snapshot's key. Raise it when a fold changes. A new type of fact
// changes the key without that.
const foldVersion = "6"

type streams interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
	ReadUpTo(ctx context.Context, stream portal.Stream, after int64, limit int) (facts []events.Event, more bool, err error)
}

type tables interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Reader reads accounts, each from where it last stopped. It is safe for concurrent use.
type Reader struct {
	journal streams
	tables  tables
	records string
	now     func() time.Time
	memory  *memory
	from    int
	kept    int
}

// NewReader returns a Reader that keeps its snapshots in the table named records.
func NewReader(journal streams, tables tables, records string, now func() time.Time) *Reader {
	return &Reader{journal: journal, tables: tables, records: records, now: now, memory: newMemory(), from: snapshotFrom, kept: kept}
}

// SnapshotEvery sets how many facts make a snapshot and how many of them it leaves out, for
// tests with short streams.
func (r *Reader) SnapshotEvery(from, kept int) *Reader {
	r.from, r.kept = from, kept
	return r
}

// History is an account with its latest facts.
type History struct {
	Account state.Account
	// Facts are the latest facts, in order: all of a short stream, at least the last hundred of
	// a long one.
	Facts []events.Event
	// Base is the state before Facts.
	Base    state.Account
	handled []string
}

// Handled reports whether the request is known to have led to a fact before Facts, other than
// RequestFailed. It knows only the latest requests, and none of workers.
func (h History) Handled(request string) bool { return slices.Contains(h.handled, request) }

// Account reads an account consistently. If a table does not answer, the error is
// *portal.Postponed; if a fact cannot be read, it is *journal.PermanentError.
func (r *Reader) Account(ctx context.Context, id portal.AccountID) (History, error) {
	return r.read(ctx, id, -1)
}

// AccountSince is Account with every fact after that sequence in Facts. It reads the stream from its
// first fact if the snapshot is later than that. The caller has a message about that fact, and needs
// the stream at least up to it. If this process has read the fact, or has appended it, it reads
// nothing and returns what it remembers. Nor does it read anything if the message, with those that
// follow it, continues what it remembers.
func (r *Reader) AccountSince(ctx context.Context, id portal.AccountID, after int64, fact events.Event) (History, error) {
	stream := portal.AccountStream(id)
	known, ok := r.memory.recall(stream)
	if !ok {
		known = nothing(id)
	}
	if told := r.told(ctx, stream, fact); len(told) > 0 && after >= 0 && told[0].Sequence == known.account.Sequence+1 {
		known, ok = known.with(told), true
		r.memory.keep(stream, known)
	}
	if ok && known.base.Sequence <= after && known.holds(fact) {
		return known.history(), nil
	}
	return r.read(ctx, id, after)
}

// Remembered returns the account as this process last read or appended to it, and reads nothing. The
// stream may have more facts, or others. ok is false if the process remembers none.
func (r *Reader) Remembered(id portal.AccountID) (history History, ok bool) {
	known, ok := r.memory.recall(portal.AccountStream(id))
	if !ok || len(known.facts) == 0 {
		return History{}, false
	}
	return known.history(), true
}

// recent is how long after a fact was recorded its message is taken for it. Restoring the journal to
// a moment before the fact takes longer.
const recent = time.Minute

// told returns the facts of a stream that the message about a fact and those behind it tell of, if there
// are at least two, or if it is the stream's first. A single one may be the first of several that were
// appended together; reading the stream shows all of them at once.
func (r *Reader) told(ctx context.Context, stream portal.Stream, fact events.Event) []events.Event {
	var told []events.Event
	for _, next := range append([]events.Event{fact}, events.Following(ctx)...) {
		if next.Subject != stream || next.Sequence != fact.Sequence+int64(len(told)) || r.now().Sub(next.Time).Abs() >= recent {
			break
		}
		told = append(told, next)
	}
	if fact.Sequence < 1 || fact.Sequence > 1 && len(told) < 2 {
		return nil
	}
	return told
}

func (r *Reader) read(ctx context.Context, id portal.AccountID, after int64) (History, error) {
	now, replace, err := r.latest(ctx, id, after)
	if err != nil {
		return History{}, err
	}
	r.memory.keep(portal.AccountStream(id), now)
	if after < 0 && len(now.facts) >= r.from {
		r.save(ctx, now, replace)
	}
	return now.history(), nil
}

// latest reads to the stream's end, from what this process has read or a snapshot, unless its
// base is later than after. replace: save must overwrite the stored snapshot, even with an
// earlier one.
func (r *Reader) latest(ctx context.Context, id portal.AccountID, after int64) (now read, replace bool, err error) {
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
		replace = errors.Is(err, errDamaged)
		zerolog.Ctx(ctx).Warn().Err(err).Str("stream", string(stream)).Msg("cannot read a snapshot; reading the stream from its first fact")
	case base.Sequence > now.account.Sequence && begins(base):
		onward, err := r.readOn(ctx, stream, read{base: base, handled: handled, account: base})
		if !errors.Is(err, errAnother) {
			return onward, false, err
		}
		replace = true
	}
	now, err = r.readOn(ctx, stream, now)
	return now, replace, err
}

// errAnother: the journal was restored to an earlier time.
var errAnother = errors.New("the journal no longer has the facts that were read before")

// readOn reads the last known fact and those after it, to see that it still exists. After a
// snapshot there is always a fact.
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

// row is a snapshot without its attribute "state", the Account as gzipped JSON.
type row struct {
	Sequence int64    `dynamodbav:"seq"`
	Handled  []string `dynamodbav:"handled"`
	Expires  int64    `dynamodbav:"expires_at"`
}

var version = portal.DeriveID(append([]string{foldVersion}, events.FactTypes()...)...)[:12]

func place(id portal.AccountID) map[string]types.AttributeValue {
	return schema.Snapshot(portal.AccountStream(id), version).Attributes()
}

var errDamaged = errors.New("the snapshot is damaged")

func (r *Reader) load(ctx context.Context, id portal.AccountID) (account state.Account, handled []string, err error) {
	out, err := r.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.records, Key: place(id), ConsistentRead: aws.Bool(false)})
	if err != nil || out.Item == nil {
		return state.Account{}, nil, err
	}
	account, handled, err = decode(id, out.Item)
	if err != nil {
		return state.Account{}, nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return account, handled, nil
}

func decode(id portal.AccountID, item map[string]types.AttributeValue) (account state.Account, handled []string, err error) {
	var found row
	account = state.NewAccount(id)
	if err := attributevalue.UnmarshalMap(item, &found); err != nil {
		return state.Account{}, nil, err
	}
	body, err := gzipped.Unpack(item["state"])
	if err != nil {
		return state.Account{}, nil, err
	}
	if err := json.Unmarshal(body, &account); err != nil {
		return state.Account{}, nil, err
	}
	if account.Sequence != found.Sequence || account.ID != id {
		return state.Account{}, nil, fmt.Errorf("it holds %s at %d, but its row says %d", account.ID, account.Sequence, found.Sequence)
	}
	return account, found.Handled, nil
}

// save stores the state before the last facts, in place of an earlier snapshot, or of any if
// replace is set.
func (r *Reader) save(ctx context.Context, now read, replace bool) {
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
		zerolog.Ctx(ctx).Warn().Err(err).Str("stream", string(portal.AccountStream(account.ID))).Msg("cannot encode a snapshot")
		return
	}
	item, err := attributevalue.MarshalMap(row{Sequence: account.Sequence, Handled: handled, Expires: r.now().Add(snapshotTTL).Unix()})
	if err != nil {
		return
	}
	maps.Copy(item, place(account.ID))
	item["state"] = packed
	put := &dynamodb.PutItemInput{TableName: &r.records, Item: item}
	if !replace {
		put.ConditionExpression = aws.String("attribute_not_exists(pk) OR seq < :seq")
		put.ExpressionAttributeValues = map[string]types.AttributeValue{":seq": item["seq"]}
	}
	_, err = r.tables.PutItem(ctx, put)
	if err != nil && !journal.LostRace(err) {
		zerolog.Ctx(ctx).Warn().Err(err).Str("stream", string(portal.AccountStream(account.ID))).Msg("cannot store a snapshot")
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
		err = fmt.Errorf("the state takes %d bytes gzipped", len(packed.Value))
	}
	return packed, err
}
