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

// DefaultMaxOpen is the default of Config.MaxOpen.
const DefaultMaxOpen = 50

const (
	// openFor is how long a request counts as open, so that a lost one does not block its actor
	// forever.
	openFor = 24 * time.Hour
	// lookAgain is how long an actor with too many open requests is refused without a look at
	// them.
	lookAgain        = 10 * time.Second
	maxParallelReads = 10
)

// The row that counts an actor's requests also holds the set of those that may be open. Each
// request adds itself in the write that counts it. Ended ones are removed only when the set is
// full, so each is read only once.
const (
	openAttribute = "open"
	fullAttribute = "full_at"
	// missingAttribute maps the ids without a row to the time at which this was first found.
	missingAttribute = "missing"
)

// setFull: an actor's set of open requests is full; some may have ended.
type setFull struct {
	ids []portal.OperationID
	at  time.Time
	// missing are those without a row, which may be about to be written. They count as open for
	// lookAgain.
	missing map[portal.OperationID]time.Time
}

func (*setFull) Error() string { return "the actor seems to have as many open requests as allowed" }

func openIn(item map[string]types.AttributeValue) *setFull {
	full := &setFull{}
	if set, ok := item[openAttribute].(*types.AttributeValueMemberSS); ok {
		for _, id := range set.Value {
			full.ids = append(full.ids, portal.OperationID(id))
		}
	}
	_ = attributevalue.Unmarshal(item[fullAttribute], &full.at)
	_ = attributevalue.Unmarshal(item[missingAttribute], &full.missing)
	return full
}

func (u *update) open(id portal.OperationID, most int) {
	set := u.name(openAttribute)
	u.values[":this"] = &types.AttributeValueMemberSS{Value: []string{string(id)}}
	u.values[":id"] = &types.AttributeValueMemberS{Value: string(id)}
	u.adds = append(u.adds, set+" :this")
	u.conditions = append(u.conditions, fmt.Sprintf("(attribute_not_exists(%[1]s) OR size(%[1]s) < %[2]s OR contains(%[1]s, :id))",
		set, u.number(int64(most))))
}

func (o *Operations) draw(ctx context.Context, row operationRow, change bool) (portal.Intent, error) {
	intent, err := o.rows.draw(ctx, row, change)
	var full *setFull
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

// makeRoom removes ended requests from an actor's set. If none has ended, the error is
// TooManyRequests, which every request gets for lookAgain. Then one request at a time checks
// again; several may check at once only if the last check found room.
func (o *Operations) makeRoom(ctx context.Context, row operationRow, full *setFull) error {
	now := row.CreatedAt
	if !full.at.IsZero() {
		if age := now.Sub(full.at); age >= 0 && age < lookAgain {
			return o.tooManyOpen()
		}
		mine, err := o.rows.claimCheck(ctx, row.Actor, full.at, now)
		switch {
		case err != nil:
			return err
		case !mine:
			return o.tooManyOpen()
		}
	}
	found, err := o.check(ctx, full, now)
	if err != nil {
		return err
	}
	if err := o.rows.noteChecked(ctx, row.Actor, found, now); err != nil {
		return err
	}
	if len(found.ended) == 0 {
		return o.tooManyOpen()
	}
	return nil
}

type checked struct {
	ended   []string
	missing map[portal.OperationID]time.Time
}

func (o *Operations) check(ctx context.Context, full *setFull, now time.Time) (checked, error) {
	ids := full.ids
	over, missing := make([]bool, len(ids)), make([]bool, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelReads)
	for i, id := range ids {
		group.Go(portal.Guard(func() error {
			row, found, err := o.rows.find(ctx, id)
			if err != nil {
				return err
			}
			if !found || now.Sub(row.CreatedAt) >= openFor {
				over[i], missing[i] = found, !found
				return nil
			}
			progress, err := o.views.Progress(ctx, id)
			over[i] = progress.Status.Over()
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return checked{}, err
	}
	result := checked{missing: map[portal.OperationID]time.Time{}}
	for i, id := range ids {
		since, before := full.missing[id]
		switch {
		case over[i], missing[i] && before && now.Sub(since).Abs() >= lookAgain:
			result.ended = append(result.ended, string(id))
		case missing[i] && before:
			result.missing[id] = since
		case missing[i]:
			result.missing[id] = now
		}
	}
	return result, nil
}

// claimCheck: mine is false if another request checks the set since the row was read.
func (r rows) claimCheck(ctx context.Context, actor portal.Actor, last, now time.Time) (mine bool, err error) {
	_, err = r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: schema.Limits(actor).Attributes(), UpdateExpression: aws.String("SET #full = :now"),
		ConditionExpression:       aws.String("#full = :last"),
		ExpressionAttributeNames:  map[string]string{"#full": fullAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": schema.Time(now), ":last": schema.Time(last)},
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("claiming the check of the open requests of %s: %w", actor, err)
	}
	return true, nil
}

func (r rows) noteChecked(ctx context.Context, actor portal.Actor, found checked, now time.Time) error {
	missing, err := attributevalue.Marshal(found.missing)
	if err != nil {
		return fmt.Errorf("encoding a check of the open requests of %s: %w", actor, err)
	}
	in := &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: schema.Limits(actor).Attributes(), UpdateExpression: aws.String("SET #missing = :missing, #full = :now"),
		ExpressionAttributeNames:  map[string]string{"#full": fullAttribute, "#missing": missingAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":missing": missing, ":now": schema.Time(now)},
	}
	if len(found.ended) > 0 {
		in.UpdateExpression = aws.String("SET #missing = :missing DELETE #open :ended REMOVE #full")
		in.ExpressionAttributeNames["#open"] = openAttribute
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":missing": missing, ":ended": &types.AttributeValueMemberSS{Value: found.ended}}
	}
	if _, err := r.client.UpdateItem(ctx, in); err != nil {
		return fmt.Errorf("recording a check of the open requests of %s: %w", actor, err)
	}
	return nil
}
