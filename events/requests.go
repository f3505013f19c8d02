package events

import "github.com/gatehouse-portal/gatehouse/portal"

// RegisterUser asks that the account be opened. Sent when an identity is first seen, or
// by the client; the second one changes nothing. It carries no personal data: that is
// kept apart, under the account's id.
type RegisterUser struct{}

// SubscribeRequested asks that the account's keys open the plan. It carries what
// acceptance read of the plan, so that deciding needs the journal alone.
type SubscribeRequested struct {
	Plan   portal.PlanID  `json:"plan"`
	Name   string         `json:"name"`
	Stages []portal.Stage `json:"stages"`
	// Rivals are the plans that opened one of those stages, too, when the request was
	// accepted: a key can be in one of them only.
	Rivals []portal.PlanID `json:"rivals,omitempty"`
	// CatalogSequence is the catalog fact that acceptance read the plan in.
	CatalogSequence int64 `json:"catalog_sequence"`
}

// UnsubscribeRequested asks that the account's keys no longer open the plan.
type UnsubscribeRequested struct {
	Plan portal.PlanID `json:"plan"`
}

// KeyReleaseRequested asks that a key be given back to API Gateway, since its ring has
// held no plan for long. Workers send it. Emptied is the sequence of the fact by which the
// ring's last subscription ended: if another has begun since, the request comes to nothing.
type KeyReleaseRequested struct {
	Key     portal.KeyID `json:"key"`
	Emptied int64        `json:"emptied"`
}

// CatalogSyncRequested asks that the catalog be read from its sources again.
type CatalogSyncRequested struct{}

// ProvisionRequested says that an account may differ in API Gateway from what is
// wanted. A wake-up and nothing more: what to do is found by comparing.
type ProvisionRequested struct {
	// Recheck wants API Gateway itself compared, also where the facts hold all for done.
	Recheck bool `json:"recheck,omitempty"`
}

// ShowRequested says that a stream may not be shown to its end. A wake-up and nothing
// more: how far it is shown is read from the views themselves.
type ShowRequested struct{}

// JobRequested is a tick: it says that a job is due. Anyone may send one; duplicates for
// a job and slot are dropped.
type JobRequested struct {
	Job string `json:"job"`
	// Cursor is where a continuation goes on; empty at the start.
	Cursor string `json:"cursor,omitempty"`
}

func (RegisterUser) EventType() string         { return "gatehouse.RegisterUser.v1" }
func (SubscribeRequested) EventType() string   { return "gatehouse.SubscribeRequested.v1" }
func (UnsubscribeRequested) EventType() string { return "gatehouse.UnsubscribeRequested.v1" }
func (KeyReleaseRequested) EventType() string  { return "gatehouse.KeyReleaseRequested.v1" }
func (CatalogSyncRequested) EventType() string { return "gatehouse.CatalogSyncRequested.v1" }
func (ProvisionRequested) EventType() string   { return "gatehouse.ProvisionRequested.v1" }
func (ShowRequested) EventType() string        { return "gatehouse.ShowRequested.v1" }
func (JobRequested) EventType() string         { return "gatehouse.JobRequested.v1" }

// Scopes: see Request.
func (RegisterUser) Scopes() []portal.Scope         { return []portal.Scope{portal.RegistrationScope} }
func (r SubscribeRequested) Scopes() []portal.Scope { return []portal.Scope{portal.PlanScope(r.Plan)} }
func (r UnsubscribeRequested) Scopes() []portal.Scope {
	return []portal.Scope{portal.PlanScope(r.Plan)}
}
func (KeyReleaseRequested) Scopes() []portal.Scope  { return nil }
func (CatalogSyncRequested) Scopes() []portal.Scope { return nil }
func (ProvisionRequested) Scopes() []portal.Scope   { return nil }
func (ShowRequested) Scopes() []portal.Scope        { return nil }
func (JobRequested) Scopes() []portal.Scope         { return nil }

// WakesUp says whether the request is only a wake-up: nobody waits for it, and losing it
// loses nothing, since what it is about is found again.
func WakesUp(request Payload) bool {
	switch request.(type) {
	case ProvisionRequested, ShowRequested, JobRequested:
		return true
	}
	return false
}
