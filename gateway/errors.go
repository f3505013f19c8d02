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

// Refused: API Gateway would refuse the same call again. Err has AWS's words, for operators.
type Refused struct {
	Reason RefusedReason
	// Rival is the plan that holds the key, for StageTaken.
	Rival portal.PlanID
	Err   error
}

func (r *Refused) Error() string {
	return withCause("refused by API Gateway, "+string(r.Reason), r.Err)
}
func (r *Refused) Unwrap() error { return r.Err }

// RefusedReason is why API Gateway refuses.
type RefusedReason string

// The reasons.
const (
	PlanGone   RefusedReason = "plan_gone"   // there is no such usage plan
	KeyGone    RefusedReason = "key_gone"    // there is no such key
	StageTaken RefusedReason = "stage_taken" // another plan of the key covers a stage of this one
	Invalid    RefusedReason = "invalid"     // the call is wrong in itself
)

// ResourceLimit is a quota on resources, not on calls.
type ResourceLimit string

// The limits, with AWS's defaults.
const (
	Keys        ResourceLimit = "keys"          // 10,000 API keys in an AWS account and Region
	UsagePlans  ResourceLimit = "usage_plans"   // 300 usage plans in an AWS account and Region
	PlansPerKey ResourceLimit = "plans_per_key" // 10 usage plans for one API key
)

// LimitReached: a quota on resources is used up (LimitExceededException). The same call fails
// until an operator makes room or, for PlansPerKey, the key's owner leaves a plan.
type LimitReached struct {
	Limit ResourceLimit
	// Until is when AWS is asked again, for Keys only.
	Until time.Time
	// Err is nil if AWS was not asked.
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

// limitOf says which quota a call has reached. AWS has one exception for all and does not
// document its words, so the operation decides. The words count only for an import, which creates
// and attaches.
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

// Unavailable is any other failure. The call may have taken effect, which only reading tells, and
// may work later.
type Unavailable struct {
	Throttled bool
	// Forbidden: an operator must change Gatehouse's permissions or credentials.
	Forbidden bool
	// ValueTaken: the key exists and is not listed yet. Only the wanted key can have its value.
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

// The meaning of a 404 and a 409 depends on the operation.
type absent struct{ err error }

func (a *absent) Error() string { return withCause("not found", a.err) }
func (a *absent) Unwrap() error { return a.err }

type conflict struct{ err error }

func (c *conflict) Error() string { return withCause("conflict", c.err) }
func (c *conflict) Unwrap() error { return c.err }

// concurrent: another change was under way. AWS has one exception for all conflicts, so the words
// decide.
func (c *conflict) concurrent() bool {
	return strings.Contains(strings.ToLower(c.err.Error()), "concurrent modification")
}

func (c *conflict) attached() bool {
	text := strings.ToLower(c.err.Error())
	return strings.Contains(text, "usage plan key") && strings.Contains(text, "already exists")
}

// IsNotFound reports whether AWS answered a Call with a 404.
func IsNotFound(err error) bool {
	var a *absent
	return errors.As(err, &a)
}

// IsConcurrentChange reports whether a Call failed because of another change, so that it may work
// in a moment.
func IsConcurrentChange(err error) bool {
	var c *conflict
	return errors.As(err, &c) && c.concurrent()
}

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

// classify turns the SDK's error into one of this package's. A bare status is no refusal, since
// a proxy may have sent it.
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

type redacted struct {
	text string
	err  error
}

func (u *redacted) Error() string { return u.text }
func (u *redacted) Unwrap() error { return u.err }

// redact takes a secret out of an error's text: AWS may quote the input that it refuses.
func redact(secret string, err error) error {
	if err == nil || secret == "" || !strings.Contains(err.Error(), secret) {
		return err
	}
	return &redacted{text: strings.ReplaceAll(err.Error(), secret, "[key value]"), err: err}
}
