package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/portal"
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
	Run        JobRun       `json:"run" doc:"The sweep that goes on, or the last one."`
}

// JobRun is the state of a job's last run.
type JobRun struct {
	UnderWay  bool       `json:"under_way" doc:"Whether it goes on."`
	Waits     bool       `json:"waits" doc:"Whether another run begins when this one ends."`
	StartedAt *time.Time `json:"started_at" doc:"Null if a worker has never run it."`
	EndedAt   *time.Time `json:"ended_at" doc:"When the last complete run ended."`
}

func jobRunOf(state administration.JobState) JobRun {
	return JobRun{UnderWay: state.UnderWay, Waits: state.Waits, StartedAt: timeOrNull(state.Started), EndedAt: timeOrNull(state.Ended)}
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

type drifting interface {
	Drift(ctx context.Context) (administration.Drift, error)
	Compare(ctx context.Context, admin portal.AccountID) error
}

func driftOf(found administration.Drift) Drift {
	shown := Drift{
		Began: timeOrNull(found.Began), Ended: timeOrNull(found.Ended), Keys: found.Keys, Others: found.Others, Recent: found.Recent, Unreadable: found.Unreadable,
		Kinds: []KindCount{}, Items: []Difference{}, Run: jobRunOf(found.Job),
	}
	for _, kind := range found.Kinds {
		shown.Kinds = append(shown.Kinds, KindCount(kind))
	}
	for _, d := range found.Differences {
		shown.Items = append(shown.Items, Difference{
			Kind: d.Kind, Mending: d.Mending, Account: string(d.Account), Key: string(d.Key), GatewayID: string(d.GatewayID), Plan: string(d.Plan), Name: d.Name,
		})
	}
	return shown
}

func (a *service) drift(ctx context.Context, _ *struct{}) (*struct{ Body Drift }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	found, err := a.admin.Drift.Drift(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body Drift }{driftOf(found)}, nil
}

func (a *service) compare(ctx context.Context, _ *struct{ Body *Empty }) (*struct{ Body JobRun }, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	if err := a.admin.Drift.Compare(ctx, id.Account); err != nil {
		return nil, problemOf(ctx, err)
	}
	found, err := a.admin.Drift.Drift(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body JobRun }{jobRunOf(found.Job)}, nil
}

func (a *service) registerDrift(api huma.API) {
	huma.Register(api, adminReads("admin-drift", "/drift", "Get how API Gateway differs from the journal",
		"As the last sweep has found it. Workers compare once an hour, and mend what they find within minutes. So what is listed may be mended by now."), a.drift)
	huma.Register(api, adminChanges("admin-compare-drift", http.MethodPost, "/drift/compare", "Have a worker compare API Gateway with the journal now",
		"The answer is the state of the sweep at this moment, which a worker may not have begun yet. If a sweep is under way, another one begins when it ends. If one waits already, nothing more happens. The audit records it.", 0), a.compare)
}
