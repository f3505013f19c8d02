package usage

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestDaysAreReadOrRefusedWithASentence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ start, end, want string }{
		{"", "", "2026-10-29..2026-11-27"},
		{"2026-11-01", "", "2026-11-01..2026-11-27"},
		{"", "2026-11-10", "2026-10-12..2026-11-10"},
		{"2026-11-27", "2026-11-27", "2026-11-27..2026-11-27"},
		{"2026-11-01", "2026-12-31", "2026-11-01..2026-11-27"},
		{"2025-11-27", "2026-11-27", "2025-11-27..2026-11-27"},
		{"2026-11-10", "2026-11-01", "The first day, 2026-11-10, comes after the last, 2026-11-01. Swap them."},
		{"2016-11-27", "2026-11-27", "3653 days are too many: ask for at most 366 at once."},
		{"0001-01-01", "9999-12-31", "3652059 days are too many: ask for at most 366 at once."},
		{"2026-12-01", "2026-12-02", "The first day, 2026-12-01, has not begun yet. Choose a day up to 2026-11-27 (UTC)."},
		{"yesterday", "", "The first day cannot be read. Write it as year, month and day, like 2026-11-27."},
		{"", "2026-02-30", "The last day cannot be read. Write it as year, month and day, like 2026-11-27."},
		{"2026-11-01T00:00:00Z", "", "The first day cannot be read. Write it as year, month and day, like 2026-11-27."},
		{"٢٠٢٦-١١-٠١", "", "The first day cannot be read. Write it as year, month and day, like 2026-11-27."},
	} {
		q, err := ParseDays(c.start, c.end, noon)
		got := show(q.First) + ".." + show(q.Last)
		if err != nil {
			got = portal.MessageOf(err)
			if portal.CodeOf(err) != portal.Invalid {
				t.Errorf("%s..%s: the code is %s", c.start, c.end, portal.CodeOf(err))
			}
		}
		if got != c.want {
			t.Errorf("%s..%s is %q, want %q", c.start, c.end, got, c.want)
		}
	}
}

func TestTheDaysBeforeAreAsMany(t *testing.T) {
	t.Parallel()
	q := Query{First: on(21), Last: on(27)}
	if got := q.Before(); q.Days() != 7 || !got.First.Equal(on(14)) || !got.Last.Equal(on(20)) {
		t.Errorf("before %d days come %+v", q.Days(), got)
	}
}

func TestAReportHasOneSeriesForEachPlanAndKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limit, left := int64(1000), func(n int64) *int64 { return &n }
	put := func(account portal.AccountID, plan portal.PlanID, key portal.KeyID, gatewayKey portal.GatewayKeyID, n int, used int64, asOf time.Time, remaining *int64) {
		t.Helper()
		c := Counter{Plan: plan, Key: key, GatewayKey: gatewayKey, Day: on(n), Used: used, AsOf: asOf, Remaining: remaining}
		if remaining != nil {
			c.Limit, c.Period = &limit, Monthly
		}
		if err := w.Table.write(t.Context(), []owned{{account, c}}); err != nil {
			t.Fatal(err)
		}
	}
	put(ann, "free", "k", "gw1", 20, 5, on(21).Add(time.Hour), left(995))
	put(ann, "free", "k", "gw1", 26, 7, on(26).Add(23*time.Hour), left(988))
	put(ann, "free", "k", "gw1", 27, 1, on(27).Add(time.Hour), left(987))
	put(ann, "free", "k", "gw2", 27, 2, on(27).Add(2*time.Hour), left(998)) // made again
	put(ann, "plus", "k", "gw1", 27, 9, on(27).Add(time.Hour), nil)
	put(ann, "free", "other", "gw3", 27, 4, on(27).Add(time.Hour), left(996))
	put("bob", "free", "k", "gw9", 27, 99, on(27).Add(time.Hour), left(1))
	for plan, asOf := range map[portal.PlanID]time.Time{"free": noon, "plus": noon.Add(-time.Hour)} {
		if err := w.Table.noteCollected(t.Context(), Collected{Plan: plan, AsOf: asOf}); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		q    Query
		want string
	}{
		"all": {Query{First: on(20), Last: on(27)}, `as of 11:00
free k: 20 5 of 1000, 995 left, as of 21 01:00; 26 7 of 1000, 988 left, as of 27 12:00; 27 3 of 1000, 998 left, as of 27 12:00
free other: 27 4 of 1000, 996 left, as of 27 12:00
plus k: 27 9, as of 27 11:00
`},
		"of a plan":    {Query{First: on(27), Last: on(27), Plan: "plus"}, "as of 11:00\nplus k: 27 9, as of 27 11:00\n"},
		"of a key":     {Query{First: on(27), Last: on(27), Key: "other"}, "as of 12:00\nfree other: 27 4 of 1000, 996 left, as of 27 12:00\n"},
		"without data": {Query{First: on(1), Last: on(19)}, "as of 00:00\n"},
	} {
		report, err := w.Table.Report(t.Context(), ann, c.q)
		if err != nil {
			t.Fatal(err)
		}
		same2(t, name, c.want, describe(report))
	}
}

func describe(report Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "as of %s\n", report.AsOf.Format("15:04"))
	for _, s := range report.Series {
		fmt.Fprintf(&b, "%s %s:", s.Plan, s.Key)
		for i, d := range s.Days {
			if i > 0 {
				b.WriteString(";")
			}
			fmt.Fprintf(&b, " %d %d", d.Day.Day(), d.Used)
			if d.Limit != nil {
				fmt.Fprintf(&b, " of %d, %d left", *d.Limit, *d.Remaining)
			}
			fmt.Fprintf(&b, ", as of %s", d.AsOf.Format("02 15:04"))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// series has a day for each number of calls, up to today, of a quota of 1000.
func series(period Period, asOf time.Time, used ...int64) Series {
	s, left, limit := Series{Plan: "free", Key: "k"}, int64(1000), int64(1000)
	for i, n := range used {
		left -= n
		remaining := max(left, 0)
		s.Days = append(s.Days, Day{Day: day(asOf).AddDate(0, 0, i+1-len(used)), Used: n, Limit: &limit, Remaining: &remaining, Period: period, AsOf: asOf})
	}
	return s
}

func TestAForecastGoesByThePaceOfThePeriod(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		series Series
		want   string
	}{
		"a steady pace that uses the quota up": {series(Monthly, on(15), 100, 100, 100, 100, 100, 0), "500 left, out on 11-20"},
		"a pace that lasts":                    {series(Monthly, on(15), 1, 1, 1, 1, 0), "996 left"},
		"nothing used":                         {series(Monthly, on(15), 0, 0, 0), "1000 left"},
		"nothing left":                         {series(Monthly, on(15), 900, 100), "0 left, out on 11-15"},
		"more used than allowed":               {series(Monthly, on(15), 900, 103), "0 left, out on 11-15"},
		"too early to say":                     {series(Daily, on(15).Add(6*time.Hour), 600), "400 left"},
		"a day's quota by noon":                {series(Daily, on(15).Add(13*time.Hour), 800), "200 left, out on 11-15"},
		"the last instant of the period":       {series(Daily, on(15).Add(12*time.Hour), 500), "500 left"},
	} {
		asOf := c.series.Days[0].AsOf
		standing, ok := c.series.Standing(asOf)
		got := fmt.Sprintf("%d left", standing.Remaining)
		if !standing.OutOn.IsZero() {
			got += ", out on " + standing.OutOn.Format("01-02")
		}
		if got != c.want || !ok {
			t.Errorf("%s: %s (%v), want %s", name, got, ok, c.want)
		}
	}
}

func TestWithoutDataOfThePeriodThereIsNoStanding(t *testing.T) {
	t.Parallel()
	without := series(Monthly, on(15), 5)
	without.Days[0].Limit = nil
	for name, s := range map[string]Series{
		"no days": {}, "no quota": without, "last month's": series(Monthly, on(1).Add(-time.Hour), 5), "yesterday's": series(Daily, on(14), 5),
	} {
		if standing, ok := s.Standing(on(15).Add(time.Hour)); ok {
			t.Errorf("%s: %+v", name, standing)
		}
	}
	if got := (Standing{Limit: 3, Used: 7}).Percent(); got != 100 {
		t.Errorf("more than everything is %d %%", got)
	}
}

func TestNoCellOfACSVFileIsAFormula(t *testing.T) {
	t.Parallel()
	hostile := []string{`=HYPERLINK("http://evil","x")`, "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "  =1", "＝1+1", "|cmd", "%x"}
	harmless := []string{"Ann's key", "gw-1", "ключ", "مفتاح", "🔑 key", `with "quotes", commas` + "\nand lines", ""}
	for _, name := range append(hostile, harmless...) {
		report := Report{Series: []Series{{Plan: "free", Key: "k", Days: []Day{{Day: on(27), Used: 3, AsOf: noon}}}}}
		var b strings.Builder
		if err := WriteCSV(&b, report, Names{Plans: map[portal.PlanID]string{"free": name}, Keys: map[portal.KeyID]string{"k": name}}); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil || len(lines) != 2 {
			t.Fatalf("%q: %q, %v", name, b.String(), err)
		}
		for _, cell := range lines[1] {
			if cell != "" && strings.ContainsAny(strings.TrimLeft(cell, " ")[:1], "=+-@\t\r|%") || strings.HasPrefix(cell, "＝") {
				t.Errorf("the cell %q would be a formula", cell)
			}
		}
		want := name
		switch {
		case name == "":
			want = "k"
		case slices.Contains(hostile, name):
			want = "'" + strings.ReplaceAll(name, "\r", "") // the format has no bare carriage return
		}
		if lines[1][4] != want {
			t.Errorf("%q is written as %q, want %q", name, lines[1][4], want)
		}
		if got := strings.Join(lines[1][5:], " "); got != "3    2026-11-27T12:00:00Z" {
			t.Errorf("unknown values are written as %q", got)
		}
	}
}
