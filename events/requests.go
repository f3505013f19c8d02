package events

import "github.com/gatehouse-portal/gatehouse/portal"

// RegisterUser asks that the account of whoever is signed in be opened. Sent when
// an identity is first seen, or by the client; the second one changes nothing.
// It carries no personal data: that is kept apart, under the account's id.
type RegisterUser struct{}

// SubscribeRequested asks that the account's key open the plan. It carries what
// acceptance read of the plan, so that deciding needs the journal alone.
type SubscribeRequested struct {
	Plan   portal.PlanID  `json:"plan"`
	Name   string         `json:"name"`
	Stages []portal.Stage `json:"stages"`
	// CatalogSequence is the catalog fact that acceptance read the plan in.
	CatalogSequence int64 `json:"catalog_sequence"`
}

// UnsubscribeRequested asks that the account's key no longer open the plan.
type UnsubscribeRequested struct {
	Plan portal.PlanID `json:"plan"`
}

// KeyRevealReported says that a key's value is about to be shown to its owner. It
// is sent before the value is, so every reveal is in the journal.
type KeyRevealReported struct {
	Key portal.KeyID `json:"key"`
}

// CatalogSyncRequested asks that the catalog be read from its sources again.
type CatalogSyncRequested struct{}

// ProvisionRequested says that an account may differ in API Gateway from what is
// wanted. A wake-up and nothing more: what to do is found by comparing.
type ProvisionRequested struct {
	// Recheck wants API Gateway itself compared, also where the facts hold all for done.
	Recheck bool `json:"recheck,omitempty"`
}

// JobRequested is a tick: it says that a job is due. Anyone may send one; one a
// job and time slot survives.
type JobRequested struct {
	Job string `json:"job"`
	// Cursor is where a continuation goes on; empty at the start.
	Cursor string `json:"cursor,omitempty"`
}

func (RegisterUser) EventType() string         { return "gatehouse.RegisterUser.v1" }
func (SubscribeRequested) EventType() string   { return "gatehouse.SubscribeRequested.v1" }
func (UnsubscribeRequested) EventType() string { return "gatehouse.UnsubscribeRequested.v1" }
func (KeyRevealReported) EventType() string    { return "gatehouse.KeyRevealReported.v1" }
func (CatalogSyncRequested) EventType() string { return "gatehouse.CatalogSyncRequested.v1" }
func (ProvisionRequested) EventType() string   { return "gatehouse.ProvisionRequested.v1" }
func (JobRequested) EventType() string         { return "gatehouse.JobRequested.v1" }

// Scopes: see Request.
func (RegisterUser) Scopes() []portal.Scope         { return []portal.Scope{portal.RegistrationScope} }
func (r SubscribeRequested) Scopes() []portal.Scope { return []portal.Scope{portal.PlanScope(r.Plan)} }
func (r UnsubscribeRequested) Scopes() []portal.Scope {
	return []portal.Scope{portal.PlanScope(r.Plan)}
}
func (KeyRevealReported) Scopes() []portal.Scope    { return nil }
func (CatalogSyncRequested) Scopes() []portal.Scope { return nil }
func (ProvisionRequested) Scopes() []portal.Scope   { return nil }
func (JobRequested) Scopes() []portal.Scope         { return nil }
