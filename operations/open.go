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
)

// DefaultMaxOpen is how many requests that have not ended an actor may have, unless
// configured otherwise.
const DefaultMaxOpen = 50

const (
	// openFor is how long a request counts as open at most, so that none that is lost, or
	// waits for weeks, keeps an actor from asking.
	openFor = 24 * time.Hour
	// lookAgain is how long an actor that was found to have too many requests open is refused
	// without looking again.
	lookAgain = 10 * time.Second
	// lookingAtOnce bounds how many operations are read at the same time.
	lookingAtOnce = 10
)

// The row that counts what an actor asks for also holds the set of the requests that may be
// open. Each request adds itself in the write that counts it. Ended ones are taken out only
// when the set is full, so they are looked at once in as many requests as the set holds.
const (
	openAttribute = "open"
	// fullAttribute is when the actor was last found to have too many open.
	fullAttribute = "full_at"
)

// openFull says that an actor has as many requests open as it may, unless some have ended.
type openFull struct {
	ids []portal.OperationID
	// at is when that was last found to be so, the zero time if it never was.
	at time.Time
}

func (*openFull) Error() string { return "as many requests as an actor may have seem to be open" }

func openIn(item map[string]types.AttributeValue) *openFull {
	full := &openFull{}
	if set, ok := item[openAttribute].(*types.AttributeValueMemberSS); ok {
		for _, id := range set.Value {
			full.ids = append(full.ids, portal.OperationID(id))
		}
	}
	_ = attributevalue.Unmarshal(item[fullAttribute], &full.at) // one that cannot be read never was
	return full
}

// open adds a request to those that are open, on the condition that there is room or that it
// is among them.
func (u *update) open(id portal.OperationID, most int) {
	set := u.name(openAttribute)
	u.values[":this"] = &types.AttributeValueMemberSS{Value: []string{string(id)}}
	u.values[":id"] = &types.AttributeValueMemberS{Value: string(id)}
	u.adds = append(u.adds, set+" :this")
	u.conditions = append(u.conditions, fmt.Sprintf("(attribute_not_exists(%[1]s) OR size(%[1]s) < %[2]s OR contains(%[1]s, :id))",
		set, u.number(int64(most))))
}

// draw draws an intent number, and makes room for the request first if need be.
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
	if errors.As(err, &full) { // others have taken the room
		return 0, o.tooManyOpen()
	}
	return intent, err
}

func (o *Operations) tooManyOpen() error {
	return portal.Fail(portal.TooManyRequests, fmt.Sprintf(
		"You have %d requests that have not ended yet, and may have no more. Wait until some of them have ended, then send this one again.", o.rows.maxOpen))
}

// makeRoom takes the requests that have ended out of an actor's open ones. If none has, the
// error is TooManyRequests. An actor that was found so before is looked at by one at a time,
// and not again within lookAgain.
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

// endedOf lists those of the operations that no longer count as open. One that has no row
// may be about to be written, unless it was among them when they were looked at before.
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

// noteFull notes that an actor was found, or is looked at, with too many requests open;
// mine is false if somebody else has done so since the row was read.
func (r rows) noteFull(ctx context.Context, actor portal.Actor, last, now time.Time) (mine bool, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: keyed(actorPartition(actor), "intent"), UpdateExpression: aws.String("SET #full = :now"),
		ConditionExpression:       aws.String("attribute_not_exists(#full)"),
		ExpressionAttributeNames:  map[string]string{"#full": fullAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": timeValue(now)},
	}
	if !last.IsZero() {
		in.ConditionExpression = aws.String("#full = :last")
		in.ExpressionAttributeValues[":last"] = timeValue(last)
	}
	_, err = r.client.UpdateItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("noting that %s has too many requests open: %w", actor, err)
	}
	return true, nil
}

// noteEnded takes requests out of those that are open.
func (r rows) noteEnded(ctx context.Context, actor portal.Actor, ended []string) error {
	_, err := r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: keyed(actorPartition(actor), "intent"), UpdateExpression: aws.String("DELETE #open :ended REMOVE #full"),
		ExpressionAttributeNames:  map[string]string{"#open": openAttribute, "#full": fullAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":ended": &types.AttributeValueMemberSS{Value: ended}},
	})
	if err != nil {
		return fmt.Errorf("noting which requests of %s have ended: %w", actor, err)
	}
	return nil
}
