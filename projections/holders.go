package projections

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Holder is a key that is, or was, in a plan, by its id in API Gateway. A key that was deleted
// and made again has a Holder for each id.
type Holder struct {
	Account   portal.AccountID    `dynamodbav:"account"`
	Plan      portal.PlanID       `dynamodbav:"plan"`
	Key       portal.KeyID        `dynamodbav:"key"`
	GatewayID portal.GatewayKeyID `dynamodbav:"gateway_id"`
	// Since is when the key was wanted in the plan, zero once it has left. Until is when it left,
	// zero before.
	Since time.Time `dynamodbav:"since"`
	Until time.Time `dynamodbav:"until"`
}

func held(account state.Account) map[portal.Pair]Holder {
	all := map[portal.Pair]Holder{}
	for pair, attachment := range account.Attachments {
		if key := account.Keys[pair.Key]; attachment.Phase != state.Ended && key.Created() {
			all[pair] = Holder{Account: account.ID, Plan: pair.Plan, Key: pair.Key, GatewayID: key.GatewayID, Since: attachment.OpenedAt}
		}
	}
	return all
}

// holderRows writes state rows, guarded by sequence; only the stream of the key's account writes
// them. A key that left a plan keeps its row until the fold forgets it or the account is deleted:
// API Gateway may count its last calls late.
func holderRows(changed rows, before, account state.Account, fact events.Event) {
	_, deleted := fact.Data.(events.AccountDeleted)
	for pair := range before.Attachments {
		if _, known := account.Keys[pair.Key]; known && !deleted {
			continue
		}
		for _, id := range before.Keys[pair.Key].Formerly {
			changed.remove(changed.Holder(pair.Plan, id), fact)
		}
	}
	was, is := held(before), held(account)
	for pair, h := range was {
		if is[pair].GatewayID != h.GatewayID {
			h.Since, h.Until = time.Time{}, fact.Time
			changed.view(changed.Holder(h.Plan, h.GatewayID), fact.Sequence, h)
		}
	}
	for pair, h := range is {
		if was[pair].GatewayID != h.GatewayID {
			changed.view(changed.Holder(h.Plan, h.GatewayID), fact.Sequence, h)
		}
	}
}

type holderClient interface {
	client
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
}

// Holders tells whose keys are in plans. It may lag behind the journal. If a table does not
// answer, the error is *portal.Postponed.
type Holders struct {
	client holderClient
	store  store
}

// NewHolders returns the Holders in the views table.
func NewHolders(client holderClient, tables Tables) *Holders {
	return &Holders{client: client, store: newStore(client, tables)}
}

// Clock replaces the clock that tells the pointer's age.
func (h *Holders) Clock(now func() time.Time) *Holders {
	h.store.generations.now = now
	return h
}

// Held reports whether a key is in the plan, or was after that time.
func (h *Holders) Held(ctx context.Context, plan portal.PlanID, after time.Time) (bool, error) {
	live, err := h.store.live(ctx)
	if err != nil {
		return false, err
	}
	of := live.Holders(plan)
	values := of.Values()
	values[":never"], values[":after"] = schema.Time(time.Time{}), schema.Time(after)
	pages := dynamodb.NewQueryPaginator(h.client, &dynamodb.QueryInput{
		TableName: &h.store.tables.Views, KeyConditionExpression: of.Condition(), ExpressionAttributeValues: values,
		FilterExpression: aws.String("#until = :never OR #until > :after"), ExpressionAttributeNames: map[string]string{"#until": "until"},
		ProjectionExpression: aws.String(schema.SK),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, unavailable(err, "reading the keys of plan "+string(plan))
		}
		if len(page.Items) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// Page lists at most limit holders of a plan. after is "" or an earlier page's next, which is ""
// on the last page.
func (h *Holders) Page(ctx context.Context, plan portal.PlanID, after string, limit int) (page []Holder, next string, err error) {
	live, err := h.store.live(ctx)
	if err != nil {
		return nil, "", asUnavailable(err)
	}
	of := live.Holders(plan)
	in := &dynamodb.QueryInput{
		TableName: &h.store.tables.Views, KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(), Limit: aws.Int32(int32(limit)),
	}
	if after != "" {
		in.ExclusiveStartKey = schema.Key{PK: of.PK, SK: of.Begins + after}.Attributes()
	}
	out, err := h.client.Query(ctx, in)
	if err != nil {
		return nil, "", asUnavailable(unavailable(err, "reading the keys of plan "+string(plan)))
	}
	if err := attributevalue.UnmarshalListOfMaps(out.Items, &page); err != nil {
		return nil, "", fmt.Errorf("decoding the keys of plan %s: %w", plan, err)
	}
	if out.LastEvaluatedKey != nil {
		next = strings.TrimPrefix(schema.KeyOf(out.LastEvaluatedKey).SK, of.Begins)
	}
	return page, next, nil
}

// mostInBatch is how many items one BatchGetItem reads (DynamoDB API Reference).
const mostInBatch = 100

// Of finds the holders among keys of a plan. It leaves out keys that are not ours, or not shown
// yet.
func (h *Holders) Of(ctx context.Context, plan portal.PlanID, keys []portal.GatewayKeyID) (map[portal.GatewayKeyID]Holder, error) {
	live, err := h.store.live(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[portal.GatewayKeyID]Holder, len(keys))
	for len(keys) > 0 {
		n := min(len(keys), mostInBatch)
		asked := types.KeysAndAttributes{}
		for _, key := range keys[:n] {
			asked.Keys = append(asked.Keys, live.Holder(plan, key).Attributes())
		}
		if err := h.batch(ctx, asked, found); err != nil {
			return nil, err
		}
		keys = keys[n:]
	}
	return found, nil
}

// In finds the holder of a key in any of the plans. It is zero for a key that is not ours, or not shown
// yet. A plan may occur twice.
func (h *Holders) In(ctx context.Context, plans []portal.PlanID, key portal.GatewayKeyID) (Holder, error) {
	live, err := h.store.live(ctx)
	if err != nil {
		return Holder{}, err
	}
	plans = slices.Compact(slices.Sorted(slices.Values(plans)))
	for some := range slices.Chunk(plans, mostInBatch) {
		asked, found := types.KeysAndAttributes{}, map[portal.GatewayKeyID]Holder{}
		for _, plan := range some {
			asked.Keys = append(asked.Keys, live.Holder(plan, key).Attributes())
		}
		if err := h.batch(ctx, asked, found); err != nil {
			return Holder{}, err
		}
		if holder, ok := found[key]; ok {
			return holder, nil
		}
	}
	return Holder{}, nil
}

func (h *Holders) batch(ctx context.Context, asked types.KeysAndAttributes, found map[portal.GatewayKeyID]Holder) error {
	for len(asked.Keys) > 0 {
		out, err := h.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{h.store.tables.Views: asked}})
		if err != nil {
			return unavailable(err, "reading the keys of plans")
		}
		for _, item := range out.Responses[h.store.tables.Views] {
			var holder Holder
			if err := attributevalue.UnmarshalMap(item, &holder); err != nil {
				return fmt.Errorf("decoding row %s %s: %w", schema.KeyOf(item).PK, schema.KeyOf(item).SK, err)
			}
			if holder.Account != "" { // else it is gone
				found[holder.GatewayID] = holder
			}
		}
		asked = out.UnprocessedKeys[h.store.tables.Views]
	}
	return nil
}
