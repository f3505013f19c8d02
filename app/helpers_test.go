package app

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/identity"
)

const patience = time.Minute

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not happen that %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// installedDemo names the demo's user pool, the portal's client there, and the demo API.
type installedDemo struct {
	PoolID, ClientID string
	demo.Installed
}

func installDemo(t *testing.T, p Process) (d installedDemo) {
	t.Helper()
	var err error
	d.PoolID, d.ClientID, err = demo.UserPool{
		Cognito: cognito.NewFromConfig(p.AWS), Name: p.Config.Prefix + "-demo", ClientName: "Gatehouse",
		CallbackURL: p.Config.BaseURL + identity.CallbackPath, SignOutURL: p.Config.BaseURL + "/", AdminGroup: p.Config.AdminGroup,
	}.Install(t.Context())
	ok(t, err)
	d.Installed, err = demo.Install(t.Context(), apigateway.NewFromConfig(p.AWS), "http://localhost:4566/demo-api")
	ok(t, err)
	ok(t, RequestCatalog(t.Context(), p))
	return d
}

func clientOf(t *testing.T, p Process, d installedDemo) types.UserPoolClientType {
	t.Helper()
	out, err := cognito.NewFromConfig(p.AWS).DescribeUserPoolClient(t.Context(), &cognito.DescribeUserPoolClientInput{UserPoolId: &d.PoolID, ClientId: &d.ClientID})
	ok(t, err)
	return *out.UserPoolClient
}
