package app

import (
	"context"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
)

// The values of GATEHOUSE_PROVISIONING.
const (
	// provisioningAuto creates keys together where a probe has shown that imports work.
	provisioningAuto   = "auto"
	provisioningSingle = "single"
)

func newFindings(c clients, names Names, p Process) *keyimport.Findings {
	return keyimport.NewFindings(c.dynamodb, names.Records, c.config.Region, p.Now)
}

// ProbeImport tries out ImportApiKeys with throw-away keys, within the budget, and keeps
// what it saw for the workers. A finding may come with an error: then it is kept, and
// something could not be deleted.
func ProbeImport(ctx context.Context, p Process) (keyimport.Finding, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	budget, err := gateway.NewBudget(c.dynamodb, gateway.BudgetConfig{Table: names.Records, Share: p.Config.QuotaShare, Now: p.Now})
	if err != nil {
		return keyimport.Finding{}, err
	}
	finding, err := keyimport.Probe(p.Log.WithContext(ctx), gateway.New(c.apigateway, budget, gateway.Config{}), names.KeyNamePrefix())
	return keepFinding(ctx, newFindings(c, names, p), finding, err)
}

// probeLocally is ProbeImport for a local AWS, whose calls are free: once, since the
// finding stays in its data. A portal without one works too, so it fails softly.
func probeLocally(ctx context.Context, p Process) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	findings := newFindings(c, names, p)
	if _, known, err := findings.Last(ctx); known || err != nil || p.Config.Provisioning != provisioningAuto {
		return
	}
	finding, err := keyimport.ProbeFreely(ctx, c.apigateway, names.KeyNamePrefix())
	if finding, err = keepFinding(ctx, findings, finding, err); err != nil {
		p.Log.Warn().Err(err).Msg("trying out imports failed")
		return
	}
	p.Log.Info().Bool("usable", finding.Usable).Msg("tried out whether keys can be imported")
}

func keepFinding(ctx context.Context, findings *keyimport.Findings, finding keyimport.Finding, probed error) (keyimport.Finding, error) {
	if len(finding.Observations) == 0 {
		return finding, fmt.Errorf("trying out ImportApiKeys: %w", probed)
	}
	finding, err := findings.Save(ctx, finding)
	if err != nil {
		return finding, err
	}
	return finding, probed
}
