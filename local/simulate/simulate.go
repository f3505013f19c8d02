// Package simulate plays buyers of AWS Marketplace on a local portal with a local AWS: single
// steps for a person with a browser, and every sequence of events without one.
package simulate

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Simulator plays buyers of one local portal, and AWS.
type Simulator struct {
	process app.Process
	names   app.Names
	market  *buyers.Client
	http    *http.Client
	idp     *cognitoidentityprovider.Client
	plans   *apigateway.Client
	queues  *sqs.Client
	tables  *dynamodb.Client
	urls    map[string]string
	// called are the purchases with whose keys the scenarios have called the API.
	called   []*holding
	patience time.Duration
}

const start = "Start `gatehouse local`, and set the variables that it prints."

// Open returns a simulator for the portal at p.Config.BaseURL and the local AWS at p.AWS's
// endpoint. It is an error, for people, if either is on another machine, or the endpoint is no
// local AWS. The simulator ignores p's credentials and the endpoints of single services.
func Open(ctx context.Context, p app.Process) (*Simulator, error) {
	endpoint := aws.ToString(p.AWS.BaseEndpoint)
	switch {
	case endpoint == "":
		return nil, refuse("AWS_ENDPOINT_URL is not set, so this is AWS itself. The simulator plays buyers and payments, so it works with `gatehouse local` only. " + start)
	case !loopback(endpoint):
		return nil, refuse(fmt.Sprintf("AWS_ENDPOINT_URL is %s, which is not on this machine. The simulator plays buyers and payments, so it works with `gatehouse local` only. %s", endpoint, start))
	case !loopback(p.Config.BaseURL):
		return nil, refuse(fmt.Sprintf("GATEHOUSE_BASE_URL is %s, which is not on this machine. The simulator works with the portal of `gatehouse local` only. %s", p.Config.BaseURL, start))
	case p.Config.OIDCClientID == "":
		return nil, refuse("GATEHOUSE_OIDC_CLIENT_ID is not set, so the simulator cannot sign buyers up. " + start)
	}
	cfg := aws.Config{
		Region: localaws.Region, BaseEndpoint: &endpoint, HTTPClient: p.AWS.HTTPClient,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
	p.AWS = cfg
	s := &Simulator{
		process: p, names: app.NamesFor(p.Config.Prefix), market: buyers.New(endpoint), http: &http.Client{Timeout: 30 * time.Second},
		idp: cognitoidentityprovider.NewFromConfig(cfg), plans: apigateway.NewFromConfig(cfg),
		queues: sqs.NewFromConfig(cfg), tables: dynamodb.NewFromConfig(cfg), urls: map[string]string{}, patience: time.Minute,
	}
	if _, err := s.market.Products(ctx); err != nil {
		return nil, refuse(fmt.Sprintf("No local AWS Marketplace answers at %s. %s", endpoint, start))
	}
	return s, nil
}

func refuse(text string) error { return portal.Fail(portal.Invalid, text) }

func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
