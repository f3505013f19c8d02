package app

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestPrivateHostsAreTheOperatorsAndALocalAWS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		configured []string
		endpoint   string
		want       []string
	}{
		"AWS itself":                   {nil, "", nil},
		"a local AWS by its name":      {nil, "http://LOCALHOST:4566", []string{"localhost"}},
		"a local AWS by its address":   {nil, "http://127.0.0.1:4566", []string{"127.0.0.1"}},
		"an AWS on another machine":    {nil, "https://10.0.0.1", nil},
		"an AWS behind a private name": {nil, "https://aws.internal", nil},
		"what the operator names":      {[]string{"API.internal.example.com.", "10.0.0.7"}, "", []string{"api.internal.example.com", "10.0.0.7"}},
	} {
		awsConfig := aws.Config{}
		if c.endpoint != "" {
			awsConfig.BaseEndpoint = &c.endpoint
		}
		if got := privateHosts(Config{TryPrivateHosts: c.configured}, awsConfig); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAPrivateHostIsAHostAlone(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"api.internal", "localhost", "10.0.0.7", "::1", "fd00::7", "a-b.example.com."} {
		if _, err := LoadConfig([]string{"GATEHOUSE_TRY_PRIVATE_HOSTS=" + host}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"https://api.internal", "api.internal:8080", "api.internal/", "user@api.internal", "10.0.0.0/8", "api internal", "[::1]", "a?b", "a#b"} {
		if _, err := LoadConfig([]string{"GATEHOUSE_TRY_PRIVATE_HOSTS=" + host}); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_TRY_PRIVATE_HOSTS") {
			t.Errorf("%q: %v", host, err)
		}
	}
	if !isHost(netip.IPv6Loopback().String()) {
		t.Error("an IPv6 address is not a host")
	}
}
