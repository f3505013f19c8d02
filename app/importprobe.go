package app

import (
	"cmp"
	"context"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
)

func newFindings(c clients, names Names, p Process) *keyimport.Findings {
	return keyimport.NewFindings(c.dynamodb, names.Records, c.config.Region, p.Now)
}

// ProbeImport tests ImportApiKeys with throw-away keys, within the budget, and saves the
// finding for the workers. If it returns a finding and an error, it could not save the finding
// or delete all of the keys.
func ProbeImport(ctx context.Context, p Process) (keyimport.Finding, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	plane, err := newControlPlane(c, names, p)
	if err != nil {
		return keyimport.Finding{}, err
	}
	finding, err := keyimport.Probe(p.Log.WithContext(ctx), plane, names.KeyNamePrefix())
	if len(finding.Observations) == 0 {
		return finding, fmt.Errorf("trying out ImportApiKeys: %w", err)
	}
	finding, unsaved := newFindings(c, names, p).Save(ctx, finding)
	return finding, cmp.Or(unsaved, err)
}
