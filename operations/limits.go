package operations

import (
	"context"
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
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// The limits of one actor. API Gateway attaches about one key a second for the whole AWS account,
// so one person who keeps subscribing and leaving would delay all others.
const (
	MaxPerMinute  = 120
	MaxChanges    = 12
	ChangesWithin = 10 * time.Minute
)

// draw takes the subject's next intent and counts the request for the actor, in one write if both
// are the same account. A full set of open requests is *setFull.
func (r rows) draw(ctx context.Context, row operationRow, change bool) (portal.Intent, error) {
	if id, ok := row.Subject.Account(); ok && row.Actor == portal.AccountActor(id) {
		return r.count(ctx, row, true, change)
	}
	if _, err := r.count(ctx, row, false, change); err != nil {
		return 0, err
	}
	return r.nextIntent(ctx, row.Subject)
}

// window is a rate limit: at most `most` requests per length. Each period has its own attribute,
// so that nothing needs a reset.
type window struct {
	name    string
	length  time.Duration
	most    int
	refusal string
}

var (
	minute = window{name: "minute", length: time.Minute, most: MaxPerMinute,
		refusal: fmt.Sprintf("More than %d requests in a minute. Wait a minute, then try again.", MaxPerMinute)}
	changes = window{name: "changes", length: ChangesWithin, most: MaxChanges,
		refusal: fmt.Sprintf("More than %d plan changes in %d minutes. Wait a few minutes, then try again.", MaxChanges, int(ChangesWithin.Minutes()))}
)

const maxPeriods = 16

func (r rows) count(ctx context.Context, row operationRow, draw, change bool) (portal.Intent, error) {
	key := schema.Limits(row.Actor).Attributes()
	now, err := r.update(ctx, key, r.counting(row, draw, change))
	var refused *countRefused
	if errors.As(err, &refused) {
		for _, w := range windowsOf(change) {
			if w.full(refused.item, row.CreatedAt) {
				return 0, portal.Fail(portal.TooManyRequests, w.refusal)
			}
		}
		return 0, openIn(refused.item)
	}
	if err != nil {
		return 0, err
	}
	if over := periodsOver(now, row.CreatedAt); len(over) > maxPeriods {
		if err := r.removeAttributes(ctx, key, over); err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Str("actor", string(row.Actor)).Msg("counts of the past could not be removed")
		}
	}
	return intentIn(now)
}

func windowsOf(change bool) []window {
	if change {
		return []window{minute, changes}
	}
	return []window{minute}
}

// counting is the update that counts a request, unless a limit is reached.
func (r rows) counting(row operationRow, draw, change bool) *update {
	u := newUpdate()
	if draw {
		u.add("intent", 1)
	}
	for _, w := range windowsOf(change) {
		u.count(w, row.CreatedAt)
	}
	u.open(row.ID, r.maxOpen)
	return u
}

// uncount undoes count for a request that was not accepted. If it fails, the actor has one
// request less for a while.
func (r rows) uncount(ctx context.Context, row operationRow, change bool) {
	u := newUpdate()
	less := u.value(":less", &types.AttributeValueMemberN{Value: "-1"})
	for _, w := range windowsOf(change) {
		u.adds = append(u.adds, u.name(w.period(row.CreatedAt))+" "+less)
	}
	this := u.value(":this", &types.AttributeValueMemberSS{Value: []string{string(row.ID)}})
	u.deletes = append(u.deletes, u.name(openAttribute)+" "+this)
	if _, err := r.update(ctx, schema.Limits(row.Actor).Attributes(), u); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("actor", string(row.Actor)).Msg("a request that came to nothing stays counted")
	}
}

func (w window) period(now time.Time) string {
	return w.name + "_" + strconv.FormatInt(now.UnixMilli()/w.length.Milliseconds(), 10)
}

// periods also cover processes whose clocks are a little ahead.
func (w window) periods(now time.Time) []string {
	return []string{w.period(now), w.period(now.Add(w.length))}
}

func (w window) full(item map[string]types.AttributeValue, now time.Time) bool {
	return slices.ContainsFunc(w.periods(now), func(period string) bool {
		var counted int
		return attributevalue.Unmarshal(item[period], &counted) == nil && counted >= w.most
	})
}

func periodsOver(item map[string]types.AttributeValue, now time.Time) []string {
	var over []string
	for _, w := range []window{minute, changes} {
		for name := range item {
			if strings.HasPrefix(name, w.name+"_") && !slices.Contains(w.periods(now), name) {
				over = append(over, name)
			}
		}
	}
	return over
}

func (r rows) removeAttributes(ctx context.Context, key map[string]types.AttributeValue, names []string) error {
	u := newUpdate()
	for _, name := range names {
		u.removes = append(u.removes, u.name(name))
	}
	_, err := r.update(ctx, key, u)
	return err
}

func (r rows) nextIntent(ctx context.Context, subject portal.Stream) (portal.Intent, error) {
	u := newUpdate()
	u.add("intent", 1)
	item, err := r.update(ctx, schema.Intent(subject).Attributes(), u)
	if err != nil {
		return 0, err
	}
	return intentIn(item)
}

func intentIn(item map[string]types.AttributeValue) (portal.Intent, error) {
	var drawn struct {
		Intent portal.Intent `dynamodbav:"intent"`
	}
	if err := attributevalue.UnmarshalMap(item, &drawn); err != nil {
		return 0, fmt.Errorf("decoding an intent number: %w", err)
	}
	return drawn.Intent, nil
}

type update struct {
	adds, removes, deletes, conditions []string
	names                              map[string]string
	values                             map[string]types.AttributeValue
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

func (u *update) value(name string, v types.AttributeValue) string {
	u.values[name] = v
	return name
}

func (u *update) number(n int64) string {
	key := fmt.Sprintf(":n%d", n)
	u.values[key] = &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
	return key
}

func (u *update) count(w window, now time.Time) {
	u.add(w.period(now), 1)
	for _, period := range w.periods(now) {
		u.conditions = append(u.conditions, fmt.Sprintf("(attribute_not_exists(%[1]s) OR %[1]s < %[2]s)", u.name(period), u.number(int64(w.most))))
	}
}

// countRefused: a condition of an update failed; item is the row at that moment.
type countRefused struct {
	item map[string]types.AttributeValue
}

func (*countRefused) Error() string { return "the condition does not hold" }

func (u *update) expression() string {
	var parts []string
	if len(u.adds) > 0 {
		parts = append(parts, "ADD "+strings.Join(u.adds, ", "))
	}
	if len(u.removes) > 0 {
		parts = append(parts, "REMOVE "+strings.Join(u.removes, ", "))
	}
	if len(u.deletes) > 0 {
		parts = append(parts, "DELETE "+strings.Join(u.deletes, ", "))
	}
	return strings.Join(parts, " ")
}

// transacted is the update as part of a transaction. It must have conditions and values.
func (u *update) transacted(table string, key schema.Key) *types.Update {
	return &types.Update{
		TableName: &table, Key: key.Attributes(), UpdateExpression: aws.String(u.expression()),
		ConditionExpression: aws.String(strings.Join(u.conditions, " AND ")), ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
	}
}

// update returns the item after the update, or *countRefused.
func (r rows) update(ctx context.Context, key map[string]types.AttributeValue, u *update) (map[string]types.AttributeValue, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: key, UpdateExpression: aws.String(u.expression()),
		ExpressionAttributeNames: u.names, ReturnValues: types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if len(u.values) > 0 {
		in.ExpressionAttributeValues = u.values
	}
	if len(u.conditions) > 0 {
		in.ConditionExpression = aws.String(strings.Join(u.conditions, " AND "))
	}
	out, err := r.client.UpdateItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return nil, &countRefused{failed.Item}
	}
	if err != nil {
		return nil, fmt.Errorf("drawing an intent number: %w", err)
	}
	return out.Attributes, nil
}
