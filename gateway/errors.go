package gateway

import (
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Refused is a no for good: the same call will be refused again. Message is for
// the user; Err holds AWS's own words, for operators.
type Refused struct {
	Reason  RefusedReason
	Message string
	// Rival is the plan that was seen to hold the key, if Reason is StageTaken.
	Rival portal.PlanID
	Err   error
}

func (r *Refused) Error() string {
	return withCause("refused by API Gateway, "+string(r.Reason), r.Err)
}
func (r *Refused) Unwrap() error { return r.Err }

// RefusedReason says why API Gateway refuses for good.
type RefusedReason string

// The reasons.
const (
	PlanGone   RefusedReason = "plan_gone"   // there is no such usage plan
	KeyGone    RefusedReason = "key_gone"    // there is no such key
	StageTaken RefusedReason = "stage_taken" // another plan of the key opens a stage of this one
	ValueTaken RefusedReason = "value_taken" // a key with another name has the value
	Invalid    RefusedReason = "invalid"     // the call is wrong in itself
)

// Code is the reason as everyone else knows it.
func (r RefusedReason) Code() portal.Code {
	switch r {
	case PlanGone, KeyGone:
		return portal.NotFound
	case StageTaken, ValueTaken:
		return portal.Conflict
	default:
		return portal.Invalid
	}
}

var messages = map[RefusedReason]string{
	PlanGone:   "The plan no longer exists.",
	KeyGone:    "The API key no longer exists.",
	StageTaken: "The API key already opens an API of this plan through another plan.",
	ValueTaken: "The API key could not be created because its value is already in use.",
	Invalid:    "The request cannot be carried out as it is.",
}

func refused(reason RefusedReason, err error) error {
	return &Refused{Reason: reason, Message: messages[reason], Err: err}
}

// Full says that the AWS account has reached a quota of things, such as its 10,000
// keys (LimitExceededException). An operator must make room; until then the same
// call is refused, and afterwards it works.
type Full struct{ Err error }

func (f *Full) Error() string { return withCause("the AWS account has no room left", f.Err) }
func (f *Full) Unwrap() error { return f.Err }

// Unavailable is every other failure. The call may work later, and may have taken
// effect already: only reading tells.
type Unavailable struct {
	// Throttled says that AWS answered 429; everyone has been slowed down.
	Throttled bool
	// Forbidden says that Gatehouse's own permissions or credentials do not suffice,
	// which only an operator can change.
	Forbidden bool
	Err       error
}

func (u *Unavailable) Error() string {
	switch {
	case u.Throttled:
		return withCause("API Gateway throttles", u.Err)
	case u.Forbidden:
		return withCause("API Gateway does not permit it", u.Err)
	default:
		return withCause("API Gateway is unavailable", u.Err)
	}
}
func (u *Unavailable) Unwrap() error { return u.Err }

// absent is a 404 and conflict a 409. What they mean, the operation knows; settled
// makes them Unavailable where it does not.
type absent struct{ err error }

func (a *absent) Error() string { return withCause("not found", a.err) }
func (a *absent) Unwrap() error { return a.err }

type conflict struct{ err error }

func (c *conflict) Error() string { return withCause("conflict", c.err) }
func (c *conflict) Unwrap() error { return c.err }

// concurrent says that the conflict is with another change under way, and not with
// what stands. AWS gives both the same name, so only the words tell them apart.
func (c *conflict) concurrent() bool {
	return strings.Contains(strings.ToLower(c.err.Error()), "concurrent modification")
}

// attached says that the conflict is with the very attachment that was asked for.
func (c *conflict) attached() bool {
	text := strings.ToLower(c.err.Error())
	return strings.Contains(text, "usage plan key") && strings.Contains(text, "already exists")
}

func isAbsent(err error) bool {
	var a *absent
	return errors.As(err, &a)
}

func settled(err error) error {
	var a *absent
	var c *conflict
	switch {
	case errors.As(err, &a):
		return &Unavailable{Err: a.err}
	case errors.As(err, &c):
		return &Unavailable{Err: c.err}
	}
	return err
}

// classify sorts the outcome of one attempt. Only what AWS names counts as a
// refusal; a bare status may come from something in between.
func classify(err error) error {
	var (
		full     *types.LimitExceededException
		invalid  *types.BadRequestException
		clash    *types.ConflictException
		notFound *types.NotFoundException
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &full):
		return &Full{Err: err}
	case errors.As(err, &invalid):
		return refused(Invalid, err)
	case errors.As(err, &clash):
		return &conflict{err: err}
	case errors.As(err, &notFound):
		return &absent{err: err}
	}
	return &Unavailable{Throttled: throttled(err), Forbidden: forbidden(err), Err: err}
}

func throttled(err error) bool {
	var named smithy.APIError
	if errors.As(err, &named) {
		switch named.ErrorCode() {
		case "TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded":
			return true
		}
	}
	return statusOf(err) == http.StatusTooManyRequests
}

func forbidden(err error) bool {
	status := statusOf(err)
	return status == http.StatusForbidden || status == http.StatusUnauthorized
}

// statusOf is the answer's HTTP status, 0 if there was no answer.
func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

func withCause(what string, err error) string {
	if err == nil {
		return what
	}
	return what + ": " + err.Error()
}

// unspoken is an error whose text has a secret taken out of it.
type unspoken struct {
	text string
	err  error
}

func (u *unspoken) Error() string { return u.text }
func (u *unspoken) Unwrap() error { return u.err }

// without keeps a secret out of an error's text: AWS may quote what it refuses.
func without(secret string, err error) error {
	if err == nil || secret == "" || !strings.Contains(err.Error(), secret) {
		return err
	}
	return &unspoken{text: strings.ReplaceAll(err.Error(), secret, "[key value]"), err: err}
}
