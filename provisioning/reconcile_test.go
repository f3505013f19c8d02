package provisioning_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

// keyStore is the API keys of an AWS account. It answers with a failure once before each call that
// changes something, if there is one.
type keyStore struct {
	mu       sync.Mutex
	keys     map[portal.GatewayKeyID]gateway.Listed
	values   map[portal.GatewayKeyID]string
	failures []error
	deleted  []portal.GatewayKeyID
	// beforeDelete is called in each deletion.
	beforeDelete func()
}

func (k *keyStore) KeyByID(_ context.Context, id portal.GatewayKeyID) (gateway.Listed, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, found := k.keys[id]
	return key, found, nil
}

func (k *keyStore) DeleteKey(_ context.Context, id portal.GatewayKeyID) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.failures) > 0 {
		err := k.failures[0]
		k.failures = k.failures[1:]
		return err
	}
	if k.beforeDelete != nil {
		k.beforeDelete()
	}
	if _, found := k.keys[id]; found {
		k.deleted = append(k.deleted, id)
	}
	delete(k.keys, id)
	return nil
}

func (k *keyStore) sorted() []gateway.Listed {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []gateway.Listed
	for _, id := range slices.Sorted(maps.Keys(k.keys)) {
		all = append(all, k.keys[id])
	}
	return all
}

// KeysPage has two keys to a page.
func (k *keyStore) KeysPage(_ context.Context, prefix, position string) (page []gateway.Listed, next string, err error) {
	for _, key := range k.sorted() {
		switch {
		case string(key.ID) <= position || !strings.HasPrefix(key.Name, prefix):
		case len(page) == 2:
			return page, string(page[1].ID), nil
		default:
			page = append(page, key)
		}
	}
	return page, "", nil
}

func (k *keyStore) ValuesPage(ctx context.Context, prefix, position string, visit func(gateway.Listed, string)) (next string, err error) {
	page, next, err := k.KeysPage(ctx, prefix, position)
	for _, key := range page {
		visit(key, k.values[key.ID])
	}
	return next, err
}

// both lists the keys of a keyStore, and everything else from listings.
type both struct {
	*listings
	store *keyStore
}

func (b both) KeysPage(ctx context.Context, prefix, position string) ([]gateway.Listed, string, error) {
	return b.store.KeysPage(ctx, prefix, position)
}

func issued(id portal.GatewayKeyID, name string) gateway.Listed {
	return gateway.Listed{ID: id, Name: name, Issued: true}
}

func storeOf(keys ...gateway.Listed) *keyStore {
	k := &keyStore{keys: map[portal.GatewayKeyID]gateway.Listed{}, values: map[portal.GatewayKeyID]string{}}
	for _, key := range keys {
		k.keys[key.ID] = key
	}
	return k
}

// atOnce waits no time, and counts the waits.
type atOnce struct{ waits int }

func (a *atOnce) wait(context.Context, time.Duration) error {
	a.waits++
	return nil
}

func (b *bench) reconciler(store *keyStore, from *listings, wait func(context.Context, time.Duration) error) *provisioning.Reconciler {
	sweep := b.sweep(both{from, store}, 0)
	sweep.Shown = nil
	return &provisioning.Reconciler{
		Sweep: *sweep, Keys: store, Values: values{}, Sender: b.sent, Wait: wait, Run: "one",
		AccountLeases: leases.New(b.tables, leases.Config{Table: b.names.Records, Now: sweep.Now}),
	}
}

func look(t *testing.T, r *provisioning.Reconciler, withValues bool) provisioning.Drift {
	t.Helper()
	drift, err := r.Look(t.Context(), withValues, func(provisioning.LookProgress) {})
	if err != nil {
		t.Fatal(err)
	}
	return drift
}

func silent(int, int) {}

func described(drift provisioning.Drift) []string {
	var all []string
	for _, f := range drift.Findings {
		all = append(all, strings.TrimRight(strings.Join([]string{string(f.Kind), string(f.Mending), string(f.Account), string(f.Key), string(f.GatewayID), string(f.Plan)}, " "), " "))
	}
	return all
}

// drifted is a bench with one difference of most kinds, and keys of other people.
func drifted(t *testing.T) (*bench, *keyStore, *listings) {
	t.Helper()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4))...)
	for _, id := range []portal.AccountID{"gone", "renamed", "away", "off", "plan", "fine"} {
		b.append(id, all(events.UserRegistered{}, keyWanted, events.KeyCreated{Key: "key1", GatewayID: portal.GatewayKeyID("gw-" + id)}, freeWanted, attached("free", 4))...)
	}
	off := issued("gw-off", "g/off/key1")
	off.Disabled = true
	store := storeOf(
		issued("gw1", "g/acct1/key1"), issued("gw1-twin", "g/acct1/key1"), issued("gw-away", "elsewhere"), issued("gw-renamed", "g/x/key7"), off,
		issued("gw-plan", "g/plan/key1"), issued("gw-fine", "g/fine/key1"), issued("gw-orphan", "g/nobody/key1"),
		listed("by-hand", "g/team/prod"), listed("other1", "prod"), listed("other2", "h/acct1/key1"),
	)
	in := []gateway.Listed{listed("gw1", "g/acct1/key1"), listed("gw-off", "g/off/key1"), listed("gw-fine", "g/fine/key1")}
	from := &listings{plans: []portal.PlanID{"free", "extra"}, attached: map[portal.PlanID][]gateway.Listed{
		"free": in, "extra": {listed("gw-fine", "g/fine/key1")},
	}}
	return b, store, from
}

func TestALookFindsEveryDifferenceAndWakesNobody(t *testing.T) {
	t.Parallel()
	b, store, from := drifted(t)
	drift := look(t, b.reconciler(store, from, (&atOnce{}).wait), false)
	want := []string{
		"stray delete acct1 key1 gw1-twin",
		"key_renamed mend away key1 gw-away",
		"attachment_extra mend fine key1 gw-fine extra",
		"key_missing mend gone key1 gw-gone",
		"stray delete nobody key1 gw-orphan",
		"key_disabled adopt off key1 gw-off",
		"attachment_missing mend plan key1 gw-plan free",
		"key_renamed mend renamed key1 gw-renamed",
		"stray leave team prod by-hand",
	}
	if diff := cmp.Diff(want, described(drift)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if drift.Keys != 8 || drift.Others != 3 || drift.Recorded != 7 || drift.Kinds[provisioning.Stray] != 3 {
		t.Errorf("the drift is %+v", drift)
	}
	if woken := b.woken(); woken != nil || len(store.deleted) > 0 {
		t.Errorf("a look has woken %v and deleted %v", woken, store.deleted)
	}
}

func TestMendingWakesTheAccountsAndDeletesOnlyStraysOfGatehouse(t *testing.T) {
	t.Parallel()
	b, store, from := drifted(t)
	store.failures = []error{throttle, &portal.Postponed{After: time.Second, Reason: "no token"}}
	waits := &atOnce{}
	r := b.reconciler(store, from, waits.wait)
	drift := look(t, r, false)
	mended, err := r.Mend(t.Context(), drift.Selected(nil, nil), silent)
	if err != nil || mended.Deleted != 2 || mended.Woken != 7 || mended.Left != nil || waits.waits != 2 {
		t.Fatalf("mended %+v with %d waits, %v", mended, waits.waits, err)
	}
	if diff := cmp.Diff([]portal.GatewayKeyID{"gw1-twin", "gw-orphan"}, store.deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	want := []string{"account/acct1!", "account/away!", "account/fine!", "account/gone!", "account/off!", "account/plan!", "account/renamed!"}
	if diff := cmp.Diff(want, b.woken()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

func TestAFilterSelectsKindsAndKeys(t *testing.T) {
	t.Parallel()
	b, store, from := drifted(t)
	drift := look(t, b.reconciler(store, from, (&atOnce{}).wait), false)
	for _, c := range []struct {
		kinds []provisioning.Kind
		keys  []string
		want  int
	}{
		{nil, nil, 8},
		{[]provisioning.Kind{provisioning.Stray}, nil, 2},
		{[]provisioning.Kind{provisioning.KeyRenamed, provisioning.KeyDisabled}, nil, 3},
		{nil, []string{"gw-off"}, 1},
		{nil, []string{"by-hand"}, 0},
		{[]provisioning.Kind{provisioning.KeyMissing}, []string{"gw-off"}, 0},
	} {
		if got := drift.Selected(c.kinds, c.keys); len(got) != c.want {
			t.Errorf("%v and %v select %v, want %d", c.kinds, c.keys, got, c.want)
		}
	}
	if changes := provisioning.Changes(drift.Selected(nil, nil)); changes != 8 || !drift.Implausible(changes) {
		t.Errorf("%d changes of %d keys are plausible", changes, drift.Keys)
	}
	if big := (provisioning.Drift{Keys: 200, Recorded: 100}); big.Implausible(10) || !big.Implausible(11) {
		t.Error("the limit is not 5 percent of the larger count")
	}
}

func TestAKeyIsLeftAloneIfItIsAnotherOneByNow(t *testing.T) {
	t.Parallel()
	stray := provisioning.Finding{Kind: provisioning.Stray, Mending: provisioning.Delete, Account: "acct1", Key: "key1", GatewayID: "gw1", Name: "g/acct1/key1"}
	for name, c := range map[string]struct {
		key   gateway.Listed
		facts []events.Fact
		says  string
	}{
		"it was renamed":                     {issued("gw1", "prod"), nil, "its name is"},
		"it has another description":         {listed("gw1", "g/acct1/key1"), nil, "somebody has changed it"},
		"the journal has it":                 {issued("gw1", "g/acct1/key1"), []events.Fact{keyCreated}, "the journal has it"},
		"a worker may be creating it":        {issued("gw1", "g/acct1/key1"), []events.Fact{}, "a worker may be creating"},
		"it is recorded under the next name": {issued("gw1", "g/acct1/key1"), []events.Fact{events.KeyWanted{Key: "key2", Ring: portal.AccountRing}, events.KeyCreated{Key: "key2", GatewayID: "gw1"}}, "the journal has it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, append([]events.Fact{events.UserRegistered{}, keyWanted}, c.facts...)...)
			store := storeOf(c.key)
			r := b.reconciler(store, &listings{}, (&atOnce{}).wait)
			mended, err := r.Mend(t.Context(), []provisioning.Finding{stray}, silent)
			if err != nil || mended.Deleted != 0 || len(mended.Left) != 1 || !strings.Contains(mended.Left[0].Because, c.says) || len(store.deleted) > 0 {
				t.Errorf("mended %+v, deleted %v, %v", mended, store.deleted, err)
			}
		})
	}
}

var errStop = errors.New("stop")

func TestAnInterruptedReconciliationIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	b, store, from := drifted(t)
	r := b.reconciler(store, from, func(context.Context, time.Duration) error { return errStop })
	drift := look(t, r, false)
	store.beforeDelete = func() { store.failures = []error{throttle} } // before the second
	mended, err := r.Mend(t.Context(), drift.Selected(nil, nil), silent)
	if !errors.Is(err, errStop) || mended.Deleted != 1 || mended.Woken != 0 {
		t.Fatalf("mended %+v, %v", mended, err)
	}
	store.beforeDelete, store.failures = nil, nil
	r = b.reconciler(store, from, (&atOnce{}).wait)
	drift = look(t, r, false)
	if drift.Kinds[provisioning.Stray] != 2 {
		t.Errorf("after one deletion it finds %v", described(drift))
	}
	mended, err = r.Mend(t.Context(), drift.Selected(nil, nil), silent)
	if err != nil || mended.Deleted != 1 || len(store.deleted) != 2 {
		t.Errorf("mended %+v, deleted %v, %v", mended, store.deleted, err)
	}
}

func TestTwoReconciliationsAtOnceDeleteEachStrayOnce(t *testing.T) {
	t.Parallel()
	b, store, from := drifted(t)
	drift := look(t, b.reconciler(store, from, (&atOnce{}).wait), false)
	var group sync.WaitGroup
	for _, run := range []string{"one", "two"} {
		r := b.reconciler(store, from, (&atOnce{}).wait)
		r.Run, r.Sender = run, &sent{}
		group.Go(func() {
			if _, err := r.Mend(t.Context(), drift.Selected([]provisioning.Kind{provisioning.Stray}, nil), silent); err != nil {
				// A run may find the lease taken again and again, and say so. It changes nothing then.
				var postponed *portal.Postponed
				if !errors.As(err, &postponed) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	slices.Sort(store.deleted)
	if diff := cmp.Diff([]portal.GatewayKeyID{"gw-orphan", "gw1-twin"}, store.deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

func TestAKeyWithAnotherValueIsReplacedOnlyOnDemand(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated)
	b.append("fine", events.UserRegistered{}, keyWanted, events.KeyCreated{Key: "key1", GatewayID: "gw2"})
	store := storeOf(issued("gw1", "g/acct1/key1"), issued("gw2", "g/fine/key1"), issued("gw3", "g/nobody/key1"))
	right, err := values{}.Value(t.Context(), "v1", "k", "fine", "key1")
	if err != nil {
		t.Fatal(err)
	}
	store.values = map[portal.GatewayKeyID]string{"gw1": "made by hand", "gw2": right}
	r := b.reconciler(store, &listings{}, (&atOnce{}).wait)
	drift := look(t, r, true)
	if diff := cmp.Diff([]string{"stray delete nobody key1 gw3", "key_value replace acct1 key1 gw1"}, described(drift)); diff != "" || !drift.Values {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if some := drift.Selected(nil, nil); len(some) != 1 || some[0].Kind != provisioning.Stray {
		t.Errorf("without a kind it selects %v", some)
	}
	mended, err := r.Mend(t.Context(), drift.Selected([]provisioning.Kind{provisioning.KeyValue}, nil), silent)
	if err != nil || mended.Deleted != 1 || mended.Woken != 1 {
		t.Errorf("mended %+v, %v", mended, err)
	}
	if diff := cmp.Diff([]portal.GatewayKeyID{"gw1"}, store.deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

func TestASweepKeepsTheDriftForAdmins(t *testing.T) {
	t.Parallel()
	b, store, from := drifted(t)
	sweep := b.sweep(both{from, store}, 99)
	found := b.swept(sweep)
	drift, ok, err := provisioning.LastDrift(t.Context(), sweep.Scratch)
	if err != nil || !ok || len(drift.Findings) != 9 || !drift.Ended.Equal(found.Ended) || found.Strays != 3 {
		t.Errorf("the drift is %+v, %t, %v; found %+v", drift, ok, err, found)
	}
}
