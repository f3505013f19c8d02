package portal

import (
	"errors"
	"fmt"
	"time"
)

// Code is the kind of an error. Codes are data: problem documents (/problems/<code>), facts and
// dead letters have them.
type Code string

// The codes. An error without one is Internal, and its text is for operators only.
const (
	Invalid         Code = "invalid"                // the request can never succeed as it is
	Unauthorized    Code = "unauthorized"           // not signed in, or the token is not valid
	Forbidden       Code = "forbidden"              // signed in, but not allowed
	NotFound        Code = "not_found"              // does not exist, or belongs to another account
	Conflict        Code = "conflict"               // the present state does not allow it
	NotRegistered   Code = "not_registered"         // the account is not registered yet
	Suspended       Code = "suspended"              // the operator has suspended the account
	Deleting        Code = "deleting"               // the account is being deleted
	Superseded      Code = "superseded"             // a newer request replaced this one
	KeyReused       Code = "idempotency_key_reused" // the Idempotency-Key was used for another request
	LimitReached    Code = "limit_reached"          // an AWS limit is reached; leaving a plan makes room
	TooLarge        Code = "too_large"
	TooManyRequests Code = "too_many_requests"
	Unavailable     Code = "unavailable" // a service we depend on does not answer; worth retrying
	Internal        Code = "internal"
)

// Error has a message for the user. It says what to change, and holds no secret and no text from
// AWS.
type Error struct {
	Code    Code
	Message string
	// Field is the wrong member of the request's body, "" for none or several.
	Field string
	// After is how long to wait before the next try, 0 if that is not known.
	After time.Duration
	// Err is the cause, for operators only.
	Err error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return string(e.Code) + ": " + e.Message + ": " + e.Err.Error()
	}
	return string(e.Code) + ": " + e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Fail makes an Error.
func Fail(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// At adds the member of the request's body to an error. An error without a code stays as it is,
// and so does nil.
func At(field string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	about := *e
	about.Field = field
	return &about
}

// FieldOf returns the wrong member of the request's body, or "".
func FieldOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

// AfterOf returns how long to wait before the next try, 0 if that is not known.
func AfterOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}

// PlanLimit refuses to add a key to another plan because it is in as many as AWS allows. most
// is that number, 0 if it is not known.
func PlanLimit(most int, plan string) *Error {
	full, leave := fmt.Sprintf("A key can be in at most %d plans.", most), "Leave one of them first"
	switch most {
	case 0:
		full = "Your key is in as many plans as API Gateway allows."
	case 1:
		full, leave = "A key can be in at most 1 plan.", "Leave it first"
	}
	return Fail(LimitReached, fmt.Sprintf(
		"%s %s, then subscribe to %s, or ask the operator of this portal to have the quota raised.", full, leave, plan))
}

// RivalPlans refuses to add a key to a plan because it is in another one of the same API.
func RivalPlans(plan, held string) *Error {
	return Fail(Conflict, fmt.Sprintf(
		"%s and %s are plans of the same API, and a key can hold only one of them. Change from %s to %s, or leave %s first.", plan, held, held, plan, held))
}

// AccountSuspended refuses a change of a suspended account.
func AccountSuspended(reason string) *Error {
	text := "The operator of this portal has suspended your account, so nothing can be changed and API Gateway refuses your keys."
	if reason != "" {
		text += " The reason: " + reason
	}
	return Fail(Suspended, text)
}

// DeletionSuspended refuses to delete a suspended account for its owner.
func DeletionSuspended() *Error {
	return Fail(Suspended, "The operator of this portal has suspended your account. Ask the operator to delete it.")
}

// DeletionOfAdmin refuses to delete an admin's account for its owner.
func DeletionOfAdmin() *Error {
	return Fail(Conflict, "You are an admin of this portal, and admins cannot delete their own account. Another admin can delete it.")
}

// AccountDeleting refuses a change of an account that is being deleted.
func AccountDeleting() *Error {
	return Fail(Deleting, "This account is being deleted, so nothing can be changed any more. Once it is gone you can sign in again, which opens a new account.")
}

// CodeOf returns the code of the first Error in the chain, Internal without one, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// MessageOf returns the text that the user may see.
func MessageOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "Something went wrong on our side."
}

// Postponed is returned by work that has to wait but has not failed: no budget, another
// worker's lease, a table or queue that does not answer. The message is redelivered after
// After, and no failure is counted.
type Postponed struct {
	After  time.Duration
	Reason string
	Err    error
}

func (p *Postponed) Error() string {
	if p.Err != nil {
		return "postponed, " + p.Reason + ": " + p.Err.Error()
	}
	return "postponed, " + p.Reason
}

func (p *Postponed) Unwrap() error { return p.Err }

// Postpone wraps an error in a Postponed. It returns nil, a Postponed and a PanicError as they
// are. After is 0, so the transport's backoff sets the delay (at most 60 seconds).
func Postpone(reason string, err error) error {
	if err == nil {
		return nil
	}
	var already *Postponed
	var panicked *PanicError
	if errors.As(err, &already) || errors.As(err, &panicked) {
		return err
	}
	return &Postponed{Reason: reason, Err: err}
}
