package events

import "github.com/gatehouse-portal/gatehouse/portal"

// RegistrationReviewRequested is an admin's answer to a registration that waits. Message tells
// the person why it was denied.
type RegistrationReviewRequested struct {
	Approved bool   `json:"approved"`
	Message  string `json:"message,omitempty"`
}

// AccountSuspensionRequested asks that API Gateway refuse every key of the account until further
// notice. Message tells the person why. ByGroup is that of AdminDemotionRequested: it counts if the account
// is an admin's.
type AccountSuspensionRequested struct {
	Message string `json:"message"`
	ByGroup bool   `json:"by_group,omitempty"`
}

// AccountReinstatementRequested asks to end a suspension.
type AccountReinstatementRequested struct{}

// AccountDeletionRequested asks to delete the account with its keys and its personal data.
// ByGroup is that of AdminDemotionRequested: it counts if the account is an admin's.
type AccountDeletionRequested struct {
	ByGroup bool `json:"by_group,omitempty"`
}

func (RegistrationReviewRequested) EventType() string {
	return "gatehouse.RegistrationReviewRequested.v1"
}
func (AccountSuspensionRequested) EventType() string {
	return "gatehouse.AccountSuspensionRequested.v1"
}
func (AccountReinstatementRequested) EventType() string {
	return "gatehouse.AccountReinstatementRequested.v1"
}
func (AccountDeletionRequested) EventType() string { return "gatehouse.AccountDeletionRequested.v1" }

func (RegistrationReviewRequested) Scopes() []portal.Scope {
	return []portal.Scope{portal.RegistrationScope}
}
func (AccountSuspensionRequested) Scopes() []portal.Scope { return []portal.Scope{portal.AccountScope} }
func (AccountReinstatementRequested) Scopes() []portal.Scope {
	return []portal.Scope{portal.AccountScope}
}
func (AccountDeletionRequested) Scopes() []portal.Scope { return []portal.Scope{portal.AccountScope} }
