package api

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestARefusalForNowSaysWhenToTryAgain(t *testing.T) {
	t.Parallel()
	exact := portal.Fail(portal.TooManyRequests, "Wait.")
	exact.After = 42 * time.Second
	for want, err := range map[string]error{"42": exact, "60": portal.Fail(portal.TooManyRequests, "Wait.")} {
		if got := problemOf(t.Context(), err).header.Get("Retry-After"); got != want {
			t.Errorf("Retry-After is %q, want %s", got, want)
		}
	}
}
