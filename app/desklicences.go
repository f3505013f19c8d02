package app

import (
	"context"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/state"
)

// FoundLicence is what the journal has about a licence.
type FoundLicence struct {
	state.Licence
	Facts []events.Event
}

// Licences lists the licences that AWS Marketplace has told of or people have claimed, sorted by
// stream.
func (d *Desk) Licences(ctx context.Context) ([]projections.Licence, error) {
	all, err := d.views.Licences(ctx)
	return all, InWords(err)
}

// KeptNotices returns the newest notices of AWS Marketplace that name no licence, at most limit, the newest first.
func (d *Desk) KeptNotices(ctx context.Context, limit int) ([]projections.KeptNotice, error) {
	all, err := d.views.KeptNotices(ctx, limit)
	return all, InWords(err)
}

// Licence reads a licence from the journal: by its stream, or by AWS's id of it, "l-…". It returns
// NotFound if AWS has not told of it and nobody has claimed it, and Invalid for a name that no licence
// has.
func (d *Desk) Licence(ctx context.Context, name string) (FoundLicence, error) {
	stream, ok := marketplace.Parse(name)
	if !ok {
		return FoundLicence{}, portal.Fail(portal.Invalid, fmt.Sprintf("%q names no licence. Give licence/<id>, the id alone (l-…), or legacy/<product code>/<customer identifier>. `gatehouse marketplace licences` lists them.", name))
	}
	facts, err := d.facts.Read(ctx, stream, 0)
	switch {
	case err != nil:
		return FoundLicence{}, InWords(err)
	case len(facts) == 0:
		return FoundLicence{}, portal.Fail(portal.NotFound, fmt.Sprintf("There is no licence %s. `gatehouse marketplace licences` lists those that AWS Marketplace has told of.", stream))
	}
	return FoundLicence{Licence: state.FoldLicence(stream, facts), Facts: facts}, nil
}
