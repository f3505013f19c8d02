package web_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// fakeInbox is what waits for an admin, and what admins answered.
type fakeInbox struct {
	rows    []approvals.Row
	pending []members.PendingRegistration
	persons map[portal.AccountID]identity.Person
	// answered are the answers by their idempotency keys, in words. refuse is an account whose answers are
	// not accepted.
	answered map[string]string
	refuse   portal.AccountID
	inboxErr error
	// entries are in the audit, and audited are the filters with which it was read.
	entries []members.AuditEntry
	notes   []members.Note
	audited []members.AuditFilter
}

func (b *fakeInbox) Page(_ context.Context, cursor string, limit int) (approvals.Page, error) {
	from, _ := strconv.Atoi(cursor)
	page := approvals.Page{Rows: b.rows[min(from, len(b.rows)):]}
	if len(page.Rows) > limit {
		page.Rows, page.Next = page.Rows[:limit], strconv.Itoa(from+limit)
	}
	return page, b.inboxErr
}

func (b *fakeInbox) Waits(_ context.Context, asked time.Time, account portal.AccountID, wish int64) (approvals.Row, bool, error) {
	for _, row := range b.rows {
		if row.Account == account && row.Wish == wish && row.Asked.Equal(asked) {
			return row, true, b.inboxErr
		}
	}
	return approvals.Row{}, false, b.inboxErr
}

func (b *fakeInbox) PendingRegistrations(_ context.Context, after string, limit int) ([]members.PendingRegistration, string, error) {
	from, _ := strconv.Atoi(after)
	page, next := b.pending[min(from, len(b.pending)):], ""
	if len(page) > limit {
		page, next = page[:limit], strconv.Itoa(from+limit)
	}
	return page, next, b.inboxErr
}

func (b *fakeInbox) PendingRegistration(_ context.Context, account portal.AccountID) (members.PendingRegistration, bool, error) {
	i := slices.IndexFunc(b.pending, func(p members.PendingRegistration) bool { return p.Account == account })
	if i < 0 {
		return members.PendingRegistration{}, false, b.inboxErr
	}
	return b.pending[i], true, b.inboxErr
}

func (b *fakeInbox) Person(_ context.Context, account portal.AccountID) (identity.Person, error) {
	if person, ok := b.persons[account]; ok {
		return person, nil
	}
	return identity.Person{}, portal.Fail(portal.NotFound, "There is no such person.")
}

// answerer accepts answers, whose operations the pages find.
type answerer struct{ *fake }

func (a answerer) Review(_ context.Context, caller operations.Caller, answer operations.Answer) (operations.Operation, error) {
	return a.accept(caller, answer.Account, answer.Plan, fmt.Sprintf("%s %s %d %t %s", answer.Account, answer.Plan, answer.Wish, answer.Approved, answer.Reason))
}

func (a answerer) ReviewRegistration(_ context.Context, caller operations.Caller, account portal.AccountID, approved bool, message string) (operations.Operation, error) {
	return a.accept(caller, account, "", fmt.Sprintf("%s %t %s", account, approved, message))
}

func (a answerer) accept(caller operations.Caller, account portal.AccountID, plan portal.PlanID, words string) (operations.Operation, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if account == a.office.refuse {
		return operations.Operation{}, portal.Fail(portal.TooManyRequests, "You have 50 requests that have not ended yet.")
	}
	if a.office.answered == nil {
		a.office.answered, a.operations = map[string]string{}, map[portal.OperationID]operations.Operation{}
	}
	a.office.answered[caller.IdempotencyKey] = strings.TrimSpace(words)
	id := portal.OperationID("op-" + string(account) + "-" + string(plan))
	a.operations[id] = operations.Operation{
		ID: id, Actor: portal.AccountActor(caller.Account), Subject: portal.AccountStream(account), Plan: plan, Progress: projections.Progress{Status: projections.Accepted},
	}
	return a.operations[id], nil
}

// words are the answers, sorted.
func (b *fakeInbox) words() []string {
	var all []string
	for _, words := range b.answered {
		all = append(all, words)
	}
	slices.Sort(all)
	return all
}

// visited is an office where two people wait for a plan and one for an account.
func visited() *fakeAdmin {
	o := &fakeAdmin{}
	o.rows = []approvals.Row{
		{Account: "account-bob", Plan: "plan-max", Name: "Unlimited", Wish: 7, Asked: now.Add(-3 * time.Hour)},
		{Account: "account-eve", Plan: "plan-std", Name: "Standard", Replaces: "plan-free", ReplacesName: "Free", Wish: 9, Asked: now.Add(-time.Hour)},
	}
	o.pending = []members.PendingRegistration{{Account: "account-new", AskedAt: now.Add(-2 * time.Hour), Wish: 1}}
	o.persons = map[portal.AccountID]identity.Person{
		"account-bob": {Name: "Bob Byte", Email: "bob@example.com"}, "account-eve": {Email: "eve@example.com"}, "account-new": {Name: "Nina New", Email: "nina@example.com"},
	}
	return o
}

// stuffed is an office with long and hostile names.
func stuffed() *fakeAdmin {
	o := visited()
	o.persons["account-bob"] = identity.Person{Name: longWord, Email: longWord + "@example.com"}
	o.persons["account-eve"] = identity.Person{Name: "عائشة 🚢", Email: "eve@example.com"}
	o.rows = append(o.rows, approvals.Row{Account: longWord, Plan: "plan-gone", Name: longWord, Wish: 3, Asked: now.Add(-time.Minute)})
	return o
}

// items are the ticks of the page's list.
func items(o *fakeAdmin) url.Values {
	values := url.Values{}
	for _, row := range o.rows {
		values.Add("item", fmt.Sprintf("%s:%s:%d:%d", row.Account, row.Plan, row.Wish, row.Asked.UnixNano()))
	}
	for _, one := range o.pending {
		values.Add("item", fmt.Sprintf("%s::%d:%d", one.Account, one.Wish, one.AskedAt.UnixNano()))
	}
	return values
}

func inboxStates() map[string]shown {
	with := func(verb string) string {
		values := items(stuffed())
		values.Set("verb", verb)
		return "/admin/approvals/confirm?" + values.Encode()
	}
	late := stuffed()
	late.rows, late.pending = late.rows[:1], nil
	answered := administered(stuffed())
	answered.operations = map[portal.OperationID]operations.Operation{}
	for id, progress := range map[string]projections.Progress{
		"a": {Status: projections.Succeeded}, "b": {Status: projections.Running}, "c": {Status: projections.Rejected, Code: "conflict", Message: "This request no longer waits for approval."}, "d": {Status: projections.Failed},
	} {
		answered.operations[portal.OperationID(id)] = operations.Operation{
			ID: portal.OperationID(id), Actor: portal.AccountActor(root.Account), Subject: "account/account-bob", Plan: "plan-max", Progress: progress,
		}
	}
	return map[string]shown{
		"approvals":                             {site: administered(stuffed()), path: "/admin/approvals"},
		"approvals, none":                       {site: administered(&fakeAdmin{}), path: "/admin/approvals"},
		"approvals, none ticked":                {site: administered(stuffed()), path: "/admin/approvals/confirm?verb=approve"},
		"confirm approving":                     {site: administered(stuffed()), path: with("approve")},
		"confirm denying":                       {site: administered(stuffed()), path: with("deny")},
		"confirm denying without a reason":      {site: administered(stuffed()), path: with("deny"), post: "/admin/approvals", form: `document.querySelector("#reason").value = " "`},
		"confirm approving, answered mostly":    {site: administered(late), path: with("approve")},
		"confirm approving, answered meanwhile": {site: administered(&fakeAdmin{}), path: with("approve")},
		"answered":                              {site: answered, path: "/admin/approvals/answers?verb=deny&operation=a&operation=b&operation=c&operation=d"},
	}
}
