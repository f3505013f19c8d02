package localaws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"github.com/gatehouse-portal/gatehouse/awsclient"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// AWSConfig returns an SDK configuration that sends all requests to this server.
func (s *Server) AWSConfig() aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(s.Endpoint()),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   awsclient.HTTPClient(),
		APIOptions:   []func(*middleware.Stack) error{awsclient.PlainBodies},
	}
}

// AWSConfigOf is AWSConfig with credentials of one of Options.Accounts.
func (s *Server) AWSConfigOf(account string) aws.Config {
	cfg := s.AWSConfig()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(wire.NewAccessKeyID("AKIA", account), "local", "")
	return cfg
}
