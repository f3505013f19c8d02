package events

import "github.com/gatehouse-portal/gatehouse/portal"

// PlanChangeWanted: every live key of the ring should be in Plan and no longer in From. It opens
// one wish for both plans. From stays active until a key has moved.
type PlanChangeWanted struct {
	Decides
	From   portal.PlanID  `json:"from"`
	Plan   portal.PlanID  `json:"plan"`
	Name   string         `json:"name"`
	Ring   portal.Ring    `json:"ring"`
	Stages []portal.Stage `json:"stages"`
}

// KeyMoved: API Gateway has the key in Plan and no longer in From.
type KeyMoved struct {
	Link
	Key  portal.KeyID  `json:"key"`
	From portal.PlanID `json:"from"`
	Plan portal.PlanID `json:"plan"`
}

// PlanChanged: every key of the wish has moved. It is appended with the last KeyMoved, and ends
// the wish.
type PlanChanged struct {
	Link
	From portal.PlanID `json:"from"`
	Plan portal.PlanID `json:"plan"`
	Payer
}

// PlanChangeRefused: API Gateway refuses the new plan for good. Every live key should be in the
// old plan again. Then a RequestRejected with this code and message ends the wish.
type PlanChangeRefused struct {
	Link
	Plan    portal.PlanID `json:"plan"`
	Code    portal.Code   `json:"code"`
	Message string        `json:"message"`
}

// SubscriptionApprovalPending: an admin must approve the subscription before any key is put in
// the plan. It opens a wish that the converger leaves alone. With Replaces, it is a change from
// that plan.
type SubscriptionApprovalPending struct {
	Decides
	Plan     portal.PlanID  `json:"plan"`
	Name     string         `json:"name"`
	Ring     portal.Ring    `json:"ring"`
	Stages   []portal.Stage `json:"stages"`
	Replaces portal.PlanID  `json:"replaces,omitempty"`
}

// SubscriptionApproved: an admin has approved the subscription. A SubscriptionWanted or a
// PlanChangeWanted takes on the wish of the SubscriptionApprovalPending.
type SubscriptionApproved struct {
	Link
	Plan portal.PlanID `json:"plan"`
}

// SubscriptionDenied: an admin has denied the subscription, and Message tells the person why. It
// ends the wish of the SubscriptionApprovalPending.
type SubscriptionDenied struct {
	Link
	Plan    portal.PlanID `json:"plan"`
	Message string        `json:"message"`
}

func (PlanChangeWanted) EventType() string  { return "gatehouse.PlanChangeWanted.v1" }
func (KeyMoved) EventType() string          { return "gatehouse.KeyMoved.v1" }
func (PlanChanged) EventType() string       { return "gatehouse.PlanChanged.v1" }
func (PlanChangeRefused) EventType() string { return "gatehouse.PlanChangeRefused.v1" }
func (SubscriptionApprovalPending) EventType() string {
	return "gatehouse.SubscriptionApprovalPending.v1"
}
func (SubscriptionApproved) EventType() string { return "gatehouse.SubscriptionApproved.v1" }
func (SubscriptionDenied) EventType() string   { return "gatehouse.SubscriptionDenied.v1" }

func (PlanChangeWanted) isFact()            {}
func (KeyMoved) isFact()                    {}
func (PlanChanged) isFact()                 {}
func (PlanChangeRefused) isFact()           {}
func (SubscriptionApprovalPending) isFact() {}
func (SubscriptionApproved) isFact()        {}
func (SubscriptionDenied) isFact()          {}

func (f PlanChangeWanted) AboutPlan() portal.PlanID            { return f.Plan }
func (f KeyMoved) AboutPlan() portal.PlanID                    { return f.Plan }
func (f PlanChanged) AboutPlan() portal.PlanID                 { return f.Plan }
func (f PlanChangeRefused) AboutPlan() portal.PlanID           { return f.Plan }
func (f SubscriptionApprovalPending) AboutPlan() portal.PlanID { return f.Plan }
func (f SubscriptionApproved) AboutPlan() portal.PlanID        { return f.Plan }
func (f SubscriptionDenied) AboutPlan() portal.PlanID          { return f.Plan }

func (PlanChangeWanted) MustUnderstand() bool            { return true }
func (KeyMoved) MustUnderstand() bool                    { return true }
func (PlanChanged) MustUnderstand() bool                 { return true }
func (PlanChangeRefused) MustUnderstand() bool           { return true }
func (SubscriptionApprovalPending) MustUnderstand() bool { return true }
func (SubscriptionApproved) MustUnderstand() bool        { return true }
func (SubscriptionDenied) MustUnderstand() bool          { return true }
