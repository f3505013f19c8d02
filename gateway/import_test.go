package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
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

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// importer is one process's, with the whole of AWS's quotas; everybody waits for others.
func (w *world) importer(t *testing.T, cfg ImporterConfig) *Importer {
	t.Helper()
	return NewImporter(w.controlPlane(t, w.process(t, 1), Config{}), cfg)
}

// wish is a creation whose name is that of the nth of accounts that signed up close in time.
func wish(n int, plans ...portal.PlanID) Creation {
	return Creation{
		Key:   Key{Name: fmt.Sprintf("gatehouse/01kagp%06d/01key%06d", n, n), Value: value(n), Description: "Issued by Gatehouse: Default key"},
		Plans: plans, Lease: soon(time.Hour),
	}
}

func wishes(from, to int, plans ...portal.PlanID) []Creation {
	var all []Creation
	for n := from; n < to; n++ {
		all = append(all, wish(n, plans...))
	}
	return all
}

// result is what one creation came to.
type result struct {
	made Created
	err  error
}

// together has all creations wait before the first wave begins, and returns what each
// came to.
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
				id, err = i.cp.Session(c.Urgency, c.Lease).CreateKey(t.Context(), c.Key)
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
			t.Fatal("it does not become so")
		}
	}
}

// wantCreated checks that every creation was answered with the one key of its name, which
// is enabled, has the value and is, as the answer says, in the plans.
func (w *world) wantCreated(t *testing.T, creations []Creation, results []result) {
	t.Helper()
	keys := w.theKeys(t)
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
	_, err := w.api.GetUsagePlanKey(t.Context(), &apigateway.GetUsagePlanKeyInput{UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(key))})
	var missing *types.NotFoundException
	if err != nil && !errors.As(err, &missing) {
		t.Fatal(err)
	}
	return err == nil
}

func (w *world) disable(t *testing.T, key portal.GatewayKeyID) {
	t.Helper()
	_, err := w.api.UpdateApiKey(t.Context(), &apigateway.UpdateApiKeyInput{
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

func TestThreeHundredWaitingCreationsAreAHandfulOfCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.plan(t, "Free")
	creations := wishes(0, 300, plan)
	results := w.importer(t, ImporterConfig{}).together(t, creations)
	calls := w.wire.made()
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

func TestWhoAsksAloneIsServedByTheSingleCallsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, ImporterConfig{})
	c := wish(1, w.plan(t, "Free"))
	made, err := i.Create(t.Context(), c)
	if err != nil || len(made.Plans) != 0 {
		t.Fatalf("%+v, %v", made, err)
	}
	w.wantCreated(t, []Creation{c}, []result{{made, err}})
	if calls := w.wire.made(); !slices.Equal(calls, []string{"CreateApiKey"}) {
		t.Errorf("calls %v", calls)
	}
}

func TestAttachmentsThatWaitCountAsOthersToWaitFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, ImporterConfig{})
	if i.enter() {
		t.Error("the first waits for others though there are none")
	}
	i.cp.attaching.Add(2)
	if !i.enter() {
		t.Error("the second does not wait for others though two attach")
	}
}

func TestARushIsNotOverBetweenTwoWaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, ImporterConfig{})
	i.together(t, wishes(0, 5))
	if !i.enter() {
		t.Error("right after a wave the first to come does not wait for others")
	}
	i.leave()
	i.mu.Lock()
	i.rush = i.rush.Add(-rushLasts)
	i.mu.Unlock()
	if i.enter() {
		t.Error("long after a wave the first to come waits for others")
	}
}

func TestABurstIsMostlyImported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, ImporterConfig{})
	creations := wishes(0, 100, w.plan(t, "Free"))
	results := make([]result, len(creations))
	var work sync.WaitGroup
	for n, c := range creations {
		work.Go(func() {
			made, err := i.Create(t.Context(), c)
			results[n] = result{made, err}
		})
	}
	work.Wait()
	calls := w.wire.made()
	w.wantCreated(t, creations, results)
	// The first few find nobody to wait for.
	if singles := count(calls, "CreateApiKey"); singles > 10 || len(calls) > 40 {
		t.Errorf("%d keys were created singly; %d calls: %v", singles, len(calls), calls)
	}
}

func TestWithoutAFindingEverythingIsSingle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, ImporterConfig{AtLeast: 1, Usable: func(context.Context) bool { return false }})
	if _, err := i.Create(t.Context(), wish(1)); err != nil {
		t.Fatal(err)
	}
	if calls := w.wire.made(); !slices.Equal(calls, []string{"CreateApiKey"}) {
		t.Errorf("calls %v", calls)
	}
}

func TestOneRowThatAWSDoesNotLikeIsFoundByHalving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := wishes(0, 40, w.plan(t, "Free"))
	bad := creations[17].Key.Name
	// AWS may refuse a whole file for one of its rows.
	w.wire.refuse("ImportApiKeys", bad)
	results := w.importer(t, ImporterConfig{}).together(t, creations)
	calls := w.wire.made()
	w.wantCreated(t, creations, results)
	if count(calls, "CreateApiKey") != 1 || len(results[17].made.Plans) != 0 || len(results[16].made.Plans) != 1 {
		t.Errorf("the bad row came to %+v, its neighbour to %+v; calls %v", results[17].made, results[16].made, calls)
	}
	if imports := count(calls, "ImportApiKeys"); imports > 15 {
		t.Errorf("%d imports of 40 rows", imports)
	}
}

func TestARowThatIsNotValidGoesAloneAndItsRefusalIsItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := wishes(0, 10, w.plan(t, "Free"))
	creations[3].Key.Value = "tooshort"
	results := w.importer(t, ImporterConfig{}).together(t, creations)
	if reasonOf(results[3].err) != Invalid {
		t.Errorf("the bad row came to %v", results[3].err)
	}
	w.wantCreated(t, slices.Delete(creations, 3, 4), slices.Delete(results, 3, 4))
}

func TestARowWhosePlanIsGoneStillGetsItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.plan(t, "Free")
	creations := wishes(0, 10, plan)
	creations[5].Plans = []portal.PlanID{"nosuchplan"}
	results := w.importer(t, ImporterConfig{}).together(t, creations)
	w.wantCreated(t, creations, results)
	if len(results[5].made.Plans) != 0 || len(results[4].made.Plans) != 1 {
		t.Errorf("in plans %v, its neighbour in %v", results[5].made.Plans, results[4].made.Plans)
	}
}

func TestAnImportWhoseAnswerIsLostIsReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := wishes(0, 10, w.plan(t, "Free"))
	w.wire.once("ImportApiKeys", lost)
	results := w.importer(t, ImporterConfig{}).together(t, creations)
	calls := w.wire.made()
	w.wantCreated(t, creations, results)
	if len(results[0].made.Plans) != 1 || count(calls, "ImportApiKeys") != 1 || count(calls, "CreateApiKey") != 0 {
		t.Errorf("plans %v, calls %v", results[0].made.Plans, calls)
	}
}

func TestAnImportThatFailsIsTriedAgainLaterAndMakesNothingTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status    int
		exception string
		want      Unavailable
	}{
		"throttled":                  {429, "TooManyRequestsException", Unavailable{Throttled: true}},
		"unavailable":                {503, "ServiceUnavailableException", Unavailable{}},
		"not permitted":              {403, "AccessDeniedException", Unavailable{Forbidden: true}},
		"a change under way besides": {409, "ConflictException", Unavailable{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i := w.importer(t, ImporterConfig{Rows: 5})
			creations := wishes(0, 10, w.plan(t, "Free"))
			w.wire.once("ImportApiKeys", answer(c.status, c.exception, concurrently))
			for n, r := range i.together(t, creations) {
				var got *Unavailable
				if !errors.As(r.err, &got) || got.Throttled != c.want.Throttled || got.Forbidden != c.want.Forbidden {
					t.Fatalf("key %d came to %+v, %v", n, r.made, r.err)
				}
			}
			if n := count(w.wire.made(), "ImportApiKeys"); n != 1 {
				t.Errorf("%d imports after the first had failed", n)
			}
			w.wantCreated(t, creations, i.together(t, creations))
		})
	}
}

func TestAFullAccountIsFullForAllThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.aws.SetLimits(localaws.Limits{Keys: 4})
	i := w.importer(t, ImporterConfig{})
	made := 0
	for n, r := range i.together(t, wishes(0, 10)) {
		var full *LimitReached
		switch {
		case r.err == nil:
			made++
		case !errors.As(r.err, &full) || full.Limit != Keys || full.Until.IsZero():
			t.Errorf("key %d came to %+v, %v", n, r.made, r.err)
		}
	}
	if made != 4 || len(w.theKeys(t)) != 4 {
		t.Errorf("%d keys were made where there was room for 4", made)
	}
}

func TestAWaveInAnAccountThatIsKnownToBeFullCostsNoCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wire.on = func(op string, pass func() (*http.Response, error)) (*http.Response, error) {
		if op == "ImportApiKeys" {
			return answer(429, "LimitExceededException", "Maximum number of API keys has been reached")(pass)
		}
		return pass()
	}
	for range 3 {
		for n, r := range w.importer(t, ImporterConfig{}).together(t, wishes(0, 10)) {
			var full *LimitReached
			if !errors.As(r.err, &full) || full.Limit != Keys || full.Until.IsZero() {
				t.Errorf("key %d came to %+v, %v", n, r.made, r.err)
			}
		}
	}
	// The whole wave, and one row of it by itself.
	if n := count(w.wire.made(), "ImportApiKeys"); n != 2 {
		t.Errorf("%d imports, want 2", n)
	}
}

func TestImportingWhatIsThereFindsItAndNeverEnablesADisabledKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, ImporterConfig{})
	creations := wishes(0, 10, w.plan(t, "Free"))
	first := i.together(t, creations)
	w.disable(t, first[2].made.ID)
	again := i.together(t, append(wishes(10, 20), creations...))[10:]
	for n := range first {
		if again[n].err != nil || again[n].made.ID != first[n].made.ID || len(again[n].made.Plans) != 1 {
			t.Errorf("key %d: first %+v, then %+v, %v", n, first[n].made, again[n].made, again[n].err)
		}
	}
	if w.theKeys(t)[first[2].made.ID].Enabled {
		t.Error("the disabled key is enabled again")
	}
}

func TestTwoWorkersThatImportOverlappingKeysMakeEachOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.plan(t, "Free")
	var all []Creation
	var results []result
	var mu sync.Mutex
	var work sync.WaitGroup
	for _, part := range [][]Creation{wishes(0, 30, plan), wishes(15, 45, plan)} {
		i := w.importer(t, ImporterConfig{})
		work.Go(func() {
			got := i.together(t, part)
			mu.Lock()
			defer mu.Unlock()
			all, results = append(all, part...), append(results, got...)
		})
	}
	work.Wait()
	w.wantCreated(t, all, results)
	if n := len(w.theKeys(t)); n != 45 {
		t.Errorf("%d keys", n)
	}
}

func TestAMessageWhoseLeaseIsShortIsHandedBackAndNotImported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := wishes(0, 10)
	creations[4].Lease = soon(9 * time.Second)
	results := w.importer(t, ImporterConfig{}).together(t, creations)
	var postponed *portal.Postponed
	if !errors.As(results[4].err, &postponed) {
		t.Errorf("it came to %+v, %v", results[4].made, results[4].err)
	}
	w.wantCreated(t, slices.Delete(creations, 4, 5), slices.Delete(results, 4, 5))
	if n := len(w.theKeys(t)); n != 9 {
		t.Errorf("%d keys", n)
	}
}

func TestWithoutBudgetEverybodyIsPostponed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(patience) // until every taker has seen that nobody waits
		process := w.process(t, 0.001)
		if _, _, err := process.draw(t.Context(), queue{class: other, urgency: Interactive}, 1); err != nil {
			t.Fatal(err)
		}
		i := NewImporter(w.controlPlane(t, process, Config{}), ImporterConfig{})
		for n, r := range i.together(t, wishes(0, 5)) {
			var postponed *portal.Postponed
			if !errors.As(r.err, &postponed) || postponed.After < 5*time.Second {
				t.Errorf("key %d came to %+v, %v", n, r.made, r.err)
			}
		}
		if calls := w.wire.made(); len(calls) != 0 {
			t.Errorf("calls %v", calls)
		}
	})
}

func TestNamesThatLieFarApartAreNotPaidForWithAllKeysBetweenThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wire.pageSize = 20
	for n := range 60 {
		w.key(t, fmt.Sprintf("gatehouse/01hold%06d/01key%06d", n, n))
	}
	plan := w.plan(t, "Free")
	creations := append(wishes(0, 12, plan), wish(999_999, plan))
	creations[12].Key.Name = "gatehouse/01gancient/01key"
	results := w.importer(t, ImporterConfig{}).together(t, creations)
	calls := w.wire.made()
	w.wantCreated(t, creations, results)
	want := []string{"GetApiKeys", "GetApiKeys", "GetApiKeys", "ImportApiKeys", "GetUsagePlanKeys"}
	if len(results[12].made.Plans) != 1 || !slices.Equal(calls, want) {
		t.Errorf("plans %v, calls %v", results[12].made.Plans, calls)
	}
}

func TestWhatMoreThanAPageBeginsWithIsLearnedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wire.pageSize = 20
	plan := w.plan(t, "Free")
	i := w.importer(t, ImporterConfig{})
	for n := range 21 {
		w.key(t, fmt.Sprintf("gatehouse/01kagp3%05d/01key", n))
	}
	// They are two crowds of ten, whose names begin as those do.
	var creations []Creation
	for n := range 20 {
		c := wish(n%10, plan)
		c.Key.Name = fmt.Sprintf("gatehouse/01kagp%d%05d/01key", 1+n/10, n)
		c.Key.Value += strconv.Itoa(n)
		creations = append(creations, c)
	}
	first := i.together(t, creations)
	before := w.wire.made()
	i.together(t, creations)
	again := w.wire.made()[len(before):]
	w.wantCreated(t, creations, first)
	if one, two := count(before, "GetApiKeys"), count(again, "GetApiKeys"); one != 3 || two != 2 {
		t.Errorf("looked %d times at first, %d times then; want 3 (one in vain) and 2", one, two)
	}
}

func TestWhatNobodyTriedBeforeIsNotLookedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := wishes(0, 30, w.plan(t, "Free"))
	for n := range creations {
		creations[n].Untried = time.Now().Add(time.Minute)
	}
	i := w.importer(t, ImporterConfig{})
	w.wantCreated(t, creations, i.together(t, creations))
	if calls := w.wire.made(); !slices.Equal(calls, []string{"ImportApiKeys", "GetUsagePlanKeys"}) {
		t.Errorf("calls %v", calls)
	}
}

func TestWhatOthersMayHaveTriedWhileItWaitedIsHandedBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := wishes(0, 10, w.plan(t, "Free"))
	for n := range creations {
		creations[n].Untried = time.Now().Add(time.Minute)
	}
	i := w.importer(t, ImporterConfig{Rows: 5})
	var late atomic.Bool
	i.cp.budget.now = func() time.Time {
		if late.Load() {
			return time.Now().Add(2 * time.Minute)
		}
		return time.Now()
	}
	w.wire.once("ImportApiKeys", func(pass func() (*http.Response, error)) (*http.Response, error) {
		late.Store(true)
		return pass()
	})
	results := i.together(t, creations)
	var postponed *portal.Postponed
	for n, r := range results[5:] {
		if !errors.As(r.err, &postponed) {
			t.Errorf("key %d, of the second import, came to %+v, %v", 5+n, r.made, r.err)
		}
	}
	w.wantCreated(t, creations[:5], results[:5])
}

func TestWhatMayHaveBeenTriedBeforeIsLookedForAmongWhatWasNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, ImporterConfig{})
	creations := wishes(0, 30, w.plan(t, "Free"))
	i.together(t, creations[20:])
	for id, key := range w.theKeys(t) {
		if aws.ToString(key.Name) == creations[25].Key.Name {
			w.disable(t, id)
		}
	}
	for n := range creations[:20] {
		creations[n].Untried = time.Now().Add(time.Minute)
	}
	creations[25].Untried = time.Now().Add(-time.Millisecond) // when it was certain is over
	results := i.together(t, creations)
	if key := w.theKeys(t)[results[25].made.ID]; key.Enabled {
		t.Error("the disabled key is enabled again")
	} else {
		w.wantCreated(t, slices.Delete(creations, 25, 26), slices.Delete(results, 25, 26))
	}
}

func TestAnErrorOfReadingIsNoRefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wire.once("GetApiKeys", answer(http.StatusBadRequest, "BadRequestException", "Invalid name"))
	for n, r := range w.importer(t, ImporterConfig{}).together(t, wishes(0, 5)) {
		var unavailable *Unavailable
		if !errors.As(r.err, &unavailable) || reasonOf(r.err) != "" {
			// Refused is what withdraws a wish for good.
			t.Errorf("key %d came to %+v, %v", n, r.made, r.err)
		}
	}
}

func TestAWordOfAUsersMakesNoRow(t *testing.T) {
	t.Parallel()
	c := &creation{Creation: wish(1, "a", "b")}
	c.Key.Description = "x\"\r\nevil,value,,true,a\u2028\u0085"
	file := string(keyFile([]*creation{c}))
	want := "name,key,description,enabled,usageplanIds\n" + c.Key.Name + "," + c.Key.Value + ",x   evil value  true a  ,true,\"a,b\"\n"
	if file != want {
		t.Errorf("the file is\n%s", file)
	}
}

func TestNoErrorOfAnImportHoldsAValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creations := wishes(0, 5)
	w.wire.once("ImportApiKeys", answer(503, "ServiceUnavailableException", "no "+creations[3].Key.Value+" now"))
	for _, r := range w.importer(t, ImporterConfig{}).together(t, creations) {
		if r.err == nil || strings.Contains(r.err.Error(), creations[3].Key.Value) {
			t.Errorf("the error is %v", r.err)
		}
	}
}

func TestWhoStopsWaitingIsAnsweredAtOnceAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, ImporterConfig{AtLeast: 1})
	reached, goOn := make(chan struct{}), make(chan struct{})
	w.wire.once("ImportApiKeys", func(pass func() (*http.Response, error)) (*http.Response, error) {
		close(reached)
		<-goOn
		return pass()
	})
	ctx, stop := context.WithCancel(t.Context())
	left := make(chan error, 1)
	done := make(chan []result, 1)
	go func() {
		<-reached
		_, err := i.join(ctx, wish(100))
		left <- err
	}()
	go func() { done <- i.together(t, wishes(0, 5)) }()
	<-reached
	stop()
	var postponed *portal.Postponed
	if err := <-left; !errors.As(err, &postponed) {
		t.Errorf("who stopped waiting is told %v", err)
	}
	close(goOn)
	w.wantCreated(t, wishes(0, 5), <-done)
	for _, key := range w.theKeys(t) {
		if aws.ToString(key.Name) == wish(100).Key.Name {
			t.Error("the key of who had stopped waiting is made")
		}
	}
}

// refuse has a call refused whenever its body holds the text.
func (f *tampering) refuse(operation, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = map[string]string{operation: text}
}

func (f *tampering) refuses(op string, r *http.Request) bool {
	f.mu.Lock()
	text, ok := f.refused[op]
	f.mu.Unlock()
	if !ok || r.GetBody == nil && r.Body == nil {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return err == nil && strings.Contains(string(body), text)
}
