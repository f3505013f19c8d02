package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/administration"
)

// AdminOverview is the state of the installation. A part that could not be read is null; the numbers
// failed_operations, drifted and strays are 0 then.
type AdminOverview struct {
	At    time.Time `json:"at"`
	Needs Needs     `json:"needs_you"`
	// Queues are those of SQS.
	Queues  []QueueHealth `json:"queues"`
	Views   *ViewsHealth  `json:"views" doc:"What the last sweep found. Null before the first one."`
	Budget  *BudgetHealth `json:"budget" doc:"The tokens for control-plane calls of API Gateway, which all processes share."`
	Catalog *CatalogRead  `json:"catalog" doc:"What workers found when they last read the catalog."`
	Worker  *time.Time    `json:"worker_seen_at" doc:"A worker's last sign of life."`
	Unread  []UnreadPart  `json:"unread" doc:"The parts that could not be read."`
}

// Needs is what waits for an admin.
type Needs struct {
	Approvals     *Waiting       `json:"approvals" doc:"Subscriptions that wait for approval."`
	Registrations *Waiting       `json:"registrations" doc:"Accounts that wait for approval."`
	DeadLetters   *LetterCounts  `json:"dead_letters"`
	Failed        int            `json:"failed_operations" doc:"People's operations that failed because their message became a dead letter that is still open."`
	Licences      *LicencesToSee `json:"licences" doc:"Of AWS Marketplace."`
	Drifted       int            `json:"drifted" doc:"Accounts that the last sweep found different in API Gateway. Workers repair them."`
	Strays        int            `json:"strays" doc:"Keys in API Gateway with a name of Gatehouse's that are not the keys which the journal has under those names."`
	Alarms        []RaisedAlarm  `json:"alarms" doc:"The alarms that are raised, except those about dead letters and drift, which have numbers of their own."`
}

// RaisedAlarm is a condition that operators are told of.
type RaisedAlarm struct {
	Title   string    `json:"title"`
	Text    string    `json:"text"`
	Runbook string    `json:"runbook" doc:"The address of what the runbook says about it."`
	Since   time.Time `json:"since"`
}

// Waiting is a number that stops at 100.
type Waiting struct {
	Number int  `json:"number"`
	More   bool `json:"more"`
}

// LicencesToSee are licences that need attention.
type LicencesToSee struct {
	Unclaimed int `json:"unclaimed" doc:"Bought, and no account has claimed it."`
	Failed    int `json:"failed" doc:"AWS could not take the payment."`
	Unsold    int `json:"unsold" doc:"Bought as something that no plan of the catalog names."`
}

// QueueHealth is SQS's approximation of a queue's state.
type QueueHealth struct {
	Name     string `json:"name"`
	Waiting  int    `json:"waiting"`
	InFlight int    `json:"in_flight"`
	Delayed  int    `json:"delayed"`
	GivenUp  int    `json:"given_up" doc:"In its dead-letter queue, which workers empty."`
}

// ViewsHealth is how far the views were behind.
type ViewsHealth struct {
	At         time.Time `json:"at"`
	Streams    int       `json:"streams"`
	Unshown    int       `json:"unshown" doc:"Streams that were not shown to their end."`
	Unreadable int       `json:"unreadable"`
}

// BudgetHealth is the budget of control-plane calls.
type BudgetHealth struct {
	Left        float64    `json:"left"`
	Burst       float64    `json:"burst"`
	PerSecond   float64    `json:"per_second"`
	ThrottledAt *time.Time `json:"throttled_at" doc:"When AWS last refused a call that had a token."`
	SlowUntil   *time.Time `json:"slow_until" doc:"Until then, calls are made at half the rate."`
}

// CatalogRead is what workers found in the catalog.
type CatalogRead struct {
	At       time.Time `json:"at"`
	Failed   bool      `json:"failed"`
	Products int       `json:"products"`
	Plans    int       `json:"plans"`
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
	First    []string  `json:"first_errors"`
}

// UnreadPart is a part of the overview that could not be read.
type UnreadPart struct {
	Part string `json:"part"`
	Why  string `json:"why"`
}

func (a *service) registerOverview(api huma.API) {
	huma.Register(api, adminReads("admin-overview", "/overview", "See what needs an admin", "Also the queues, the views, the budget of control-plane calls, and what workers found in the catalog. A part that cannot be read is null, and unread names it."), a.overview)
}

func (a *service) overview(ctx context.Context, _ *struct{}) (*struct{ Body AdminOverview }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	found, err := a.admin.Desk.Overview(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body AdminOverview }{showOverview(found)}, nil
}

func showOverview(o administration.Overview) AdminOverview {
	shown := AdminOverview{At: o.At, Needs: needsOf(o), Queues: []QueueHealth{}, Worker: timeOrNull(o.Worker), Unread: []UnreadPart{}}
	for _, q := range o.Queues {
		shown.Queues = append(shown.Queues, QueueHealth(q))
	}
	if s := o.Sweep; s != nil {
		shown.Views = &ViewsHealth{At: s.Ended, Streams: s.Streams, Unshown: s.Unshown, Unreadable: s.Unreadable}
	}
	if b := o.Budget; b != nil {
		shown.Budget = &BudgetHealth{Left: b.Left, Burst: b.Burst, PerSecond: b.PerSecond, ThrottledAt: timeOrNull(b.Throttled), SlowUntil: timeOrNull(b.SlowUntil)}
	}
	if c := o.Catalog; c != nil {
		shown.Catalog = &CatalogRead{At: c.Ended, Failed: c.Failed, Products: c.Products, Plans: c.Plans, Errors: c.Errors, Warnings: c.Warnings, First: append([]string{}, c.First...)}
	}
	for _, u := range o.Unread {
		shown.Unread = append(shown.Unread, UnreadPart(u))
	}
	return shown
}

func needsOf(o administration.Overview) Needs {
	needs := Needs{Approvals: waitingOf(o.Approvals), Registrations: waitingOf(o.Registrations), Failed: o.FailedOperations, Alarms: []RaisedAlarm{}}
	for _, raised := range o.Alarms {
		needs.Alarms = append(needs.Alarms, RaisedAlarm(raised))
	}
	if o.Letters != nil {
		counts := countsOf(o.Letters.Counts)
		needs.DeadLetters = &counts
	}
	if o.Licences != nil {
		needs.Licences = &LicencesToSee{Unclaimed: o.Licences["unclaimed"], Failed: o.Licences["failed"], Unsold: o.Licences["unsold"]}
	}
	if o.Sweep != nil {
		needs.Drifted, needs.Strays = o.Sweep.Drifted, o.Sweep.Strays
	}
	return needs
}

func waitingOf(n *administration.Number) *Waiting {
	if n == nil {
		return nil
	}
	return &Waiting{n.N, n.More}
}
