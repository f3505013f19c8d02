package localaws

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"github.com/gatehouse-portal/gatehouse/awsclient"
)

// Start runs a local AWS for one test, on a free port, with its file in the
// test's own folder, and closes it when the test ends.
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

// AWSConfig is an SDK configuration that points every service at this server.
func (s *Server) AWSConfig() aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(s.Endpoint()),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   awsclient.HTTPClient(),
		APIOptions:   []func(*middleware.Stack) error{awsclient.PlainBodies},
	}
}
