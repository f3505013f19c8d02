package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// crowd lists accounts by number.
type crowd int

func (c crowd) Accounts(_ context.Context, cursor string, limit int32) (projections.AccountsPage, error) {
	from, _ := strconv.Atoi(cursor)
	page := projections.AccountsPage{}
	for i := from; i < int(c) && len(page.Accounts) < int(limit); i++ {
		page.Accounts = append(page.Accounts, projections.ListedAccount{ID: memberOf(i)})
	}
	if next := from + len(page.Accounts); next < int(c) {
		page.Next = strconv.Itoa(next)
	}
	return page, nil
}

func memberOf(i int) portal.AccountID { return portal.AccountID(fmt.Sprintf("member-%05d", i)) }

// shelf keeps summaries as JSON, as rows do.
type shelf struct {
	values map[string][]byte
	err    error
}

func (s *shelf) Put(_ context.Context, _, name string, value any, _ time.Duration) error {
	body, err := json.Marshal(value)
	s.values[name] = body
	return errors.Join(err, s.err)
}

func (s *shelf) Get(_ context.Context, _, name string, value any) (bool, error) {
	body, ok := s.values[name]
	if !ok || s.err != nil {
		return false, s.err
	}
	return true, json.Unmarshal(body, value)
}

// summed are summaries of so many accounts, of which each has i calls on the 25th in the plan free, and
// every tenth one call more on the 26th in the plan max.
func summed(t *testing.T, accounts int) (*Summaries, *shelf) {
	t.Helper()
	tables := journaltest.Start(t)
	createTable(t, tables.Client)
	s := &Summaries{Table: NewTable(tables.Client, "usage"), Accounts: crowd(accounts), Now: func() time.Time { return noon }}
	kept := &shelf{values: map[string][]byte{}}
	s.Keep = kept
	var counters []owned
	for i := range accounts {
		counters = append(counters, owned{memberOf(i), Counter{Plan: "free", Key: "k", GatewayKey: "g", Day: on(25), Used: int64(i), AsOf: noon}})
		if i%10 == 0 {
			counters = append(counters, owned{memberOf(i), Counter{Plan: "max", Key: "k", GatewayKey: "g", Day: on(26), Used: 1, AsOf: noon}})
		}
	}
	counters = append(counters, owned{memberOf(0), Counter{Plan: "free", Key: "k", GatewayKey: "g", Day: on(1), Used: 1000, AsOf: noon}})
	if err := s.Table.write(t.Context(), counters); err != nil {
		t.Fatal(err)
	}
	return s, kept
}

var fewDays = Query{First: on(20), Last: on(27)}

func once() bool { return false }

func TestASummaryIsMadeStepByStepByAnyProcess(t *testing.T) {
	t.Parallel()
	s, kept := summed(t, 250)
	for step, read := range []int{100, 200} {
		other := *s // another process
		last, part, err := other.Next(t.Context(), fewDays, once)
		if err != nil || last != nil || part == nil || part.Accounts != read || part.Complete() {
			t.Fatalf("step %d: %+v, %+v, %v", step, last, part, err)
		}
	}
	last, part, err := s.Next(t.Context(), fewDays, once)
	if err != nil || part != nil || !last.Complete() {
		t.Fatalf("the end: %+v, %+v, %v", last, part, err)
	}
	if last.Accounts != 250 || last.Active != 250 || last.Used != 249*250/2+25 || last.Days["2026-11-25"] != 249*250/2 || last.Days["2026-11-26"] != 25 || len(last.Days) != 2 {
		t.Errorf("the summary is %+v", last)
	}
	if len(last.Top) != TopAccounts || last.Top[0] != (AccountSum{memberOf(249), 249}) || last.Top[9] != (AccountSum{memberOf(240), 241}) && last.Top[8] != (AccountSum{memberOf(240), 241}) {
		t.Errorf("the top is %+v", last.Top)
	}
	plans := last.Ranked()
	if len(plans) != 2 || plans[0] != (RankedPlan{"free", PlanSum{249 * 250 / 2, 249}}) || plans[1] != (RankedPlan{"max", PlanSum{25, 25}}) {
		t.Errorf("the plans are %+v", plans)
	}
	if series := last.Series(); len(series.Days) != 2 || series.Used() != last.Used {
		t.Errorf("the days are %+v", series)
	}
	if size := len(kept.values["2026-11-20_2026-11-27"]); size > 5000 {
		t.Errorf("it has %d bytes", size)
	}
}

func TestASummaryIsKeptForAWhileAndThenMadeAgainWhileTheOldOneIsShown(t *testing.T) {
	t.Parallel()
	s, _ := summed(t, 150)
	always := func() bool { return true }
	first, _, err := s.Next(t.Context(), fewDays, always)
	if err != nil || !first.Complete() {
		t.Fatalf("%+v, %v", first, err)
	}
	if err := s.Table.write(t.Context(), []owned{{memberOf(1), Counter{Plan: "free", Key: "k", GatewayKey: "g", Day: on(26), Used: 500, AsOf: noon}}}); err != nil {
		t.Fatal(err)
	}
	s.Now = func() time.Time { return noon.Add(14 * time.Minute) }
	if last, part, err := s.Next(t.Context(), fewDays, always); err != nil || part != nil || last.Used != first.Used {
		t.Errorf("soon after: %+v, %+v, %v", last, part, err)
	}
	s.Now = func() time.Time { return noon.Add(16 * time.Minute) }
	if last, part, err := s.Next(t.Context(), fewDays, once); err != nil || last.Used != first.Used || part.Accounts != 100 {
		t.Errorf("later: %+v, %+v, %v", last, part, err)
	}
	if last, part, err := s.Next(t.Context(), fewDays, once); err != nil || part != nil || last.Used != first.Used+500 || last.Top[0].Account != memberOf(1) {
		t.Errorf("then: %+v, %+v, %v", last, part, err)
	}
}

func TestASummaryThatCannotBeReadIsMadeAgain(t *testing.T) {
	t.Parallel()
	s, kept := summed(t, 150)
	if _, _, err := s.Next(t.Context(), fewDays, once); err != nil {
		t.Fatal(err)
	}
	kept.values["2026-11-20_2026-11-27_part"] = []byte(`{"first":"2026-`)
	if _, part, err := s.Next(t.Context(), fewDays, once); err != nil || part.Accounts != 100 {
		t.Errorf("%+v, %v", part, err)
	}
	kept.err = portal.Postpone("the records do not answer", errors.New("timeout"))
	if _, _, err := s.Next(t.Context(), fewDays, once); portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("without an answer: %v", err)
	}
}

func TestASummaryOfNobodyIsComplete(t *testing.T) {
	t.Parallel()
	s, _ := summed(t, 0)
	if last, part, err := s.Next(t.Context(), fewDays, once); err != nil || part != nil || !last.Complete() || last.Used != 0 || len(last.Ranked()) != 0 {
		t.Errorf("%+v, %+v, %v", last, part, err)
	}
}
