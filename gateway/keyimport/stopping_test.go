package keyimport

import (
	"context"
	"errors"
	"net/http"
	"testing"
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

func TestACreationThatNoWaveHasIsHandedBackWhenTheProcessStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, Config{AtLeast: 1})
	reached, goOn := make(chan struct{}), make(chan struct{})
	w.Wire.Once("ImportApiKeys", func(pass func() (*http.Response, error)) (*http.Response, error) {
		close(reached)
		<-goOn
		return pass()
	})
	done := make(chan []result, 1)
	go func() { done <- i.together(t, creationsOf(0, 5)) }()
	<-reached
	stopping := make(chan struct{})
	close(stopping)
	_, err := i.join(portal.WithStopping(t.Context(), stopping), creationOf(100))
	wantStopping(t, "the creation that came too late for the wave", err)
	close(goOn)
	w.wantCreated(t, creationsOf(0, 5), <-done)
}

func TestAWaveOfAStoppingProcessEndsAndAnswersAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.importer(t, Config{AtLeast: 1})
	stopping := make(chan struct{})
	w.Wire.Once("ImportApiKeys", func(pass func() (*http.Response, error)) (*http.Response, error) {
		close(stopping)
		return pass()
	})
	ctx, cancel := context.WithTimeout(portal.WithStopping(t.Context(), stopping), time.Minute)
	defer cancel()
	answers := make(chan error, 5)
	for _, c := range creationsOf(0, 5) {
		go func() {
			_, err := i.join(ctx, c)
			answers <- err
		}()
	}
	for range 5 {
		if err := <-answers; err != nil && !errors.Is(err, portal.ErrStopping) {
			t.Errorf("a row of the wave got %v", err)
		}
	}
	if ctx.Err() != nil {
		t.Error("the answers came only with the end of the context")
	}
}
