package operations

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// MaxMessage is the maximum length of the message of a suspension, or of a denied registration, in characters.
// Pages, the JSON API and commands check it.
const MaxMessage = 500

// Suspend submits an admin's request to suspend an account, for a reason that its owner reads. byGroup is
// that of Demote.
func (o *Operations) Suspend(ctx context.Context, admin Caller, account portal.AccountID, message string, byGroup bool) (Operation, error) {
	return o.onAnother(ctx, admin, account, events.AccountSuspensionRequested{Message: message, ByGroup: byGroup})
}

// Reinstate submits an admin's request to end an account's suspension.
func (o *Operations) Reinstate(ctx context.Context, admin Caller, account portal.AccountID) (Operation, error) {
	return o.onAnother(ctx, admin, account, events.AccountReinstatementRequested{})
}

// DeleteOther submits an admin's request to delete an account. byGroup is that of Demote.
func (o *Operations) DeleteOther(ctx context.Context, admin Caller, account portal.AccountID, byGroup bool) (Operation, error) {
	return o.onAnother(ctx, admin, account, events.AccountDeletionRequested{ByGroup: byGroup})
}

// Promote submits an admin's request to make the owner of an account an admin.
func (o *Operations) Promote(ctx context.Context, admin Caller, account portal.AccountID) (Operation, error) {
	return o.onAnother(ctx, admin, account, events.AdminPromotionRequested{})
}

// Demote submits an admin's request to end a promotion. byGroup: the identity provider's group
// makes the caller an admin.
func (o *Operations) Demote(ctx context.Context, admin Caller, account portal.AccountID, byGroup bool) (Operation, error) {
	return o.onAnother(ctx, admin, account, events.AdminDemotionRequested{ByGroup: byGroup})
}

// ReviewRegistration submits an admin's answer to a registration that waits. The person reads the
// message of a denial.
func (o *Operations) ReviewRegistration(ctx context.Context, admin Caller, account portal.AccountID, approved bool, message string) (Operation, error) {
	return o.onAnother(ctx, admin, account, events.RegistrationReviewRequested{Approved: approved, Message: message})
}

// SyncCatalog submits an admin's request to read the catalog again. The operation ends when it is read.
func (o *Operations) SyncCatalog(ctx context.Context, admin Caller) (Operation, error) {
	submitted := admin.submission(events.CatalogSyncRequested{})
	submitted.Subject = portal.CatalogStream
	return o.Accept(ctx, submitted)
}

// DeleteMine submits a request to delete the caller's own account. For an admin it is a Conflict,
// and for a suspended account Suspended: a new account would end the suspension.
func (o *Operations) DeleteMine(ctx context.Context, caller Caller) (Operation, error) {
	if caller.Viewer.Admin {
		return Operation{}, portal.DeletionOfAdmin()
	}
	return o.accept(ctx, caller.submission(nil), preparation{make: func(ctx context.Context) (events.Request, error) {
		profile, err := o.views.Profile(ctx, caller.Account)
		if err == nil && profile.Status == projections.StatusSuspended {
			err = portal.DeletionSuspended()
		}
		return events.AccountDeletionRequested{}, err
	}})
}

// onAnother: an account that nobody has registered or asked for is NotFound. The admin's own is a
// Conflict, so that an admin is always left.
func (o *Operations) onAnother(ctx context.Context, admin Caller, account portal.AccountID, request events.Request) (Operation, error) {
	if admin.Account == account { // an operator has none
		return Operation{}, portal.Fail(portal.Conflict, "This is your own account. Another admin has to do that.")
	}
	submitted := admin.submission(request)
	submitted.Subject = portal.AccountStream(account)
	return o.accept(ctx, submitted, preparation{make: func(ctx context.Context) (events.Request, error) {
		found, err := o.views.Account(ctx, account)
		if err == nil && found.Profile.Status == projections.StatusNone {
			err = portal.Fail(portal.NotFound, "There is no such account.")
		}
		return request, err
	}})
}

type auditRow struct {
	At        time.Time          `dynamodbav:"at"`
	Admin     portal.AccountID   `dynamodbav:"admin"`
	Operator  string             `dynamodbav:"operator,omitempty"`
	What      string             `dynamodbav:"what"`
	Subject   portal.AccountID   `dynamodbav:"subject"`
	Operation portal.OperationID `dynamodbav:"operation"`
	Plan      portal.PlanID      `dynamodbav:"plan,omitempty"`
	Answer    string             `dynamodbav:"answer,omitempty"`
}

func (r operationRow) entry() (key schema.Key, entry auditRow, ok bool) {
	admin, isAccount := r.Actor.Account()
	subject, onAccount := r.Subject.Account()
	if !onAccount {
		subject = ""
	}
	entry = auditRow{At: r.CreatedAt, Admin: admin, Operator: r.Operator, What: events.Name(r.Type), Subject: subject, Operation: r.ID}
	var about struct {
		Plan     portal.PlanID `json:"plan"`
		Approved *bool         `json:"approved"`
	}
	_ = json.Unmarshal([]byte(r.Body), &about) // a request without these members is about none of them
	if entry.Plan = about.Plan; about.Approved != nil {
		entry.Answer = map[bool]string{true: "approved", false: "denied"}[*about.Approved]
	}
	done := isAccount && (onAccount && admin != subject || r.Subject == portal.CatalogStream)
	return schema.AuditEntry(r.CreatedAt, string(r.ID)), entry, done || r.Operator != ""
}
