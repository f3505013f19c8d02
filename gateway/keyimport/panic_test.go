package keyimport

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAPanicOfAWaveIsTheErrorOfEachOfItsCreationsAndTheNextWaveGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.Plan(t, "Free")
	importer := w.importer(t, Config{})
	w.Wire.Once("ImportApiKeys", func(gatewaytest.Pass) (*http.Response, error) { panic("oh") })
	for n, got := range importer.together(t, creationsOf(0, 10, plan)) {
		var panicked *portal.PanicError
		if !errors.As(got.err, &panicked) || panicked.Value != "oh" {
			t.Errorf("creation %d came to %+v", n, got)
		}
	}
	creations := creationsOf(10, 20, plan)
	w.wantCreated(t, creations, importer.together(t, creations))
}
