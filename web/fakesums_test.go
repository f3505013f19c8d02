package web_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// fakeSums are summaries of the usage of all accounts.
type fakeSums struct {
	last, progress *usage.Summary
	summedOf       usage.Query
	sumErr         error
}

func (s *fakeSums) Next(_ context.Context, q usage.Query, _ func() bool) (last, progress *usage.Summary, err error) {
	s.summedOf = q
	return s.last, s.progress, s.sumErr
}

// busy is an office over an installation in which many accounts have made calls.
func busy() *fakeAdmin {
	o := visited()
	o.last = &usage.Summary{
		Ended: now.Add(-5 * time.Minute), Accounts: 12345, Active: 321, Used: 1_000_000, Days: map[string]int64{"2026-11-20": 400_000, "2026-11-21": 600_000},
		Top:   []usage.AccountSum{{Account: "account-bob", Used: 700_000}, {Account: "account-gone", Used: 3}},
		Plans: map[portal.PlanID]usage.PlanSum{"plan-free": {Used: 100_000, Accounts: 300}, "plan-max": {Used: 899_990, Accounts: 20}},
	}
	for i := range 30 {
		o.last.Plans[portal.PlanID(fmt.Sprintf("plan-gone-%02d", i))] = usage.PlanSum{Used: 1, Accounts: 1}
	}
	return o
}

func sumStates() map[string]shown {
	long, begun, again, none := busy(), &fakeAdmin{}, busy(), &fakeAdmin{}
	long.last.Top = append(long.last.Top, usage.AccountSum{Account: portal.AccountID(longWord), Used: 2})
	long.last.Plans[portal.PlanID(longWord)] = usage.PlanSum{Used: 50, Accounts: 1}
	begun.progress = &usage.Summary{Accounts: 1300}
	again.progress = begun.progress
	none.last = &usage.Summary{Ended: now, Accounts: 3}
	return map[string]shown{
		"usage of all":                     {site: administered(long), path: "/admin/usage"},
		"usage of all, 90 days":            {site: administered(busy()), path: "/admin/usage?range=90d"},
		"usage of all, being made":         {site: administered(begun), path: "/admin/usage"},
		"usage of all, being made again":   {site: administered(again), path: "/admin/usage"},
		"usage of all, none":               {site: administered(none), path: "/admin/usage"},
		"usage of all, days that are none": {site: administered(busy()), path: "/admin/usage?start=2026-11-20&end=2026-11-01"},
	}
}
