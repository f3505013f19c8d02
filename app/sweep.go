package app

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

// newSweep puts the sweep together for a worker or for the command line.
func newSweep(names Names, plane *gateway.ControlPlane, facts *journal.Journal, reader *accounts.Reader, sender messaging, shown *projections.Projector, now func() time.Time) *provisioning.Sweep {
	return &provisioning.Sweep{
		Journal: facts, Accounts: reader, Sender: sender, Shown: shown, Now: now, Lease: leaseOf,
		Listings: func(lease func() time.Time) provisioning.Listings {
			return plane.Session(gateway.Background, lease)
		},
		NamePrefix: names.KeyNamePrefix() + "/",
		ParseName: func(name string) (portal.AccountID, portal.KeyID, bool) {
			return gateway.ParseKeyName(names.KeyNamePrefix(), name)
		},
	}
}

// Sweep compares API Gateway and the views with the journal, once, and wakes what has to
// mend them. It returns when everything is woken, not when it is mended.
func Sweep(ctx context.Context, p Process) (provisioning.Found, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	budget, err := gateway.NewBudget(c.dynamodb, gateway.BudgetConfig{Table: names.Records, Share: p.Config.QuotaShare, Now: p.Now})
	if err != nil {
		return provisioning.Found{}, err
	}
	sender := newMessaging(c, names)
	facts := journal.New(c.dynamodb, names.Journal, names.Records)
	reader := accounts.NewReader(facts, c.dynamodb, names.Records, p.now())
	shown := projections.NewProjector(facts, reader, c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records})
	sweep := newSweep(names, gateway.New(c.apigateway, budget, gateway.Config{}), facts, reader, sender, shown, p.now())
	sweep.Lease = func(context.Context) time.Time { return p.now()().Add(time.Hour) } // no message stands behind it
	found, err := sweep.Run(p.Log.WithContext(ctx))
	return found, errors.Join(err, sender.close())
}
