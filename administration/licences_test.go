package administration_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestLicencesAreChosenAndListedByTheirLastChange(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return opened.AddDate(0, 0, n) }
	all := []projections.Licence{
		{Stream: "licence/l-old", State: projections.LicenceActive, Since: day(-9), Account: "ann", Product: "b", Buyer: "111122223333"},
		{Stream: "licence/l-new", State: projections.LicenceUnclaimed, Since: day(-1), Product: "a"},
		{Stream: "legacy/a/cust", State: projections.LicenceEnded, Again: true, Since: day(-20), ClaimedAt: day(-2), Account: "bob", Product: "a", Customer: "cust"},
		{Stream: "licence/l-gone", State: projections.LicenceEnded, Since: day(-3), Product: "a"},
		{Stream: "licence/l-failed", State: projections.LicenceFailed, Since: day(-4), Account: "eve"},
		{Stream: "licence/l-odd", State: projections.LicenceActive, Since: day(-5), Account: "eve", Unsold: true, Dimensions: []string{"gold"}},
		{Stream: "licence/l-never"},
	}
	tallies := map[portal.Stream]metering.Tally{"licence/l-old": {Sums: map[metering.RecordStatus]int64{metering.Refused: 3, metering.Accepted: 4, metering.TooLate: 5}}}
	for name, c := range map[string]struct {
		choice administration.LicenceChoice
		want   []portal.Stream
	}{
		"all":                 {administration.LicenceChoice{}, []portal.Stream{"licence/l-new", "legacy/a/cust", "licence/l-gone", "licence/l-failed", "licence/l-odd", "licence/l-old", "licence/l-never"}},
		"by state":            {administration.LicenceChoice{State: projections.LicenceWaiting}, []portal.Stream{"legacy/a/cust"}},
		"ended":               {administration.LicenceChoice{State: projections.LicenceEnded}, []portal.Stream{"licence/l-gone"}},
		"by product":          {administration.LicenceChoice{Product: "b"}, []portal.Stream{"licence/l-old"}},
		"by account":          {administration.LicenceChoice{Account: "bob"}, []portal.Stream{"legacy/a/cust"}},
		"by buyer":            {administration.LicenceChoice{Account: "111122223333"}, []portal.Stream{"licence/l-old"}},
		"by customer":         {administration.LicenceChoice{Account: "cust"}, []portal.Stream{"legacy/a/cust"}},
		"unclaimed":           {administration.LicenceChoice{Unclaimed: true}, []portal.Stream{"licence/l-new", "licence/l-never"}},
		"problems":            {administration.LicenceChoice{Problems: true}, []portal.Stream{"licence/l-failed", "licence/l-odd", "licence/l-old"}},
		"problems of a state": {administration.LicenceChoice{Problems: true, State: projections.LicenceFailed}, []portal.Stream{"licence/l-failed"}},
	} {
		var got []portal.Stream
		for after := ""; ; {
			page := administration.ChooseLicences(all, tallies, c.choice, after, 2)
			if page.All != len(all) || page.Total != len(c.want) || !slices.Equal(page.Products, []portal.ProductCode{"a", "b"}) {
				t.Errorf("%s: %d of %d, products %v", name, page.Total, page.All, page.Products)
			}
			for _, l := range page.Licences {
				got = append(got, l.Stream)
			}
			if after = page.Next; after == "" || len(got) > len(all) {
				break
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	one := administration.ChooseLicences(all, tallies, administration.LicenceChoice{Product: "b"}, "", 1).Licences[0]
	if one.Billed != 4 || one.Refused != 3 || one.Lost != 5 || len(one.Problems) != 2 {
		t.Errorf("the list says %+v", one)
	}
	if err := administration.CheckLicenceState("odd"); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("an unknown state: %v", err)
	}
}
