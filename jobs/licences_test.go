package jobs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const bought portal.Stream = "licence/l-01"

// A row about a licence sends messages until the account has recorded what it should have, and until
// an account that gives the licence up no longer has it.
func TestARowAboutALicenceAsksUntilTheAccountAndTheLicenceAgree(t *testing.T) {
	t.Parallel()
	claimed := events.LicenceClaimed{Account: "a", Plan: "pro", Name: "Pro"}
	paid := events.LicenceNoticed{Notice: events.MarketplaceNotified{At: opened}, Status: events.LicenceActive}
	wanted := events.LicenceAccessWanted{Account: "a", Plan: "pro", Name: "Pro"}
	set := func(seq int64, open bool) events.LicenceAccessSet {
		return events.LicenceAccessSet{Licence: bought, Sequence: seq, HasAccess: open, Plan: "pro"}
	}
	given := events.LicenceAccessSet{Licence: bought, Sequence: 1, Plan: "pro", Released: true}
	for name, c := range map[string]struct {
		licence, account []events.Fact
		// row is the fact of the licence that the row is about.
		row  int64
		want events.Payload
	}{
		"the account does not know of its access": {
			[]events.Fact{claimed, paid, wanted}, []events.Fact{events.UserRegistered{}, set(1, false)}, 3,
			events.LicenceAccessRequested{Licence: bought, Sequence: 3, HasAccess: true, Plan: "pro", Name: "Pro"},
		},
		"the account knows of its access": {[]events.Fact{claimed, paid, wanted}, []events.Fact{events.UserRegistered{}, set(3, true)}, 3, nil},
		"a later row tells more":          {[]events.Fact{claimed, paid, wanted}, []events.Fact{events.UserRegistered{}}, 1, nil},
		"the account is being deleted, and has the licence": {
			[]events.Fact{claimed}, []events.Fact{events.UserRegistered{}, set(1, false), events.AccountDeleting{}}, 1, events.LicenceReleaseRequested{Account: "a"},
		},
		"the account is being deleted, and the licence is free": {
			[]events.Fact{claimed, events.LicenceReleased{Account: "a"}}, []events.Fact{events.UserRegistered{}, set(1, false), events.AccountDeleting{}}, 1, nil,
		},
		"an account that was not registered has given the licence up, and still has it": {
			[]events.Fact{claimed}, []events.Fact{given}, 1, events.LicenceReleaseRequested{Account: "a"},
		},
		"the account has claimed again what it gave up": {
			[]events.Fact{claimed, events.LicenceReleased{Account: "a"}, claimed}, []events.Fact{given, events.UserRegistered{}}, 3,
			events.LicenceAccessRequested{Licence: bought, Sequence: 3, Claimed: true, Plan: "pro", Name: "Pro"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			d.Journal = d.facts
			d.happen("a", false, c.account...)
			stamped := journal.Stamp(events.Event{ID: "cause", Subject: bought}, "/test", d.now, 0, c.licence)
			if err := d.facts.Append(t.Context(), bought, 0, stamped, journal.PutDue(due.OfLicence(bought, c.row, d.now, "a"))); err != nil {
				t.Fatal(err)
			}
			d.now = due.OfLicence(bought, c.row, d.now, "a").At().Add(time.Second)
			d.run()
			sent := d.outbox.empty()
			switch {
			case len(d.passed) > 0:
				t.Errorf("rows were passed over: %v", d.passed)
			case c.want == nil && len(sent) > 0, c.want != nil && len(sent) != 1:
				t.Fatalf("sent %+v, want %+v", sent, c.want)
			case c.want != nil:
				if diff := cmp.Diff(c.want, sent[0].Data); diff != "" {
					t.Errorf("sent (-want +got):\n%s", diff)
				}
			}
		})
	}
}
