// Changes by hand in pipeline_test.go that events announce: twice, late, out of order, or never.

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/trail"
	"github.com/gatehouse-portal/gatehouse/transport"
)

const aWorker = "arn:aws:sts::111122223333:assumed-role/worker/1"

// callsByHand are API Gateway's calls for what changeByHand does.
var callsByHand = map[string]string{
	"attach": "CreateUsagePlanKey", "detach": "DeleteUsagePlanKey", "disable": "UpdateApiKey", "enable": "UpdateApiKey", "delete": "DeleteApiKey",
	"rename": "UpdateApiKey", "customer": "UpdateApiKey",
}

// announce draws how many events announce the change, at most two. The scheduler delivers them whenever it likes. Some
// records have no name, and some name a worker as the caller.
func (w *world) announce(does string, id portal.GatewayKeyID, name string, plan portal.PlanID) {
	call, ok := callsByHand[does]
	if !ok {
		return
	}
	if rapid.Bool().Draw(w.T, "the record has no name") {
		name = ""
	}
	by := rapid.SampledFrom([]string{"arn:aws:iam::111122223333:user/ann", "arn:aws:sts::111122223333:assumed-role/Operators/x", aWorker}).Draw(w.T, "by")
	body := fmt.Appendf(nil, `{"source":"aws.apigateway","detail-type":"AWS API Call via CloudTrail","account":"111122223333","region":"eu-west-1",
"detail":{"eventID":"e-%s-%s-%d","eventName":%q,"userIdentity":{"arn":%q},"requestParameters":{"apiKey":%q,"usageplanId":%q},"responseElements":{"name":%q}}}`,
		does, id, w.clock.UnixNano(), call, by, id, plan, name)
	for range rapid.IntRange(0, 2).Draw(w.T, "told") {
		w.announced = append(w.announced, body)
	}
}

// hearOfChange handles one of the events.
func (w *world) hearOfChange() {
	if len(w.announced) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.announced)-1).Draw(w.T, "event")
	body := w.announced[i]
	w.announced = slices.Delete(w.announced, i, i+1)
	ctx, me := newWorker()
	err := w.trailIntake().Handle(ctx, transport.RawMessage{ID: "m", SentAt: w.clock, Body: body})
	var postponed *portal.Postponed
	switch {
	case me.crashed || errors.As(err, &postponed):
		w.announced = append(w.announced, body)
	case err != nil:
		w.Fatal(err)
	}
}

func (w *world) trailIntake() trail.Intake {
	adopted := adoptions.NewStore(w.tables, w.names.Records, w.now)
	holders := projections.NewHolders(w.tables, projections.Tables{Views: w.names.Views, Records: w.names.Records}).Clock(w.now)
	return trail.Intake{
		Self: func(context.Context) (string, error) { return aWorker, nil }, Region: "eu-west-1", Streams: w.journal, Sender: fakeSender{w}, Now: w.now,
		Counted: func(o trail.Outcome) {
			if !slices.Contains([]trail.Outcome{trail.WokeAccount, trail.OtherKey, trail.OwnCall}, o) {
				w.Errorf("an event was counted as %s", o)
			}
		},
		Named: func(name string) (portal.AccountID, bool) {
			account, _, ok := strings.Cut(name, "/")
			return portal.AccountID(account), ok
		},
		Owners: func(ctx context.Context, keys []portal.GatewayKeyID, named []portal.PlanID) (found []portal.AccountID, err error) {
			for _, plan := range plans {
				named = append(named, plan.Plan)
			}
			for _, key := range keys {
				owner, err := adopted.Owner(ctx, key)
				if err != nil {
					return nil, err
				}
				if owner == "" {
					holder, err := holders.In(ctx, named, key)
					if err != nil {
						return nil, err
					}
					owner = holder.Account
				}
				if owner != "" {
					found = append(found, owner)
				}
			}
			return found, nil
		},
		Catalog: func(time.Time) events.Event { panic("no event is about the catalog") },
	}
}
