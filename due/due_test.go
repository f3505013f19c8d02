package due

import (
	"math"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/schema"
)

var opened = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func TestARowFallsDueAgainAfterTwiceAsLongUpToAnHour(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		row     Row
		minutes []time.Duration
	}{
		"a wish":       {OfWish("account/ann", 3, opened, "k", "p", ""), []time.Duration{2, 4, 8, 16, 32, 60, 60, 60}},
		"an operation": {OfOperation("account/ann", "op", opened), []time.Duration{6, 12, 24, 48, 60, 60}},
		"a last usage": {OfMetering("licence/l-1", 3, opened), []time.Duration{0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4}},
		"an idle key":  {OfIdleKey("account/ann", "k", 7, opened, 90*time.Minute), []time.Duration{90, 60, 60}},
	} {
		before := opened
		for i, minutes := range c.minutes {
			if got := c.row.At().Sub(before); got != minutes*time.Minute {
				t.Errorf("%s: time %d comes %v after the one before, want %d minutes", name, i+1, got, minutes)
			}
			before = c.row.At()
			c.row = c.row.Next(before)
		}
	}
}

func TestTimesThatPassedDuringAnOutageAreSkipped(t *testing.T) {
	t.Parallel()
	now := opened.Add(30 * 24 * time.Hour)
	for wait, row := range map[time.Duration]Row{
		lastWait: OfWish("account/ann", 3, opened, "", "p", ""), meteringEvery: OfMetering("licence/l-1", 3, opened),
	} {
		if at := row.Next(now).At(); !at.After(now) || at.Sub(now) > wait {
			t.Errorf("at %v a row of kind %s is next due at %v, want within %v", now, row.Kind, at, wait)
		}
	}
	again := OfWish("account/ann", 3, opened, "", "p", "").Next(now)
	if after := again.Next(again.At()); after.At().Sub(again.At()) != lastWait {
		t.Errorf("then it is due at %v and at %v", again.At(), after.At())
	}
}

// Rows that are stored are deleted by these keys.
func TestTheKeysOfDueRowsAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		row    Row
		pk, sk string
	}{
		{OfWish("account/ann", 3, opened, "", "p", "corr"), "due#04", "001795338120000#vwrjk9g0vew9kxr2mmcn6jxf0y"},
		{OfOperation("account/ann", "op", opened), "due#04", "001795338360000#ersd9r66vs5nsehp9t0c0tff64"},
		{OfIdleKey("account/ann", "k", 7, opened, time.Hour), "due#04", "001795341600000#stw3mkje3h2pngvgkyxe3fqd2h"},
	} {
		if at := c.row.Place(); at.PK != c.pk || at.SK != c.sk {
			t.Errorf("%s lies at %q, %q; want %q, %q", c.row.Kind, at.PK, at.SK, c.pk, c.sk)
		}
	}
	// The worker that ends a wish knows what it is about, but not what led to it.
	a, b := OfWish("account/ann", 3, opened, "", "p", "corr"), OfWish("account/ann", 3, opened, "", "p", "")
	if a.Place() != b.Place() {
		t.Errorf("an outcome would delete %s, the row is at %s", b.Place().SK, a.Place().SK)
	}
}

func TestNoTwoRowsShareAKey(t *testing.T) {
	t.Parallel()
	places := map[schema.Key]Row{}
	for _, row := range []Row{
		OfWish("account/ann", 3, opened, "", "p", ""), OfWish("account/ann", 3, opened, "k", "", ""), OfWish("account/ann", 3, opened, "", "q", ""),
		OfWish("account/ann", 4, opened, "", "p", ""), OfWish("account/bob", 3, opened, "", "p", ""),
		OfOperation("account/ann", "p", opened.Add(-4*time.Minute)), OfOperation("account/ann", "q", opened.Add(-4*time.Minute)),
		OfIdleKey("account/ann", "k", 3, opened, firstWishWait), OfIdleKey("account/ann", "k", 4, opened, firstWishWait),
		OfDelivery("account/ann", "mail", "n", 1, opened, firstWishWait), OfDelivery("account/ann", "mail", "n", 2, opened, firstWishWait),
		OfKeyEnd("account/ann", "k", opened.Add(firstWishWait)), OfKeyEndSoon("account/ann", "k", opened.Add(firstWishWait+time.Hour), time.Hour),
		OfDelivery("account/ann", "webhook/w", "n", 1, opened, firstWishWait), OfDelivery("account/ann", "mail", "m", 1, opened, firstWishWait),
	} {
		if other, taken := places[row.Place()]; taken {
			t.Errorf("%+v lies where %+v does", row, other)
		}
		places[row.Place()] = row
	}
}

func TestARowOfAnyAgeIsDueAgainWithinAnHour(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]Row{
		"a row without a time":                           {Kind: Wish, Stream: "account/ann"},
		"a row of a hundred years ago":                   OfWish("account/ann", 3, opened.AddDate(-100, 0, 0), "", "p", ""),
		"a row that was asked for less often than never": {Kind: Operation, Stream: "account/ann", From: opened, Asked: math.MinInt},
		"a wait of no time":                              {Kind: IdleKey, Stream: "account/ann", From: opened.Add(-time.Hour)},
		"a wait of less than no time":                    {Kind: IdleKey, Stream: "account/ann", From: opened, After: math.MinInt64},
	} {
		at := row.Place()
		next := row.Next(opened)
		if due := next.At(); !due.After(opened) || due.Sub(opened) > lastWait {
			t.Errorf("%s is next due at %v, want within an hour after %v", name, due, opened)
		}
		if then := next.Place(); then.PK != at.PK || then.SK == at.SK {
			t.Errorf("%s lies at %v, and then at %v", name, at, then)
		}
	}
}

func TestADamagedCountOfARowIsNoTrouble(t *testing.T) {
	t.Parallel()
	row := Row{Kind: Operation, Stream: "account/ann", From: opened, Asked: math.MaxInt}
	if at := row.Next(opened).At(); !at.After(opened) {
		t.Errorf("it is next due at %v", at)
	}
}
