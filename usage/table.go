package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
}

// Table stores the counters of one target. It is safe for concurrent use. If DynamoDB does not
// answer, the error is *portal.Postponed.
type Table struct {
	client client
	name   string
	target portal.Target
}

// NewTable returns the Table of that name.
func NewTable(client client, name string) *Table { return &Table{client: client, name: name} }

// Between reads an account's counters from first to last, both inclusive, by day.
func (t *Table) Between(ctx context.Context, account portal.AccountID, first, last time.Time) ([]Counter, error) {
	partition, from, to := schema.UsageBetween(account, first, last)
	pages := dynamodb.NewQueryPaginator(t.client, &dynamodb.QueryInput{
		TableName: &t.name, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": schema.Text(partition), ":from": schema.Text(from), ":to": schema.Text(to),
		},
	})
	var all []Counter
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, unavailable("reading the usage of "+string(account), err)
		}
		var some []Counter
		if err := attributevalue.UnmarshalListOfMaps(page.Items, &some); err != nil {
			return nil, fmt.Errorf("decoding the usage of %s: %w", account, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// Collected says when a plan was last collected, and with what quota.
type Collected struct {
	Plan portal.PlanID `dynamodbav:"plan"`
	// AsOf is when the collection began, zero if there was none.
	AsOf  time.Time `dynamodbav:"as_of"`
	Quota *Quota    `dynamodbav:"quota"`
}

// Collected reads when the plans were last collected, without plans that never were.
func (t *Table) Collected(ctx context.Context, plans ...portal.PlanID) (map[portal.PlanID]Collected, error) {
	keys := make([]schema.Key, 0, len(plans))
	for _, plan := range plans {
		keys = append(keys, schema.UsagePlan(t.target, plan))
	}
	found := map[portal.PlanID]Collected{}
	return found, t.batch(ctx, keys, func(item map[string]types.AttributeValue) error {
		var c Collected
		err := attributevalue.UnmarshalMap(item, &c)
		found[c.Plan] = c
		return err
	})
}

func (t *Table) noteCollected(ctx context.Context, c Collected) error {
	return t.put(ctx, schema.UsagePlan(t.target, c.Plan), c, "attribute_not_exists(pk) OR as_of <= :as_of",
		map[string]types.AttributeValue{":as_of": schema.Time(c.AsOf)})
}

// Cycle is one run of the job.
type Cycle struct {
	Began time.Time `dynamodbav:"began"`
	Ended time.Time `dynamodbav:"ended"`
	// Plans counts collected plans, Skipped those that nobody holds, and Failed those that API
	// Gateway did not answer for. Pages counts calls, Keys the keys in the answers, and Written
	// the changed counters.
	Plans   int `dynamodbav:"plans"`
	Skipped int `dynamodbav:"skipped"`
	Failed  int `dynamodbav:"failed"`
	Pages   int `dynamodbav:"pages"`
	Keys    int `dynamodbav:"keys"`
	Written int `dynamodbav:"written"`
}

// LastCycle reads the last run that has ended, zero without one.
func (t *Table) LastCycle(ctx context.Context) (Cycle, error) {
	var last Cycle
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, ConsistentRead: aws.Bool(true), Key: schema.UsageCycle().Attributes()})
	if err != nil {
		return last, unavailable("reading the last run", err)
	}
	return last, attributevalue.UnmarshalMap(out.Item, &last)
}

func (t *Table) noteCycle(ctx context.Context, c Cycle) error {
	return t.put(ctx, schema.UsageCycle(), c, "", nil)
}

type owned struct {
	account portal.AccountID
	Counter
}

func (t *Table) key(o owned) schema.Key {
	return schema.Usage(o.account, t.target, o.Day, o.Plan, o.Key, o.GatewayKey)
}

// stored reads the stored counters of the same keys, plans and days, by their place.
func (t *Table) stored(ctx context.Context, like []owned) (map[schema.Key]Counter, error) {
	keys := make([]schema.Key, 0, len(like))
	for _, o := range like {
		keys = append(keys, t.key(o))
	}
	found := make(map[schema.Key]Counter, len(keys))
	return found, t.batch(ctx, keys, func(item map[string]types.AttributeValue) error {
		var c Counter
		err := attributevalue.UnmarshalMap(item, &c)
		found[schema.KeyOf(item)] = c
		return err
	})
}

const parallelWrites = 16

// write leaves stored counters that have more calls or are newer.
func (t *Table) write(ctx context.Context, counters []owned) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(parallelWrites)
	for _, o := range counters {
		group.Go(portal.Guard(func() error {
			return t.put(within, t.key(o), o.Counter, "attribute_not_exists(pk) OR used < :used OR (used = :used AND as_of <= :as_of)",
				map[string]types.AttributeValue{":used": schema.Number(o.Used), ":as_of": schema.Time(o.AsOf)})
		}))
	}
	return group.Wait()
}

func (t *Table) put(ctx context.Context, key schema.Key, value any, condition string, values map[string]types.AttributeValue) error {
	item, err := attributevalue.MarshalMap(value)
	if err != nil {
		return fmt.Errorf("encoding row %s %s: %w", key.PK, key.SK, err)
	}
	maps.Copy(item, key.Attributes())
	in := &dynamodb.PutItemInput{TableName: &t.name, Item: item, ExpressionAttributeValues: values}
	if condition != "" {
		in.ConditionExpression = &condition
	}
	_, err = t.client.PutItem(ctx, in)
	var newer *types.ConditionalCheckFailedException
	if err == nil || errors.As(err, &newer) {
		return nil
	}
	return unavailable("writing row "+key.PK, err)
}

const mostInBatch = 100

func (t *Table) batch(ctx context.Context, keys []schema.Key, visit func(map[string]types.AttributeValue) error) error {
	for len(keys) > 0 {
		n := min(len(keys), mostInBatch)
		asked := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
		for _, key := range keys[:n] {
			asked.Keys = append(asked.Keys, key.Attributes())
		}
		for len(asked.Keys) > 0 {
			out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{t.name: asked}})
			if err != nil {
				return unavailable("reading usage", err)
			}
			for _, item := range out.Responses[t.name] {
				if err := visit(item); err != nil {
					return fmt.Errorf("decoding row %s: %w", schema.KeyOf(item).PK, err)
				}
			}
			asked = out.UnprocessedKeys[t.name]
		}
		keys = keys[n:]
	}
	return nil
}

func unavailable(doing string, err error) error {
	return portal.Postpone("the usage table does not answer", fmt.Errorf("%s: %w", doing, err))
}
