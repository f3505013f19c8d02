package events

import "github.com/gatehouse-portal/gatehouse/portal"

// PlanChangeRequested asks that the account's keys be in Plan instead of Replaces. It carries what
// acceptance read about the new plan, so that deciding needs only the journal.
type PlanChangeRequested struct {
	Plan            portal.PlanID   `json:"plan"`
	Replaces        portal.PlanID   `json:"replaces"`
	Name            string          `json:"name"`
	Stages          []portal.Stage  `json:"stages"`
	Rivals          []portal.PlanID `json:"rivals,omitempty"`
	CatalogSequence int64           `json:"catalog_sequence"`
	Approval        Approval        `json:"approval,omitempty"`
}

// Approval says who lets an account have a plan.
type Approval string

// The approvals. Automatic is written as nothing.
const (
	ApprovalAutomatic Approval = ""
	ApprovalManual    Approval = "manual" // an admin approves
)

// SubscriptionReviewRequested is an admin's answer to a subscription that waits for approval.
// Wish is what the admin has seen; after another request for the plan, the answer has no effect.
// Message tells the person why it was denied.
type SubscriptionReviewRequested struct {
	Plan     portal.PlanID `json:"plan"`
	Wish     int64         `json:"wish"`
	Approved bool          `json:"approved"`
	Message  string        `json:"message,omitempty"`
}

func (PlanChangeRequested) EventType() string { return "gatehouse.PlanChangeRequested.v1" }
func (SubscriptionReviewRequested) EventType() string {
	return "gatehouse.SubscriptionReviewRequested.v1"
}

func (r PlanChangeRequested) Scopes() []portal.Scope {
	return []portal.Scope{portal.PlanScope(r.Plan), portal.PlanScope(r.Replaces)}
}

// Scopes is empty: Wish says which choice of the person the answer is about.
func (SubscriptionReviewRequested) Scopes() []portal.Scope { return nil }
