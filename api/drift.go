package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Drift is how API Gateway differed from the journal at the last sweep.
type Drift struct {
	Began      *time.Time   `json:"began" doc:"When the last sweep began, null without one in the last 90 days."`
	Ended      *time.Time   `json:"ended"`
	Keys       int          `json:"keys" doc:"API keys in API Gateway that have a name of the portal's."`
	Others     int          `json:"others" doc:"API keys with other names. The portal leaves them alone."`
	Recent     int          `json:"recent" doc:"Accounts that changed less than a minute before the sweep. The next sweep compares them."`
	Unreadable int          `json:"unreadable" doc:"Streams that this version of the portal cannot read."`
	Kinds      []KindCount  `json:"kinds" doc:"How many differences of each kind there were."`
	Items      []Difference `json:"items" doc:"The differences by account, at most the first 1,000."`
}

// KindCount counts the differences of a kind.
type KindCount struct {
	Kind  string `json:"kind" enum:"key_missing,key_renamed,key_disabled,key_enabled,key_unblocked,key_customer,key_unrecorded,key_returned,key_value,stray,attachment_missing,attachment_extra,plan_gone"`
	Count int    `json:"count"`
}

// Difference is a key or plan that was not in API Gateway as the journal has it.
type Difference struct {
	Kind      string `json:"kind" enum:"key_missing,key_renamed,key_disabled,key_enabled,key_unblocked,key_customer,key_unrecorded,key_returned,key_value,stray,attachment_missing,attachment_extra,plan_gone" doc:"A stray is a key with a name of the portal's that is not the key which the journal has under that name."`
	Mending   string `json:"mending" enum:"adopt,mend,delete,replace,leave" doc:"adopt: a worker records what API Gateway has; mend: a worker changes API Gateway; delete, replace: only an operator does, with gatehouse keys reconcile; leave: somebody else has made the key."`
	Account   string `json:"account"`
	Key       string `json:"key,omitempty"`
	GatewayID string `json:"gateway_id,omitempty" doc:"API Gateway's id of the key."`
	Plan      string `json:"plan,omitempty"`
	Name      string `json:"name,omitempty" doc:"The name of a stray in API Gateway."`
}

// Drifts reads what the last sweep has found. Without a sweep the Drift is empty.
type Drifts interface {
	LastDrift(ctx context.Context) (Drift, error)
}

func (a *service) drift(ctx context.Context, _ *struct{}) (*struct{ Body Drift }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	drift, err := a.admin.Drifts.LastDrift(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body Drift }{drift}, nil
}

func (a *service) registerDrift(api huma.API, read func(id, path, summary, description string) huma.Operation) {
	huma.Register(api, read("admin-drift", "/drift", "Get how API Gateway differs from the journal",
		"As the last sweep has found it. Workers compare once an hour, and mend what they find within minutes. So what is listed may be mended by now."), a.drift)
}
