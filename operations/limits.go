package operations

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// What one actor may ask for: so many requests in a minute, and of those which make API
// Gateway change plans so many in ChangesWithin. API Gateway attaches about one key a
// second for the whole AWS account, so somebody who subscribes and leaves all the time
// would take their turns from everybody else.
const (
	MaxPerMinute  = 120
	MaxChanges    = 12
	ChangesWithin = 10 * time.Minute
)

// draw draws the subject's next intent number and counts the request against what its
// actor may ask for: in one write, unless the two are different. If the actor has as many
// requests open as it may, as far as the row knows, the error is *openFull.
func (r rows) draw(ctx context.Context, row operationRow, change bool) (portal.Intent, error) {
	if id, ok := row.Subject.Account(); ok && row.Actor == portal.AccountActor(id) {
		return r.count(ctx, row, true, change)
	}
	if _, err := r.count(ctx, row, false, change); err != nil {
		return 0, err
	}
	return r.nextIntent(ctx, row.Subject)
}

// A window is a limit of an actor: how many in how long, counted in attributes of these
// names, which begin anew with each slot of that length.
type window struct {
	slot, count string
	length      time.Duration
	most        int
	refusal     string
}

var (
	minute = window{slot: "minute", count: "count", length: time.Minute, most: MaxPerMinute,
		refusal: fmt.Sprintf("More than %d requests in a minute. Wait a minute, then go on.", MaxPerMinute)}
	changes = window{slot: "changes_slot", count: "changes", length: ChangesWithin, most: MaxChanges,
		refusal: fmt.Sprintf("More than %d changes of plans in %d minutes. Wait some minutes, then go on.", MaxChanges, int(ChangesWithin.Minutes()))}
)

// countTries bounds how often a request is counted anew because others are, too.
const countTries = 5

// count counts a request in the windows it falls into, each either as the first of a new
// slot or as one more in the slot that runs. Which of these it is only the item knows: the
// refusal of a wrong guess tells. The request is added to those that are open, too.
func (r rows) count(ctx context.Context, row operationRow, draw, change bool) (portal.Intent, error) {
	now := row.CreatedAt
	windows := []window{minute}
	if change {
		windows = append(windows, changes)
	}
	anew := make([]bool, len(windows))
	for i := range windows {
		anew[i] = true
	}
	for range countTries {
		u := newUpdate()
		if draw {
			u.add("intent", 1)
		}
		for i, w := range windows {
			u.count(w, now, anew[i])
		}
		u.open(row.ID, r.maxOpen)
		intent, err := r.update(ctx, keyed(actorPartition(row.Actor), "intent"), u)
		var refused *countRefused
		if !errors.As(err, &refused) {
			return intent, err
		}
		wrong := false
		for i, w := range windows {
			counted, runs := w.read(refused.item, now)
			if runs && counted >= int64(w.most) {
				return 0, portal.Fail(portal.TooManyRequests, w.refusal)
			}
			wrong = wrong || anew[i] == runs
			anew[i] = !runs
		}
		if !wrong {
			return 0, openIn(refused.item)
		}
	}
	return 0, portal.Fail(portal.Unavailable, "Too many requests of yours arrive at the same moment. Send this one again.")
}

// slotAt is the slot of the window at that time.
func (w window) slotAt(now time.Time) int64 { return now.UnixMilli() / w.length.Milliseconds() }

// read is how many the item has counted in the slot that runs; runs is false if none does.
func (w window) read(item map[string]types.AttributeValue, now time.Time) (counted int64, runs bool) {
	var slot int64
	if attributevalue.Unmarshal(item[w.slot], &slot) != nil || attributevalue.Unmarshal(item[w.count], &counted) != nil {
		return 0, false
	}
	return counted, slot >= w.slotAt(now) && slot <= w.slotAt(now)+1
}

// nextIntent draws the next intent number of a stream that is not the actor's own.
func (r rows) nextIntent(ctx context.Context, subject portal.Stream) (portal.Intent, error) {
	pk := "stream#" + string(subject)
	if id, ok := subject.Account(); ok {
		pk = actorPartition(portal.AccountActor(id))
	}
	u := newUpdate()
	u.add("intent", 1)
	return r.update(ctx, keyed(pk, "intent"), u)
}

// update is an update expression under construction.
type update struct {
	sets, adds, conditions []string
	names                  map[string]string
	values                 map[string]types.AttributeValue
}

func newUpdate() *update {
	return &update{names: map[string]string{}, values: map[string]types.AttributeValue{}}
}

func (u *update) add(name string, n int64) {
	u.adds = append(u.adds, u.name(name)+" "+u.number(n))
}

func (u *update) name(name string) string {
	u.names["#"+name] = name
	return "#" + name
}

func (u *update) number(n int64) string {
	key := fmt.Sprintf(":n%d", n)
	u.values[key] = &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
	return key
}

// count counts one in a window, on the condition that it is another slot, or that the slot
// that runs has room. A slot that lies ahead, as another process with another clock left it,
// counts as the one that runs.
func (u *update) count(w window, now time.Time, anew bool) {
	slot := w.slotAt(now)
	if anew {
		u.sets = append(u.sets, u.name(w.slot)+" = "+u.number(slot), u.name(w.count)+" = "+u.number(1))
		u.conditions = append(u.conditions, fmt.Sprintf("(attribute_not_exists(%[1]s) OR %[1]s < %[2]s OR %[1]s > %[3]s)",
			u.name(w.slot), u.number(slot), u.number(slot+1)))
		return
	}
	u.add(w.count, 1)
	u.conditions = append(u.conditions, fmt.Sprintf("(%[1]s BETWEEN %[2]s AND %[3]s AND %[4]s < %[5]s)",
		u.name(w.slot), u.number(slot), u.number(slot+1), u.name(w.count), u.number(int64(w.most))))
}

// countRefused says that a condition does not hold for the item as it is.
type countRefused struct {
	item map[string]types.AttributeValue
}

func (*countRefused) Error() string { return "the condition does not hold" }

// update carries it out; *countRefused if a condition does not hold.
func (r rows) update(ctx context.Context, key map[string]types.AttributeValue, u *update) (portal.Intent, error) {
	var parts []string
	if len(u.sets) > 0 {
		parts = append(parts, "SET "+strings.Join(u.sets, ", "))
	}
	if len(u.adds) > 0 {
		parts = append(parts, "ADD "+strings.Join(u.adds, ", "))
	}
	in := &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: key, UpdateExpression: aws.String(strings.Join(parts, " ")),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values, ReturnValues: types.ReturnValueUpdatedNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if len(u.conditions) > 0 {
		in.ConditionExpression = aws.String(strings.Join(u.conditions, " AND "))
	}
	out, err := r.client.UpdateItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return 0, &countRefused{failed.Item}
	}
	if err != nil {
		return 0, fmt.Errorf("drawing an intent number: %w", err)
	}
	var drawn struct {
		Intent portal.Intent `dynamodbav:"intent"`
	}
	if err := attributevalue.UnmarshalMap(out.Attributes, &drawn); err != nil {
		return 0, fmt.Errorf("decoding an intent number: %w", err)
	}
	return drawn.Intent, nil
}
