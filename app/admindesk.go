package app

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// adminDesk is what the portal's pages and JSON for admins need of dead letters and of the installation's state.
type adminDesk struct {
	administration.DeadLetters
	overviews *overviews
}

// Overview returns the state of the installation. Parts that cannot be read are named in it.
func (d adminDesk) Overview(ctx context.Context) (administration.Overview, error) {
	return d.overviews.overview(ctx)
}

// newAdminDesk returns the adminDesk. It sends only demands for the job that carries orders out.
func newAdminDesk(p Process, c clients, names Names, views *projections.Views, store *members.Store, messages messaging) (adminDesk, error) {
	now := p.now()
	budget, err := gateway.NewBudget(c.dynamodb, gateway.BudgetConfig{Table: names.Records, Share: p.Config.QuotaShare, Now: p.Now})
	if err != nil {
		return adminDesk{}, err
	}
	letters := deadletters.Admin{Tables: c.dynamodb, Records: names.Records, Now: now}
	state := &overviews{
		estate: estate{clients: c, names: names, cfg: p.Config}, letters: letters, approvals: approvals.NewList(c.dynamodb, names.Records),
		members: store, views: views, budget: budget, now: now,
	}
	rehearsal := newRehearsal(c, names, p)
	return adminDesk{overviews: state, DeadLetters: administration.DeadLetters{
		Letters: letters, Orders: administration.NewLetterOrders(c.dynamodb, names.Records, store, now),
		ReplayOutlook: func(ctx context.Context, letter deadletters.Letter) (administration.ReplayOutlook, error) {
			return replayOutlook(ctx, rehearsal, letter)
		},
		Wake: func(ctx context.Context, order administration.LetterOrder) error {
			id := portal.DeriveID(lettersJob, order.ID)
			return messages.Send(ctx, jobs.Demand(lettersJob, id, id, order.At))
		},
	}}, nil
}

// newDemands returns what admins use to have workers run a job.
func newDemands(c clients, names Names, store *members.Store, messages messaging, now func() time.Time) administration.Demands {
	return administration.Demands{
		Runs: jobs.NewRuns(c.dynamodb, names.Records), Audit: store, Now: now,
		Send: func(ctx context.Context, job, id string, at time.Time) error {
			return messages.Send(ctx, jobs.Demand(job, id, id, at))
		},
	}
}
