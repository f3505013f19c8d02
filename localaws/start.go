package localaws

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"github.com/gatehouse-portal/gatehouse/awsclient"
)

// Start runs a local AWS until the test ends, on a free port and with its file in a
// temporary folder.
func Start(t testing.TB, adjust ...func(*Options)) *Server {
	t.Helper()
	opts := Options{Dir: t.TempDir(), Addr: "127.0.0.1:0", NoSync: true}
	for _, f := range adjust {
		f(&opts)
	}
	s, err := Open(opts)
	if err != nil {
		t.Fatalf("starting local AWS: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing local AWS: %v", err)
		}
	})
	return s
}

// AWSConfig returns an SDK configuration that sends all services' requests to this server.
func (s *Server) AWSConfig() aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(s.Endpoint()),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   awsclient.HTTPClient(),
		APIOptions:   []func(*middleware.Stack) error{awsclient.PlainBodies},
	}
}
