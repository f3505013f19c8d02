package main

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"github.com/gatehouse-portal/gatehouse/awsclient"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

type network struct {
	http.RoundTripper
	latency  time.Duration
	requests atomic.Int64
}

// newNetwork keeps idle connections for all callers, so neither transport pays for connecting.
func newNetwork(latency time.Duration) *network {
	return &network{RoundTripper: &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 512}, latency: latency}
}

func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	n.requests.Add(1)
	if err := wait(req.Context(), n.latency); err != nil {
		return nil, err
	}
	return n.RoundTripper.RoundTrip(req)
}

func (n *network) config(endpoint string) aws.Config {
	return aws.Config{
		Region:       localaws.Region,
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   &http.Client{Transport: n},
		APIOptions:   []func(*middleware.Stack) error{awsclient.PlainBodies},
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
