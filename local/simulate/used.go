package simulate

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Metered compares what was called with a licence's key with what AWS bills.
type Metered struct {
	// Calls are those that the API answered.
	Calls int64 `json:"calls"`
	// Billed is what AWS bills, and Ledger what the portal's ledger says of that.
	Billed int64 `json:"billed"`
	Ledger int64 `json:"ledger"`
	// Waiting is what the next hour's record has, since the present hour had a record before the last
	// calls.
	Waiting int64 `json:"waiting"`
}

func (m Metered) right() bool { return m.Billed == m.Ledger && m.Billed+m.Waiting == m.Calls }

// usedIsBilled has the usage of the listing's licences of the scenarios before metered now, and compares what AWS
// bills with the calls.
func usedIsBilled(ctx context.Context, p *play) error {
	if p.on.kind == marketplace.SNS && !p.on.contract {
		return notPlayed("API Gateway meters the plan of the older listing, since the plan has a product code")
	}
	desk, err := app.OpenDesk(p.process)
	if err != nil {
		return err
	}
	var found map[string]Metered
	err = p.until(ctx, "the ledger to equal the calls", func() (bool, error) {
		if err := app.MeterNow(ctx, p.process); err != nil {
			return false, err
		}
		found, err = p.metered(ctx, desk)
		for _, m := range found {
			if !m.right() {
				return false, err
			}
		}
		return true, err
	})
	wrong := 0
	for _, h := range p.called {
		m, ok := found[h.stream()]
		if !ok {
			continue
		}
		p.played.Steps = append(p.played.Steps, Step{Step: "meter", Licence: h.stream(), Claimed: true, Metered: &m})
		if !m.right() {
			wrong++
		}
	}
	var late lateError
	if errors.As(err, &late) && wrong > 0 {
		p.played.Result = Differs
		return fmt.Errorf("for %d of %d licences, AWS bills something else than was called", wrong, len(found))
	}
	return err
}

func (p *play) metered(ctx context.Context, desk *app.Desk) (map[string]Metered, error) {
	bills, err := p.market.Billed(ctx)
	if err != nil {
		return nil, err
	}
	balances, err := desk.Balances(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string]Metered{}
	for _, h := range p.called {
		if h.Product != p.on.product {
			continue
		}
		m := Metered{Calls: h.calls}
		for _, bill := range bills {
			if bill.Licence == h.Licence && bill.Product == h.Product {
				m.Billed += bill.Quantity
			}
		}
		for _, b := range balances {
			if b.Licence != portal.Stream(h.stream()) {
				continue
			}
			m.Ledger = b.Accepted
			for _, r := range b.Reasons {
				switch r.Cause {
				case metering.Next:
					m.Waiting += r.Quantity
				case metering.Elsewhere:
					return nil, notPlayed("the portal does not meter " + h.Product + "; start `gatehouse local --fresh`, whose catalog says that it does")
				}
			}
		}
		found[h.stream()] = m
	}
	return found, nil
}
