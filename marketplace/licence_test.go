package marketplace_test

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestEveryNameOfALicenceIsUnderstood(t *testing.T) {
	t.Parallel()
	for _, stream := range []portal.Stream{"licence/l-0123abc", "legacy/4fk3q8b2/PJS7=FA+H@0.x"} {
		for _, name := range []string{string(stream), marketplace.Address(stream)} {
			if got, ok := marketplace.Parse(name); !ok || got != stream {
				t.Errorf("%q is read as %q, %t; want %q", name, got, ok, stream)
			}
		}
	}
	if got := marketplace.Address("legacy/prod/cust"); got != "legacy:prod:cust" {
		t.Errorf("the address is %q", got)
	}
	for _, name := range []string{"", "l", "account/a", "legacy", "legacy:", "legacy:prod", "licence", "x-1"} {
		if got, ok := marketplace.Parse(name); ok {
			t.Errorf("%q is read as %q", name, got)
		}
	}
}
