package api_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/deadletters"
)

// fakeAdmin is the desk of admins.
type fakeAdmin struct{ *fake }

var buried = deadletters.Letter{Report: deadletters.Report{
	ID: "l-1", Queue: "commands.fifo", Consumer: "commands", Type: "gatehouse.SubscribeRequested.v1", Subject: "account/account-grace", Operation: "op-1",
	Body: []byte(`{"id":"l-1"}`), Class: "failed", Error: "reading account/account-grace: no answer", Attempts: 5, First: now, Last: now.Add(time.Hour),
}}

func (o fakeAdmin) Overview(context.Context) (administration.Overview, error) {
	return administration.Overview{
		At: now, Approvals: &administration.Number{N: 2}, Registrations: &administration.Number{N: 100, More: true}, FailedOperations: 1,
		Letters: &deadletters.Listing{Counts: map[deadletters.State]int{deadletters.Open: 1}}, Licences: map[string]int{"failed": 1},
		Queues: []administration.Queue{{Name: "commands.fifo", Waiting: 3, InFlight: 2, Delayed: 1, GivenUp: 4}},
		Sweep:  &administration.Sweep{Ended: now, Streams: 9, Drifted: 1, Unshown: 2, Strays: 3}, Catalog: &administration.Catalog{Ended: now, Products: 1, Plans: 2, Errors: 1, First: []string{"product.yaml"}},
		Budget: &administration.Budget{Left: 3.5, Burst: 18.5, PerSecond: 4.9, Throttled: now}, Worker: now, Alarms: []administration.Alarm{{Title: "Usage may not be billed", Text: "3 records wait.", Runbook: "https://example.com/runbook", Since: now}},
		Unread: []administration.Unread{{Part: "licences", Why: "No answer."}},
	}, o.askBy("overview", "", "")
}

func (o fakeAdmin) List(_ context.Context, choice deadletters.Choice, after string, limit int) (deadletters.Listing, error) {
	return deadletters.Listing{
		Counts:  map[deadletters.State]int{deadletters.Open: 2, deadletters.Settled: 1},
		Groups:  []deadletters.Group{{Cause: buried.Cause(), Letters: 2, Types: []string{buried.Type}, First: buried.First, Last: buried.Last}},
		Letters: []deadletters.Letter{buried}, Left: 1,
	}, o.askBy("list", "", fmt.Sprint(choice.String(), after, limit))
}

var outlook = administration.ReplayOutlook{Outlook: administration.CarriedOut, Text: "carried out: SubscriptionWanted"}

func (o fakeAdmin) Letter(_ context.Context, id string) (deadletters.Letter, administration.ReplayOutlook, error) {
	return buried, outlook, o.askBy("letter", "", id)
}

func (o fakeAdmin) Preview(_ context.Context, order administration.LetterOrder) (administration.Preview, error) {
	return administration.Preview{Letters: 2, First: []administration.PreviewedLetter{{Letter: buried, ReplayOutlook: outlook}}, NotReplayable: []administration.SkippedLetters{{Why: "No worker can read it.", Letters: 3}}}, o.askBy("preview", order.By, wordsOf(order))
}

func (o fakeAdmin) Order(_ context.Context, order administration.LetterOrder) (administration.LetterOrder, int, error) {
	order.ID = "order-1"
	return order, 2, o.askBy("order", order.By, wordsOf(order)+order.Reason)
}

func wordsOf(order administration.LetterOrder) string {
	words := string(order.Verb) + " " + order.Letter
	if order.Letter == "" {
		words += order.Choice.String()
	}
	return words
}

// letterExamples are the examples of the routes about dead letters, and of the overview.
func letterExamples(private map[string]string) []example {
	cause := buried.Cause().ID
	letter := strings.ReplaceAll(`"id":"l-1","state":"open","class":"failed","cause":"CAUSE","error":"reading account/account-grace: no answer","type":"SubscribeRequested","account":"account-grace",
			"subject":"account/account-grace","operation":"op-1","queue":"commands.fifo","attempts":5,"first":"2026-11-22T09:00:00Z","last":"2026-11-22T10:00:00Z","replays":0`, "CAUSE", cause)
	const next = `"/api/v1/admin/dead-letters?before=2026-11-22T10%3A30%3A00.5Z&cause=failed&cursor=0%23001795338000000%23l-1&limit=1"`
	return []example{
		{"GET /admin/overview", "/admin/overview", 200, `{"at":"2026-11-22T09:00:00Z","needs_you":{"approvals":{"number":2,"more":false},"registrations":{"number":100,"more":true},
			"dead_letters":{"open":1,"replayed":0,"settled":0,"discarded":0},"failed_operations":1,"licences":{"unclaimed":0,"failed":1,"unsold":0},"drifted":1,"strays":3,
			"alarms":[{"title":"Usage may not be billed","text":"3 records wait.","runbook":"https://example.com/runbook","since":"2026-11-22T09:00:00Z"}]},
			"queues":[{"name":"commands.fifo","waiting":3,"in_flight":2,"delayed":1,"given_up":4}],"views":{"at":"2026-11-22T09:00:00Z","streams":9,"unshown":2,"unreadable":0},
			"budget":{"left":3.5,"burst":18.5,"per_second":4.9,"throttled_at":"2026-11-22T09:00:00Z","slow_until":null},
			"catalog":{"at":"2026-11-22T09:00:00Z","failed":false,"products":1,"plans":2,"errors":1,"warnings":0,"first_errors":["product.yaml"]},
			"worker_seen_at":"2026-11-22T09:00:00Z","unread":[{"part":"licences","why":"No answer."}]}`, private, "", ""},
		{"GET /admin/dead-letters", "/admin/dead-letters?limit=1&cause=failed&before=2026-11-22T10:30:00.5Z", 200, `{"groups":[{"cause":"` + cause + `","class":"failed","text":"reading account/…: no answer","letters":2,
			"types":["SubscribeRequested"],"first":"2026-11-22T09:00:00Z","last":"2026-11-22T10:00:00Z"}],"counts":{"open":2,"replayed":0,"settled":1,"discarded":0},
			"items":[{` + letter + `}],"next":` + next + `}`, private, "", ""},
		{"GET /admin/dead-letters/{letter}", "/admin/dead-letters/l-1", 200, `{` + letter + `,"outlook":"carried_out","a_replay_comes_to":"carried out: SubscriptionWanted","body":"{\"id\":\"l-1\"}"}`, private, "", ""},
		{"POST /admin/dead-letter-replays", "/admin/dead-letter-replays", 200, `{"order":"order-1","letters":2}`, private, `{"cause":"failed"}`, ""},
		{"POST /admin/dead-letter-discards", "/admin/dead-letter-discards", 200, `{"order":"order-1","letters":2}`, private, `{"letter":"l-1","reason":"Sent by hand."}`, ""},
	}
}
