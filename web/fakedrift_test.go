package web_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Drift and Compare make the office one that sweeps.
func (o *fakeAdmin) Drift(context.Context) (administration.Drift, error) { return o.drift, o.err }

func (o *fakeAdmin) Compare(_ context.Context, admin portal.AccountID) error {
	if o.err == nil {
		o.compared = append(o.compared, admin)
	}
	return o.err
}

// swept is what a sweep found without any difference.
func swept() administration.Drift {
	return administration.Drift{Began: now.Add(-time.Hour), Ended: now.Add(-50 * time.Minute), Keys: 2140, Job: administration.JobState{Ran: true}}
}

// drifted has differences of every kind and one of a newer version, and more of one kind than a page lists.
func drifted() *fakeAdmin {
	found := swept()
	found.Others, found.Recent, found.Unreadable, found.Job.UnderWay = 12, 1, 2, true
	for i, kind := range []string{
		"key_missing", "key_renamed", "key_disabled", "key_enabled", "key_unblocked", "key_customer", "key_unrecorded", "key_returned", "key_value", "stray", "attachment_missing", "attachment_extra", "plan_gone", "odd_" + longWord,
	} {
		found.Kinds = append(found.Kinds, administration.DriftKind{Kind: kind, Count: 1})
		found.Differences = append(found.Differences, administration.Difference{
			Kind: kind, Mending: "mend", Account: "account-bob", Key: portal.KeyID(fmt.Sprintf("key-%d", i)), GatewayID: "gw-1", Plan: "plan-free",
		})
	}
	for i := range found.Differences {
		switch d := &found.Differences[i]; d.Kind {
		case "stray":
			d.Mending, d.Name, d.Plan = "leave", "gatehouse/account-bob/<b>key</b>", ""
		case "key_value":
			d.Mending = "replace"
		}
	}
	for i := range 60 {
		found.Differences = append(found.Differences, administration.Difference{Kind: "key_missing", Mending: "mend", Account: "account-eve", Key: portal.KeyID(fmt.Sprintf("lost-%d", i))})
	}
	found.Kinds[0].Count = 1200
	return &fakeAdmin{drift: found}
}

func driftStates() map[string]shown {
	nothing := &fakeAdmin{drift: swept()}
	return map[string]shown{
		"drift":            {site: administered(drifted()), path: "/admin/drift"},
		"drift, one kind":  {site: administered(drifted()), path: "/admin/drift?kind=key_missing&from=50"},
		"drift, none":      {site: administered(nothing), path: "/admin/drift"},
		"drift, asked":     {site: administered(nothing), path: "/admin/drift?asked=on"},
		"drift, never ran": {site: administered(&fakeAdmin{}), path: "/admin/drift"},
	}
}
