package app

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

// Reconciliation compares API Gateway with the journal for an operator, and mends what differs. It
// calls the control plane within the budget that all processes share.
type Reconciliation struct {
	p         Process
	clients   clients
	names     Names
	reconcile provisioning.Reconciler
	sender    messaging
}

// OpenReconciliation returns a reconciliation. It makes no call.
func OpenReconciliation(p Process) (*Reconciliation, error) {
	c, names, now := newClients(p.AWS), NamesFor(p.Config.Prefix), p.now()
	plane, err := newControlPlane(c, names, p)
	if err != nil {
		return nil, err
	}
	facts, sender := journal.New(c.dynamodb, names.Journal, names.Records), newMessaging(c, names)
	sweep := newSweep(c, names, plane, facts, accounts.NewReader(facts, c.dynamodb, names.Records, now), sender, nil, nil, now)
	sweep.Listings = func(func() time.Time) provisioning.Listings { return plane.Session(gateway.Background, nil) }
	return &Reconciliation{p: p, clients: c, names: names, sender: sender, reconcile: provisioning.Reconciler{
		Sweep: *sweep, Keys: plane.Session(gateway.Background, nil), Sender: sender, Wait: wait, Run: rand.Text(),
		AccountLeases: leases.New(c.dynamodb, leases.Config{Table: names.Records, Now: p.Now}),
	}}, nil
}

// newControlPlane returns the control plane within the budget that all processes share.
func newControlPlane(c clients, names Names, p Process) (*gateway.ControlPlane, error) {
	budget, err := gateway.NewBudget(c.dynamodb, gateway.BudgetConfig{Table: names.Records, Share: p.Config.QuotaShare, Now: p.Now})
	if err != nil {
		return nil, err
	}
	return gateway.New(c.apigateway, budget, gateway.Config{Observe: p.observeCalls()}), nil
}

var errInterrupted = errors.New("interrupted; run it again, and it does what is left")

// Look compares, and changes nothing. With values it also compares the value of each key, which
// takes a call of KMS for each.
func (r *Reconciliation) Look(ctx context.Context, values bool, progress func(provisioning.LookProgress)) (provisioning.Drift, error) {
	if values {
		deriver, _, err := r.clients.keyMaterial(ctx, r.p.Config)
		if err != nil {
			return provisioning.Drift{}, err
		}
		r.reconcile.Values = deriver
	}
	drift, err := r.reconcile.Look(ctx, values, progress)
	return drift, whyNot(ctx, err)
}

// Mend mends findings of Look, and records in the audit that this operator does.
func (r *Reconciliation) Mend(ctx context.Context, findings []provisioning.Finding, progress func(done, total int)) (provisioning.Mended, error) {
	if err := auditOperator(ctx, r.clients, r.names, r.p.now(), members.AuditEntry{What: members.AuditReconciled, Count: provisioning.Changes(findings)}); err != nil {
		return provisioning.Mended{}, err
	}
	mended, err := r.reconcile.Mend(ctx, findings, progress)
	return mended, errors.Join(whyNot(ctx, err), r.sender.close())
}

// auditOperator records what the operator who runs this process is about to do.
func auditOperator(ctx context.Context, c clients, names Names, now func() time.Time, doing members.AuditEntry) error {
	doing.Operator = operator()
	if err := members.NewStore(c.dynamodb, names.Records, now).Record(ctx, doing); err != nil {
		return explained("recording it in the audit", err)
	}
	return nil
}

func whyNot(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	return InWords(err)
}

// newSweeps shows admins what the last sweep has found, and asks for another one.
func newSweeps(scratch *jobs.Scratch, demands administration.Demands) administration.Sweeps {
	return administration.Sweeps{Demands: demands, Job: sweepJob, Last: func(ctx context.Context) (administration.Drift, error) {
		drift, found, err := provisioning.LastDrift(ctx, scratch)
		if err != nil || !found {
			return administration.Drift{}, err
		}
		return shownDrift(drift), nil
	}}
}

func shownDrift(drift provisioning.Drift) administration.Drift {
	shown := administration.Drift{Began: drift.Began, Ended: drift.Ended, Keys: drift.Keys, Others: drift.Others, Recent: drift.Recent, Unreadable: drift.Unreadable}
	for _, kind := range provisioning.Kinds() {
		if count := drift.Kinds[kind]; count > 0 {
			shown.Kinds = append(shown.Kinds, administration.DriftKind{Kind: string(kind), Count: count})
		}
	}
	for _, f := range drift.Findings {
		shown.Differences = append(shown.Differences, administration.Difference{
			Kind: string(f.Kind), Mending: string(f.Mending), Account: f.Account, Key: f.Key, GatewayID: f.GatewayID, Plan: f.Plan, Name: f.Name,
		})
	}
	return shown
}
