package app

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
)

// firstFeedback is how old feedback may be of which admins are told who were never told of any.
const firstFeedback = 7 * 24 * time.Hour

func newAdminTeller(c clients, names Names, notifier *notices.Notifier, people *members.Store, now func() time.Time) *notices.AdminTeller {
	list := approvals.NewList(c.dynamodb, names.Records)
	letters := deadletters.Admin{Tables: c.dynamodb, Records: names.Records}
	return &notices.AdminTeller{
		Store: notifier.Store, Notifier: notifier, Admins: people, Now: now,
		Waiting: map[string]func(context.Context, time.Time) ([]notices.Waiting, error){
			due.Registration: func(ctx context.Context, _ time.Time) (waiting []notices.Waiting, err error) {
				page, _, err := people.PendingRegistrations(ctx, "", notices.MaxWaiting)
				for _, r := range page {
					waiting = append(waiting, notices.Waiting{ID: due.WaitingID(r.Account, r.Wish), At: r.AskedAt})
				}
				return waiting, err
			},
			due.Approval: func(ctx context.Context, _ time.Time) (waiting []notices.Waiting, err error) {
				page, err := list.Page(ctx, "", notices.MaxWaiting)
				for _, r := range page.Rows {
					waiting = append(waiting, notices.Waiting{ID: due.WaitingID(r.Account, r.Wish), At: r.Asked})
				}
				return waiting, err
			},
			due.DeadLetter: func(ctx context.Context, since time.Time) (waiting []notices.Waiting, err error) {
				open, _, err := letters.OpenSince(ctx, since.Add(-time.Hour), notices.MaxWaiting)
				for _, l := range open {
					waiting = append(waiting, notices.Waiting{ID: l.ID, At: l.Last})
				}
				return waiting, err
			},
			due.Feedback: func(ctx context.Context, since time.Time) (waiting []notices.Waiting, err error) {
				if since.IsZero() {
					since = now().Add(-firstFeedback)
				}
				page, _, err := people.AllFeedback(ctx, members.FeedbackFilter{State: members.FeedbackOpen}, "", notices.MaxWaiting)
				for _, f := range page {
					if f.At.After(since.Add(-time.Hour)) {
						waiting = append(waiting, notices.Waiting{ID: f.ID, At: f.At})
					}
				}
				return waiting, err
			},
		},
	}
}
