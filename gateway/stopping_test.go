package gateway

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// wantStopping checks that a call was handed back because the process stops.
func wantStopping(t *testing.T, what string, err error) {
	t.Helper()
	var postponed *portal.Postponed
	if !errors.As(err, &postponed) || !errors.Is(err, portal.ErrStopping) {
		t.Errorf("%s: %v, want a Postponed that says that the process is stopping", what, err)
	}
}

func TestACallThatWaitsForATokenIsHandedBackWhenTheProcessStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		plans := w.process(t, 1).taker(updatePlan, Interactive)
		stopping := make(chan struct{})
		ctx := portal.WithStopping(t.Context(), stopping)
		if _, err := plans.take(ctx); err != nil {
			t.Fatal(err)
		}
		// There is a token every 20 seconds.
		began, waits := time.Now(), make(chan error, 1)
		take := func() error {
			_, err := plans.take(ctx)
			return err
		}
		go func() { waits <- take() }()
		time.Sleep(time.Second)
		close(stopping)
		wantStopping(t, "who waits", <-waits)
		wantStopping(t, "who comes then", take())
		if waited := time.Since(began); waited > time.Second+4*portal.LastWait {
			t.Errorf("both calls took %v", waited)
		}
	})
}

func TestACallOfAStoppingProcessTakesATokenThatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait)
		stopping := make(chan struct{})
		close(stopping)
		ctx := portal.WithStopping(t.Context(), stopping)
		if _, err := w.process(t, 1).taker(updatePlan, Interactive).take(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestACallThatWaitsForTheAttachLeaseIsHandedBackWhenTheProcessStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		here, there := w.process(t, 1), w.process(t, 1)
		release, err := there.attach.take(t.Context(), time.Minute, Backlog, atOnce)
		if err != nil {
			t.Fatal(err)
		}
		stopping := make(chan struct{})
		ctx := portal.WithStopping(t.Context(), stopping)
		began, waits := time.Now(), make(chan error, 2)
		for range 2 { // one asks the table, the other waits in the queue
			go func() {
				_, err := here.attach.take(ctx, time.Minute, Backlog, atOnce)
				waits <- err
			}()
		}
		time.Sleep(time.Second)
		close(stopping)
		for range 2 {
			wantStopping(t, "who waits", <-waits)
		}
		if waited := time.Since(began); waited > time.Second+4*portal.LastWait {
			t.Errorf("the calls took %v", waited)
		}
		release()
		again, err := here.attach.take(ctx, time.Minute, Backlog, atOnce)
		if err != nil {
			t.Fatalf("a free lease: %v", err)
		}
		again()
	})
}
