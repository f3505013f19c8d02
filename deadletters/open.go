package deadletters

import (
	"context"
	"errors"
)

var errEnough = errors.New("enough letters")

// OpenOnes returns open letters without bodies, at most limit. more: there are more than limit.
func (a Admin) OpenOnes(ctx context.Context, limit int) (open []Letter, more bool, err error) {
	err = a.Each(ctx, func(l Letter) error {
		switch {
		case l.State() != Open:
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
