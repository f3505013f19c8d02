package stacks_test

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

func TestAWrongMailAddressIsReportedOnceWithItsUse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ admin, alarms, says string }{
		"of both":         {"nobody", "nobody", `the first admin "nobody" must be an e-mail address`},
		"of alarms":       {"you@example.com", "ops", `the receiver of alarms "ops" must be an e-mail address`},
		"of each its own": {"nobody", "ops", "the first admin \"nobody\" must be an e-mail address\nthe receiver of alarms \"ops\" must be an e-mail address"},
	} {
		if err := (stacks.Settings{Name: "acme", Admin: c.admin, AlarmEmail: c.alarms}).Check("eu-west-1"); err == nil || err.Error() != c.says {
			t.Errorf("%s: it says %v", name, err)
		}
	}
}
