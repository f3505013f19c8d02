package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Every is the length of the job's slot.
const Every = 15 * time.Minute

const (
	// After a run that took longer than its slot, the next begins slowly after that one's begin.
	slowly = time.Hour
	// A run older than lasts starts over: its list of plans may be out of date.
	lasts = 6 * time.Hour
	kept  = 7 * 24 * time.Hour
	// A plan is collected until nobody has held it for lingers, since API Gateway counts late.
	lingers = 48 * time.Hour
	perStep = 50
)

// Source is API Gateway's plans and counters, such as a *gateway.Session.
type Source interface {
	UsagePlansPage(ctx context.Context, position string) (plans []gateway.UsagePlan, next string, err error)
	UsagePage(ctx context.Context, plan portal.PlanID, first, last time.Time, position string) (usage map[portal.GatewayKeyID][]gateway.DayUsage, next string, err error)
	UsageOf(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, first, last time.Time) ([]gateway.DayUsage, error)
}

type holders interface {
	Held(ctx context.Context, plan portal.PlanID, after time.Time) (bool, error)
	Of(ctx context.Context, plan portal.PlanID, keys []portal.GatewayKeyID) (map[portal.GatewayKeyID]projections.Holder, error)
}

type scratch interface {
	Put(ctx context.Context, set, name string, value any, keep time.Duration) error
	Each(ctx context.Context, set, prefix string, visit func(name string, body []byte) error) error
}

// Collector records the counters of API Gateway. It is safe for concurrent use.
type Collector struct {
	Table        *Table
	Holders      holders
	Scratch      scratch
	Recorder     *Recorder
	Session      func(urgency gateway.Urgency, lease func() time.Time) Source
	MessageLease func(ctx context.Context) time.Time
	Now          func() time.Time
}

type phase string

const (
	listPlans phase = "plans"
	collect   phase = "collect"
)

// format is the version of the cursor and of the list of plans.
const format = 1

type planned struct {
	ID    portal.PlanID `json:"id"`
	Quota *Quota        `json:"quota,omitempty"`
}

// progress is the cursor of a run.
type progress struct {
	Format int    `json:"format"`
	Run    string `json:"run"`
	Phase  phase  `json:"phase"`
	// Position is in the list that the phase reads; Page counts its pages.
	Position string `json:"position,omitempty"`
	Page     int    `json:"page,omitempty"`
	// Index is that of the plan being collected. Its first page was asked for at AsOf, for the
	// days from First on.
	Index int       `json:"index,omitempty"`
	AsOf  time.Time `json:"as_of,omitzero"`
	First time.Time `json:"first,omitzero"`
	Cycle Cycle     `json:"cycle"`
}

func (p progress) set() string { return schema.UsagePlans(p.Run) }

// Step does one step of a run from the cursor, "" at the start, and returns the next cursor, ""
// at the end. Its calls are background. A run that begins too early after a slow one (see slowly)
// ends at once.
func (c *Collector) Step(ctx context.Context, cursor string) (next string, err error) {
	p, ok := resume(cursor, c.Now())
	if !ok {
		if p, ok, err = c.begin(ctx); err != nil || !ok {
			return "", err
		}
	}
	over := false
	if p.Phase == listPlans {
		p, err = c.list(ctx, p)
	} else {
		p, over, err = c.collect(ctx, p)
	}
	var busy *gateway.Unavailable
	switch {
	case errors.As(err, &busy) && busy.Throttled:
		return "", &portal.Postponed{After: 15 * time.Second, Reason: "API Gateway throttles", Err: err}
	case err != nil:
		return "", err
	case over:
		return "", c.conclude(ctx, p)
	}
	body, err := json.Marshal(p)
	return string(body), err
}

func resume(cursor string, now time.Time) (p progress, ok bool) {
	if cursor == "" || json.Unmarshal([]byte(cursor), &p) != nil || p.Format != format || now.Sub(p.Cycle.Began) > lasts {
		return progress{}, false
	}
	return p, true
}

func (c *Collector) begin(ctx context.Context) (p progress, due bool, err error) {
	last, err := c.Table.LastCycle(ctx)
	if err != nil {
		return p, false, err
	}
	now := c.Now()
	// The slot of the run that is due may have begun a moment early.
	if last.Ended.Sub(last.Began) > Every && now.Sub(last.Began) < slowly-time.Minute && !now.Before(last.Began) {
		zerolog.Ctx(ctx).Debug().Dur("last_took", last.Ended.Sub(last.Began)).Msg("usage is collected once an hour, because collecting takes longer than its slot")
		return p, false, nil
	}
	return progress{Format: format, Run: portal.DeriveID("usage", strconv.FormatInt(now.UnixNano(), 10)), Phase: listPlans, Cycle: Cycle{Began: now.UTC().Truncate(time.Second)}}, true, nil
}

func (c *Collector) session(ctx context.Context) Source {
	return c.Session(gateway.Background, func() time.Time { return c.MessageLease(ctx) })
}

func (c *Collector) list(ctx context.Context, p progress) (progress, error) {
	plans, next, err := c.session(ctx).UsagePlansPage(ctx, p.Position)
	if err != nil {
		return p, fmt.Errorf("listing plans: %w", err)
	}
	some := make([]planned, len(plans))
	for i, plan := range plans {
		some[i] = planned{ID: plan.ID, Quota: quotaOf(plan)}
	}
	if err := c.Scratch.Put(ctx, p.set(), fmt.Sprintf("plans-%05d", p.Page), some, kept); err != nil {
		return p, err
	}
	if p.Position, p.Page = next, p.Page+1; next == "" {
		p.Phase, p.Page = collect, 0
	}
	return p, nil
}

func quotaOf(plan gateway.UsagePlan) *Quota {
	if plan.Quota == nil {
		return nil
	}
	return &Quota{Limit: int64(plan.Quota.Limit), Offset: int64(plan.Quota.Offset), Period: Period(plan.Quota.Period)}
}

// collect collects a page of the next plan that somebody holds. over: no plan is left.
func (c *Collector) collect(ctx context.Context, p progress) (_ progress, over bool, err error) {
	plans, err := c.plans(ctx, p)
	if err != nil {
		return p, false, err
	}
	for range perStep {
		if p.Index >= len(plans) {
			return p, true, nil
		}
		plan := plans[p.Index]
		if p.Position == "" {
			held, err := c.Holders.Held(ctx, plan.ID, c.Now().Add(-lingers))
			if err != nil {
				return p, false, err
			}
			if !held {
				p.Index, p.Cycle.Skipped = p.Index+1, p.Cycle.Skipped+1
				continue
			}
			if p, err = c.open(ctx, p, plan); err != nil {
				return p, false, err
			}
		}
		p, err = c.page(ctx, p, plan)
		return p, false, err
	}
	return p, p.Index >= len(plans), nil
}

func (c *Collector) plans(ctx context.Context, p progress) (plans []planned, err error) {
	err = c.Scratch.Each(ctx, p.set(), "plans-", func(_ string, body []byte) error {
		var some []planned
		err := json.Unmarshal(body, &some)
		plans = append(plans, some...)
		return err
	})
	return plans, err
}

// open chooses the days: yesterday, today, and those since the plan was last collected, as far as
// API Gateway tells them.
func (c *Collector) open(ctx context.Context, p progress, plan planned) (progress, error) {
	collected, err := c.Table.Collected(ctx, plan.ID)
	if err != nil {
		return p, err
	}
	p.AsOf = c.Now().UTC().Truncate(time.Second)
	p.First = day(p.AsOf).AddDate(0, 0, -1)
	if last := collected[plan.ID].AsOf; !last.IsZero() && last.Before(p.First) {
		p.First = later(day(last).AddDate(0, 0, -1), day(p.AsOf).AddDate(0, 0, 1-gateway.MaxUsageDays))
	}
	return p, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// page collects a page of a plan. A plan for which API Gateway does not answer delays no other;
// the next run collects what is missing.
func (c *Collector) page(ctx context.Context, p progress, plan planned) (progress, error) {
	asked := c.Now().UTC().Truncate(time.Second)
	usage, next, err := c.session(ctx).UsagePage(ctx, plan.ID, p.First, day(asked), p.Position)
	var gone *gateway.Refused
	var postponed *portal.Postponed
	var busy *gateway.Unavailable
	switch {
	case err == nil:
	case errors.As(err, &postponed), errors.As(err, &busy) && busy.Throttled:
		return p, err
	case errors.As(err, &gone) && gone.Reason == gateway.PlanGone:
		p.Cycle.Skipped++
		return p.toNext(), nil
	default:
		zerolog.Ctx(ctx).Warn().Err(err).Str("plan", string(plan.ID)).Msg("cannot read the usage of a plan; the next run reads it again")
		p.Cycle.Failed++
		return p.toNext(), nil
	}
	written, err := c.record(ctx, plan, usage, asked)
	if err != nil {
		return p, err
	}
	p.Cycle.Pages, p.Cycle.Keys, p.Cycle.Written = p.Cycle.Pages+1, p.Cycle.Keys+len(usage), p.Cycle.Written+written
	if next != "" {
		p.Position, p.Page = next, p.Page+1
		return p, nil
	}
	p.Cycle.Plans++
	return p.toNext(), c.Table.noteCollected(ctx, Collected{Plan: plan.ID, AsOf: p.AsOf, Quota: plan.Quota})
}

func (p progress) toNext() progress {
	p.Index, p.Position, p.Page, p.AsOf, p.First = p.Index+1, "", 0, time.Time{}, time.Time{}
	return p
}

// record ignores keys that are not in the views: they are other people's, or so new that the next
// run finds them.
func (c *Collector) record(ctx context.Context, plan planned, usage map[portal.GatewayKeyID][]gateway.DayUsage, asked time.Time) (written int, err error) {
	found, err := c.Holders.Of(ctx, plan.ID, slices.Sorted(maps.Keys(usage)))
	if err != nil {
		return 0, err
	}
	var counters []owned
	for _, id := range slices.Sorted(maps.Keys(found)) {
		counters = append(counters, countersOf(found[id], plan.Quota, usage[id], asked)...)
	}
	return c.Recorder.Record(ctx, counters, asked)
}

// countersOf are the counters of the days on which the key was in the plan. API Gateway may list
// other days, without calls.
func countersOf(h projections.Holder, quota *Quota, days []gateway.DayUsage, asked time.Time) []owned {
	var counters []owned
	for _, d := range days {
		in := !h.Since.IsZero() && !d.Day.Before(day(h.Since)) && !d.Day.After(day(asked))
		if d.Used == 0 && !in {
			continue
		}
		counter := Counter{Plan: h.Plan, Key: h.Key, GatewayKey: h.GatewayID, Day: d.Day, Used: d.Used, AsOf: asked}
		if quota != nil {
			limit, remaining := quota.on(d.Day, h.Since), d.Remaining
			counter.Limit, counter.Remaining, counter.Period = &limit, &remaining, quota.Period
		}
		counters = append(counters, owned{h.Account, counter})
	}
	return counters
}

func (c *Collector) conclude(ctx context.Context, p progress) error {
	p.Cycle.Ended = c.Now().UTC().Truncate(time.Second)
	zerolog.Ctx(ctx).Info().Int("plans", p.Cycle.Plans).Int("skipped", p.Cycle.Skipped).Int("failed", p.Cycle.Failed).Int("pages", p.Cycle.Pages).
		Int("keys", p.Cycle.Keys).Int("written", p.Cycle.Written).Dur("took", p.Cycle.Ended.Sub(p.Cycle.Began)).Msg("usage is collected")
	return c.Table.noteCycle(ctx, p.Cycle)
}
