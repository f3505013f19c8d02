package app

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// SummedUsage is the usage of all accounts, with the names of people and plans.
type SummedUsage struct {
	usage.Summary
	People map[portal.AccountID]FoundPerson
	Names  map[portal.PlanID]string
}

// FoundPerson is what the portal knows of an account's person; it may be empty.
type FoundPerson struct{ Name, Email string }

// inMemory keeps a summary for one command.
type inMemory map[string][]byte

func (m inMemory) Put(_ context.Context, set, name string, value any, _ time.Duration) error {
	body, err := json.Marshal(value)
	m[set+"#"+name] = body
	return err
}

func (m inMemory) Get(_ context.Context, set, name string, value any) (bool, error) {
	body, ok := m[set+"#"+name]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(body, value)
}

// UsageOfAll sums up the usage of all accounts. It reads them all, 100 at a time, and writes nothing.
func (d *Desk) UsageOfAll(ctx context.Context, q usage.Query) (SummedUsage, error) {
	sums := usage.Summaries{Table: usage.NewTable(d.dynamodb, d.names.Usage), Accounts: d.views, Keep: inMemory{}, Now: d.now}
	all := func() bool { return ctx.Err() == nil }
	last, _, err := sums.Next(ctx, q, all)
	if err != nil {
		return SummedUsage{}, causeOf(err)
	}
	if last == nil {
		return SummedUsage{}, ctx.Err()
	}
	found := SummedUsage{Summary: *last, People: map[portal.AccountID]FoundPerson{}, Names: map[portal.PlanID]string{}}
	for _, top := range last.Top {
		person, err := d.people.Person(ctx, top.Account)
		if err != nil && portal.CodeOf(err) != portal.NotFound {
			return found, causeOf(err)
		}
		found.People[top.Account] = FoundPerson{person.Name, person.Email}
	}
	published, err := d.views.Catalog(ctx)
	if err != nil {
		return found, causeOf(err)
	}
	for id := range last.Plans {
		if plan, _, ok := published.Plan(id); ok {
			found.Names[id] = plan.Name
		}
	}
	return found, nil
}

// WriteUsageOfAll writes the days of all accounts as CSV, like GET /api/v1/admin/usage. It needs little
// memory. After an error, the output is not complete.
func (d *Desk) WriteUsageOfAll(ctx context.Context, q usage.Query, w io.Writer) error {
	out, err := usage.NewAllCSV(w)
	if err != nil {
		return err
	}
	table := usage.NewTable(d.dynamodb, d.names.Usage)
	for cursor, more := "", true; more; more = cursor != "" {
		page, err := d.views.Accounts(ctx, cursor, listedAtOnce)
		if err != nil {
			return causeOf(err)
		}
		for _, one := range page.Accounts {
			report, err := table.Report(ctx, one.ID, q)
			if err != nil {
				return causeOf(err)
			}
			if len(report.Series) == 0 {
				continue
			}
			account, err := d.views.Account(ctx, one.ID)
			if err != nil {
				return causeOf(err)
			}
			if err := out.Add(one.ID, report, usage.NamesOf(account)); err != nil {
				return err
			}
		}
		cursor = page.Next
	}
	return out.Flush()
}
