package projections

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

const (
	verifyPage, verifyReaders = 100, 16
	// maxDifferences bounds the differences that a result names.
	maxDifferences = 100
	// A stream that a projector changes meanwhile is compared again, at most verifyTries times, after
	// verifyPause.
	verifyTries = 5
	verifyPause = 200 * time.Millisecond
	// maxCandidates bounds the rows of which no stream is known. They are looked up again, since their stream
	// may have been appended to meanwhile. Others are not counted.
	maxCandidates = 10_000
)

type verifyClient interface {
	client
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

type wholeStreams interface {
	streams
	streamPages
}

// Verifier compares the live views with the journal, row by row. It writes nothing.
type Verifier struct {
	projector *Projector
	journal   wholeStreams
	client    verifyClient
	now       func() time.Time
	wait      func(ctx context.Context, d time.Duration) error
}

// NewVerifier returns a Verifier. wait returns after d, or with an error when ctx ends.
func NewVerifier(journal wholeStreams, client verifyClient, tables Tables, now func() time.Time, wait func(context.Context, time.Duration) error) *Verifier {
	return &Verifier{projector: NewProjector(journal, folding{journal}, client, tables), journal: journal, client: client, now: now, wait: wait}
}

// folding reads accounts from their first fact on, without memory or snapshots.
type folding struct{ journal streams }

func (f folding) AccountSince(ctx context.Context, id portal.AccountID, _ int64, _ events.Event) (accounts.History, error) {
	facts, err := f.journal.Read(ctx, portal.AccountStream(id), 0)
	return accounts.History{Base: state.NewAccount(id), Facts: facts}, err
}

// Verification is the result of a Verify.
type Verification struct {
	Generation schema.Generation `json:"generation"`
	// Streams, Facts and Rows are what was compared. A fact that is not shown yet is not counted.
	Streams int   `json:"streams"`
	Facts   int64 `json:"facts"`
	Rows    int   `json:"rows"`
	// Behind are the streams that are not shown to their end, and Unshown the facts that are missing.
	// That is no difference: the views follow.
	Behind  int   `json:"behind"`
	Unshown int64 `json:"unshown"`
	// Unreadable streams cannot be read by this version. Nothing of them was compared.
	Unreadable int `json:"unreadable"`
	// Found is the number of differences, and Differences the first 100 of them. Of rows that no stream has, at
	// most 10,000 are found.
	Found       int          `json:"found"`
	Differences []Difference `json:"differences"`
	// Leftover are rows of generations before the live one. They do no harm.
	Leftover int `json:"leftover"`
}

// The values of Difference.What.
const (
	RowMissing    = "missing"
	RowDiffers    = "differs"
	RowUnexpected = "unexpected" // no stream has it
)

// Difference is one row that is not as the journal says.
type Difference struct {
	Stream portal.Stream `json:"stream,omitempty"`
	PK     string        `json:"partition"`
	SK     string        `json:"sort"`
	What   string        `json:"what"`
	// Attributes differ, sorted.
	Attributes []string `json:"attributes,omitempty"`
}

func (v *Verification) found(differences ...Difference) {
	v.Found += len(differences)
	v.Differences = append(v.Differences, differences[:min(len(differences), maxDifferences-len(v.Differences))]...)
}

// Streams counts the streams of the journal.
func (v *Verifier) Streams(ctx context.Context) (n int, err error) {
	err = v.each(ctx, func(_ context.Context, streams []portal.Stream) error { n += len(streams); return nil })
	return n, err
}

func (v *Verifier) each(ctx context.Context, visit func(context.Context, []portal.Stream) error) error {
	for position := ""; ; {
		streams, next, err := v.journal.StreamPage(ctx, position, verifyPage)
		if err != nil {
			return fmt.Errorf("listing streams: %w", err)
		}
		if err := visit(ctx, streams); err != nil {
			return err
		}
		if position = next; next == "" {
			return nil
		}
	}
}

// Verify computes the rows of every stream from its facts, up to where the stream is shown, and
// compares them with the stored ones. If every stream can be read, it then looks for stored rows that no
// stream has. It calls tell with the number of streams so far, and keeps eight bytes of memory for each row.
// The error is portal.Conflict if a rebuild made other views live meanwhile.
func (v *Verifier) Verify(ctx context.Context, tell func(streams int)) (Verification, error) {
	pointer, err := v.projector.store.generations.read(ctx)
	if err != nil {
		return Verification{}, err
	}
	result := Verification{Generation: pointer.Live, Differences: []Difference{}}
	expected := map[uint64]struct{}{}
	err = v.each(ctx, func(ctx context.Context, streams []portal.Stream) error {
		compared := make([]comparison, len(streams))
		err := inParallel(ctx, streams, func(ctx context.Context, i int, stream portal.Stream) (err error) {
			compared[i], err = v.compare(ctx, pointer.Live, stream)
			return err
		})
		for _, one := range compared {
			result.add(one)
			for _, key := range one.keys {
				expected[hashOf(key)] = struct{}{}
			}
		}
		tell(result.Streams)
		return err
	})
	if err == nil && result.Unreadable == 0 {
		err = v.unexpected(ctx, &result, expected)
	}
	if err != nil {
		return result, err
	}
	after, err := v.projector.store.generations.read(ctx)
	if err == nil && after.Live != pointer.Live {
		err = portal.Fail(portal.Conflict, "A rebuild made other views live meanwhile. Verify them again.")
	}
	return result, err
}

func inParallel(ctx context.Context, streams []portal.Stream, do func(ctx context.Context, i int, stream portal.Stream) error) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(verifyReaders)
	for i, stream := range streams {
		group.Go(portal.Guard(func() error { return do(within, i, stream) }))
	}
	return group.Wait()
}

func hashOf(key schema.Key) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key.PK + "\x00" + key.SK))
	return h.Sum64()
}

// comparison is what was found of one stream.
type comparison struct {
	shown, head int64
	unreadable  bool
	keys        []schema.Key
	differences []Difference
}

func (v *Verification) add(one comparison) {
	v.Streams++
	v.Facts += one.shown
	v.Rows += len(one.keys)
	if one.unreadable {
		v.Unreadable++
	}
	if one.shown < one.head {
		v.Behind++
		v.Unshown += one.head - one.shown
	}
	v.found(one.differences...)
}

// compare repeats the comparison while rows differ, at most verifyTries times, since a projector may be
// writing them.
func (v *Verifier) compare(ctx context.Context, live schema.Generation, stream portal.Stream) (found comparison, err error) {
	for try := 1; ; try++ {
		if found, err = v.compareOnce(ctx, live, stream); unreadable(ctx, err) {
			return comparison{unreadable: true}, nil
		}
		if err != nil || len(found.differences) == 0 || try == verifyTries {
			return found, err
		}
		if err := v.wait(ctx, verifyPause); err != nil {
			return found, err
		}
	}
}

func (v *Verifier) compareOnce(ctx context.Context, live schema.Generation, stream portal.Stream) (found comparison, err error) {
	place := shownIn{live, stream}
	if found.shown, err = v.projector.store.checkpoint(ctx, place); err != nil {
		return found, err
	}
	if found.head, err = v.journal.Head(ctx, stream); err != nil || found.shown == 0 {
		return found, err
	}
	want, err := v.expected(ctx, place, found.shown)
	if err != nil {
		return found, err
	}
	has, err := v.stored(ctx, slices.Collect(maps.Keys(want)))
	if err != nil {
		return found, err
	}
	for key, item := range want {
		found.keys = append(found.keys, key)
		if what, attributes := v.difference(item, has[key]); what != "" {
			found.differences = append(found.differences, Difference{Stream: stream, PK: key.PK, SK: key.SK, What: what, Attributes: attributes})
		}
	}
	slices.SortFunc(found.differences, func(a, b Difference) int {
		return keyOrder(schema.Key{PK: a.PK, SK: a.SK}, schema.Key{PK: b.PK, SK: b.SK})
	})
	return found, nil
}

type item = map[string]types.AttributeValue

// expected are the rows of a stream that is shown up to that sequence.
func (v *Verifier) expected(ctx context.Context, place shownIn, upTo int64) (map[schema.Key]item, error) {
	changed := newRows(place.generation)
	var err error
	if id, ok := place.stream.Account(); ok {
		_, err = v.projector.showAccount(ctx, changed, id, events.Event{}, 0, upTo)
	} else {
		_, err = v.projector.showStream(ctx, changed, place.stream, 0, upTo)
	}
	if err != nil {
		return nil, err
	}
	changed.checkpoint(place.stream, 0, upTo)
	want := map[schema.Key]item{}
	for key, row := range changed.byKey {
		put, err := v.projector.store.guarded(row)
		if err != nil {
			return nil, err
		}
		want[key] = put.Item
	}
	return want, nil
}

// stored reads rows with consistent reads. Rows that do not exist are not in the result.
func (v *Verifier) stored(ctx context.Context, keys []schema.Key) (map[schema.Key]item, error) {
	table := v.projector.store.tables.Views
	has := map[schema.Key]item{}
	for part := range slices.Chunk(keys, maxRead) {
		ask := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
		for _, key := range part {
			ask.Keys = append(ask.Keys, key.Attributes())
		}
		for len(ask.Keys) > 0 {
			out, err := v.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: ask}})
			if err != nil {
				return nil, unavailable(err, "reading rows of the views")
			}
			for _, row := range out.Responses[table] {
				has[schema.KeyOf(row)] = row
			}
			if ask = out.UnprocessedKeys[table]; len(ask.Keys) > 0 {
				if err := v.wait(ctx, verifyPause); err != nil {
					return nil, err
				}
			}
		}
	}
	return has, nil
}

// maxRead is how many rows DynamoDB reads in one request.
const maxRead = 100

// difference returns "" if the rows are equal. A row that has expired may be missing.
func (v *Verifier) difference(want, has item) (what string, attributes []string) {
	if has == nil {
		if expires := schema.NumberOf(want[schema.TTL]); expires != 0 && expires <= v.now().Unix() {
			return "", nil
		}
		return RowMissing, nil
	}
	names := maps.Clone(want)
	maps.Copy(names, has)
	for name := range names {
		if !sameValue(want[name], has[name]) {
			attributes = append(attributes, name)
		}
	}
	if len(attributes) == 0 {
		return "", nil
	}
	slices.Sort(attributes)
	return RowDiffers, attributes
}

// sameValue compares values of the types that rows use.
func sameValue(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberBOOL:
		b, ok := b.(*types.AttributeValueMemberBOOL)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberNULL:
		_, ok := b.(*types.AttributeValueMemberNULL)
		return ok
	case *types.AttributeValueMemberL:
		b, ok := b.(*types.AttributeValueMemberL)
		return ok && slices.EqualFunc(a.Value, b.Value, sameValue)
	case *types.AttributeValueMemberM:
		b, ok := b.(*types.AttributeValueMemberM)
		return ok && maps.EqualFunc(a.Value, b.Value, sameValue)
	}
	return false
}

func keyOrder(a, b schema.Key) int {
	return cmp.Or(cmp.Compare(a.PK, b.PK), cmp.Compare(a.SK, b.SK))
}

// unexpected looks for rows of the live generation that no stream has. Rows of facts that were shown
// meanwhile are looked up again, since their streams have them now.
func (v *Verifier) unexpected(ctx context.Context, result *Verification, expected map[uint64]struct{}) error {
	candidates := map[schema.Key]struct{}{}
	table := v.projector.store.tables.Views
	pages := dynamodb.NewScanPaginator(v.client, &dynamodb.ScanInput{
		TableName: &table, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("pk, sk"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable(err, "reading the views")
		}
		for _, row := range page.Items {
			key := schema.KeyOf(row)
			generation, ok := schema.GenerationOf(key)
			_, known := expected[hashOf(key)]
			switch {
			case ok && generation < result.Generation:
				result.Leftover++
			case ok && generation == result.Generation && !known && len(candidates) < maxCandidates:
				candidates[key] = struct{}{}
			}
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	if err := v.dropShownSince(ctx, result.Generation, candidates); err != nil {
		return err
	}
	for _, key := range slices.SortedFunc(maps.Keys(candidates), keyOrder) {
		result.found(Difference{PK: key.PK, SK: key.SK, What: RowUnexpected})
	}
	return nil
}

// dropShownSince removes the candidates that a stream has by now.
func (v *Verifier) dropShownSince(ctx context.Context, live schema.Generation, candidates map[schema.Key]struct{}) error {
	return v.each(ctx, func(ctx context.Context, streams []portal.Stream) error {
		keys := make([][]schema.Key, len(streams))
		err := inParallel(ctx, streams, func(ctx context.Context, i int, stream portal.Stream) error {
			place := shownIn{live, stream}
			shown, err := v.projector.store.checkpoint(ctx, place)
			if err != nil || shown == 0 {
				return err
			}
			want, err := v.expected(ctx, place, shown)
			if unreadable(ctx, err) {
				return nil
			}
			keys[i] = slices.Collect(maps.Keys(want))
			return err
		})
		for _, of := range keys {
			for _, key := range of {
				delete(candidates, key)
			}
		}
		return err
	})
}
