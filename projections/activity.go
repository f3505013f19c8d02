package projections

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Activity is one line about an account.
type Activity struct {
	Sequence  int64              `dynamodbav:"seq"`
	At        time.Time          `dynamodbav:"at"`
	Text      string             `dynamodbav:"text"`
	Operation portal.OperationID `dynamodbav:"operation,omitempty"`
	Revealed  portal.KeyID       `dynamodbav:"revealed,omitempty"`
}

// ActivityPage is a page of lines, newest first.
type ActivityPage struct {
	Lines []Activity
	// Next is the next page's cursor, "" on the last page.
	Next string
}

// activityRows inserts at most one row for each fact; a second write changes nothing.
func activityRows(changed rows, account state.Account, fact events.Event) {
	if text := activityText(account, fact); text != "" {
		changed.view(changed.Activity(account.ID, fact.Sequence), fact.Sequence,
			Activity{At: fact.Time, Text: text, Operation: ownOperation(account, fact)})
	}
}

// ownOperation leaves out operations of admins, which the owner may not follow.
func ownOperation(account state.Account, fact events.Event) portal.OperationID {
	if fact.Actor != "" && fact.Actor != portal.AccountActor(account.ID) {
		return ""
	}
	return fact.Operation
}

func activityText(account state.Account, fact events.Event) string {
	plan := planName(account, fact)
	switch f := fact.Data.(type) {
	case events.UserRegistered:
		if ownOperation(account, fact) == "" && f.Wish != 0 {
			return "The operator of this portal approved your registration."
		}
		return "You registered."
	case events.SubscriptionWanted:
		if _, paid := f.Ring.Licence(); paid {
			return plan + " is to become active."
		}
		return "You subscribed to " + plan + "."
	case events.SubscriptionActivated:
		return plan + " became active."
	case events.SubscriptionEnding:
		if f.Withdrawn {
			return "You withdrew your request for " + plan + "."
		}
		if f.Licence != "" {
			return plan + " is to end."
		}
		return "You left " + plan + "."
	case events.SubscriptionEnded:
		return plan + " ended."
	case events.SubscriptionLost:
		return lostText(plan, f.Reason)
	case events.KeyCreated:
		return account.Keys[f.Key].Name + " was created."
	case events.KeyObserved:
		if f.Enabled {
			return "The operator of this portal enabled " + account.Keys[f.Key].Name + " again."
		}
		return "The operator of this portal disabled " + account.Keys[f.Key].Name + "."
	case events.KeyReleased:
		if !account.Keys[f.Key].Live() {
			return ""
		}
		return account.Keys[f.Key].Name + " was released, because it was in no plan for a long time. Your next subscription restores it with the same value."
	case events.RequestRejected:
		if fact.Operation != ownOperation(account, fact) {
			return ""
		}
		return "A request was refused: " + f.Message
	case events.QuotaThresholdReached:
		return thresholdText(account.Keys[f.Key].Name, plan, f)
	case events.QuotaNotCarried:
		return account.Keys[f.Key].Name + " began with a whole quota of " + plan + ", since what your other keys had used of it could not be read."
	}
	return cmp.Or(keyActivity(account, fact), planActivity(account, fact), standingActivity(account, fact), licenceActivity(fact))
}

func thresholdText(key, plan string, f events.QuotaThresholdReached) string {
	quota := "its quota of " + plan + " for this " + strings.ToLower(f.Period)
	if f.Percent >= 100 {
		return fmt.Sprintf("%s has used up %s, %d requests.", key, quota, f.Limit)
	}
	return fmt.Sprintf("%s has used %d %% of %s.", key, f.Percent, quota)
}

func lostText(plan string, reason events.LossReason) string {
	if reason == events.LostStageTaken {
		return plan + " ended: it now covers the same API as another of your plans, and a key can be in only one of them."
	}
	return plan + " ended: the operator of this portal has removed the plan."
}

// Activity lists an account's events and reveals, newest first, at most limit lines. The cursor
// is "" or a page's Next; any other is portal.Invalid.
func (v *Views) Activity(ctx context.Context, id portal.AccountID, cursor string, limit int32) (ActivityPage, error) {
	from, err := parseActivityCursor(cursor)
	if err != nil {
		return ActivityPage{}, err
	}
	live, err := v.store.live(ctx)
	if err != nil {
		return ActivityPage{}, asUnavailable(err)
	}
	var facts, reveals []Activity
	group, within := errgroup.WithContext(ctx)
	group.Go(portal.Guard(func() error {
		return v.store.latest(within, v.store.tables.Views, live.Activities(id), from.facts, limit, func(item map[string]types.AttributeValue) error {
			return appendRow(&facts, item)
		})
	}))
	group.Go(portal.Guard(func() (err error) {
		reveals, err = v.reveals(within, id, from.reveals, limit)
		return err
	}))
	if err := group.Wait(); err != nil {
		return ActivityPage{}, asUnavailable(err)
	}
	return mergeActivity(facts, reveals, from, int(limit)), nil
}

type activityCursor struct{ facts, reveals string }

func (c activityCursor) String() string { return c.facts + "." + c.reveals }

func parseActivityCursor(text string) (activityCursor, error) {
	if text == "" {
		return activityCursor{}, nil
	}
	facts, reveals, ok := strings.Cut(text, ".")
	_, noFact := strconv.ParseUint(facts, 10, 63)
	_, noTime := strconv.ParseUint(reveals, 10, 63)
	if !ok || noFact != nil || noTime != nil || len(facts) != len(schema.Sequence(0)) || len(reveals) != len(schema.Nanoseconds(time.Unix(0, 0))) {
		return activityCursor{}, portal.Fail(portal.Invalid, "This page of the activity does not exist. Start with the newest.")
	}
	return activityCursor{facts: facts, reveals: reveals}, nil
}

// mergeActivity: lines added while a person pages are newer than the first page, so no later page
// has them.
func mergeActivity(facts, reveals []Activity, from activityCursor, limit int) ActivityPage {
	page, next := ActivityPage{}, from
	if next == (activityCursor{}) {
		next = beyond(facts, reveals)
	}
	for len(page.Lines) < limit && len(facts)+len(reveals) > 0 {
		if len(reveals) == 0 || len(facts) > 0 && !facts[0].At.Before(reveals[0].At) {
			next.facts = schema.Sequence(facts[0].Sequence)
			page.Lines, facts = append(page.Lines, facts[0]), facts[1:]
			continue
		}
		next.reveals = schema.Nanoseconds(reveals[0].At)
		page.Lines, reveals = append(page.Lines, reveals[0]), reveals[1:]
	}
	if len(page.Lines) == limit {
		page.Next = next.String()
	}
	return page
}

func beyond(facts, reveals []Activity) activityCursor {
	newest, shown := int64(0), time.Unix(0, 0)
	if len(facts) > 0 {
		newest = facts[0].Sequence
	}
	if len(reveals) > 0 {
		shown = reveals[0].At
	}
	return activityCursor{facts: schema.Sequence(newest + 1), reveals: schema.Nanoseconds(shown.Add(1))}
}

func (s store) latest(ctx context.Context, table string, of schema.Range, before string, limit int32, visit func(map[string]types.AttributeValue) error) error {
	end := of.Begins + "~"
	if before != "" {
		end = of.Begins + before
	}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName:              &table,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :begin AND :end"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": schema.Text(of.PK), ":begin": schema.Text(of.Begins), ":end": schema.Text(end),
		},
		ScanIndexForward: aws.Bool(false),
		Limit:            aws.Int32(limit + 1), // the first row may be the last of the previous page
	})
	for found := int32(0); pages.HasMorePages() && found < limit; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable(err, "reading rows of "+of.PK)
		}
		for _, item := range page.Items {
			if schema.KeyOf(item).SK == end {
				continue
			}
			if found++; found > limit {
				break
			}
			if err := visit(item); err != nil {
				return fmt.Errorf("decoding a row of %s: %w", of.PK, err)
			}
		}
	}
	return nil
}
