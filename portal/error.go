package portal

import (
	"errors"
	"fmt"
	"time"
)

// Code says what kind of error it is. Codes are data: they stand in problem
// documents (as /problems/<code>), in facts and in dead letters.
type Code string

// The codes. What has none of them is Internal, and its text is for operators only.
const (
	Invalid         Code = "invalid"                // the request cannot be carried out as it is, ever
	Unauthorized    Code = "unauthorized"           // nobody is signed in, or the token does not hold
	Forbidden       Code = "forbidden"              // somebody is, but may not
	NotFound        Code = "not_found"              // unknown, or somebody else's
	Conflict        Code = "conflict"               // something that stands is in the way
	NotRegistered   Code = "not_registered"         // the account has not signed up yet
	Superseded      Code = "superseded"             // a newer request decided otherwise
	KeyReused       Code = "idempotency_key_reused" // the Idempotency-Key came with another body before
	LimitReached    Code = "limit_reached"          // one of AWS's limits stands in the way; leaving something makes room
	TooLarge        Code = "too_large"
	TooManyRequests Code = "too_many_requests"
	Unavailable     Code = "unavailable" // something we depend on does not answer; worth trying again
	Internal        Code = "internal"
)

// Error is an error whose message may be shown to the user: it says what to
// change, and holds no secret and no text of AWS's.
type Error struct {
	Code    Code
	Message string
	// Err is for operators: the cause, never shown.
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

// PlanLimit is the refusal of one more plan for a key that opens as many as AWS allows for
// one key; most is how many, 0 if that is not known.
func PlanLimit(most int, plan string) *Error {
	full, leave := fmt.Sprintf("One key opens at most %d plans.", most), "Leave one of them first"
	switch most {
	case 0:
		full = "Your key opens as many plans as API Gateway allows."
	case 1:
		full, leave = "One key opens at most 1 plan.", "Leave it first"
	}
	return Fail(LimitReached, fmt.Sprintf(
		"%s %s, then subscribe to %s, or ask the operator of this portal to have the quota raised.", full, leave, plan))
}

// CodeOf is the code of the first Error in the chain, Internal if there is none,
// and "" for nil.
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

// MessageOf is the text a user may see.
func MessageOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "Something went wrong on our side."
}

// Postponed is returned by work that cannot go on now and has not failed: there
// is no budget, somebody else holds the lease, a table or queue does not answer.
// The message goes back for After and no failure is counted.
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

// Postpone makes a Postponed out of an error; After 0 leaves the delay to the
// transport's backoff (at most 60 seconds). nil stays nil.
func Postpone(reason string, err error) error {
	if err == nil {
		return nil
	}
	var already *Postponed
	if errors.As(err, &already) {
		return err
	}
	return &Postponed{Reason: reason, Err: err}
}
