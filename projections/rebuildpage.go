package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type rebuiltStream struct{ behind, unreadable bool }

// showPage: after a pass in which the next generation had everything that readers saw, the
// pointer may move; otherwise another pass follows.
func (r *Rebuild) showPage(ctx context.Context, now pointer, generation schema.Generation, at Rebuilding) (Rebuilding, error) {
	began := r.Now()
	streams, next, err := r.Journal.StreamPage(ctx, at.Position, rebuildPage)
	if err != nil {
		return at, fmt.Errorf("listing streams: %w", err)
	}
	found := make([]rebuiltStream, len(streams))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(rebuildReaders)
	for i, stream := range streams {
		group.Go(portal.Guard(func() (err error) {
			found[i], err = r.showStream(within, now, shownIn{generation, stream})
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return at, err
	}
	if err := r.keepTo(ctx, at.Rate, len(streams), began); err != nil {
		return at, err
	}
	at.Seen += len(streams)
	for i, one := range found {
		at.Behind = at.Behind || one.behind
		if one.unreadable {
			at.Result.Unreadable++
			if len(at.Result.First) < firstUnreadable {
				at.Result.First = append(at.Result.First, streams[i])
			}
		}
	}
	if at.Position = next; next != "" {
		return at, nil
	}
	at.Result.Streams = at.Seen
	if at.Phase == PhaseChecking {
		return at.to(PhaseDeleting), nil
	}
	at.Result.Passes++
	if at.Behind {
		return at.to(PhaseShowing), nil
	}
	return at.to(PhaseMoving), nil
}

// showStream shows a stream to its end. It is behind if readers saw more of it. A stream that
// cannot be read or whose projection panics is logged and skipped.
func (r *Rebuild) showStream(ctx context.Context, now pointer, place shownIn) (rebuiltStream, error) {
	seen, err := r.Projector.store.checkpoint(ctx, shownIn{now.Live, place.stream})
	if err != nil {
		return rebuiltStream{}, err
	}
	shown, err := r.Projector.store.checkpoint(ctx, place)
	if err != nil {
		return rebuiltStream{}, err
	}
	err = portal.Guard(func() error {
		head, err := r.Journal.Head(ctx, place.stream)
		if err == nil && shown < head {
			_, err = r.Projector.showIn(ctx, place.generation, events.Event{Subject: place.stream}, noLimit)
		}
		return err
	})()
	if unreadable(ctx, err) {
		portal.WithStack(zerolog.Ctx(ctx).Error().Err(err).Str("stream", string(place.stream)), err).
			Msg("the rebuild cannot show a stream and skips it")
		return rebuiltStream{unreadable: true}, nil
	}
	return rebuiltStream{behind: shown < seen}, err
}

const scanPage = 500

// maxBatch is how many rows DynamoDB deletes in one request.
const maxBatch = 25

type deleter interface {
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// deletePage deletes rows of older generations. It reads the pointer after them, so it deletes
// nothing if the table was lost and began again.
func (r *Rebuild) deletePage(ctx context.Context, at Rebuilding) (Rebuilding, error) {
	table := r.Projector.store.tables.Views
	in := &dynamodb.ScanInput{
		TableName: &table, Limit: aws.Int32(scanPage), ProjectionExpression: aws.String("pk, sk"),
		FilterExpression:          aws.String("NOT begins_with(pk, :built)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":built": schema.Text(at.Generation.Prefix())},
	}
	var from schema.Key
	if json.Unmarshal([]byte(at.Position), &from) == nil {
		in.ExclusiveStartKey = from.Attributes()
	}
	out, err := r.Rows.Scan(ctx, in)
	if err != nil {
		return at, unavailable(err, "looking for rows of older views")
	}
	now, err := r.generations().read(ctx)
	if err != nil {
		return at, err
	}
	var old []types.WriteRequest
	for _, key := range out.Items {
		if generation, ok := schema.GenerationOf(schema.KeyOf(key)); ok && generation < now.Live {
			old = append(old, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}})
		}
	}
	for batch := range slices.Chunk(old, maxBatch) {
		if err := r.deleteRows(ctx, table, batch); err != nil {
			return at, err
		}
	}
	at.Result.Deleted += len(old)
	if out.LastEvaluatedKey == nil {
		return r.conclude(ctx, at)
	}
	body, err := json.Marshal(schema.KeyOf(out.LastEvaluatedKey))
	at.Position = string(body)
	return at, err
}

func (r *Rebuild) deleteRows(ctx context.Context, table string, batch []types.WriteRequest) error {
	out, err := r.Rows.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: batch}})
	if err != nil {
		return unavailable(err, "deleting rows of older views")
	}
	if len(out.UnprocessedItems) > 0 {
		return &portal.Postponed{After: 5 * time.Second, Reason: "the views do not answer", Err: errors.New("deleting rows of older views: some were not deleted")}
	}
	return nil
}
