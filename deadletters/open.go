package deadletters

import (
	"context"
	"errors"
	"time"
)

var errEnough = errors.New("enough letters")

// OpenSince returns open letters without bodies whose last failure is not before since, at most limit.
// more: there are more than limit.
func (a Admin) OpenSince(ctx context.Context, since time.Time, limit int) (open []Letter, more bool, err error) {
	err = a.Each(ctx, func(l Letter) error {
		switch {
		case l.State() != Open || l.Last.Before(since):
			return nil
		case len(open) == limit:
			return errEnough
		}
		open = append(open, l)
		return nil
	})
	if errors.Is(err, errEnough) {
		return open, true, nil
	}
	return open, false, err
}
