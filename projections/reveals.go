package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// MaxRevealsPerMinute is how many reveals an account may make in a minute.
const MaxRevealsPerMinute = 10

const (
	lastRevealPrefix = "last#"
)

type revealRow struct {
	Key         portal.KeyID `dynamodbav:"key"`
	Name        string       `dynamodbav:"name"`
	At          time.Time    `dynamodbav:"at"`
	Correlation string       `dynamodbav:"correlation,omitempty"`
}

// Reveals records reveals of keys before the keys are shown. Reveals are primary data but no
// facts: they decide nothing, and there may be many.
type Reveals struct {
	client  client
	records string
}

// NewReveals returns Reveals kept in the table named records.
func NewReveals(client client, records string) *Reveals {
	return &Reveals{client: client, records: records}
}

var (
	// errFull: the condition on the count failed; another minute may have begun.
	errFull        = errors.New("the minute is full")
	errSameInstant = errors.New("another key was revealed at that time")
)

// maxRevealTries is how often Record tries while other reveals of the account interfere.
const maxRevealTries = 8

// Record records that a key is about to be revealed. The reveal after MaxRevealsPerMinute in a
// minute is portal.TooManyRequests and is not recorded. A table that does not answer is
// *portal.Postponed.
func (r *Reveals) Record(ctx context.Context, id portal.AccountID, key Key, at time.Time, correlation string) error {
	row := revealRow{Key: key.ID, Name: key.Name, At: at.UTC().Round(0), Correlation: correlation}
	for range maxRevealTries {
		err := r.record(ctx, id, row)
		switch {
		case errors.Is(err, errFull):
			return portal.Fail(portal.TooManyRequests, fmt.Sprintf("More than %d reveals in a minute. Wait a minute, then try again.", MaxRevealsPerMinute))
		case errors.Is(err, errSameInstant):
			row.At = row.At.Add(1 + rand.N(time.Microsecond))
		case errors.Is(err, errRaced):
		default:
			return err
		}
	}
	return &portal.Postponed{Reason: "other reveals of the account kept interfering"}
}

// record counts the reveal in a new minute or the current one. The next minute counts as current,
// since another process's clock may be ahead; one further ahead comes from a wrong clock and is
// replaced.
func (r *Reveals) record(ctx context.Context, id portal.AccountID, row revealRow) error {
	minute := row.At.Unix() / 60
	values := map[string]types.AttributeValue{
		":minute": schema.Number(minute), ":ahead": schema.Number(minute + 1), ":one": schema.Number(1),
		":at": schema.Text(row.At.Format(time.RFC3339Nano)),
	}
	err := r.write(ctx, id, row, "SET #minute = :minute, #count = :one, #last = :at",
		"attribute_not_exists(#minute) OR NOT #minute BETWEEN :minute AND :ahead", values)
	if errors.Is(err, errFull) {
		values[":most"] = schema.Number(MaxRevealsPerMinute)
		err = r.write(ctx, id, row, "SET #last = :at ADD #count :one",
			"#minute BETWEEN :minute AND :ahead AND #count < :most", values)
	}
	return err
}

func (r *Reveals) write(ctx context.Context, id portal.AccountID, row revealRow, update, condition string, values map[string]types.AttributeValue) error {
	item, err := attributevalue.MarshalMap(row)
	if err != nil {
		return err
	}
	maps.Copy(item, schema.Reveal(id, row.At).Attributes())
	_, err = r.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: &types.Update{
			TableName: &r.records, Key: schema.RevealCount(id).Attributes(),
			UpdateExpression: &update, ConditionExpression: &condition,
			ExpressionAttributeNames:  map[string]string{"#minute": "minute", "#count": "count", "#last": lastRevealPrefix + string(row.Key)},
			ExpressionAttributeValues: values,
		}},
		{Put: &types.Put{TableName: &r.records, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")}},
	}})
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		for i, reason := range canceled.CancellationReasons {
			if aws.ToString(reason.Code) == "ConditionalCheckFailed" {
				return []error{errFull, errSameInstant}[i]
			}
		}
	}
	if isRaced(err) {
		return errRaced
	}
	return unavailable(err, "recording a reveal")
}

// LastReveals returns when each of an account's keys was last revealed.
func (v *Views) LastReveals(ctx context.Context, id portal.AccountID) (map[portal.KeyID]time.Time, error) {
	out, err := v.store.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &v.store.tables.Records, ConsistentRead: aws.Bool(true),
		Key: schema.RevealCount(id).Attributes(),
	})
	if err != nil {
		return nil, asUnavailable(fmt.Errorf("reading the last reveals of %s: %w", id, err))
	}
	last := map[portal.KeyID]time.Time{}
	for name, value := range out.Item {
		key, ok := strings.CutPrefix(name, lastRevealPrefix)
		text, isText := value.(*types.AttributeValueMemberS)
		if !ok || !isText {
			continue
		}
		if at, err := time.Parse(time.RFC3339Nano, text.Value); err == nil {
			last[portal.KeyID(key)] = at
		}
	}
	return last, nil
}

func (v *Views) reveals(ctx context.Context, id portal.AccountID, before string, limit int32) ([]Activity, error) {
	var lines []Activity
	err := v.store.latest(ctx, v.store.tables.Records, schema.Reveals(id), before, limit, func(item map[string]types.AttributeValue) error {
		var row revealRow
		if err := attributevalue.UnmarshalMap(item, &row); err != nil {
			return err
		}
		lines = append(lines, Activity{At: row.At, Text: row.Name + " was revealed.", Revealed: row.Key})
		return nil
	})
	return lines, err
}
