package local

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/web"
)

// Demo names what SetupDemo installed.
type Demo struct {
	PoolID, ClientID string
	API              demo.Installed
}

// SetupDemo installs the demo beside a portal that is set up, also in a real AWS account: a user
// pool with demo.Accounts, and an API with two plans in front of backendURL. It has the workers
// read the catalog. A second call only updates the addresses of the pool's client to those of
// cfg.BaseURL.
func SetupDemo(ctx context.Context, awsCfg aws.Config, cfg app.Config, backendURL string) (Demo, error) {
	poolID, clientID, err := demo.UserPool{
		Cognito: cognitoidentityprovider.NewFromConfig(awsCfg), Name: cfg.Prefix + "-demo", ClientName: web.DefaultName,
		CallbackURL: cfg.BaseURL + identity.CallbackPath, SignOutURL: cfg.BaseURL + "/", AdminGroup: cfg.AdminGroup,
	}.Install(ctx)
	if err != nil {
		return Demo{}, err
	}
	installed, err := installDemoAPI(ctx, awsCfg, cfg, backendURL)
	return Demo{PoolID: poolID, ClientID: clientID, API: installed}, err
}

// installDemoAPI installs only the API with its plans, and has the workers read the catalog. It may be
// repeated.
func installDemoAPI(ctx context.Context, awsCfg aws.Config, cfg app.Config, backendURL string) (demo.Installed, error) {
	// These calls take no tokens: a person waits at a terminal, and the SDK's retries wait until AWS no longer
	// throttles.
	installed, err := demo.Install(ctx, apigateway.NewFromConfig(awsCfg), backendURL)
	if err != nil {
		return installed, err
	}
	return installed, app.RequestCatalog(ctx, app.Process{AWS: awsCfg, Config: cfg})
}
