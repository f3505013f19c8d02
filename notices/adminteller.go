package notices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	// tellAdminsEvery is the shortest time between two notices of one kind to the admins.
	tellAdminsEvery = time.Hour
	// lateItems is how much later than its time an item may appear in the list of what waits: its
	// decision is recorded later.
	lateItems = 5 * time.Minute
	// MaxWaiting is how many waiting items one notice counts.
	MaxWaiting = 1000
)

// Waiting is one thing that waits for the admins, since that time.
type Waiting struct {
	ID string
	At time.Time
}

type admins interface {
	Admins(ctx context.Context) ([]portal.AccountID, error)
}

// AdminTeller tells admins what waits for them: the first thing at once, and all that comes
// within an hour after that in one notice. Each thing has a due row until it was told, or no
// longer waits.
type AdminTeller struct {
	Store    *Store
	Notifier *Notifier
	Admins   admins
	// Waiting lists what waits, at most MaxWaiting items, by due rows' names for it. since is
	// when the admins were last told.
	Waiting map[string]func(ctx context.Context, since time.Time) ([]Waiting, error)
	Now     func() time.Time
}

type batch struct {
	At time.Time `dynamodbav:"at"`
	// Items are the youngest items, which a list of what waited at At may have missed. Older ones
	// were in it.
	Items []string `dynamodbav:"items"`
	Count int      `dynamodbav:"count"`
	// More: the list was full, so more may wait than were counted.
	More    bool  `dynamodbav:"more,omitempty"`
	Version int64 `dynamodbav:"version"`
	// Told: every admin has the notice.
	Told bool `dynamodbav:"told"`
}

func (b batch) covers(item Waiting) bool {
	return !b.At.IsZero() && item.At.Before(b.At.Add(-lateItems)) || slices.Contains(b.Items, item.ID)
}

// Wake tells the admins of a due row's item and of everything else that waits. done: they were
// told, or the item no longer waits. A second call finishes what a worker began that stopped.
func (t *AdminTeller) Wake(ctx context.Context, row due.Row) (done bool, err error) {
	list, ok := t.Waiting[row.Channel]
	if !ok {
		return false, fmt.Errorf("a due row is about %q, of which this worker knows nothing", row.Channel)
	}
	var told batch
	if _, err := t.Store.rows.Get(ctx, schema.AdminsTold(row.Channel), &told); err != nil {
		return false, err
	}
	item := Waiting{ID: row.Notice, At: row.From}
	now := t.Now().UTC()
	switch {
	case told.covers(item) && told.Told:
		return true, nil
	case told.covers(item):
		return true, t.tell(ctx, row.Channel, told)
	case now.Sub(told.At).Abs() < tellAdminsEvery:
		return false, nil
	}
	waiting, err := list(ctx, told.At)
	if err != nil {
		return false, portal.Postpone("the records do not answer", err)
	}
	cut := len(waiting) >= MaxWaiting
	waiting = slices.DeleteFunc(waiting, told.covers)
	switch {
	case slices.ContainsFunc(waiting, func(w Waiting) bool { return w.ID == item.ID }):
	case cut: // the item may wait beyond the end of the list
		waiting = append(waiting, item)
	default:
		return true, nil
	}
	next := batch{At: now, Count: len(waiting), More: cut, Version: told.Version + 1, Items: []string{item.ID}}
	for _, w := range waiting {
		if !w.At.Before(now.Add(-lateItems)) && w.ID != item.ID {
			next.Items = append(next.Items, w.ID)
		}
	}
	err = t.Store.begin(ctx, row.Channel, next)
	if errors.Is(err, records.ErrRefused) {
		return false, nil // another worker has begun
	}
	if err != nil {
		return false, err
	}
	return true, t.tell(ctx, row.Channel, next)
}

func (s *Store) begin(ctx context.Context, about string, next batch) error {
	write := records.Write{Key: schema.AdminsTold(about), Put: next, If: records.Missing}
	if next.Version > 1 {
		write.If, write.Values = "version = :before", map[string]types.AttributeValue{":before": schema.Number(next.Version - 1)}
	}
	return s.rows.Transact(ctx, "telling admins", write)
}

// tell writes the notice to every admin, with the same id however often it is called.
func (t *AdminTeller) tell(ctx context.Context, about string, told batch) error {
	all, err := t.Admins.Admins(ctx)
	if err != nil {
		return portal.Postpone("the records do not answer", err)
	}
	notice := forAdmins(about, told.Count, told.More)
	notice.At = told.At
	notice.ID = noticeID(told.At, 0, "admins", about, fmt.Sprint(told.Version))
	for _, admin := range all {
		if err := t.Notifier.Tell(ctx, admin, notice); err != nil {
			return err
		}
	}
	err = t.Store.rows.Transact(ctx, "noting that admins were told", records.Write{
		Key: schema.AdminsTold(about), Update: "SET told = :yes", If: "version = :version",
		Values: map[string]types.AttributeValue{":yes": &types.AttributeValueMemberBOOL{Value: true}, ":version": schema.Number(told.Version)},
	})
	if errors.Is(err, records.ErrRefused) {
		return nil // the next notice has begun
	}
	return err
}

// forAdmins names nobody, since mails leave the portal. more: count is only a part of them.
func forAdmins(about string, count int, more bool) Notice {
	n := Notice{Importance: Warn, About: "admin/" + about}
	many, one := fmt.Sprint(count), count == 1 && !more
	if more {
		many += " or more"
	}
	switch about {
	case due.Registration:
		n.Kind, n.Title, n.Text = AdminRegistration, "A registration waits for your approval", "A person has asked for an account, and waits for an admin to approve it."
		if !one {
			n.Title = many + " registrations wait for your approval"
			n.Text = many + " people have asked for an account since you were last told, and wait for an admin to approve it."
		}
		n.Link, n.Advice = "/admin/approvals", "Approve or deny it under Admin, Approvals. Programs use GET /api/v1/admin/registrations."
	case due.Approval:
		n.Kind, n.Title, n.Text = AdminApproval, "A subscription waits for your approval", "A person has asked for a plan that needs an approval, and waits for an admin."
		if !one {
			n.Title = many + " subscriptions wait for your approval"
			n.Text = many + " subscriptions have begun to wait for an admin's approval since you were last told."
		}
		n.Link, n.Advice = "/admin/approvals", "Approve or deny it under Admin, Approvals. Programs use GET /api/v1/admin/approvals."
	case due.DeadLetter:
		n.Kind, n.Title, n.Text = AdminDeadLetter, "A message has become a dead letter", "Workers have given a message up, perhaps a person's request. It waits until somebody replays or discards it."
		if !one {
			n.Title = many + " messages have become dead letters"
			n.Text = many + " messages that workers have given up, perhaps people's requests, wait until somebody replays or discards them."
		}
		n.Link, n.Advice = "/admin/dead-letters", "Find the cause, remove it, then replay or discard them under Admin, Dead letters. Programs use GET /api/v1/admin/dead-letters."
	default:
		n.Kind, n.Title, n.Text = AdminFeedback, "A person has sent feedback", "A person has sent feedback about this portal."
		if !one {
			n.Title, n.Text = many+" messages of feedback", many+" messages of feedback have come since you were last told."
		}
		n.Importance, n.Link = Info, "/admin/feedback"
		n.Advice = "Read it under Admin, Feedback. Programs use GET /api/v1/admin/feedback."
	}
	return n
}
