package events

import "github.com/gatehouse-portal/gatehouse/portal"

// RegisterUser asks to open the account. It is sent when an identity is first seen, or by a
// client; a second one changes nothing. Personal data is stored elsewhere, under the account's
// id.
type RegisterUser struct {
	// Admin: the person is an admin, who needs no approval.
	Admin bool `json:"admin,omitempty"`
}

// SubscribeRequested asks that the account's keys be in the plan. It carries what acceptance
// read about the plan, so that deciding needs only the journal.
type SubscribeRequested struct {
	Plan   portal.PlanID  `json:"plan"`
	Name   string         `json:"name"`
	Stages []portal.Stage `json:"stages"`
	// Rivals are the other plans that covered one of those stages at acceptance. A key can be in
	// only one of them.
	Rivals []portal.PlanID `json:"rivals,omitempty"`
	// CatalogSequence is the catalog fact in which acceptance read the plan.
	CatalogSequence int64    `json:"catalog_sequence"`
	Approval        Approval `json:"approval,omitempty"`
}

// UnsubscribeRequested asks that the account's keys no longer be in the plan.
type UnsubscribeRequested struct {
	Plan portal.PlanID `json:"plan"`
}

// KeyReleaseRequested asks, for a worker, that a key be deleted from API Gateway, because its
// ring has had no plan for long, or because it has ended. Emptied is the fact that ended the
// ring's last subscription; if another has begun since, the request has no effect. Ended is the
// fact that ended the key, 0 if the request is about its ring.
type KeyReleaseRequested struct {
	Key     portal.KeyID `json:"key"`
	Emptied int64        `json:"emptied"`
	Ended   int64        `json:"ended,omitempty"`
}

// CatalogSyncRequested asks to read the catalog from its sources again.
type CatalogSyncRequested struct{}

// ProvisionRequested says that API Gateway may differ from what an account should have there. It
// is only a wake-up.
type ProvisionRequested struct {
	// Recheck asks to compare with API Gateway even if the facts show nothing to do.
	Recheck bool `json:"recheck,omitempty"`
}

// ShowRequested says that the views may lack a stream's latest facts. It is only a wake-up.
type ShowRequested struct{}

// TellRequested says that an account's latest facts may not have become notices. It is only a
// wake-up.
type TellRequested struct{}

// DeliveryRequested says that a notice may have to be sent to a channel. It is only a wake-up;
// the delivery's row has the truth.
type DeliveryRequested struct {
	Channel string `json:"channel"`
	Notice  string `json:"notice"`
}

// JobRequested says that a job is due. Any process may send it; duplicates for a job and slot
// are dropped.
type JobRequested struct {
	Job    string `json:"job"`
	Cursor string `json:"cursor,omitempty"`
}

func (RegisterUser) EventType() string         { return "gatehouse.RegisterUser.v1" }
func (SubscribeRequested) EventType() string   { return "gatehouse.SubscribeRequested.v1" }
func (UnsubscribeRequested) EventType() string { return "gatehouse.UnsubscribeRequested.v1" }
func (KeyReleaseRequested) EventType() string  { return "gatehouse.KeyReleaseRequested.v1" }
func (CatalogSyncRequested) EventType() string { return "gatehouse.CatalogSyncRequested.v1" }
func (ProvisionRequested) EventType() string   { return "gatehouse.ProvisionRequested.v1" }
func (ShowRequested) EventType() string        { return "gatehouse.ShowRequested.v1" }
func (TellRequested) EventType() string        { return "gatehouse.TellRequested.v1" }
func (DeliveryRequested) EventType() string    { return "gatehouse.DeliveryRequested.v1" }
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
func (TellRequested) Scopes() []portal.Scope        { return nil }
func (DeliveryRequested) Scopes() []portal.Scope    { return nil }
func (JobRequested) Scopes() []portal.Scope         { return nil }

// WakesUp reports whether the request is only a wake-up. It has no operation, and losing it does
// no harm, because other means find the same work.
func WakesUp(request Payload) bool {
	switch request.(type) {
	case ProvisionRequested, ShowRequested, TellRequested, DeliveryRequested, JobRequested:
		return true
	}
	return false
}
