package operations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// DefaultMaxOpen is the default number of open requests that an actor may have.
const DefaultMaxOpen = 50

const (
	// openFor is how long a request counts as open, so that a lost or very slow one does not
	// block its actor forever.
	openFor = 24 * time.Hour
	// lookAgain is how long an actor with too many open requests is refused before the requests
	// are read again.
	lookAgain = 10 * time.Second
	// lookingAtOnce is how many operations are read at the same time.
	lookingAtOnce = 10
)

// The row that counts an actor's requests also holds the set of those that may be open. Each
// request adds itself in the write that counts it. Ended requests are removed only when the set
// is full, so each of them is read only once.
const (
	openAttribute = "open"
	// fullAttribute is the time at which the actor was last found to have too many open
	// requests.
	fullAttribute = "full_at"
)

// openFull means that an actor's set of open requests is full, unless some have ended.
type openFull struct {
	ids []portal.OperationID
	// at is when this was last found, or the zero time.
	at time.Time
}

func (*openFull) Error() string { return "the actor seems to have as many open requests as it may" }

func openIn(item map[string]types.AttributeValue) *openFull {
	full := &openFull{}
	if set, ok := item[openAttribute].(*types.AttributeValueMemberSS); ok {
		for _, id := range set.Value {
			full.ids = append(full.ids, portal.OperationID(id))
		}
	}
	_ = attributevalue.Unmarshal(item[fullAttribute], &full.at) // an unreadable time counts as never
	return full
}

// open adds a request to the open ones, on condition that there is room or that it is in the
// set.
func (u *update) open(id portal.OperationID, most int) {
	set := u.name(openAttribute)
	u.values[":this"] = &types.AttributeValueMemberSS{Value: []string{string(id)}}
	u.values[":id"] = &types.AttributeValueMemberS{Value: string(id)}
	u.adds = append(u.adds, set+" :this")
	u.conditions = append(u.conditions, fmt.Sprintf("(attribute_not_exists(%[1]s) OR size(%[1]s) < %[2]s OR contains(%[1]s, :id))",
		set, u.number(int64(most))))
}

// draw takes an intent number, making room for the request first if needed.
func (o *Operations) draw(ctx context.Context, row operationRow, change bool) (portal.Intent, error) {
	intent, err := o.rows.draw(ctx, row, change)
	var full *openFull
	if !errors.As(err, &full) {
		return intent, err
	}
	if err := o.makeRoom(ctx, row, full); err != nil {
		return 0, err
	}
	intent, err = o.rows.draw(ctx, row, change)
	if errors.As(err, &full) { // other requests took the room
		return 0, o.tooManyOpen()
	}
	return intent, err
}

func (o *Operations) tooManyOpen() error {
	return portal.Fail(portal.TooManyRequests, fmt.Sprintf(
		"You have %d requests that have not ended yet, and may have no more. Wait until some of them have ended, then send this one again.", o.rows.maxOpen))
}

// makeRoom removes ended requests from an actor's open ones. If none has ended, the error is
// TooManyRequests. Only one process at a time does this for an actor, and at most once in
// lookAgain while the set stays full.
func (o *Operations) makeRoom(ctx context.Context, row operationRow, full *openFull) error {
	now := row.CreatedAt
	if !full.at.IsZero() {
		if age := now.Sub(full.at); age >= 0 && age < lookAgain {
			return o.tooManyOpen()
		}
		mine, err := o.rows.noteFull(ctx, row.Actor, full.at, now)
		switch {
		case err != nil:
			return err
		case !mine:
			return o.tooManyOpen()
		}
	}
	ended, err := o.endedOf(ctx, full, now)
	switch {
	case err != nil:
		return err
	case len(ended) > 0:
		return o.rows.noteEnded(ctx, row.Actor, ended)
	case full.at.IsZero():
		if _, err := o.rows.noteFull(ctx, row.Actor, full.at, now); err != nil {
			return err
		}
	}
	return o.tooManyOpen()
}

// endedOf lists the operations that no longer count as open. The row of an operation that has none
// may still be written, so such an operation counts as open the first time.
func (o *Operations) endedOf(ctx context.Context, full *openFull, now time.Time) ([]string, error) {
	ids := full.ids
	over := make([]bool, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookingAtOnce)
	for i, id := range ids {
		group.Go(portal.Guard(func() error {
			row, found, err := o.rows.find(ctx, id)
			if err != nil {
				return err
			}
			if !found || now.Sub(row.CreatedAt) >= openFor {
				over[i] = found || !full.at.IsZero()
				return nil
			}
			progress, err := o.views.Progress(ctx, id)
			over[i] = progress.Status.Over()
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var ended []string
	for i, id := range ids {
		if over[i] {
			ended = append(ended, string(id))
		}
	}
	return ended, nil
}

// noteFull records that an actor has too many open requests, or that this process is checking.
// mine is false if another process did so since the row was read.
func (r rows) noteFull(ctx context.Context, actor portal.Actor, last, now time.Time) (mine bool, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: schema.Limits(actor).Attributes(), UpdateExpression: aws.String("SET #full = :now"),
		ConditionExpression:       aws.String("attribute_not_exists(#full)"),
		ExpressionAttributeNames:  map[string]string{"#full": fullAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": schema.Time(now)},
	}
	if !last.IsZero() {
		in.ConditionExpression = aws.String("#full = :last")
		in.ExpressionAttributeValues[":last"] = schema.Time(last)
	}
	_, err = r.client.UpdateItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("recording that %s has too many open requests: %w", actor, err)
	}
	return true, nil
}

// noteEnded removes requests from the open ones.
func (r rows) noteEnded(ctx context.Context, actor portal.Actor, ended []string) error {
	_, err := r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: schema.Limits(actor).Attributes(), UpdateExpression: aws.String("DELETE #open :ended REMOVE #full"),
		ExpressionAttributeNames:  map[string]string{"#open": openAttribute, "#full": fullAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":ended": &types.AttributeValueMemberSS{Value: ended}},
	})
	if err != nil {
		return fmt.Errorf("recording which requests of %s have ended: %w", actor, err)
	}
	return nil
}
