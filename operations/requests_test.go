package operations_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func who(account portal.AccountID, key string) operations.Caller {
	return operations.Caller{Account: account, IdempotencyKey: key, Correlation: "corr"}
}

func TestSeveralSignInsMakeOneRegistration(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	first, err := d.Register(t.Context(), who(ann, operations.RegistrationKey(ann)))
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Register(t.Context(), who(ann, operations.RegistrationKey(ann)))
	if err != nil || second.ID != first.ID {
		t.Errorf("the second browser's operation is %s, %v; want %s", second.ID, err, first.ID)
	}
	sent, _ := d.outbox.empty()
	if len(sent) != 1 || sent[0].Data != (events.RegisterUser{}) {
		t.Errorf("sent %v", sent)
	}
}

func TestASubscribeRequestHoldsWhatTheCatalogSaysOfThePlan(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(plus)
	d.publish(free, plus)
	if _, err := d.Subscribe(t.Context(), who(ann, ""), "free"); err != nil {
		t.Fatal(err)
	}
	sent, _ := d.outbox.empty()
	same(t, "the request", events.SubscribeRequested{Plan: "free", Name: "Free", Stages: free.Stages, CatalogSequence: 2}, sent[0].Data)
}

func TestSubscribingToAPlanThatIsNotOfferedIsRefused(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	_, err := d.Subscribe(t.Context(), who(ann, ""), "free") // before the first publication
	refuses(t, err, portal.NotFound)
	d.publish(plus)
	_, err = d.Subscribe(t.Context(), who(ann, ""), "free")
	refuses(t, err, portal.NotFound)
	if sent, _ := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("handed on %v", sent)
	}
}

func TestSubscribingToAPlanThatIsNotSoldHereIsRefusedAndSaysWhereToGo(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	sold := plus
	sold.Marketplace = true
	d.publish(free, sold)
	for _, ask := range []func() (operations.Operation, error){
		func() (operations.Operation, error) { return d.Subscribe(t.Context(), who(ann, ""), "plus") },
		func() (operations.Operation, error) { return d.ChangePlan(t.Context(), who(ann, ""), "plus", "free") },
	} {
		_, err := ask()
		refuses(t, err, portal.Conflict)
		if want := "You can buy Plus on AWS Marketplace only, not on this portal."; !strings.Contains(err.Error(), want) {
			t.Errorf("it says %v, want %s", err, want)
		}
	}
	if sent, _ := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("handed on %v", sent)
	}
}

func TestARequestSaysThatThePlanNeedsApproval(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	manual := plus
	manual.Approval = catalog.ApprovalManual
	d.publish(free, manual)
	_, first := d.Subscribe(t.Context(), who(ann, ""), "plus")
	_, second := d.ChangePlan(t.Context(), who(ann, ""), "plus", "free")
	if first != nil || second != nil {
		t.Fatal(first, second)
	}
	sent, _ := d.outbox.empty()
	if subscribe, change := sent[0].Data.(events.SubscribeRequested), sent[1].Data.(events.PlanChangeRequested); subscribe.Approval != events.ApprovalManual || change.Approval != events.ApprovalManual {
		t.Errorf("sent %+v and %+v", subscribe, change)
	}
}

func TestAChangeOfPlansCarriesWhatTheCatalogSays(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(free, plus)
	_, err := d.ChangePlan(t.Context(), who(ann, "again"), "plus", "free")
	if err != nil {
		t.Fatal(err)
	}
	sent, _ := d.outbox.empty()
	same(t, "the request", events.PlanChangeRequested{
		Plan: "plus", Replaces: "free", Name: "Plus", Stages: plus.Stages, CatalogSequence: 1,
	}, sent[0].Data)
	// The same key for another change is another request.
	_, err = d.ChangePlan(t.Context(), who(ann, "again"), "free", "plus")
	refuses(t, err, portal.KeyReused)
}

func TestAChangeBetweenPlansThatDoNotExistIsRefused(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(free, plus)
	for want, plans := range map[string][2]portal.PlanID{
		"There is no such plan.":            {"gold", "free"},
		"There is no such plan to replace.": {"plus", "gold"},
		"A plan cannot replace itself.":     {"plus", "plus"},
	} {
		_, err := d.ChangePlan(t.Context(), who(ann, ""), plans[0], plans[1])
		if portal.MessageOf(err) != want {
			t.Errorf("%v: %v, want %s", plans, err, want)
		}
	}
	if sent, _ := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("handed on %v", sent)
	}
}

// patient reads the catalog only once a request is counted.
type patient struct {
	*projections.Views
	counted chan struct{}
}

func (p *patient) Catalog(ctx context.Context) (projections.Catalog, error) {
	select {
	case <-p.counted:
	case <-ctx.Done():
		return projections.Catalog{}, ctx.Err()
	}
	return p.Views.Catalog(ctx)
}

type signalling struct {
	*dynamodb.Client
	counted chan struct{}
}

func (c signalling) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out, err := c.Client.UpdateItem(ctx, in, opts...)
	close(c.counted)
	return out, err
}

func TestARequestIsCountedWhileTheCatalogIsReadIfThePlanWasThereBefore(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(free)
	cfg := d.config()
	views := cfg.Views.(*projections.Views)
	if _, err := views.Catalog(t.Context()); err != nil {
		t.Fatal(err)
	}
	counted := make(chan struct{})
	cfg.Views, cfg.Tables = &patient{views, counted}, signalling{d.tables.Client, counted}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := operations.New(cfg).Subscribe(ctx, who(ann, ""), "free"); err != nil {
		t.Fatal(err)
	}
}

func TestARequestForAPlanThatNeverExistedIsNotCounted(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(free)
	for range 2 {
		_, err := d.Subscribe(t.Context(), who(ann, ""), "nonsense")
		refuses(t, err, portal.NotFound)
		_, err = d.Unsubscribe(t.Context(), who(ann, ""), "nonsense")
		refuses(t, err, portal.NotFound)
	}
	same(t, "counted", counters{}, d.counters(ann))
}

func TestARepeatedSubscribeRequestIsTheSameAfterTheCatalogChanged(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(free, plus)
	first, err := d.Subscribe(t.Context(), who(ann, "k"), "free")
	if err != nil {
		t.Fatal(err)
	}
	renamed := free
	renamed.Name = "Basic"
	d.publish(renamed, plus)
	d.pass(time.Minute)
	d.restart()
	again, err := d.Subscribe(t.Context(), who(ann, "k"), "free")
	if err != nil || again.ID != first.ID {
		t.Errorf("sent again it is %q, %v; want %q", again.ID, err, first.ID)
	}
	sent, repeated := d.outbox.empty()
	same(t, "repeated", sent, repeated)
	_, err = d.Subscribe(t.Context(), who(ann, "k"), "plus")
	refuses(t, err, portal.KeyReused)
}

func TestAPlanCanBeLeftIfTheCatalogOrTheAccountHasIt(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(free)
	d.happen(portal.AccountStream(ann), "op", events.UserRegistered{},
		events.SubscriptionWanted{Plan: "gone", Name: "Gone", Ring: portal.AccountRing},
		events.SubscriptionActivated{Link: events.Link{Wish: 2}, Plan: "gone"})
	for _, c := range []struct {
		name    string
		account portal.AccountID
		plan    portal.PlanID
		want    portal.Code
	}{
		{"offered and never held: the worker decides, since views lag", bob, "free", ""},
		{"held and no longer offered", ann, "gone", ""},
		{"no longer offered, and held by somebody else", bob, "gone", portal.NotFound},
		{"unheard of", ann, "nonsense", portal.NotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := d.Unsubscribe(t.Context(), who(c.account, ""), c.plan)
			refuses(t, err, c.want)
			sent, _ := d.outbox.empty()
			if err == nil {
				same(t, "the request", events.UnsubscribeRequested{Plan: c.plan}, sent[0].Data)
			} else if len(sent) > 0 {
				t.Errorf("handed on %v", sent)
			}
		})
	}
}

func TestRequestsAreUnavailableWhileTheCatalogCannotBeRead(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(free)
	d.happen(portal.CatalogStream, "", events.CatalogPublished{Hash: "a document that is not there"})
	_, err := d.Subscribe(t.Context(), who(ann, ""), "free")
	refuses(t, err, portal.Unavailable)
	_, err = d.Unsubscribe(t.Context(), who(ann, ""), "free")
	refuses(t, err, portal.Unavailable)
	if sent, _ := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("handed on %v", sent)
	}
}

func withKeys(t *testing.T) *fixture {
	d := newFixture(t)
	var facts []events.Fact
	for _, key := range []portal.KeyID{"there", "pending", "disabled", "released"} {
		facts = append(facts, events.KeyWanted{Key: key, Ring: portal.Ring("plan/" + key), Name: "Key " + string(key), Scheme: "v1", KMSKey: "arn:key"})
		if key != "pending" {
			facts = append(facts, events.KeyCreated{Key: key, GatewayID: "gw"})
		}
	}
	facts = append(facts, events.KeyObserved{Key: "disabled"}, events.KeyReleasing{Key: "released"}, events.KeyReleased{Key: "released"})
	d.happen(portal.AccountStream(ann), "op", events.UserRegistered{})
	d.happen(portal.AccountStream(ann), "op", facts...)
	return d
}

// revealed are the keys that the activity says were shown, newest first.
func (d *fixture) revealed(account portal.AccountID) []portal.KeyID {
	d.t.Helper()
	page, err := d.views.Activity(d.t.Context(), account, "", 100)
	if err != nil {
		d.t.Fatal(err)
	}
	var keys []portal.KeyID
	for _, line := range page.Lines {
		if line.Revealed != "" {
			keys = append(keys, line.Revealed)
		}
	}
	return keys
}

func TestEveryRevealIsRecorded(t *testing.T) {
	t.Parallel()
	d := withKeys(t)
	for range 2 {
		value, err := d.Reveal(t.Context(), who(ann, ""), "there")
		if err != nil || value != "v1 arn:key ann there" {
			t.Fatalf("revealed %q, %v", value, err)
		}
	}
	same(t, "reveals", []portal.KeyID{"there", "there"}, d.revealed(ann))
	last, err := d.views.LastReveals(t.Context(), ann)
	if err != nil || len(last) != 1 || last["there"].Sub(d.now) > time.Second {
		t.Errorf("it was last shown %v, %v; want at %v", last, err, d.now)
	}
	for _, row := range d.tables.Rows(t, d.tables.Records, "account#ann") {
		var all map[string]any
		if err := attributevalue.UnmarshalMap(row, &all); err != nil || strings.Contains(fmt.Sprint(all), "v1 arn:key ann there") {
			t.Errorf("a row holds the value, or cannot be read (%v): %v", err, all)
		}
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("handed on %v %v", sent, repeated)
	}
}

// forgetful cannot record that a key is shown.
type forgetful struct{}

func (forgetful) Record(context.Context, portal.AccountID, projections.Key, time.Time, string) error {
	return portal.Postpone("the table does not answer", errDown)
}

func TestNoValueIsRevealedIfItCannotBeRecorded(t *testing.T) {
	t.Parallel()
	d := withKeys(t)
	cfg := d.config()
	cfg.Reveals = forgetful{}
	value, err := operations.New(cfg).Reveal(t.Context(), who(ann, ""), "there")
	refuses(t, err, portal.Unavailable)
	if value != "" {
		t.Errorf("it was shown all the same: %q", value)
	}
	if strings.Contains(err.Error(), "v1 arn:key ann there") {
		t.Errorf("the error holds the value: %v", err)
	}
}

func TestARefusedRevealIsNotRecorded(t *testing.T) {
	t.Parallel()
	d := withKeys(t)
	refusedKeys := []struct {
		name    string
		account portal.AccountID
		key     portal.KeyID
		want    portal.Code
		says    string
	}{
		{"a key that is unheard of", ann, "nonsense", portal.NotFound, "no such key"},
		{"somebody else's", bob, "there", portal.NotFound, "no such key"},
		{"one that is not there yet", ann, "pending", portal.Conflict, "Wait until it has been created"},
		{"one that somebody disabled", ann, "disabled", portal.Conflict, "has disabled the key"},
		{"one that was released", ann, "released", portal.Conflict, "Subscribe to a plan"},
	}
	for _, c := range refusedKeys {
		value, err := d.Reveal(t.Context(), who(c.account, ""), c.key)
		refuses(t, err, c.want)
		if value != "" || !strings.Contains(portal.MessageOf(err), c.says) {
			t.Errorf("%s: shown %q and told %q", c.name, value, portal.MessageOf(err))
		}
	}
	for _, c := range refusedKeys {
		value, err := d.ValueToSend(t.Context(), c.account, c.key)
		refuses(t, err, c.want)
		if value != "" || !strings.Contains(portal.MessageOf(err), c.says) {
			t.Errorf("%s, to be sent: %q, %v", c.name, value, err)
		}
	}
	d.values.down = errDown
	_, err := d.Reveal(t.Context(), who(ann, ""), "there")
	refuses(t, err, portal.Unavailable)
	if keys := slices.Concat(d.revealed(ann), d.revealed(bob)); len(keys) > 0 {
		t.Errorf("written down are %v", keys)
	}
}

func TestAValueToSendIsNoReveal(t *testing.T) {
	t.Parallel()
	d := withKeys(t)
	for range 3 * projections.MaxRevealsPerMinute {
		if value, err := d.ValueToSend(t.Context(), ann, "there"); err != nil || value != "v1 arn:key ann there" {
			t.Fatalf("to be sent is %q, %v", value, err)
		}
	}
	if keys := d.revealed(ann); len(keys) > 0 {
		t.Errorf("the activity lists reveals of %v", keys)
	}
	if last, err := d.views.LastReveals(t.Context(), ann); err != nil || len(last) > 0 {
		t.Errorf("it was last shown %v, %v", last, err)
	}
	if _, err := d.Reveal(t.Context(), who(ann, ""), "there"); err != nil {
		t.Errorf("a reveal afterwards: %v", err)
	}
}

func TestRevealsAreLimited(t *testing.T) {
	t.Parallel()
	d := withKeys(t)
	shown := 0
	for range 60 {
		value, err := d.Reveal(t.Context(), who(ann, ""), "there")
		if err != nil {
			refuses(t, err, portal.TooManyRequests)
			if value != "" {
				t.Fatalf("it was shown all the same: %q", value)
			}
			continue
		}
		shown++
	}
	if shown != projections.MaxRevealsPerMinute || len(d.revealed(ann)) != shown {
		t.Errorf("of 60 reveals within a minute %d were carried out and %d written down", shown, len(d.revealed(ann)))
	}
	d.pass(time.Minute)
	if _, err := d.Reveal(t.Context(), who(ann, ""), "there"); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestASubscribeRequestNamesTheRivalsOfThePlan(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	stage := func(names ...string) (stages []portal.Stage) {
		for _, name := range names {
			stages = append(stages, portal.Stage{API: "a", Stage: name})
		}
		return stages
	}
	offer := func(products ...catalog.Product) {
		hash, err := d.documents.Put(t.Context(), catalog.Document{Products: products})
		if err != nil {
			t.Fatal(err)
		}
		d.happen(portal.CatalogStream, "", events.CatalogPublished{Hash: hash, Products: len(products)})
	}
	rivals := func() []portal.PlanID {
		t.Helper()
		d.pass(operations.ChangesWithin)
		d.restart()
		if _, err := d.Subscribe(t.Context(), who(ann, ""), "mine"); err != nil {
			t.Fatal(err)
		}
		sent, _ := d.outbox.empty()
		return sent[0].Data.(events.SubscribeRequested).Rivals
	}
	mine := catalog.Plan{ID: "mine", Name: "Mine", Stages: stage("v1", "v2")}
	offer(catalog.Product{ID: "p", Plans: []catalog.Plan{
		mine, {ID: "same", Stages: stage("v1", "v2")}, {ID: "apart", Stages: stage("v3")}, {ID: "closed"},
	}}, catalog.Product{ID: "q", Plans: []catalog.Plan{{ID: "other", Stages: stage("v2", "v3")}}})
	same(t, "rivals", []portal.PlanID{"same", "other"}, rivals())
	offer(catalog.Product{ID: "p", Plans: []catalog.Plan{mine, {ID: "same", Stages: stage("v4")}, {ID: "apart", Stages: stage("v1")}}})
	same(t, "rivals after the plans have changed", []portal.PlanID{"apart"}, rivals())
	many := []catalog.Plan{mine}
	for i := range 300 {
		many = append(many, catalog.Plan{ID: portal.PlanID(fmt.Sprintf("plan-%03d", i)), Stages: stage("v1")})
	}
	offer(catalog.Product{ID: "p", Plans: many})
	if got := rivals(); len(got) != 200 {
		t.Errorf("it names %d rivals, want 200 at most", len(got))
	}
}

// dark has views whose catalog cannot be read now, but was read before.
type dark struct {
	*projections.Views
	down bool
}

func (d *dark) Catalog(ctx context.Context) (projections.Catalog, error) {
	if d.down {
		return projections.Catalog{}, portal.Fail(portal.Unavailable, "The views do not answer.")
	}
	return d.Views.Catalog(ctx)
}

func TestARequestThatFailsInAnOutageIsNotCounted(t *testing.T) {
	t.Parallel()
	d, _ := mayHaveOpen(t, 3)
	d.publish(free, plus)
	cfg := d.config()
	views := &dark{Views: cfg.Views.(*projections.Views)}
	cfg.Views, cfg.MaxOpen = views, 3
	ops := operations.New(cfg)
	if _, err := ops.Subscribe(t.Context(), who(bob, ""), "free"); err != nil { // so that the process knows the catalog
		t.Fatal(err)
	}
	views.down = true
	for range operations.MaxChanges {
		_, err := ops.Subscribe(t.Context(), who(ann, ""), "free")
		refuses(t, err, portal.Unavailable)
	}
	views.down = false
	if _, err := ops.Subscribe(t.Context(), who(ann, ""), "free"); err != nil {
		t.Errorf("%v, with %v counted", err, d.counters(ann))
	}
}
