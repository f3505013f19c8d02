package web

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/projections"
)

// waitingPurchase says what a purchase waits for.
type waitingPurchase struct {
	Text string
	Next link
}

// waitingOf describes the purchases that wait for a confirmation, or else the first that waits for its
// payment. It returns nil if none waits.
func waitingOf(unconfirmed []purchaseLine, licences []projections.Licence) *waitingPurchase {
	if len(unconfirmed) > 0 {
		var names []string
		for _, one := range unconfirmed {
			names = append(names, one.Name)
		}
		return &waitingPurchase{"Your purchase of " + strings.Join(names, ", ") + " waits for your confirmation. You get its key after that.", link{"Confirm your purchase", PurchasesPath}}
	}
	next := link{"See your purchase", "/dashboard#bought"}
	for _, l := range licences {
		switch {
		case l.Awaited():
			return &waitingPurchase{"Your purchase of " + l.Name + " waits for AWS Marketplace to confirm the payment. You get its key after that.", next}
		case l.State == projections.LicenceFailed:
			return &waitingPurchase{"Your purchase of " + l.Name + " waits, because AWS Marketplace could not take the payment. You get its key once AWS confirms the payment.", next}
		}
	}
	return nil
}
