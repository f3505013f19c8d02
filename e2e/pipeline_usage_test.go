// The usage of pipeline_test.go: calls that API Gateway counts, and the job that collects them.

package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// quotas are those of plans. The others have none.
var quotas = map[portal.PlanID]gateway.Quota{"free": {Limit: 10, Period: "DAY"}, "plus": {Limit: 20, Period: "MONTH"}}

// meters are API Gateway's counters. They outlive the attachment of a key; AWS does not document
// whether its own do.
type meters map[attachment]map[time.Time]int64

func midnight(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// consumed is what a key has used of the plan's quota in the period up to the end of a day.
func (m meters) consumed(of attachment, day time.Time) int64 {
	sum := int64(0)
	for at, n := range m[of] {
		if !at.After(day) && !at.Before(usage.Period(quotas[of.plan].Period).Start(day)) {
			sum += n
		}
	}
	return sum
}

// call makes some calls with a key in a plan, as many as the quota allows.
func (w *world) call(of attachment, n int64) {
	if _, ok := quotas[of.plan]; ok {
		n = min(n, w.rest(of, midnight(w.clock)))
	}
	if w.meters[of] == nil {
		w.meters[of] = map[time.Time]int64{}
	}
	w.meters[of][midnight(w.clock)] += n
}

// rest is what a key has left of the plan's quota at the end of a day.
func (w *world) rest(of attachment, day time.Time) int64 {
	quota := quotas[of.plan]
	less := w.plane.less[of][usage.Period(quota.Period).Start(day)]
	return max(int64(quota.Limit)-w.meters.consumed(of, day)-less, 0)
}

// quotaOf is what API Gateway tells. It counts for a key once it has been called, or its rest was set.
func (w *world) quotaOf(of attachment) gateway.KeyQuota {
	quota, ok := quotas[of.plan]
	if !ok {
		return gateway.KeyQuota{}
	}
	today := midnight(w.clock)
	start := usage.Period(quota.Period).Start(today)
	_, set := w.plane.less[of][start]
	return gateway.KeyQuota{
		Period: quota.Period, Start: start, Limit: int64(quota.Limit), Remaining: w.rest(of, today), Counted: set || w.meters.consumed(of, today) > 0,
	}
}

func (w *world) setRemaining(of attachment, remaining int64) {
	quota, ok := quotas[of.plan]
	if !ok {
		return
	}
	today := midnight(w.clock)
	if w.plane.less[of] == nil {
		w.plane.less[of] = map[time.Time]int64{}
	}
	w.plane.less[of][usage.Period(quota.Period).Start(today)] = int64(quota.Limit) - w.meters.consumed(of, today) - remaining
}

// callSomething makes calls with a key that is in a plan and recorded there.
func (w *world) callSomething() {
	var able []attachment
	for _, id := range people {
		history, err := w.reader.Account(context.Background(), id)
		if err != nil {
			w.Fatal(err)
		}
		for _, pair := range history.Account.Pairs() {
			of := attachment{pair.Plan, history.Account.Keys[pair.Key].GatewayID}
			if history.Account.Attachments[pair].Phase != state.Ended && w.plane.attached[of] {
				able = append(able, of)
			}
		}
	}
	if len(able) > 0 {
		of := rapid.SampledFrom(able).Draw(w.T, "key")
		w.call(of, int64(rapid.IntRange(1, 9).Draw(w.T, "calls")))
	}
}

// faultySourceOfUsage is API Gateway for the job. Its pages have one key.
type faultySourceOfUsage struct{ w *world }

func (f faultySourceOfUsage) UsagePlansPage(ctx context.Context, _ string) (found []gateway.UsagePlan, next string, err error) {
	err = f.read(ctx, func() {
		for _, plan := range plans {
			if f.w.plane.gone[plan.Plan] {
				continue
			}
			is := gateway.UsagePlan{ID: plan.Plan}
			if quota, ok := quotas[plan.Plan]; ok {
				is.Quota = &quota
			}
			found = append(found, is)
		}
	})
	return found, "", err
}

func (f faultySourceOfUsage) UsagePage(ctx context.Context, plan portal.PlanID, first, last time.Time, position string) (found map[portal.GatewayKeyID][]gateway.DayUsage, next string, err error) {
	err = f.read(ctx, func() {
		found, next = map[portal.GatewayKeyID][]gateway.DayUsage{}, ""
		for _, id := range f.keysIn(plan) {
			switch {
			case string(id) <= position:
			case len(found) == 1:
				for last := range found {
					next = string(last)
				}
				return
			default:
				found[id] = f.days(attachment{plan, id}, first, last)
			}
		}
	})
	if err == nil && f.w.plane.gone[plan] {
		return nil, "", &gateway.Refused{Reason: gateway.PlanGone}
	}
	return found, next, err
}

func (f faultySourceOfUsage) UsageOf(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, first, last time.Time) (days []gateway.DayUsage, err error) {
	err = f.read(ctx, func() { days = f.days(attachment{plan, key}, first, last) })
	if err == nil && f.w.plane.gone[plan] {
		return nil, &gateway.Refused{Reason: gateway.PlanGone}
	}
	return days, err
}

// read is a fault point at which API Gateway may throttle or not answer.
func (f faultySourceOfUsage) read(ctx context.Context, step func()) error {
	if f.w.oneIn(10, "no usage") {
		return &gateway.Unavailable{Throttled: f.w.oneIn(2, "throttled"), Err: errors.New("no answer")}
	}
	return f.w.faultPoint(ctx, func() error { step(); return nil })
}

func (f faultySourceOfUsage) keysIn(plan portal.PlanID) []portal.GatewayKeyID {
	var keys []portal.GatewayKeyID
	for of := range f.w.plane.attached {
		if of.plan == plan {
			keys = append(keys, of.key)
		}
	}
	for of := range f.w.meters {
		if of.plan == plan {
			keys = append(keys, of.key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (f faultySourceOfUsage) days(of attachment, first, last time.Time) []gateway.DayUsage {
	var days []gateway.DayUsage
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		days = append(days, gateway.DayUsage{Day: d, Used: f.w.meters[of][d], Remaining: f.w.rest(of, d)})
	}
	return days
}

// faultyUsageTable is the usage table. A write is a fault point whose answer may be lost.
type faultyUsageTable struct {
	*dynamodb.Client
	w *world
}

func (f faultyUsageTable) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.PutItemOutput, err error) {
	err = f.write(ctx, func() (err error) {
		out, err = f.Client.PutItem(context.Background(), in, opts...)
		return err
	})
	return out, err
}

func (w *world) newCollector(appended faultyJournal) *usage.Collector {
	table := usage.NewTable(faultyUsageTable{w.tables, w}, w.names.Usage)
	return &usage.Collector{
		Table: table, Now: w.now, MessageLease: w.messageLease, Scratch: jobs.NewScratch(w.tables, w.names.Records, w.now),
		Holders:  projections.NewHolders(w.tables, projections.Tables{Views: w.names.Views, Records: w.names.Records}).Clock(w.now),
		Recorder: &usage.Recorder{Table: table, Journal: appended, Accounts: w.reader, Sender: fakeSender{w}, Now: w.now},
		Session:  func(gateway.Urgency, func() time.Time) usage.Source { return faultySourceOfUsage{w} },
	}
}

// collectSome does some steps of the job usage. A step whose worker crashes is done again later.
func (w *world) collectSome() {
	for range rapid.IntRange(1, 4).Draw(w.T, "steps") {
		w.collectStep()
	}
}

func (w *world) collectStep() {
	ctx, me := newWorker()
	cursor := w.usageCursor
	next, err := w.collector.Step(ctx, cursor)
	var postponed *portal.Postponed
	var unanswered *gateway.Unavailable
	switch {
	case me.crashed:
	case errors.As(err, &postponed), errors.As(err, &unanswered):
	case err != nil:
		w.Fatalf("collecting usage from %q: %v", cursor, err)
	case cursor == w.usageCursor: // no other worker was faster
		w.usageCursor = next
	}
}

// collectAll shows every account and finishes a run of the job that began afterwards, as it
// happens many times a day.
func (w *world) collectAll() {
	was := w.calm
	w.calm = true
	for _, id := range people {
		ctx, _ := newWorker()
		if err := w.projector.Handle(ctx, events.Event{ID: "show", Subject: portal.AccountStream(id), Data: events.ShowRequested{}}); err != nil {
			w.Fatal(err)
		}
	}
	w.clock = w.clock.Add(2 * time.Second) // what was shown is read by now
	w.usageCursor = ""
	for steps := 0; steps == 0 || w.usageCursor != ""; steps++ {
		w.collectStep()
		if steps > 1000 {
			w.Fatal("collecting usage does not end")
		}
	}
	w.calm = was
}

// checkUsage checks that the counters of keys that were in plans equal API Gateway's, and that
// every threshold was told once. The counters of a plan that was deleted are gone.
func (w *world) checkUsage() {
	w.collectAll()
	w.drain()
	table := usage.NewTable(w.tables, w.names.Usage)
	counted := map[attachment]map[time.Time]usage.Counter{}
	owner := map[attachment]portal.AccountID{}
	key := map[attachment]portal.KeyID{}
	for _, id := range people {
		counters, err := table.Between(context.Background(), id, w.clock.AddDate(-5, 0, 0), w.clock)
		if err != nil {
			w.Fatal(err)
		}
		for _, c := range counters {
			of := attachment{c.Plan, c.GatewayKey}
			if counted[of] == nil {
				counted[of] = map[time.Time]usage.Counter{}
			}
			counted[of][c.Day], owner[of], key[of] = c, id, c.Key
		}
	}
	for of, days := range w.meters {
		for day, n := range days {
			if got := counted[of][day].Used; got != n && !w.plane.gone[of.plan] {
				w.Errorf("%s in %s made %d calls on %s, and %d are counted", of.key, of.plan, n, day.Format(time.DateOnly), got)
			}
		}
	}
	for of, days := range counted {
		for day, c := range days {
			if c.Used > w.meters[of][day] {
				w.Errorf("%s in %s made %d calls on %s, and %d are counted", of.key, of.plan, w.meters[of][day], day.Format(time.DateOnly), c.Used)
			}
		}
	}
	for _, id := range people {
		w.checkThresholds(id, counted, owner, key)
	}
}

func (w *world) checkThresholds(id portal.AccountID, counted map[attachment]map[time.Time]usage.Counter, owner map[attachment]portal.AccountID, key map[attachment]portal.KeyID) {
	facts, err := w.journal.Read(context.Background(), portal.AccountStream(id), 0)
	if err != nil {
		w.Fatal(err)
	}
	told, highest := map[string]bool{}, map[string]int{}
	period := func(plan portal.PlanID, key portal.KeyID, start string) string {
		return fmt.Sprintf("%s %s %s", plan, key, start)
	}
	for _, fact := range facts {
		if f, ok := fact.Data.(events.UsageCarried); ok && f.Period != "" {
			in, from := period(f.Plan, f.Key, f.PeriodStart), period(f.Plan, f.From, f.PeriodStart)
			highest[in] = max(highest[in], highest[from])
		}
		f, ok := fact.Data.(events.QuotaThresholdReached)
		if !ok {
			continue
		}
		in := period(f.Plan, f.Key, f.PeriodStart)
		if one := fmt.Sprint(in, f.Percent); told[one] {
			w.Errorf("%s is told twice that %s has reached %d %%", id, in, f.Percent)
		} else {
			told[one] = true
		}
		highest[in] = max(highest[in], f.Percent)
	}
	for of, days := range counted {
		quota, ok := quotas[of.plan]
		if !ok || owner[of] != id {
			continue
		}
		for day, c := range days {
			if c.Remaining == nil {
				continue
			}
			percent := max(int64(quota.Limit)-*c.Remaining, 0) * 100 / int64(quota.Limit)
			passed := slices.MaxFunc([]int64{0, 50, 80, 90, 100}, func(a, b int64) int {
				return cmp.Compare(boolTimes(a <= percent, a), boolTimes(b <= percent, b))
			})
			in := period(of.plan, key[of], usage.Period(quota.Period).Start(day).Format(time.DateOnly))
			if c.Used > 0 && int64(highest[in]) < passed {
				w.Errorf("%s has used %d %% of %s, and is told %d %%", id, percent, in, highest[in])
			}
		}
	}
}

func boolTimes(ok bool, n int64) int64 {
	if ok {
		return n
	}
	return -1
}
