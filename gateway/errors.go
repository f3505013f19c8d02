package gateway

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Refused is API Gateway's no for good: it will refuse the same call again. Err holds AWS's
// own words, for operators.
type Refused struct {
	Reason RefusedReason
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
	Invalid    RefusedReason = "invalid"     // the call is wrong in itself
)

// ResourceLimit names a quota of things, as opposed to one of calls.
type ResourceLimit string

// The limits, with what AWS allows unless it has raised them.
const (
	Keys        ResourceLimit = "keys"          // 10,000 API keys in an account and Region
	UsagePlans  ResourceLimit = "usage_plans"   // 300 usage plans in an account and Region
	PlansPerKey ResourceLimit = "plans_per_key" // 10 usage plans for one API key
)

// LimitReached says that a quota of things is used up (LimitExceededException). The same
// call fails again until somebody makes room: for PlansPerKey the owner of the key, by
// leaving a plan; otherwise an operator.
type LimitReached struct {
	Limit ResourceLimit
	// Until is when it makes sense to try again, for Keys: before that no process asks AWS.
	// It is the zero time for the other limits.
	Until time.Time
	// Err holds AWS's own words; it is nil if AWS was not asked.
	Err error
}

func (l *LimitReached) Error() string {
	switch l.Limit {
	case Keys:
		return withCause("the AWS account has no room for another API key", l.Err)
	case UsagePlans:
		return withCause("the AWS account has no room for another usage plan", l.Err)
	default:
		return withCause("the API key is in as many usage plans as AWS allows", l.Err)
	}
}
func (l *LimitReached) Unwrap() error { return l.Err }

// limitOf says which quota a call has reached. AWS has one exception for all of them, and
// its words are not documented, so the operation decides. An import creates keys and
// attaches them; only there do the words count.
func limitOf(op Operation, err error) ResourceLimit {
	switch op.name {
	case CreateUsagePlan.name:
		return UsagePlans
	case createUsagePlanKey.name:
		return PlansPerKey
	case ImportAPIKeys.name:
		if strings.Contains(strings.ToLower(err.Error()), "usage plans per api key") {
			return PlansPerKey
		}
	}
	return Keys
}

// Unavailable is every other failure. The call may work later, and may have taken
// effect already: only reading tells.
type Unavailable struct {
	// Throttled says that AWS answered 429. Repeated, it slows every process down.
	Throttled bool
	// Forbidden says that Gatehouse's own permissions or credentials do not suffice,
	// which only an operator can change.
	Forbidden bool
	// ValueTaken says that a key with the value exists already, and that no key with its name
	// is listed yet. Values cannot be guessed, so it is the wanted key itself.
	ValueTaken bool
	Err        error
}

func (u *Unavailable) Error() string {
	switch {
	case u.ValueTaken:
		return withCause("API Gateway has a key with the value and does not list it yet", u.Err)
	case u.Throttled:
		return withCause("API Gateway throttles", u.Err)
	case u.Forbidden:
		return withCause("API Gateway does not permit it", u.Err)
	default:
		return withCause("API Gateway is unavailable", u.Err)
	}
}
func (u *Unavailable) Unwrap() error { return u.Err }

// absent is a 404 and conflict a 409. What they mean depends on the operation;
// asUnavailable is for those where they mean nothing.
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

// IsNotFound says whether AWS answered a Call that what it names does not exist.
func IsNotFound(err error) bool {
	var a *absent
	return errors.As(err, &a)
}

// IsConcurrentChange says whether a Call failed because another change was under way, so that
// the same call may work in a moment.
func IsConcurrentChange(err error) bool {
	var c *conflict
	return errors.As(err, &c) && c.concurrent()
}

// asUnavailable is the error of an operation for which neither a 404 nor a 409 has a meaning:
// it makes both Unavailable and leaves every other error as it is.
func asUnavailable(err error) error {
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

// classify sorts the outcome of one attempt of an operation. Only what AWS names counts as a
// refusal; a bare status may come from something in between.
func classify(op Operation, err error) error {
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
		return &LimitReached{Limit: limitOf(op, err), Err: err}
	case errors.As(err, &invalid):
		return &Refused{Reason: Invalid, Err: err}
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

// redacted is an error whose text has a secret taken out of it.
type redacted struct {
	text string
	err  error
}

func (u *redacted) Error() string { return u.text }
func (u *redacted) Unwrap() error { return u.err }

// without keeps a secret out of an error's text: AWS may quote what it refuses.
func redact(secret string, err error) error {
	if err == nil || secret == "" || !strings.Contains(err.Error(), secret) {
		return err
	}
	return &redacted{text: strings.ReplaceAll(err.Error(), secret, "[key value]"), err: err}
}
