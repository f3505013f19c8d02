package local

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
)

// probeImport is `gatehouse doctor --probe-import` for the local AWS, without the budget. It only
// logs a failure, since workers can create keys one by one.
func probeImport(ctx context.Context, p app.Process) {
	names := app.NamesFor(p.Config.Prefix)
	findings := keyimport.NewFindings(dynamodb.NewFromConfig(p.AWS), names.Records, p.AWS.Region, p.Now)
	if _, known, err := findings.Last(ctx); known || err != nil || p.Config.Provisioning != app.ProvisioningAuto {
		return
	}
	finding, err := keyimport.ProbeFreely(ctx, gateway.Client(p.AWS), names.KeyNamePrefix())
	if len(finding.Observations) > 0 {
		var unsaved error
		finding, unsaved = findings.Save(ctx, finding)
		err = errors.Join(unsaved, err)
	}
	if err != nil {
		p.Log.Warn().Err(err).Msg("testing imports failed")
		return
	}
	p.Log.Info().Bool("usable", finding.Usable).Msg("tested whether keys can be imported")
}
