package seller

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/events"
)

// Bought returns the contract dimensions that the buyer of a licence has paid for, and the
// agreement that grants it. Of several agreements, the one counts that is in force and was changed
// last. Both are empty if AWS knows no agreement about the licence yet, or the purchase names no
// licence.
func (s *Seller) Bought(ctx context.Context, bought events.Purchase) (dimensions []string, agreement string, err error) {
	if bought.ARN == "" {
		return nil, "", nil
	}
	var newest Agreement
	err = s.Granting(ctx, bought.ARN, func(a Agreement) error {
		if newest.ID == "" || a.Active() || !newest.Active() {
			newest = a
		}
		return nil
	})
	if err != nil || newest.ID == "" {
		return nil, "", err
	}
	dimensions, err = s.Dimensions(ctx, newest.ID)
	return dimensions, newest.ID, err
}
