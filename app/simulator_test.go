package app

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

func TestOnlyThePagesOfALocalPortalLeadToTheSimulator(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"":                              "",
		"https://aws.example.com":       "",
		"https://localhost.example.com": "",
		"http://localhost:4566":         "http://localhost:4566" + marketplace.ConsolePath,
		"http://127.0.0.1:4566/":        "http://127.0.0.1:4566" + marketplace.ConsolePath,
	} {
		if got := simulator(aws.Config{BaseEndpoint: &endpoint}); got != want {
			t.Errorf("with AWS at %q they lead to %q, want %q", endpoint, got, want)
		}
	}
}
