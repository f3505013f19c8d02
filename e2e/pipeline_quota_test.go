// Quotas across keys, with the loops of pipeline_test.go.

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// TestNobodyGetsASecondQuota lets a person revoke, create, rotate and replace keys, leave plans, return to
// them and change them, in any order, and in between make as many calls as API Gateway lets through. API Gateway
// may or may not forget the counter of a key that leaves a plan. In a period, the calls in a plan are at most its
// quota times the largest number of live keys that the account has had at once. Messages may come twice, but API
// Gateway always answers: if it did not for minutes, a key would begin with a whole quota.
func TestNobodyGetsASecondQuota(t *testing.T) {
	t.Parallel()
	server := localawstest.Start(t)
	tables := dynamodb.NewFromConfig(server.AWSConfig())
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		w := newWorld(rt, tables, app.NamesFor(fmt.Sprintf("quota%d", runs)))
		w.calm = true
		w.request("ann", events.RegisterUser{})
		w.drain()
		w.answerRegistrations()
		most := 0
		for range rapid.IntRange(5, 30).Draw(rt, "actions") {
			w.spendOrChange("ann")
			w.drain()
			most = max(most, w.liveKeys("ann"))
			for plan, quota := range quotas {
				if calls := w.callsThisPeriod(plan); calls > int64(most*quota.Limit) {
					w.Fatalf("%d calls in %s with at most %d keys at a time and a quota of %d", calls, plan, most, quota.Limit)
				}
			}
		}
	})
}

func (w *world) spendOrChange(account portal.AccountID) {
	history, err := w.reader.Account(context.Background(), account)
	if err != nil {
		w.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(history.Account.Keys))
	switch action := rapid.SampledFrom([]string{"call", "call", "call", "subscribe", "subscribe", "leave", "change", "key", "key", "key", "later", "duplicate"}).Draw(w.T, "action"); {
	case action == "call":
		w.callSomething()
	case action == "subscribe":
		w.request(account, rapid.SampledFrom(plans[:2]).Draw(w.T, "plan"))
	case action == "leave":
		w.request(account, events.UnsubscribeRequested{Plan: rapid.SampledFrom(plans[:2]).Draw(w.T, "plan").Plan})
	case action == "change":
		i := rapid.IntRange(0, 1).Draw(w.T, "plan")
		to := plans[i]
		w.request(account, events.PlanChangeRequested{Plan: to.Plan, Replaces: plans[1-i].Plan, Name: to.Name, Stages: to.Stages, Rivals: to.Rivals})
	case action == "key" && len(keys) > 0:
		key := rapid.SampledFrom(keys).Draw(w.T, "key")
		w.request(account, rapid.SampledFrom([]events.Request{
			events.KeyRequested{Name: "Another"}, events.KeyRequested{Name: "Another"}, events.KeyRotationRequested{Key: key}, events.KeyRotationRequested{Key: key, Overlap: 3600},
			events.KeyRotationRequested{Key: key, Leaked: true}, events.KeyEndRequested{Key: key}, events.KeyEndRequested{Key: key},
		}).Draw(w.T, "request"))
	case action == "later":
		w.clock = w.clock.Add(time.Duration(rapid.IntRange(0, 20).Draw(w.T, "hours")) * time.Hour)
		w.handleDueRows()
	case action == "duplicate" && len(w.requests[account]) > 0:
		w.queue = append(w.queue, rapid.SampledFrom(w.requests[account]).Draw(w.T, "again"))
	}
}

// liveKeys counts the account's keys that nobody has ended, whether they are in a plan or not.
func (w *world) liveKeys(account portal.AccountID) int {
	history, err := w.reader.Account(context.Background(), account)
	if err != nil {
		w.Fatal(err)
	}
	n := 0
	for _, key := range history.Account.Keys {
		if key.Live() {
			n++
		}
	}
	return n
}

func (w *world) callsThisPeriod(plan portal.PlanID) int64 {
	sum := int64(0)
	for of := range w.meters {
		if of.plan == plan {
			sum += w.meters.consumed(of, midnight(w.clock))
		}
	}
	return sum
}
