package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

// sweep is a sweep over the bench's journal, an hour after its facts.
func (b *bench) sweep(from provisioning.Listings, shown shownTo) *provisioning.Sweep {
	began := b.now.Add(time.Hour)
	var ticks atomic.Int64
	clock := func() time.Time { return began.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	return &provisioning.Sweep{
		Journal: b.journal, Accounts: b.reader(b.journal), Sender: b.sent, Shown: shown, Now: clock,
		Scratch:      jobs.NewScratch(b.tables, b.names.Records, clock),
		Listings:     func(func() time.Time) provisioning.Listings { return from },
		MessageLease: func(context.Context) time.Time { return clock().Add(time.Hour) },
		NamePrefix:   "g/",
		ParseName:    func(name string) (portal.AccountID, portal.KeyID, bool) { return gateway.ParseKeyName("g", name) },
	}
}

// swept does all steps of a sweep and returns the result.
func (b *bench) swept(sweep *provisioning.Sweep) provisioning.Found {
	b.t.Helper()
	cursor, deliveries := "", 1
	for {
		next, err := sweep.Step(b.t.Context(), cursor)
		var postponed *portal.Postponed
		switch {
		case errors.As(err, &postponed) && deliveries < 20:
			deliveries++
			if more, ok := sweep.Listings(nil).(*listings); ok {
				more.tokens = more.perDelivery
			}
			continue
		case err != nil:
			b.t.Fatal(err)
		case next == "":
			found, ok, err := provisioning.LastSweep(b.t.Context(), sweep.Scratch)
			if err != nil || !ok {
				b.t.Fatalf("there is no result: %t, %v", ok, err)
			}
			return found
		}
		cursor = next
	}
}

// listings is an API Gateway with pages of a given size, which lets a given number of calls through in
// one delivery.
type listings struct {
	plans               []portal.PlanID
	keys                []gateway.Listed
	attached            map[portal.PlanID][]gateway.Listed
	page                int
	tokens, perDelivery int
	calls               int
}

func (l *listings) call() error {
	if l.perDelivery > 0 {
		if l.tokens == 0 {
			return &portal.Postponed{After: 10 * time.Second, Reason: "no token"}
		}
		l.tokens--
	}
	l.calls++
	return nil
}

func pageOf[T any](l *listings, position string, all []T) ([]T, string, error) {
	if err := l.call(); err != nil {
		return nil, "", err
	}
	from, _ := strconv.Atoi(position)
	size := max(l.page, 1)
	if l.page == 0 {
		size = max(len(all), 1)
	}
	if to := from + size; to < len(all) {
		return all[from:to], strconv.Itoa(to), nil
	}
	return all[from:], "", nil
}

func (l *listings) UsagePlansPage(_ context.Context, position string) ([]gateway.UsagePlan, string, error) {
	var plans []gateway.UsagePlan
	for _, id := range l.plans {
		plans = append(plans, gateway.UsagePlan{ID: id})
	}
	return pageOf(l, position, plans)
}

func (l *listings) KeysPage(_ context.Context, _, position string) ([]gateway.Listed, string, error) {
	return pageOf(l, position, l.keys)
}

func (l *listings) PlanKeysPage(_ context.Context, plan portal.PlanID, _, position string) ([]gateway.Listed, string, error) {
	return pageOf(l, position, l.attached[plan])
}

func listed(id portal.GatewayKeyID, name string) gateway.Listed {
	return gateway.Listed{ID: id, Name: name}
}

// append writes facts to an account's stream.
func (b *bench) append(of portal.AccountID, facts ...events.Fact) {
	b.t.Helper()
	subject := portal.AccountStream(of)
	stamped := journal.Stamp(events.Event{ID: "cause", Subject: subject}, "/test", b.now, 0, facts)
	if err := b.journal.Append(b.t.Context(), subject, 0, stamped); err != nil {
		b.t.Fatal(err)
	}
}

// woken are the streams that were sent a ProvisionRequested, with a "!" for a recheck.
func (b *bench) woken() []string {
	var list []string
	for _, msg := range b.sent.repeated {
		if wake, ok := msg.Data.(events.ProvisionRequested); ok {
			text := string(msg.Subject)
			if wake.Recheck {
				text += "!"
			}
			list = append(list, text)
		}
	}
	slices.Sort(list)
	b.sent.repeated = nil
	return list
}

func TestAPostponedSweepGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{})
	from := &listings{tokens: 900, perDelivery: 900}
	for n := range 1000 {
		from.plans = append(from.plans, portal.PlanID(fmt.Sprint("p", n)))
	}
	found := b.swept(b.sweep(from, 9))
	if from.calls != 1002 || found.Streams != 1 {
		t.Errorf("%d calls, where 1002 suffice; found %+v", from.calls, found)
	}
}

func TestASweepOverManyPagesFindsEachAccountThatDiffers(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{})
	from := &listings{page: 7, plans: []portal.PlanID{"free", "gone-from-nobody"}, attached: map[portal.PlanID][]gateway.Listed{}}
	var want []string
	for n := range 250 {
		id := portal.AccountID(fmt.Sprintf("a%03d", n))
		b.append(id, all(events.UserRegistered{}, keyWanted, events.KeyCreated{Key: "key1", GatewayID: portal.GatewayKeyID("gw-" + id)}, freeWanted, attached("free", 4))...)
		key := listed(portal.GatewayKeyID("gw-"+id), "g/"+string(id)+"/key1")
		from.keys = append(from.keys, key)
		if n%50 == 0 { // not attached
			want = append(want, "account/"+string(id)+"!")
			continue
		}
		from.attached["free"] = append(from.attached["free"], key)
	}
	found := b.swept(b.sweep(from, 99))
	if found.Streams != 251 || found.Drifted != 5 || found.Strays != 0 || found.Keys != 250 {
		t.Errorf("found %+v", found)
	}
	if diff := cmp.Diff(want, b.woken()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	if got := len(found.First.Drifted); got != 5 {
		t.Errorf("%d are named", got)
	}
}

// weighed is a scratch that counts the bytes that one step reads.
type weighed struct {
	*jobs.Scratch
	read, most int
}

func (w *weighed) Each(ctx context.Context, set, prefix string, visit func(string, []byte) error) error {
	return w.Scratch.Each(ctx, set, prefix, func(name string, body []byte) error {
		w.read += len(body)
		w.most = max(w.most, w.read)
		return visit(name, body)
	})
}

func TestAStepOfTheSweepHoldsASmallPartOfTheSurvey(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{})
	from := &listings{page: 100, plans: []portal.PlanID{"free"}, attached: map[portal.PlanID][]gateway.Listed{}}
	for n := range 400 {
		id := portal.AccountID(fmt.Sprintf("a%03d", n))
		b.append(id, all(events.UserRegistered{}, keyWanted, events.KeyCreated{Key: "key1", GatewayID: portal.GatewayKeyID("gw-" + id)}, freeWanted, attached("free", 4))...)
		from.keys = append(from.keys, listed(portal.GatewayKeyID("gw-"+id), "g/"+string(id)+"/key1"))
	}
	from.attached["free"] = from.keys
	sweep := b.sweep(from, 99)
	scratch := &weighed{Scratch: jobs.NewScratch(b.tables, b.names.Records, sweep.Now)}
	sweep.Scratch = scratch
	all := 0
	for cursor, begun := "", false; cursor != "" || !begun; begun = true {
		next, err := sweep.Step(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		all, scratch.read, cursor = all+scratch.read, 0, next
	}
	surveyed := 2 * 400 * len(`{"id":"gw-a000","name":"g/a000/key1"}`)
	if all < surveyed || scratch.most > surveyed/6 {
		t.Errorf("one step read %d bytes of a survey of %d; all steps %d", scratch.most, surveyed, all)
	}
	if found, ok, err := provisioning.LastSweep(t.Context(), scratch); err != nil || !ok || found.Streams != 401 || found.Drifted != 0 {
		t.Errorf("found %+v, %t, %v", found, ok, err)
	}
}

func TestAnUnreadableStreamIsCountedAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.append("broken", events.UserRegistered{})
	text := func(s string) ddbtypes.AttributeValue { return &ddbtypes.AttributeValueMemberS{Value: s} }
	_, err := b.tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.names.Journal, Item: map[string]ddbtypes.AttributeValue{
		"pk": text("account/broken"), "sk": text("000000000002"),
		"event": text(`{"specversion":"1.0","id":"x","source":"/n","type":"gatehouse.KeyWanted.v1","subject":"account/broken",` +
			`"time":"2026-11-22T09:00:00Z","datacontenttype":"application/json","sequence":"000000000002","data":{"key":7}}`),
	}})
	if err != nil {
		t.Fatal(err)
	}
	found := b.swept(b.sweep(&listings{plans: []portal.PlanID{"free"}}, 99))
	if found.Streams != 1 || found.Open != 1 || found.Unreadable != 1 {
		t.Errorf("found %+v", found)
	}
	if diff := cmp.Diff([]portal.Stream{"account/broken"}, found.First.Unreadable); diff != "" {
		t.Errorf("unreadable (-want +got):\n%s", diff)
	}
}

func TestAStrayKeyIsReportedAndARenamedOneIsNot(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated)
	b.append("acct2", events.UserRegistered{}, keyWanted, events.KeyCreated{Key: "key1", GatewayID: "gw2"})
	from := &listings{keys: []gateway.Listed{
		listed("gw1", "g/acct1/key1"), listed("by-hand", "g/acct1/key1"), // created by hand beside it
		listed("gw2", "g/acct1/key9"),        // renamed from g/acct2/key1
		listed("gw9", "g/nobody/key1"),       // of a journal that was lost
		listed("foreign", "g/no-name-of-us"), // not our form
	}}
	found := b.swept(b.sweep(from, 99))
	want := []gateway.Listed{listed("by-hand", "g/acct1/key1"), listed("gw9", "g/nobody/key1")}
	if diff := cmp.Diff(want, found.First.Strays); diff != "" || found.Strays != 2 {
		t.Errorf("%d strays (-want +got):\n%s", found.Strays, diff)
	}
	if diff := cmp.Diff([]string{"account/acct2!"}, b.woken()); diff != "" || found.Drifted != 1 {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

func TestAPlanDeletedRightAfterASubscriptionIsFoundByTheNextSweep(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4))...)
	sweep := b.sweep(&listings{keys: []gateway.Listed{listed("gw1", "g/acct1/key1")}}, 99)
	began := b.now.Add(2 * time.Second)
	sweep.Now = func() time.Time { return began }
	found := b.swept(sweep)
	if found.Drifted != 1 || found.Recent != 0 {
		t.Errorf("found %+v", found)
	}
	if diff := cmp.Diff([]string{"account/acct1!"}, b.woken()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

func TestWhatChangedJustBeforeTheSweepIsCountedAndNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4))...)
	sweep := b.sweep(&listings{plans: []portal.PlanID{"free"}}, 99)
	began := b.now.Add(2 * time.Second)
	sweep.Now = func() time.Time { return began }
	found := b.swept(sweep)
	if found.Streams != 1 || found.Drifted != 0 || found.Recent != 1 {
		t.Errorf("found %+v", found)
	}
	if diff := cmp.Diff([]portal.Stream{"account/acct1"}, found.First.Recent); diff != "" {
		t.Errorf("named (-want +got):\n%s", diff)
	}
	if woken := b.woken(); len(woken) > 0 {
		t.Errorf("woken: %v", woken)
	}
}

func TestTheResultNamesTheFirstTwentyOfAKind(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{})
	for n := range 30 {
		b.append(portal.AccountID(fmt.Sprint("a", n)), events.UserRegistered{}, keyWanted, freeWanted)
	}
	found := b.swept(b.sweep(&listings{plans: []portal.PlanID{"free"}}, 99))
	if found.Open != 30 || len(found.First.Open) != 20 {
		t.Errorf("%d open, %d named", found.Open, len(found.First.Open))
	}
}

func TestASweepIsPostponedIfTheTableDoesNotAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{})
	sweep := b.sweep(&listings{}, 99)
	sweep.Accounts = b.reader(silentJournal{b.journal})
	cursor := ""
	for range 10 {
		next, err := sweep.Step(t.Context(), cursor)
		var postponed *portal.Postponed
		if errors.As(err, &postponed) {
			return
		}
		if err != nil || next == "" {
			t.Fatalf("%q, %v", next, err)
		}
		cursor = next
	}
	t.Error("the sweep is not postponed")
}

// silentJournal lists streams, and answers no read of one.
type silentJournal struct{ *journal.Journal }

func (silentJournal) Read(context.Context, portal.Stream, int64) ([]events.Event, error) {
	return nil, &portal.Postponed{Reason: "the journal does not answer"}
}

func (silentJournal) ReadUpTo(context.Context, portal.Stream, int64, int) ([]events.Event, bool, error) {
	return nil, false, &portal.Postponed{Reason: "the journal does not answer"}
}

func TestASweepOlderThanADayStartsOver(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{})
	from := &listings{plans: []portal.PlanID{"free"}}
	sweep := b.sweep(from, 99)
	cursor, err := sweep.Step(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	began := sweep.Now()
	sweep.Now = func() time.Time { return began.Add(25 * time.Hour) }
	again, err := sweep.Step(t.Context(), cursor)
	if err != nil || again == "" {
		t.Fatalf("%q, %v", again, err)
	}
	if from.calls != 2 { // the keys, and the keys again
		t.Errorf("%d calls, cursor %s", from.calls, again)
	}
	if again == cursor {
		t.Error("the old sweep goes on")
	}
}
