package members

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// MaxViewing is how long an admin's view of an account lasts, unless the admin ends it before.
const MaxViewing = time.Hour

// ViewingAdmin is an admin in one of their sessions. ByGroup says that they are an admin by the identity
// provider's group.
type ViewingAdmin struct {
	Admin   portal.AccountID
	ByGroup bool
	Session string
}

// Viewing is that an admin sees another person's account, read only, in one session.
type Viewing struct {
	// ID is another one for every view.
	ID      string           `dynamodbav:"id"`
	Account portal.AccountID `dynamodbav:"account"`
	Session string           `dynamodbav:"session"`
	Began   time.Time        `dynamodbav:"began_at"`
	Ends    time.Time        `dynamodbav:"ends_at"`
}

// Over reports whether the view has ended at that time.
func (v Viewing) Over(at time.Time) bool { return !at.Before(v.Ends) }

// View begins a view, and records that in the audit. An admin has one view at a time: it ends the view of
// another session, and another account's. A second call for the account in the same session returns the view
// that there is. The error is Conflict for the admin's own account, and NotFound if nobody has the account.
func (s *Store) View(ctx context.Context, by ViewingAdmin, account portal.AccountID) (Viewing, error) {
	if by.Admin == account {
		return Viewing{}, portal.Fail(portal.Conflict, "This is your own account. You see it anyway.")
	}
	if by.Session == "" {
		return Viewing{}, portal.Fail(portal.Forbidden, "An account is viewed in a browser. Sign in to the portal there, and send the session's cookie instead of a token.")
	}
	now := s.now().UTC().Truncate(time.Second)
	before, found, err := s.lastViewing(ctx, by.Admin)
	if err != nil {
		return Viewing{}, err
	}
	live := found && !before.Over(now)
	if live && before.Account == account && before.Session == by.Session {
		return before, nil
	}
	view := Viewing{ID: strings.ToLower(rand.Text()), Account: account, Session: by.Session, Began: now, Ends: now.Add(MaxViewing)}
	put := records.Write{Key: schema.Viewing(by.Admin), Put: view, Expires: view.Ends, If: records.Missing}
	if found {
		put.If, put.Values = "id = :id", map[string]types.AttributeValue{":id": schema.Text(before.ID)}
	}
	writes := []records.Write{records.OfAPerson(account), put, s.AuditWrite(AuditEntry{Admin: by.Admin, What: AuditViewed, Subject: account})}
	if live {
		writes = append(writes, s.AuditWrite(AuditEntry{Admin: by.Admin, What: AuditViewEnded, Subject: before.Account}))
	}
	err = s.rows.Transact(ctx, "beginning the view of an account", writes...)
	if errors.Is(err, records.ErrRefused) {
		return Viewing{}, s.notViewed(ctx, account)
	}
	return view, err
}

func (s *Store) notViewed(ctx context.Context, account portal.AccountID) error {
	known, err := s.known(ctx, account)
	switch {
	case err != nil:
		return err
	case !known:
		return portal.Fail(portal.NotFound, "There is no such account, or it was deleted.")
	}
	return portal.Fail(portal.Conflict, "You began to view an account elsewhere at the same moment. Try again.")
}

// Viewed returns the view that the admin has in this session now. There is none once it is over, its account
// is erased, or the person is no admin any more.
func (s *Store) Viewed(ctx context.Context, by ViewingAdmin) (view Viewing, ok bool, err error) {
	view, ok, err = s.lastViewing(ctx, by.Admin)
	if err != nil || !ok || by.Session == "" || view.Session != by.Session || view.Over(s.now()) {
		return Viewing{}, false, err
	}
	if !by.ByGroup {
		if ok, err = s.PromotedNow(ctx, by.Admin); err != nil || !ok {
			return Viewing{}, false, err
		}
	}
	if ok, err = s.known(ctx, view.Account); err != nil || !ok {
		return Viewing{}, false, err
	}
	return view, true, nil
}

// EndViewing ends the admin's view of the account, "" for any, also if another of the admin's sessions shows it. It
// records that in the audit. It returns the view; ok is false if there was none, and the audit then has nothing new.
func (s *Store) EndViewing(ctx context.Context, admin, account portal.AccountID) (view Viewing, ok bool, err error) {
	view, ok, err = s.lastViewing(ctx, admin)
	if err != nil || !ok || view.Over(s.now()) || account != "" && view.Account != account {
		return Viewing{}, false, err
	}
	err = s.rows.Transact(ctx, "ending the view of an account",
		records.Write{Key: schema.Viewing(admin), If: "id = :id", Values: map[string]types.AttributeValue{":id": schema.Text(view.ID)}},
		s.AuditWrite(AuditEntry{Admin: admin, What: AuditViewEnded, Subject: view.Account}))
	if errors.Is(err, records.ErrRefused) { // another request has ended it
		return view, false, nil
	}
	return view, err == nil, err
}

func (s *Store) lastViewing(ctx context.Context, admin portal.AccountID) (view Viewing, found bool, err error) {
	found, err = s.rows.Get(ctx, schema.Viewing(admin), &view)
	return view, found, err
}

// known reports whether the portal has the personal data of the account's owner.
func (s *Store) known(ctx context.Context, account portal.AccountID) (bool, error) {
	return s.rows.Get(ctx, schema.Person(account), &struct{}{})
}
