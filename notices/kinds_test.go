package notices_test

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/notices"
)

func TestOnlyAdminsAreAskedAboutKindsForAdmins(t *testing.T) {
	t.Parallel()
	all, others := notices.KindsFor(true), notices.KindsFor(false)
	if len(all) != len(notices.Kinds()) || len(all)-len(others) != 4 {
		t.Errorf("admins have %d kinds, other people %d", len(all), len(others))
	}
	for _, k := range others {
		if k.Admin {
			t.Errorf("other people are asked about %s", k.Kind)
		}
	}
}
