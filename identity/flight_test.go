package identity

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAPanicOfSharedWorkIsTheErrorOfThoseWhoWaitForIt(t *testing.T) {
	t.Parallel()
	var f flight
	err := f.do(t.Context(), func(context.Context) error { panic("oh") })
	var panicked *portal.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "oh" {
		t.Errorf("it returns %v", err)
	}
}
