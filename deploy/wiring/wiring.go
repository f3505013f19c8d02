// Package wiring joins the deployment of stacks with what app does for an installation. It is apart from
// app, so that portal and workers need not contain what deploys them.
package wiring

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

// Deployer returns a deployer for a Region, or for that of AWS's own configuration if region is "". It
// fails without a Region or usable credentials.
func Deployer(ctx context.Context, region string) (stacks.Deployer, error) {
	cfg, err := app.LoadAWSIn(ctx, region)
	if err != nil {
		return stacks.Deployer{}, err
	}
	d := stacks.Deployer{AWS: cfg, Version: app.Version}
	d.Prepare = func(ctx context.Context, name, kmsKey string) error {
		settings, err := app.LoadConfig([]string{"GATEHOUSE_PREFIX=" + name, "GATEHOUSE_KMS_KEY=" + kmsKey})
		if err != nil {
			return err
		}
		return app.Setup(ctx, cfg, settings)
	}
	d.ReadCatalog = func(ctx context.Context, name string) error {
		settings, err := app.LoadConfig([]string{"GATEHOUSE_PREFIX=" + name})
		if err != nil {
			return err
		}
		return app.RequestCatalog(ctx, app.Process{AWS: cfg, Config: settings})
	}
	d.Purge = func(ctx context.Context, name string, progress func(done, total int)) error {
		settings, err := app.LoadConfig([]string{"GATEHOUSE_PREFIX=" + name})
		if err != nil {
			return err
		}
		purge, err := app.OpenKeyPurge(app.Process{AWS: cfg, Config: settings, Log: app.NewLog(settings, "gatehouse"), Metrics: app.NewMetrics("gatehouse")})
		if err != nil {
			return err
		}
		_, err = purge.Purge(ctx, progress)
		return err
	}
	return d, nil
}
