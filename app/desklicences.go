package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/state"
)

// FoundLicence is what the journal has about a licence.
type FoundLicence struct {
	state.Licence
	Facts []events.Event
	// RenewedBy is the licence of the same account that renews this one, "" if none does. Licence does not set it.
	RenewedBy portal.Stream
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

// LicenceAndRenewal reads a licence as Licence does, and what renews it from the views.
func (d *Desk) LicenceAndRenewal(ctx context.Context, name string) (FoundLicence, error) {
	found, err := d.Licence(ctx, name)
	if err != nil || !found.Claimed() {
		return found, err
	}
	account, err := d.views.Account(ctx, found.Claim.Account)
	if by, renewed := account.Renewal(projections.Licence{Stream: found.Stream}); renewed {
		found.RenewedBy = by.Stream
	}
	return found, InWords(err)
}

// Licence reads a licence from the journal: by its stream, or by AWS's id of it, "l-…". It returns
// NotFound if AWS has not told of it and nobody has claimed it, and Invalid for a name that no licence
// has.
func (d *Desk) Licence(ctx context.Context, name string) (FoundLicence, error) {
	stream := portal.Stream(name)
	if strings.HasPrefix(name, "l-") {
		stream = portal.LicenceStream(portal.LicenceID(name))
	}
	if !stream.IsLicence() {
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
