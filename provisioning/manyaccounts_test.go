package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

// city is many accounts that subscribe at once, and a local AWS.
type city struct {
	server  *localaws.Server
	names   app.Names
	journal *journal.Journal
	plan    portal.PlanID
	calls   atomic.Int64
}

func newCity(t *testing.T, people int) *city {
	t.Helper()
	c := &city{server: localawstest.Start(t)}
	cfg, err := app.LoadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Setup(t.Context(), c.server.AWSConfig(), cfg); err != nil {
		t.Fatal(err)
	}
	c.names = app.NamesFor(cfg.Prefix)
	c.journal = journal.New(dynamodb.NewFromConfig(c.server.AWSConfig()), c.names.Journal, c.names.Records)
	plan, err := apigateway.NewFromConfig(c.server.AWSConfig()).CreateUsagePlan(t.Context(), &apigateway.CreateUsagePlanInput{Name: aws.String("Free")})
	if err != nil {
		t.Fatal(err)
	}
	c.plan = portal.PlanID(aws.ToString(plan.Id))
	for n := range people {
		facts := []events.Fact{events.UserRegistered{}, keyWanted, events.SubscriptionWanted{Plan: c.plan, Name: "Free", Ring: portal.AccountRing}}
		stamped := journal.Stamp(events.Event{ID: "cause", Subject: c.stream(n), Operation: "op"}, "/test", time.Now(), 0, facts)
		if err := c.journal.Append(t.Context(), c.stream(n), 0, stamped); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *city) account(n int) portal.AccountID { return portal.AccountID(fmt.Sprintf("01kagp%06d", n)) }
func (c *city) stream(n int) portal.Stream     { return portal.AccountStream(c.account(n)) }

// worker is one process's converger, with the real control plane.
func (c *city) worker(t *testing.T) *provisioning.Converger {
	t.Helper()
	tables := dynamodb.NewFromConfig(c.server.AWSConfig())
	budget, err := gateway.NewBudget(tables, gateway.BudgetConfig{Table: c.names.Records, Share: 1})
	if err != nil {
		t.Fatal(err)
	}
	cp := gateway.New(gateway.Client(c.server.AWSConfig()), budget, gateway.Config{Observe: func(_, outcome string) {
		if outcome != "postponed" {
			c.calls.Add(1)
		}
	}})
	return &provisioning.Converger{
		Journal:  c.journal,
		Accounts: accounts.NewReader(c.journal, tables, c.names.Records, time.Now),
		Sender:   quiet{}, Values: longValues{}, Now: time.Now,
		AccountLeases: leases.New(tables, leases.Config{Table: c.names.Records}),
		Bulk:          keyimport.New(cp, keyimport.Config{}),
		Session:       func(u gateway.Urgency, lease func() time.Time) provisioning.ControlPlane { return cp.Session(u, lease) },
		MessageLease:  func(context.Context) time.Time { return time.Now().Add(time.Hour) },
		KeyName:       func(a portal.AccountID, k portal.KeyID) string { return gateway.KeyName("gatehouse", a, k) },
	}
}

// quiet publishes nothing.
type quiet struct{}

func (quiet) Send(context.Context, ...events.Event) error      { return nil }
func (quiet) SendAgain(context.Context, ...events.Event) error { return nil }

type longValues struct{}

func (longValues) Value(_ context.Context, _, _ string, account portal.AccountID, key portal.KeyID) (string, error) {
	return "gh00000000000000000000" + string(account) + string(key), nil
}

func TestACityThatSubscribesAtOnceCostsFewCalls(t *testing.T) {
	t.Parallel()
	const people = 120
	c := newCity(t, people)
	workers := []*provisioning.Converger{c.worker(t), c.worker(t)}
	var work sync.WaitGroup
	for n := range people {
		work.Go(func() {
			wake := events.Event{ID: fmt.Sprintf("w%d", n), Subject: c.stream(n), Data: events.ProvisionRequested{}}
			for {
				err := workers[n%2].Handle(t.Context(), wake)
				var later *portal.Postponed
				if !errors.As(err, &later) {
					if err != nil {
						t.Errorf("account %d: %v", n, err)
					}
					return
				}
			}
		})
	}
	work.Wait()
	attached, err := apigateway.NewFromConfig(c.server.AWSConfig()).GetUsagePlanKeys(t.Context(), &apigateway.GetUsagePlanKeysInput{
		UsagePlanId: aws.String(string(c.plan)), Limit: aws.Int32(500),
	})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[portal.GatewayKeyID]bool{}
	for _, key := range attached.Items {
		ids[portal.GatewayKeyID(aws.ToString(key.Id))] = true
	}
	for n := range people {
		facts, err := c.journal.Read(t.Context(), c.stream(n), 0)
		if err != nil {
			t.Fatal(err)
		}
		folded := statetest.FoldAccount(c.account(n), facts)
		if s := folded.Subscription(c.plan); s.Phase != state.Active || !ids[folded.Keys["key1"].GatewayID] {
			t.Errorf("account %d is %s with key %+v", n, s.Phase, folded.Keys["key1"])
		}
	}
	if len(ids) != people {
		t.Errorf("%d keys in the plan", len(ids))
	}
	// How many creations share a wave depends on the machine.
	if made := c.calls.Load(); made > people*3/2 {
		t.Errorf("%d calls for %d keys in a plan; single calls would be %d", made, people, 2*people)
	}
}
