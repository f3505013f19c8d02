package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
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

// countRefused says that a condition does not hold for the item as it is.
type countRefused struct {
	item map[string]types.AttributeValue
}

func (*countRefused) Error() string { return "the condition does not hold" }

type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// rows keeps operation rows and the counters of accounts in the records table.
type rows struct {
	client client
	table  string
}

// operationRow is what is written down of a request: enough to hand it on again.
type operationRow struct {
	ID          portal.OperationID `dynamodbav:"id"`
	Actor       portal.Actor       `dynamodbav:"actor"`
	Subject     portal.Stream      `dynamodbav:"subject"`
	Type        string             `dynamodbav:"type"`
	Hash        string             `dynamodbav:"hash"`
	Body        string             `dynamodbav:"body"`
	Intent      portal.Intent      `dynamodbav:"intent"`
	Correlation string             `dynamodbav:"correlation"`
	CreatedAt   time.Time          `dynamodbav:"created_at"`
	// HandedAt is when it was last handed to its queue, the zero time if that failed.
	HandedAt time.Time `dynamodbav:"handed_at"`
}

func (r operationRow) operation(now projections.Progress) Operation {
	if now.UpdatedAt.IsZero() {
		now.UpdatedAt = r.CreatedAt
	}
	var about struct {
		Plan portal.PlanID `json:"plan"`
	}
	_ = json.Unmarshal([]byte(r.Body), &about) // a request without a plan is about none
	return Operation{
		ID: r.ID, Actor: r.Actor, Subject: r.Subject, Type: events.Name(r.Type), CreatedAt: r.CreatedAt, Plan: about.Plan, Progress: now,
	}
}

func operationKey(id portal.OperationID) map[string]types.AttributeValue {
	return keyed("operation#"+string(id), "operation")
}

func keyed(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: pk},
		"sk": &types.AttributeValueMemberS{Value: sk},
	}
}

func (r rows) find(ctx context.Context, id portal.OperationID) (row operationRow, found bool, err error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.table, Key: operationKey(id), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return row, false, fmt.Errorf("reading operation %s: %w", id, err)
	}
	if out.Item == nil {
		return row, false, nil
	}
	row, err = decodeOperation(id, out.Item)
	return row, true, err
}

func decodeOperation(id portal.OperationID, item map[string]types.AttributeValue) (row operationRow, err error) {
	if err := attributevalue.UnmarshalMap(item, &row); err != nil {
		return row, fmt.Errorf("decoding operation %s: %w", id, err)
	}
	return row, nil
}

// insert writes a new row, its place among the actor's operations, and the due row by which
// it is handed in again should its message be lost. If there is a row under that id it
// returns that instead.
func (r rows) insert(ctx context.Context, row operationRow) (known operationRow, isNew bool, err error) {
	writes, err := r.newOperation(row)
	if err != nil {
		return known, false, err
	}
	for range insertTries {
		_, err = r.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		var canceled *types.TransactionCanceledException
		if !errors.As(err, &canceled) || len(canceled.CancellationReasons) == 0 {
			break
		}
		if first := canceled.CancellationReasons[0]; aws.ToString(first.Code) == "ConditionalCheckFailed" {
			known, err = decodeOperation(row.ID, first.Item)
			return known, false, err
		}
		// The same request at the same time: the one of them that comes second finds the first.
		if !slices.ContainsFunc(canceled.CancellationReasons, func(reason types.CancellationReason) bool {
			return aws.ToString(reason.Code) == "TransactionConflict"
		}) {
			break
		}
	}
	if err != nil {
		return known, false, fmt.Errorf("writing operation %s: %w", row.ID, err)
	}
	return row, true, nil
}

func (r rows) newOperation(row operationRow) ([]types.TransactWriteItem, error) {
	again := due.OfOperation(row.Subject, row.ID, row.CreatedAt)
	pk, sk := again.Place()
	var writes []types.TransactWriteItem
	for _, part := range []struct {
		key   map[string]types.AttributeValue
		value any
	}{
		{operationKey(row.ID), row},
		{keyed(pk, sk), again},
		{keyed(actorPartition(row.Actor), listSort+fmt.Sprintf("%015d#%s", row.CreatedAt.UnixMilli(), row.ID)), listRow{
			ID: row.ID, Expires: row.CreatedAt.Add(listedFor).Unix(),
		}},
	} {
		item, err := attributevalue.MarshalMap(part.value)
		if err != nil {
			return nil, fmt.Errorf("encoding operation %s: %w", row.ID, err)
		}
		for name, value := range part.key {
			item[name] = value
		}
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: &r.table, Item: item}})
	}
	writes[0].Put.ConditionExpression = aws.String("attribute_not_exists(pk)")
	writes[0].Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	return writes, nil
}

// takeTurn notes that the request is handed on now; mine is false if somebody else has
// done so since the row was read.
func (r rows) takeTurn(ctx context.Context, row operationRow, now time.Time) (mine bool, err error) {
	_, err = r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: operationKey(row.ID),
		UpdateExpression: aws.String("SET handed_at = :now"), ConditionExpression: aws.String("handed_at = :last"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": timeValue(now), ":last": timeValue(row.HandedAt)},
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("noting when operation %s is handed on: %w", row.ID, err)
	}
	return true, nil
}

// notHanded notes that the request was not handed on after all.
func (r rows) notHanded(ctx context.Context, row operationRow) error {
	_, err := r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: operationKey(row.ID), UpdateExpression: aws.String("SET handed_at = :never"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":never": timeValue(time.Time{})},
	})
	if err != nil {
		return fmt.Errorf("noting that operation %s was not handed on: %w", row.ID, err)
	}
	return nil
}

// timeValue is how a row holds a time.
func timeValue(t time.Time) types.AttributeValue {
	return &types.AttributeValueMemberS{Value: t.UTC().Format(time.RFC3339Nano)}
}

// insertTries bounds how often a row is written that others write at the same moment.
const insertTries = 8

const (
	listSort = "operation#"
	// listedFor is how long an operation stays in the list of what somebody asked for.
	listedFor = 90 * 24 * time.Hour
)

// listRow is an operation's place among those of its actor.
type listRow struct {
	ID      portal.OperationID `dynamodbav:"id"`
	Expires int64              `dynamodbav:"expires_at"`
}

// An actor's rows share the partition of their account.
func actorPartition(actor portal.Actor) string {
	if id, ok := actor.Account(); ok {
		return "account#" + string(id)
	}
	return "actor#" + string(actor)
}

// latest lists the ids of an actor's newest operations, newest first.
func (r rows) latest(ctx context.Context, actor portal.Actor, limit int32) ([]portal.OperationID, error) {
	out, err := r.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :sk)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": &types.AttributeValueMemberS{Value: actorPartition(actor)}, ":sk": &types.AttributeValueMemberS{Value: listSort},
		},
		ScanIndexForward: aws.Bool(false), Limit: &limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing the operations of %s: %w", actor, err)
	}
	var ids []portal.OperationID
	for _, item := range out.Items {
		var row listRow
		if err := attributevalue.UnmarshalMap(item, &row); err != nil {
			return nil, fmt.Errorf("decoding an operation of %s: %w", actor, err)
		}
		ids = append(ids, row.ID)
	}
	return ids, nil
}

// draw draws the subject's next intent number and counts the request against what its
// actor may ask for: in one write, unless the two are different.
func (r rows) draw(ctx context.Context, actor portal.Actor, subject portal.Stream, change bool, now time.Time) (portal.Intent, error) {
	if id, ok := subject.Account(); ok && actor == portal.AccountActor(id) {
		return r.count(ctx, actorPartition(actor), true, change, now)
	}
	if _, err := r.count(ctx, actorPartition(actor), false, change, now); err != nil {
		return 0, err
	}
	return r.nextIntent(ctx, subject)
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
// refusal of a wrong guess tells.
func (r rows) count(ctx context.Context, pk string, draw, change bool, now time.Time) (portal.Intent, error) {
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
		intent, err := r.update(ctx, keyed(pk, "intent"), u)
		var refused *countRefused
		if !errors.As(err, &refused) {
			return intent, err
		}
		for i, w := range windows {
			counted, runs := w.read(refused.item, now)
			if runs && counted >= int64(w.most) {
				return 0, portal.Fail(portal.TooManyRequests, w.refusal)
			}
			anew[i] = !runs
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
