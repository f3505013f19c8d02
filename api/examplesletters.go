package api

import "time"

const exampleCause = "3f9a1c2e"

func exampleLetter() DeadLetter {
	later := exampleTime.Add(15 * time.Minute)
	return DeadLetter{
		ID: exampleOperation, State: "open", Class: "failed", Cause: exampleCause,
		Error: "appending to account/" + exampleAccount + ": the journal does not answer: ThrottlingException", Type: "SubscribeRequested", Account: exampleAccount,
		Subject: "account/" + exampleAccount, Operation: exampleOperation, Queue: "gatehouse-commands.fifo", Attempts: 5, First: &exampleTime, Last: &later,
	}
}

func exampleLetters() DeadLetters {
	letter := exampleLetter()
	return DeadLetters{
		Groups: []LetterGroup{{
			Cause: exampleCause, Class: "failed", Text: "appending to account/…: the journal does not answer: ThrottlingException", Letters: 3100,
			Types: []string{"SubscribeRequested"}, First: letter.First, Last: letter.Last,
		}},
		Counts: LetterCounts{Open: 3100, Settled: 12}, Items: []DeadLetter{letter},
	}
}

func exampleLetterDetail() DeadLetterDetail {
	body := `{"specversion":"1.0","id":"` + exampleOperation + `","source":"/gatehouse/api","type":"gatehouse.SubscribeRequested.v1","subject":"account/` + exampleAccount +
		`","time":"2026-11-22T09:00:00Z","operation":"` + exampleOperation + `","intent":3,"data":{"plan":"` + examplePlan + `","name":"Free"}}`
	return DeadLetterDetail{DeadLetter: exampleLetter(), Outlook: "carried_out", OutlookText: "carried out: SubscriptionWanted", Body: body}
}

func exampleOverview() AdminOverview {
	return AdminOverview{
		At: exampleTime,
		Needs: Needs{
			Approvals: &Waiting{Number: 2}, Registrations: &Waiting{}, DeadLetters: &LetterCounts{Open: 3100, Settled: 12}, Failed: 3000,
			Licences: &LicencesToSee{Unclaimed: 1}, Drifted: 1,
			Alarms: []RaisedAlarm{{
				Title: "Usage may not be billed", Text: "3 records of usage wait for AWS Marketplace's answer.",
				Runbook: "https://github.com/gatehouse-portal/gatehouse/blob/main/docs/runbook.md#usage-waits-for-aws-marketplace", Since: exampleTime,
			}},
		},
		Queues:  []QueueHealth{{Name: "gatehouse-commands.fifo", Waiting: 12, InFlight: 3}},
		Views:   &ViewsHealth{At: exampleTime, Streams: 2140, Unshown: 3},
		Budget:  &BudgetHealth{Left: 17.5, Burst: 18.5, PerSecond: 4.9},
		Catalog: &CatalogRead{At: exampleTime, Products: 3, Plans: 7, First: []string{}},
		Worker:  &exampleTime, Unread: []UnreadPart{},
	}
}
