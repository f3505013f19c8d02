package events

import "github.com/gatehouse-portal/gatehouse/portal"

// AdminPromotionRequested asks that the owner of the account be an admin of the portal. An admin sends
// it.
type AdminPromotionRequested struct{}

// AdminDemotionRequested asks that the owner of the account no longer be an admin by promotion. An admin
// sends it. ByGroup means that the identity provider's admin group makes the sender an admin; otherwise
// the sender must still be promoted when it is decided, so that one admin is always left.
type AdminDemotionRequested struct {
	ByGroup bool `json:"by_group,omitempty"`
}

// AdminPromoted: the owner of the account is an admin of the portal.
type AdminPromoted struct {
	Decides
}

// AdminDemoted: the owner of the account is no longer an admin by promotion.
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
