package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/alarms"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

const (
	// maxAlarmed and maxWaiting bound what one look counts. Records that wait are small.
	maxAlarmed, maxWaiting = 1000, 10_000
	// keyLimit is how many API keys AWS allows in an account and Region (API Gateway Developer Guide,
	// "Quotas"). The alarm is raised at keysAlarm and over below keysCalm, so it does not come and go.
	keyLimit  = 10_000
	keysAlarm = keyLimit * 80 / 100
	keysCalm  = keyLimit * 78 / 100
	// meteringAlarm is half of what AWS allows.
	meteringAlarm = metering.TakenFor / 2
	// catalogStale is six runs of the job.
	catalogStale = 30 * time.Minute
)

// conditions looks at the conditions of alarms. It reads the tables only.
type conditions struct {
	letters deadletters.Admin
	budget  *gateway.Budget
	ledger  *metering.Ledger
	scratch *jobs.Scratch
	late    *lateFacts
	now     func() time.Time
}

// newAlarms returns what the workers tell operators about.
func newAlarms(p Process, c clients, names Names, late *lateFacts) ([]alarms.Alarm, error) {
	budget, err := gateway.NewBudget(c.dynamodb, gateway.BudgetConfig{Table: names.Records, Share: p.Config.QuotaShare, Now: p.Now})
	if err != nil {
		return nil, err
	}
	l := conditions{
		letters: deadletters.Admin{Tables: c.dynamodb, Records: names.Records}, budget: budget, ledger: metering.NewLedger(c.dynamodb, names.Usage),
		scratch: jobs.NewScratch(c.dynamodb, names.Records, p.now()), late: late, now: p.now(),
	}
	all := describedAlarms(l)
	if !(len(p.Config.MarketplaceAccounts)+len(p.Config.MarketplaceTopics) > 0 || p.Config.MarketplaceRole != "") {
		all = slices.DeleteFunc(all, func(a alarms.Alarm) bool { return a.Name == alarms.Metering })
	}
	return all, nil
}

// describedAlarms are all alarms, with looks of l.
func describedAlarms(l conditions) []alarms.Alarm {
	return []alarms.Alarm{
		{
			Name: alarms.DeadLetters, Title: "Messages have become dead letters", Page: "/admin/dead-letters", Runbook: "a-message-became-a-dead-letter",
			Advice: "Find the cause, remove it, then replay or discard them.", Clear: 5 * time.Minute, Look: l.deadLetters,
		},
		{
			Name: alarms.Drift, Title: "API Gateway differs from the journal", Page: "/admin/drift", Runbook: "keys-that-differ",
			Advice: "Workers repair accounts. Delete strays with gatehouse keys reconcile.", Look: l.drift,
		},
		{
			Name: alarms.Budget, Title: "The control plane's budget is used up", Page: "/admin", Runbook: "provisioning-waits",
			Advice: "People may wait for their keys. Raise GATEHOUSE_QUOTA_SHARE, or let workers import.", After: 15 * time.Minute, Clear: 15 * time.Minute, Look: l.used,
		},
		{
			Name: alarms.Keys, Title: "API Gateway has little room for more API keys", Page: "/admin", Runbook: "api-keys-run-out",
			Advice: "AWS raises this limit for nobody. Delete keys that nobody needs.", Look: l.keys,
		},
		{
			Name: alarms.Catalog, Title: "The catalog cannot be read", Page: "/admin/products", Runbook: "the-catalog-cannot-be-read",
			Advice: "The last published catalog stays.", After: 12 * time.Minute, Look: l.catalog,
		},
		{
			Name: alarms.Projections, Title: "The views are behind the journal", Page: "/admin", Runbook: "the-views-lag",
			Advice: "Start more workers, or find out from their logs what stops them.", After: 2 * time.Minute, Clear: 10 * time.Minute, Look: l.projections,
		},
		{
			Name: alarms.Metering, Title: "Usage may not be billed", Page: "/admin/licences", Runbook: "usage-waits-for-aws-marketplace",
			Advice: "AWS Marketplace takes the usage of an hour for six hours. gatehouse marketplace ledger says what waits.", Look: l.metering,
		},
	}
}

func (l conditions) deadLetters(ctx context.Context, _ bool) (alarms.Finding, error) {
	open, more, err := l.letters.OpenSince(ctx, time.Time{}, maxAlarmed)
	if err != nil || len(open) == 0 {
		return alarms.Finding{}, err
	}
	found := alarms.Finding{Fires: true, Count: len(open), AtLeast: more}
	asked := 0
	for _, letter := range open {
		if found.Since.IsZero() || letter.Last.Before(found.Since) {
			found.Since = letter.Last
		}
		if letter.Operation != "" {
			asked++
		}
	}
	found.Text = fmt.Sprintf("%s open.", are(found, "dead letter"))
	if asked > 0 {
		found.Text += fmt.Sprintf(" %d of them: people's requests, whose operations say that they failed.", asked)
	}
	return found, nil
}

// are is "1 thing is", "3 things are" or "1000 or more things are".
func are(found alarms.Finding, thing string) string {
	switch {
	case found.AtLeast:
		return fmt.Sprintf("%d or more %ss are", found.Count, thing)
	case found.Count == 1:
		return "1 " + thing + " is"
	}
	return fmt.Sprintf("%d %ss are", found.Count, thing)
}

func (l conditions) drift(ctx context.Context, _ bool) (alarms.Finding, error) {
	swept, ok, err := provisioning.LastSweep(ctx, l.scratch)
	if err != nil || !ok || swept.Drifted+swept.Strays == 0 {
		return alarms.Finding{}, err
	}
	return alarms.Finding{
		Fires: true, Since: swept.Ended, Count: swept.Drifted + swept.Strays,
		Text: fmt.Sprintf("The sweep of %s found accounts whose keys or plans differ in API Gateway: %d. Keys with a name of Gatehouse's that the journal does not know: %d.",
			dateAndTime(swept.Ended), swept.Drifted, swept.Strays),
	}, nil
}

// used fires while calls of the backlog find no token: they leave a quarter of the tokens to people who
// wait at a screen.
func (l conditions) used(ctx context.Context, _ bool) (alarms.Finding, error) {
	state, err := l.budget.State(ctx)
	if err != nil || state.Left > state.Burst/4+1 {
		return alarms.Finding{}, err
	}
	text := fmt.Sprintf("For a quarter of an hour, at most a quarter of the %.0f tokens for control-plane calls was left. %.1f come back each second.", state.Burst, state.PerSecond)
	if l.now().Sub(state.ThrottledAt) < time.Hour {
		text += " AWS has refused calls that had a token, so other programs use the quota, too."
	}
	return alarms.Finding{Fires: true, Text: text}, nil
}

func (l conditions) keys(ctx context.Context, raised bool) (alarms.Finding, error) {
	swept, ok, err := provisioning.LastSweep(ctx, l.scratch)
	limit := keysAlarm
	if raised {
		limit = keysCalm
	}
	if err != nil || !ok || swept.Keys < limit {
		return alarms.Finding{}, err
	}
	return alarms.Finding{
		Fires: true, Since: swept.Ended, Count: swept.Keys,
		Text: fmt.Sprintf("API Gateway holds %d API keys in this AWS account and Region, those of other programs included. The limit is %d.", swept.Keys, keyLimit),
	}, nil
}

func (l conditions) metering(ctx context.Context, _ bool) (alarms.Finding, error) {
	waiting, err := l.ledger.Waiting(ctx, maxWaiting)
	if err != nil || waiting.Oldest.IsZero() || l.now().Sub(waiting.Oldest) < meteringAlarm {
		return alarms.Finding{}, err
	}
	found := alarms.Finding{Fires: true, Since: waiting.Oldest, Count: waiting.Records, AtLeast: waiting.More}
	found.Text = fmt.Sprintf("The usage of the hour from %s waits for AWS Marketplace. AWS takes it until %s.", dateAndTime(waiting.Oldest), dateAndTime(waiting.Oldest.Add(metering.TakenFor)))
	if last, ok, err := metering.Last(ctx, l.scratch); err == nil && ok && last.Problem != "" {
		found.Text += " " + last.Problem
	}
	return found, nil
}

func (l conditions) catalog(ctx context.Context, _ bool) (alarms.Finding, error) {
	report, ok, err := catalog.LastReport(ctx, l.scratch)
	if err != nil || !ok {
		return alarms.Finding{}, err
	}
	switch {
	case report.Failed:
		text := "Workers could not read the catalog's sources."
		if len(report.Problems) > 0 {
			text += " " + strings.TrimSuffix(report.Problems[0].String(), ".") + "."
		}
		return alarms.Finding{Fires: true, Text: text}, nil
	case l.now().Sub(report.Ended) > catalogStale:
		return alarms.Finding{Fires: true, Since: report.Ended, Text: "No worker has finished reading the catalog since " + dateAndTime(report.Ended) + "."}, nil
	}
	return alarms.Finding{}, nil
}

func (l conditions) projections(ctx context.Context, _ bool) (alarms.Finding, error) {
	since, late, err := l.late.recent(ctx)
	if err != nil {
		return alarms.Finding{}, err
	}
	swept, _, err := provisioning.LastSweep(ctx, l.scratch)
	if err != nil || !late && swept.Unreadable == 0 {
		return alarms.Finding{}, err
	}
	found := alarms.Finding{Fires: true}
	var says []string
	if late {
		found.Since = since
		says = append(says, "A fact of "+dateAndTime(since)+" was not shown five minutes later.")
	}
	if swept.Unreadable > 0 {
		found.Count = swept.Unreadable
		says = append(says, fmt.Sprintf("Streams that cannot be read: %d.", swept.Unreadable))
	}
	found.Text = strings.Join(says, " ")
	return found, nil
}
