package web

import (
	"context"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
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
func (s *Web) withMetered(ctx context.Context, when times, lines []boughtLine, licences []projections.Licence) []boughtLine {
	if s.market.Ledger == nil || len(licences) == 0 {
		return lines
	}
	streams := make([]portal.Stream, len(licences))
	for i, l := range licences {
		streams[i] = l.Stream
	}
	found, err := s.market.Ledger.Summaries(ctx, streams...)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("the dashboard is shown without what was metered")
		return lines
	}
	for i, l := range licences {
		if sum, ok := found[l.Stream]; ok && !sum.Last.IsZero() {
			lines[i].Metered = metered{Requests: count(int(sum.Billed), "request"), Last: when.moment(sum.Last), Over: !sum.Closed.IsZero()}
		}
	}
	return lines
}
