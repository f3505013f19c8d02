package main

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

func TestSweepReportNamesTheFirstOfEachKind(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	printFound(&text, provisioning.Found{
		Streams: 9, Open: 1, Drifted: 1, Unshown: 1, Unreadable: 1, Recent: 2, Strays: 3,
		First: provisioning.First{
			Open:       []portal.Stream{"account/open"},
			Drifted:    []portal.Stream{"account/drifted"},
			Unshown:    []portal.Stream{"catalog"},
			Unreadable: []portal.Stream{"account/unreadable"},
			Recent:     []portal.Stream{"account/new", "account/newer"},
			Strays:     []gateway.Listed{{ID: "k1", Name: "gatehouse/ann/key"}, {ID: "k2", Name: "gatehouse/\x1b[31m/key"}},
		},
	})
	const want = `Compared 9 streams: 1 with open wishes, 1 different in API Gateway,
1 not fully shown.
Workers have been woken for them.
An open wish may wait for you: ` + "`gatehouse account find ID`" + ` shows what it
waits for.
2 streams have changed just now and are not fully compared yet. The next
sweep, within the hour, compares them again.

With open wishes:
  account/open

Different in API Gateway:
  account/drifted

Not fully shown:
  catalog

Cannot be read; the workers' log says why:
  account/unreadable

Changed just now; the next sweep compares them again:
  account/new
  account/newer

Strays: keys in API Gateway that the journal does not know under their names:
  k1  gatehouse/ann/key
  k2  gatehouse/` + "\uFFFD" + `[31m/key
  and 1 more
Each works with the plans it is in. Delete those that nobody needs; see
docs/runbook.md#the-sweep.
`
	if text.String() != want {
		t.Errorf("the sweep prints\n%s\nwant\n%s", &text, want)
	}
}

func TestSweepReportUsesTheSingularForOneStream(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	printFound(&text, provisioning.Found{Streams: 1, Recent: 1, First: provisioning.First{Recent: []portal.Stream{"account/new"}}})
	const want = `Compared 1 stream: 0 with open wishes, 0 different in API Gateway,
0 not fully shown.
1 stream has changed just now and is not fully compared yet. The next
sweep, within the hour, compares it again.

Changed just now; the next sweep compares them again:
  account/new
`
	if text.String() != want {
		t.Errorf("the sweep prints\n%s\nwant\n%s", &text, want)
	}
}

func TestSweepReportWithoutFindingsNamesNothing(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	printFound(&text, provisioning.Found{Streams: 1})
	const want = "Compared 1 stream: 0 with open wishes, 0 different in API Gateway,\n0 not fully shown.\n"
	if text.String() != want {
		t.Errorf("the sweep prints %q, want %q", &text, want)
	}
}
