package portal_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAPanicIsNoReasonToPostpone(t *testing.T) {
	t.Parallel()
	panicked := portal.Guard(explode)()
	for name, err := range map[string]error{
		"as it is":                            panicked,
		"with context":                        fmt.Errorf("sending: %w", panicked),
		"together with another topic's error": errors.Join(errors.New("no answer"), panicked),
	} {
		var postponed *portal.Postponed
		if got := portal.Postpone("the topics do not answer", err); errors.As(got, &postponed) || !errors.Is(got, panicked) {
			t.Errorf("%s: it returns %v", name, got)
		}
	}
}

func TestAnErrorIsPostponedOnce(t *testing.T) {
	t.Parallel()
	if err := portal.Postpone("the table does not answer", nil); err != nil {
		t.Errorf("no error: %v", err)
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"an error":             {errors.New("no"), "postponed, the table does not answer: no"},
		"one that is one":      {&portal.Postponed{After: time.Second, Reason: "budget"}, "postponed, budget"},
		"one that contains it": {fmt.Errorf("reading: %w", &portal.Postponed{Reason: "budget"}), "reading: postponed, budget"},
	} {
		if got := portal.Postpone("the table does not answer", c.err); got.Error() != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
