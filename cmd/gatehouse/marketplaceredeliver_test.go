package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
)

func undelivered() app.Redelivered {
	const queue = "arn:aws:sqs:us-east-1:111122223333:undelivered"
	return app.Redelivered{Queues: []string{queue}, Notices: []app.UndeliveredNotice{
		{Queue: queue, Message: "m-1", Reason: "NO_PERMISSIONS\x1b[31m", Notice: notice.Notice{Subject: "licence/l-1", Data: events.MarketplaceNotified{Source: "e-1", Kind: events.NoticeLicenceUpdated, At: noon}}},
		{Queue: queue, Message: "m-2", Problem: "It is not a notice."},
	}}
}

func TestUndeliveredNoticesAreATable(t *testing.T) {
	t.Parallel()
	found := undelivered()
	want := `STATE  NOTICE OF                KIND             ABOUT        NOT DELIVERED BECAUSE
waits  2026-03-01 12:00:00 UTC  license-updated  licence/l-1  NO_PERMISSIONS�[31m
LEFT                            -                -            -

LEFT: message m-2 of arn:aws:sqs:us-east-1:111122223333:undelivered. It is not a notice.
1 notice would be sent to the portal's queue. Run the command with --yes.
`
	if diff := cmp.Diff(want, printed(func(b *strings.Builder) { printRedelivered(b, found, false) })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	found.Notices[0].Sent = true
	for done, want := range map[string]app.Redelivered{
		"sent   2026": found, "1 notice sent. `gatehouse dlq list`": found, "There are no undelivered notices in the queue arn:aws:sqs": {Queues: found.Queues},
		"Nothing can be sent.": {Queues: found.Queues, Notices: found.Notices[1:]}, "About 3 messages were being read by another run": {Queues: found.Queues, Hidden: 3},
	} {
		if got := printed(func(b *strings.Builder) { printRedelivered(b, want, true) }); !strings.Contains(got, done) {
			t.Errorf("it prints\n%s\nwithout %q", got, done)
		}
	}
}

func TestUndeliveredNoticesHaveNoColumnOfReasonsIfAWSGivesNone(t *testing.T) {
	t.Parallel()
	found := undelivered()
	found.Notices[0].Reason = ""
	want := `STATE  NOTICE OF                KIND             ABOUT
waits  2026-03-01 12:00:00 UTC  license-updated  licence/l-1
LEFT                            -                -

`
	if got := printed(func(b *strings.Builder) { printRedelivered(b, found, false) }); !strings.HasPrefix(got, want) {
		t.Errorf("it prints\n%s\nwant\n%s", got, want)
	}
}

func TestUndeliveredNoticesAsJSON(t *testing.T) {
	t.Parallel()
	body, err := json.Marshal(redeliveredJSONOf(undelivered(), false))
	want := `{"dry_run":true,"queues":["arn:aws:sqs:us-east-1:111122223333:undelivered"],"sent":0,"left":1,"hidden":0,"notices":[` +
		`{"queue":"arn:aws:sqs:us-east-1:111122223333:undelivered","message":"m-1","reason":"NO_PERMISSIONS\u001b[31m","sent":false,"source":"e-1","kind":"license-updated","at":"2026-03-01T12:00:00Z","licence":"licence/l-1"},` +
		`{"queue":"arn:aws:sqs:us-east-1:111122223333:undelivered","message":"m-2","problem":"It is not a notice.","sent":false}]}`
	if err != nil || string(body) != want {
		t.Errorf("it is\n%s (%v), want\n%s", body, err, want)
	}
}
