package web

import (
	"context"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type summarizing interface {
	Summaries(ctx context.Context, licences ...portal.Stream) (map[portal.Stream]metering.Summary, error)
}

// metered is how much of a purchase AWS bills.
type metered struct {
	Requests string
	// Last is when usage was last reported. Over means that no more is.
	Last moment
	Over bool
}

// withMetered adds what AWS bills. Without the ledger, the purchases are shown as they are.
func (s *Web) withMetered(ctx context.Context, when times, list boughtList) boughtList {
	if s.market.Ledger == nil || len(list.Cards)+len(list.Past) == 0 {
		return list
	}
	var streams []portal.Stream
	for _, lines := range [][]boughtLine{list.Cards, list.Past} {
		for _, line := range lines {
			streams = append(streams, portal.Stream(line.Licence))
		}
	}
	found, err := s.market.Ledger.Summaries(ctx, streams...)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("the dashboard is shown without what was metered")
		return list
	}
	for _, lines := range [][]boughtLine{list.Cards, list.Past} {
		for i, line := range lines {
			if sum, ok := found[portal.Stream(line.Licence)]; ok && !sum.Last.IsZero() {
				lines[i].Metered = metered{Requests: count(int(sum.Billed), "request"), Last: when.moment(sum.Last), Over: !sum.Closed.IsZero()}
			}
		}
	}
	return list
}
