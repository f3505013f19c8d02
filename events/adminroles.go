package events

import "github.com/gatehouse-portal/gatehouse/portal"

// AdminPromotionRequested asks, for an admin, that the account's owner be an admin.
type AdminPromotionRequested struct{}

// AdminDemotionRequested asks, for an admin, that the account's owner no longer be an admin by
// promotion. ByGroup: the identity provider's admin group makes the sender an admin. Otherwise
// the sender must still be promoted, so that one admin is always left.
type AdminDemotionRequested struct {
	ByGroup bool `json:"by_group,omitempty"`
}

// AdminPromoted: the account's owner is an admin.
type AdminPromoted struct {
	Decides
}

// AdminDemoted: the account's owner is no longer an admin by promotion.
type AdminDemoted struct {
	Decides
}

func (AdminPromotionRequested) EventType() string { return "gatehouse.AdminPromotionRequested.v1" }
func (AdminDemotionRequested) EventType() string  { return "gatehouse.AdminDemotionRequested.v1" }
func (AdminPromoted) EventType() string           { return "gatehouse.AdminPromoted.v1" }
func (AdminDemoted) EventType() string            { return "gatehouse.AdminDemoted.v1" }

func (AdminPromotionRequested) Scopes() []portal.Scope { return []portal.Scope{portal.AdminScope} }
func (AdminDemotionRequested) Scopes() []portal.Scope  { return []portal.Scope{portal.AdminScope} }

func (AdminPromoted) isFact() {}
func (AdminDemoted) isFact()  {}
