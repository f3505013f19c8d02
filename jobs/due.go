package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// dueBatch bounds how many rows one run of the job works on.
const dueBatch = 100

type queries interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

type streams interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
	Write(ctx context.Context, rows ...journal.Row) error
}

type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
}

// DueWishes is the job that asks again for wishes that are still open. Running it
// twice at once sends a wake-up twice, which converging does not mind.
type DueWishes struct {
	Records string
	Tables  queries
	Journal streams
	Sender  sender
	Now     func() time.Time
}

// Run works on the rows that are due in one shard; the cursor is the shard's number.
func (d DueWishes) Run(ctx context.Context, cursor string) (next string, err error) {
	shard, _ := strconv.Atoi(cursor)
	wishes, err := d.due(ctx, shard)
	if err != nil {
		return "", err
	}
	for _, wish := range wishes {
		if err := d.ask(ctx, wish); err != nil {
			return "", err
		}
	}
	switch {
	case len(wishes) == dueBatch:
		return strconv.Itoa(shard), nil
	case shard+1 < dueShards:
		return strconv.Itoa(shard + 1), nil
	}
	return "", nil
}

func (d DueWishes) due(ctx context.Context, shard int) ([]Wish, error) {
	out, err := d.Tables.Query(ctx, &dynamodb.QueryInput{
		TableName:              &d.Records,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :shard AND sk < :now"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":shard": &types.AttributeValueMemberS{Value: dueKey(shard)},
			":now":   &types.AttributeValueMemberS{Value: timeKey(d.Now())},
		},
		Limit: aws.Int32(dueBatch),
	})
	if err != nil {
		return nil, portal.Postpone("the records do not answer", fmt.Errorf("reading due rows: %w", err))
	}
	wishes := make([]Wish, len(out.Items))
	for i, item := range out.Items {
		if err := attributevalue.UnmarshalMap(item, &wishes[i]); err != nil {
			return nil, fmt.Errorf("decoding a due row: %w", err)
		}
	}
	return wishes, nil
}

// ask wakes converging if the wish is open still, and drops the row if it is not. The
// row moves after the message was sent: a crash between the two asks once more.
func (d DueWishes) ask(ctx context.Context, wish Wish) error {
	id, ok := wish.Stream.Account()
	if !ok {
		return d.Journal.Write(ctx, wish.Gone())
	}
	history, err := d.Journal.Read(ctx, wish.Stream, 0)
	var postponed *portal.Postponed
	switch {
	case errors.As(err, &postponed):
		return err
	case err != nil:
		// A stream that cannot be read holds up no other.
		zerolog.Ctx(ctx).Error().Err(err).Str("stream", string(wish.Stream)).Msg("the wish cannot be asked for again now")
		return d.Journal.Write(ctx, wish.Gone(), wish.Again(d.Now()).Row())
	}
	if !open(state.FoldAccount(id, history), wish) {
		return d.Journal.Write(ctx, wish.Gone())
	}
	fact := journal.FactID(wish.Stream, wish.OpenedBy)
	err = d.Sender.Send(ctx, events.Event{
		ID: WakeUpID(fact, wish.Asked+1), Source: "/gatehouse/jobs", Subject: wish.Stream, Time: d.Now(),
		Causation: fact, Correlation: wish.Correlation, Data: events.ProvisionRequested{},
	})
	if err != nil {
		return portal.Postpone("the queues do not answer", err)
	}
	return d.Journal.Write(ctx, wish.Gone(), wish.Again(d.Now()).Row())
}

func open(account state.Account, wish Wish) bool {
	for _, s := range account.Subscriptions {
		if s.Open() && s.OpenedBy == wish.OpenedBy {
			return true
		}
	}
	return false
}
