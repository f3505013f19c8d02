package keyimport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// importer is one process's, with all of AWS's quotas. Every creation waits for others.
func (w *world) importer(t *testing.T, cfg Config) *Importer {
	t.Helper()
	return New(w.controlPlane(t, w.process(t, 1), gateway.Config{}), cfg)
}

// creationOf is the creation of the nth of accounts that signed up close in time.
func creationOf(n int, plans ...portal.PlanID) Creation {
	return Creation{
		Key:   gateway.Key{Name: fmt.Sprintf("gatehouse/01kagp%06d/01key%06d", n, n), Value: value(n), Description: "Issued by Gatehouse: Default key"},
		Plans: plans, Lease: soon(time.Hour),
	}
}

func creationsOf(from, to int, plans ...portal.PlanID) []Creation {
	var all []Creation
	for n := from; n < to; n++ {
		all = append(all, creationOf(n, plans...))
	}
	return all
}

const concurrently = "Unable to complete operation due to concurrent modification. Please try again later."

func value(n int) string { return fmt.Sprintf("gh%040d", n) }

// reasonOf is why a creation is refused, "" if it is not.
func reasonOf(err error) gateway.RefusedReason {
	var no *gateway.Refused
	if errors.As(err, &no) {
		return no.Reason
	}
	return ""
}

// result is what one creation came to.
type result struct {
	made Created
	err  error
}

// together makes all creations wait before the first wave begins, and returns their results.
func (i *Importer) together(t *testing.T, creations []Creation) []result {
	t.Helper()
	results := make([]result, len(creations))
	i.mu.Lock()
	i.running = true // so that joining starts no run
	i.mu.Unlock()
	var work sync.WaitGroup
	for n, c := range creations {
		work.Go(func() {
			made, err := i.join(t.Context(), c)
			if errors.Is(err, errAlone) {
				var id portal.GatewayKeyID
				id, err = i.plane.Session(c.Urgency, c.Lease).CreateKey(t.Context(), c.Key)
				made = Created{ID: id}
			}
			results[n] = result{made, err}
		})
	}
	eventually(t, func() bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		return len(i.waiting) == len(creations)
	})
	go i.run()
	work.Wait()
	return results
}

func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the condition does not come true")
		}
	}
}

// wantCreated checks that every creation was answered with the one key of its name, that the key
// is enabled and has the value, and that it is in the plans that the answer lists.
func (w *world) wantCreated(t *testing.T, creations []Creation, results []result) {
	t.Helper()
	keys := w.Keys(t)
	named := map[string]int{}
	for _, key := range keys {
		named[aws.ToString(key.Name)]++
	}
	for n, c := range creations {
		got := results[n]
		key := keys[got.made.ID]
		if got.err != nil || aws.ToString(key.Name) != c.Key.Name || aws.ToString(key.Value) != c.Key.Value || !key.Enabled {
			t.Errorf("%s: %+v, %v; key %s %s enabled %v", c.Key.Name, got.made, got.err, aws.ToString(key.Id), aws.ToString(key.Name), key.Enabled)
		}
		if named[c.Key.Name] != 1 {
			t.Errorf("%d keys are named %s", named[c.Key.Name], c.Key.Name)
		}
		for _, plan := range c.Plans {
			if is := w.isIn(t, plan, got.made.ID); is != slices.Contains(got.made.Plans, plan) {
				t.Errorf("%s in plan %s: %v, and the answer says %v", c.Key.Name, plan, is, got.made.Plans)
			}
		}
	}
}

func (w *world) isIn(t *testing.T, plan portal.PlanID, key portal.GatewayKeyID) bool {
	t.Helper()
	_, err := w.API.GetUsagePlanKey(t.Context(), &apigateway.GetUsagePlanKeyInput{UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(key))})
	var missing *types.NotFoundException
	if err != nil && !errors.As(err, &missing) {
		t.Fatal(err)
	}
	return err == nil
}

func (w *world) disable(t *testing.T, key portal.GatewayKeyID) {
	t.Helper()
	_, err := w.API.UpdateApiKey(t.Context(), &apigateway.UpdateApiKeyInput{
		ApiKey:          aws.String(string(key)),
		PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/enabled"), Value: aws.String("false")}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(calls []string, name string) int {
	n := 0
	for _, call := range calls {
		if call == name {
			n++
		}
	}
	return n
}

func TestThreeHundredWaitingCreationsCostAHandfulOfCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.Plan(t, "Free")
	creations := creationsOf(0, 300, plan)
	results := w.importer(t, Config{}).together(t, creations)
	calls := w.Wire.Made()
	w.wantCreated(t, creations, results)
	for n, r := range results {
		if len(r.made.Plans) != 1 {
			t.Fatalf("key %d is in plans %v", n, r.made.Plans)
		}
	}
	if len(calls) > 15 || count(calls, "ImportApiKeys") != 3 {
		t.Errorf("%d calls: %v", len(calls), calls)
	}
}

func TestACreationThatComesAloneIsMadeSinglyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, Config{})
	c := creationOf(1, w.Plan(t, "Free"))
	made, err := i.Create(t.Context(), c)
	if err != nil || len(made.Plans) != 0 {
		t.Fatalf("%+v, %v", made, err)
	}
	w.wantCreated(t, []Creation{c}, []result{{made, err}})
	if calls := w.Wire.Made(); !slices.Equal(calls, []string{"CreateApiKey"}) {
		t.Errorf("calls %v", calls)
	}
}

func TestWaitingAttachmentsCountAsOthersToWaitFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, Config{})
	if i.enter() {
		t.Error("the first creation waits, though there are no others")
	}
	i.plane = twoAttach{i.plane}
	if !i.enter() {
		t.Error("the second creation does not wait, though two calls attach")
	}
}

// twoAttach is a control plane where two calls of the process wait for the attach lease.
type twoAttach struct{ controlPlane }

func (twoAttach) Attaching() int { return 2 }

func TestRightAfterAWaveACreationWaitsForOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, Config{})
	i.together(t, creationsOf(0, 5))
	if !i.enter() {
		t.Error("right after a wave the next creation does not wait")
	}
	i.leave()
	i.mu.Lock()
	i.lastWave = i.lastWave.Add(-waveMemory)
	i.mu.Unlock()
	if i.enter() {
		t.Error("long after a wave the next creation waits")
	}
}

func TestABurstIsMostlyImported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, Config{})
	creations := creationsOf(0, 100, w.Plan(t, "Free"))
	results := make([]result, len(creations))
	var work sync.WaitGroup
	for n, c := range creations {
		work.Go(func() {
			made, err := i.Create(t.Context(), c)
			results[n] = result{made, err}
		})
	}
	work.Wait()
	calls := w.Wire.Made()
	w.wantCreated(t, creations, results)
	// The first few have no others to wait for.
	if singles := count(calls, "CreateApiKey"); singles > 10 || len(calls) > 40 {
		t.Errorf("%d keys were created singly; %d calls: %v", singles, len(calls), calls)
	}
}

func TestWithoutAFindingAllKeysAreCreatedSingly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, Config{AtLeast: 1, Usable: func(context.Context) bool { return false }})
	if _, err := i.Create(t.Context(), creationOf(1)); err != nil {
		t.Fatal(err)
	}
	if calls := w.Wire.Made(); !slices.Equal(calls, []string{"CreateApiKey"}) {
		t.Errorf("calls %v", calls)
	}
}

func TestTheRowThatAWSRefusesIsFoundByHalving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := creationsOf(0, 40, w.Plan(t, "Free"))
	bad := creations[17].Key.Name
	// AWS may refuse a whole file for one of its rows.
	w.Wire.Refuse("ImportApiKeys", bad)
	results := w.importer(t, Config{}).together(t, creations)
	calls := w.Wire.Made()
	w.wantCreated(t, creations, results)
	if count(calls, "CreateApiKey") != 1 || len(results[17].made.Plans) != 0 || len(results[16].made.Plans) != 1 {
		t.Errorf("the bad row: %+v, its neighbour: %+v; calls %v", results[17].made, results[16].made, calls)
	}
	if imports := count(calls, "ImportApiKeys"); imports > 15 {
		t.Errorf("%d imports of 40 rows", imports)
	}
}

func TestAnInvalidRowIsTriedSinglyAndRefusedForItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := creationsOf(0, 10, w.Plan(t, "Free"))
	creations[3].Key.Value = "tooshort"
	results := w.importer(t, Config{}).together(t, creations)
	if reasonOf(results[3].err) != gateway.Invalid {
		t.Errorf("the bad row: %v", results[3].err)
	}
	w.wantCreated(t, slices.Delete(creations, 3, 4), slices.Delete(results, 3, 4))
}

func TestARowWhosePlanIsGoneStillGetsItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.Plan(t, "Free")
	creations := creationsOf(0, 10, plan)
	creations[5].Plans = []portal.PlanID{"nosuchplan"}
	results := w.importer(t, Config{}).together(t, creations)
	w.wantCreated(t, creations, results)
	if len(results[5].made.Plans) != 0 || len(results[4].made.Plans) != 1 {
		t.Errorf("in plans %v, its neighbour in %v", results[5].made.Plans, results[4].made.Plans)
	}
}

func TestAnImportWhoseAnswerIsLostIsReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := creationsOf(0, 10, w.Plan(t, "Free"))
	w.Wire.Once("ImportApiKeys", gatewaytest.Lost)
	results := w.importer(t, Config{}).together(t, creations)
	calls := w.Wire.Made()
	w.wantCreated(t, creations, results)
	if len(results[0].made.Plans) != 1 || count(calls, "ImportApiKeys") != 1 || count(calls, "CreateApiKey") != 0 {
		t.Errorf("plans %v, calls %v", results[0].made.Plans, calls)
	}
}

func TestAnImportThatFailsIsRetriedLaterAndCreatesNothingTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status    int
		exception string
		want      gateway.Unavailable
	}{
		"throttled":                {429, "TooManyRequestsException", gateway.Unavailable{Throttled: true}},
		"unavailable":              {503, "ServiceUnavailableException", gateway.Unavailable{}},
		"not permitted":            {403, "AccessDeniedException", gateway.Unavailable{Forbidden: true}},
		"another change under way": {409, "ConflictException", gateway.Unavailable{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i := w.importer(t, Config{Rows: 5})
			creations := creationsOf(0, 10, w.Plan(t, "Free"))
			w.Wire.Once("ImportApiKeys", gatewaytest.Answer(c.status, c.exception, concurrently))
			for n, r := range i.together(t, creations) {
				var got *gateway.Unavailable
				if !errors.As(r.err, &got) || got.Throttled != c.want.Throttled || got.Forbidden != c.want.Forbidden {
					t.Fatalf("key %d: %+v, %v", n, r.made, r.err)
				}
			}
			if n := count(w.Wire.Made(), "ImportApiKeys"); n != 1 {
				t.Errorf("%d imports after the first had failed", n)
			}
			w.wantCreated(t, creations, i.together(t, creations))
		})
	}
}

func TestInAFullAccountOnlyTheKeysThatFitAreCreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AWS.SetLimits(localaws.Limits{Keys: 4})
	i := w.importer(t, Config{})
	made := 0
	for n, r := range i.together(t, creationsOf(0, 10)) {
		var full *gateway.LimitReached
		switch {
		case r.err == nil:
			made++
		case !errors.As(r.err, &full) || full.Limit != gateway.Keys || full.Until.IsZero():
			t.Errorf("key %d: %+v, %v", n, r.made, r.err)
		}
	}
	if made != 4 || len(w.Keys(t)) != 4 {
		t.Errorf("%d keys were created where there was room for 4", made)
	}
}

func TestAWaveInAnAccountThatIsKnownToBeFullCostsNoCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Wire.Tamper(func(op string, pass func() (*http.Response, error)) (*http.Response, error) {
		if op == "ImportApiKeys" {
			return gatewaytest.Answer(429, "LimitExceededException", "Maximum number of API keys has been reached")(pass)
		}
		return pass()
	})
	for range 3 {
		for n, r := range w.importer(t, Config{}).together(t, creationsOf(0, 10)) {
			var full *gateway.LimitReached
			if !errors.As(r.err, &full) || full.Limit != gateway.Keys || full.Until.IsZero() {
				t.Errorf("key %d: %+v, %v", n, r.made, r.err)
			}
		}
	}
	// The whole wave, and one row of it alone.
	if n := count(w.Wire.Made(), "ImportApiKeys"); n != 2 {
		t.Errorf("%d imports, want 2", n)
	}
}

func TestAnExistingKeyIsFoundAndADisabledOneIsNeverEnabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, Config{})
	creations := creationsOf(0, 10, w.Plan(t, "Free"))
	first := i.together(t, creations)
	w.disable(t, first[2].made.ID)
	again := i.together(t, append(creationsOf(10, 20), creations...))[10:]
	for n := range first {
		if again[n].err != nil || again[n].made.ID != first[n].made.ID || len(again[n].made.Plans) != 1 {
			t.Errorf("key %d: first %+v, then %+v, %v", n, first[n].made, again[n].made, again[n].err)
		}
	}
	if w.Keys(t)[first[2].made.ID].Enabled {
		t.Error("the disabled key is enabled again")
	}
}

func TestTwoWorkersThatImportOverlappingKeysCreateEachOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.Plan(t, "Free")
	var all []Creation
	var results []result
	var mu sync.Mutex
	var work sync.WaitGroup
	for _, part := range [][]Creation{creationsOf(0, 30, plan), creationsOf(15, 45, plan)} {
		i := w.importer(t, Config{})
		work.Go(func() {
			got := i.together(t, part)
			mu.Lock()
			defer mu.Unlock()
			all, results = append(all, part...), append(results, got...)
		})
	}
	work.Wait()
	w.wantCreated(t, all, results)
	if n := len(w.Keys(t)); n != 45 {
		t.Errorf("%d keys", n)
	}
}

func TestAMessageWhoseLeaseIsShortIsHandedBackAndNotImported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := creationsOf(0, 10)
	creations[4].Lease = soon(9 * time.Second)
	results := w.importer(t, Config{}).together(t, creations)
	var postponed *portal.Postponed
	if !errors.As(results[4].err, &postponed) {
		t.Errorf("it became %+v, %v", results[4].made, results[4].err)
	}
	w.wantCreated(t, slices.Delete(creations, 4, 5), slices.Delete(results, 4, 5))
	if n := len(w.Keys(t)); n != 9 {
		t.Errorf("%d keys", n)
	}
}

func TestWithoutATokenTheWholeWaveIsPostponed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * time.Second) // until every taker has stopped
		process := w.process(t, 0.001)
		// Another call takes the only token.
		another := gateway.New(gateway.Client(w.Config), process, gateway.Config{}).Session(gateway.Interactive, nil)
		if _, _, err := another.KeysPage(t.Context(), "gatehouse", ""); err != nil {
			t.Fatal(err)
		}
		i := New(w.controlPlane(t, process, gateway.Config{}), Config{})
		for n, r := range i.together(t, creationsOf(0, 5)) {
			var postponed *portal.Postponed
			if !errors.As(r.err, &postponed) || postponed.After < 5*time.Second {
				t.Errorf("key %d: %+v, %v", n, r.made, r.err)
			}
		}
		if calls := w.Wire.Made(); len(calls) != 0 {
			t.Errorf("calls %v", calls)
		}
	})
}

func TestFindingNamesThatLieFarApartDoesNotListAllKeysBetweenThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Wire.PageSize = 20
	for n := range 60 {
		w.Key(t, fmt.Sprintf("gatehouse/01hold%06d/01key%06d", n, n))
	}
	plan := w.Plan(t, "Free")
	creations := append(creationsOf(0, 12, plan), creationOf(999_999, plan))
	creations[12].Key.Name = "gatehouse/01gancient/01key"
	results := w.importer(t, Config{}).together(t, creations)
	calls := w.Wire.Made()
	w.wantCreated(t, creations, results)
	want := []string{"GetApiKeys", "GetApiKeys", "GetApiKeys", "ImportApiKeys", "GetUsagePlanKeys"}
	if len(results[12].made.Plans) != 1 || !slices.Equal(calls, want) {
		t.Errorf("plans %v, calls %v", results[12].made.Plans, calls)
	}
}

func TestAPrefixOfMoreThanAPageIsLearnedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Wire.PageSize = 20
	plan := w.Plan(t, "Free")
	i := w.importer(t, Config{})
	for n := range 21 {
		w.Key(t, fmt.Sprintf("gatehouse/01kagp3%05d/01key", n))
	}
	// They are two groups of ten names that begin like these.
	var creations []Creation
	for n := range 20 {
		c := creationOf(n%10, plan)
		c.Key.Name = fmt.Sprintf("gatehouse/01kagp%d%05d/01key", 1+n/10, n)
		c.Key.Value += strconv.Itoa(n)
		creations = append(creations, c)
	}
	first := i.together(t, creations)
	before := w.Wire.Made()
	i.together(t, creations)
	again := w.Wire.Made()[len(before):]
	w.wantCreated(t, creations, first)
	if one, two := count(before, "GetApiKeys"), count(again, "GetApiKeys"); one != 3 || two != 2 {
		t.Errorf("listed keys %d times at first, then %d times; want 3 (one in vain) and 2", one, two)
	}
}

func TestAKeyThatNobodyTriedToCreateIsNotLookedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := creationsOf(0, 30, w.Plan(t, "Free"))
	for n := range creations {
		creations[n].UntriedUntil = time.Now().Add(time.Minute)
	}
	i := w.importer(t, Config{})
	w.wantCreated(t, creations, i.together(t, creations))
	if calls := w.Wire.Made(); !slices.Equal(calls, []string{"ImportApiKeys", "GetUsagePlanKeys"}) {
		t.Errorf("calls %v", calls)
	}
}

func TestACreationThatOthersMayHaveTriedWhileItWaitedIsHandedBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := creationsOf(0, 10, w.Plan(t, "Free"))
	for n := range creations {
		creations[n].UntriedUntil = time.Now().Add(time.Minute)
	}
	var late atomic.Bool
	budget, err := gateway.NewBudget(w.DB, gateway.BudgetConfig{Table: gatewaytest.Records, Share: 1, Now: func() time.Time {
		if late.Load() {
			return time.Now().Add(2 * time.Minute)
		}
		return time.Now()
	}})
	if err != nil {
		t.Fatal(err)
	}
	i := New(w.controlPlane(t, budget, gateway.Config{}), Config{Rows: 5})
	w.Wire.Once("ImportApiKeys", func(pass func() (*http.Response, error)) (*http.Response, error) {
		late.Store(true)
		return pass()
	})
	results := i.together(t, creations)
	var postponed *portal.Postponed
	for n, r := range results[5:] {
		if !errors.As(r.err, &postponed) {
			t.Errorf("key %d, of the second import: %+v, %v", 5+n, r.made, r.err)
		}
	}
	w.wantCreated(t, creations[:5], results[:5])
}

func TestAKeyThatOthersMayHaveTriedIsLookedForAmongKeysThatNobodyTried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, Config{})
	creations := creationsOf(0, 30, w.Plan(t, "Free"))
	i.together(t, creations[20:])
	for id, key := range w.Keys(t) {
		if aws.ToString(key.Name) == creations[25].Key.Name {
			w.disable(t, id)
		}
	}
	for n := range creations[:20] {
		creations[n].UntriedUntil = time.Now().Add(time.Minute)
	}
	creations[25].UntriedUntil = time.Now().Add(-time.Millisecond) // others may have tried since
	results := i.together(t, creations)
	if key := w.Keys(t)[results[25].made.ID]; key.Enabled {
		t.Error("the disabled key is enabled again")
	} else {
		w.wantCreated(t, slices.Delete(creations, 25, 26), slices.Delete(results, 25, 26))
	}
}

func TestAReadThatIsRefusedRefusesNoKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Wire.Once("GetApiKeys", gatewaytest.Answer(http.StatusBadRequest, "BadRequestException", "Invalid name"))
	for n, r := range w.importer(t, Config{}).together(t, creationsOf(0, 5)) {
		var unavailable *gateway.Unavailable
		if !errors.As(r.err, &unavailable) || reasonOf(r.err) != "" {
			// A gateway.Refused would withdraw the wish.
			t.Errorf("key %d: %+v, %v", n, r.made, r.err)
		}
	}
}

func TestNoErrorOfAnImportHoldsAValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := creationsOf(0, 5)
	w.Wire.Once("ImportApiKeys", gatewaytest.Answer(503, "ServiceUnavailableException", "no "+creations[3].Key.Value+" now"))
	for _, r := range w.importer(t, Config{}).together(t, creations) {
		if r.err == nil || strings.Contains(r.err.Error(), creations[3].Key.Value) {
			t.Errorf("the error is %v", r.err)
		}
	}
}

func TestACallerThatStopsWaitingIsAnsweredAtOnceAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, Config{AtLeast: 1})
	reached, goOn := make(chan struct{}), make(chan struct{})
	w.Wire.Once("ImportApiKeys", func(pass func() (*http.Response, error)) (*http.Response, error) {
		close(reached)
		<-goOn
		return pass()
	})
	ctx, stop := context.WithCancel(t.Context())
	left := make(chan error, 1)
	done := make(chan []result, 1)
	go func() {
		<-reached
		_, err := i.join(ctx, creationOf(100))
		left <- err
	}()
	go func() { done <- i.together(t, creationsOf(0, 5)) }()
	<-reached
	stop()
	var postponed *portal.Postponed
	if err := <-left; !errors.As(err, &postponed) {
		t.Errorf("the caller that stopped waiting got %v", err)
	}
	close(goOn)
	w.wantCreated(t, creationsOf(0, 5), <-done)
	for _, key := range w.Keys(t) {
		if aws.ToString(key.Name) == creationOf(100).Key.Name {
			t.Error("the key of the caller that had stopped waiting was created")
		}
	}
}

func TestAKeyThatIsInTooManyPlansDoesNotHoldUpAnImport(t *testing.T) {
	t.Parallel()
	for name, whole := range map[string]bool{"AWS leaves the row out": false, "AWS refuses the whole import": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			creations := creationsOf(0, 10, w.Plan(t, "Free"))
			for n := range 11 {
				creations[3].Plans = append(creations[3].Plans, w.Plan(t, value(n)))
			}
			if whole {
				w.Wire.Refuse("ImportApiKeys", creations[3].Key.Name)
				w.Wire.Refusal = gatewaytest.Answer(http.StatusTooManyRequests, "LimitExceededException", "Maximum number of usage plans per API key has been reached: 10")
			}
			results := w.importer(t, Config{}).together(t, creations)
			w.wantCreated(t, creations, results)
			if n := w.Wire.Count("CreateApiKey"); n != 1 {
				t.Errorf("%d keys were created singly, want the one in too many plans", n)
			}
		})
	}
}
