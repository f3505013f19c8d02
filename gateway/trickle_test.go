package gateway

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
)

// memory is a table for the budget that takes no time.
type memory struct {
	table

	mu   sync.Mutex
	item map[string]types.AttributeValue
}

func (m *memory) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &dynamodb.GetItemOutput{Item: maps.Clone(m.item)}, nil
}

func (m *memory) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen, conditional := in.ExpressionAttributeValues[":seen"].(*types.AttributeValueMemberN)
	if !conditional && m.item != nil || conditional && m.item["revision"].(*types.AttributeValueMemberN).Value != seen.Value {
		return nil, &types.ConditionalCheckFailedException{Item: m.item}
	}
	m.item = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

func budgetsOf(t *testing.T, processes int, share float64) []*Budget {
	t.Helper()
	shared := &memory{}
	budgets := make([]*Budget, processes)
	for i := range budgets {
		var err error
		if budgets[i], err = NewBudget(shared, BudgetConfig{Table: gatewaytest.Records, Share: share}); err != nil {
			t.Fatal(err)
		}
	}
	return budgets
}

// insatiable takes tokens until ctx ends, and counts them.
func insatiable(ctx context.Context, b *Budget, u Urgency, n int, work *sync.WaitGroup, count func()) {
	for range n {
		work.Go(func() {
			for ctx.Err() == nil {
				if had(b.taker(other, u), ctx) {
					count()
				}
			}
		})
	}
}

// 600 background calls read a catalog while people click without a pause.
func TestBackgroundWorkEndsInBoundedTimeHoweverManyPeopleClick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		const calls = 600
		budgets := budgetsOf(t, 2, 0.1)
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		var mu sync.Mutex
		tokens := 0
		for _, b := range budgets {
			insatiable(ctx, b, Interactive, 3, &work, func() { mu.Lock(); tokens++; mu.Unlock() })
		}
		began := time.Now()
		for done := 0; done < calls; {
			if had(budgets[0].taker(other, Background), ctx) {
				done++
			}
		}
		took := time.Since(began)
		cancel()
		work.Wait()
		// Background work gets one token in five, and loses a little by waiting for it.
		if most := calls * (trickle + 1); calls+tokens > most {
			t.Errorf("it took %d tokens, want at most %d", calls+tokens, most)
		}
		if rate := float64(calls+tokens) / took.Seconds(); rate < 0.85 {
			t.Errorf("%.2f tokens a second were used of 0.98", rate)
		}
	})
}

func TestBackgroundJobsGetTheirTokensInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		b := budgetsOf(t, 1, 0.1)[0]
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var work sync.WaitGroup
		got := make([]int, 3)
		insatiable(ctx, b, Interactive, 3, &work, func() {})
		for job := range got {
			insatiable(ctx, b, Background, 1, &work, func() { got[job]++ })
		}
		work.Wait()
		for job := range got {
			if all := got[0] + got[1] + got[2]; got[job] < all/3-5 || got[job] > all/3+5 {
				t.Errorf("job %d got %d tokens of %d", job, got[job], all)
			}
		}
	})
}

func TestNoTokenIsSavedForBackgroundCallsThatDoNotWait(t *testing.T) {
	t.Parallel()
	l := quotas.scaled(0.1).cautious()
	b := fullAt(time.UnixMilli(1_800_000_000_000))
	b.Tokens = map[class]float64{total: 1}
	b = b.refilled(time.UnixMilli(b.At), l)
	if _, got, _ := b.draw(other, Interactive, 1, l); got != 1 {
		t.Error("an interactive call did not get the last token")
	}
	waits, _, _ := b.draw(other, Background, 1, l)
	due := waits.refilled(time.UnixMilli(b.At).Add(starvedFor), l)
	due.Tokens[total] = 1
	if _, got, _ := due.draw(other, Interactive, 1, l); got != 0 {
		t.Error("an interactive call got the token that was saved for a background call")
	}
	if _, got, _ := due.draw(other, Background, 1, l); got != 1 {
		t.Error("the background call did not get the token that was saved for it")
	}
	gone := waits.refilled(time.UnixMilli(b.At).Add(starvedFor+time.Millisecond), l)
	gone.Tokens[total] = 1
	if _, got, _ := gone.draw(other, Interactive, 1, l); got != 1 {
		t.Error("a token is saved for a background call that has gone")
	}
}
