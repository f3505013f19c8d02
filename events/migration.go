package events

import "github.com/gatehouse-portal/gatehouse/portal"

// AccountMigrationRequested asks, for an operator, to open the account of a person who had one in
// an earlier portal. With a key, the account takes over that key of API Gateway.
type AccountMigrationRequested struct {
	Key *KeyToAdopt `json:"key,omitempty"`
}

// KeyToAdopt is an API key that exists in API Gateway, and the plans that it is in.
type KeyToAdopt struct {
	GatewayID portal.GatewayKeyID `json:"gateway_id"`
	Name      string              `json:"name"`
	// Disabled: the key was disabled in API Gateway when the operator asked.
	Disabled bool           `json:"disabled,omitempty"`
	Plans    []MigratedPlan `json:"plans,omitempty"`
	// Waiting is the hash of the e-mail address under which the key waited for its owner, or "".
	Waiting string `json:"waiting,omitempty"`
}

// MigratedPlan is a plan as API Gateway described it when the operator asked.
type MigratedPlan struct {
	Plan   portal.PlanID  `json:"plan"`
	Name   string         `json:"name"`
	Stages []portal.Stage `json:"stages,omitempty"`
}

// KeyAdopted: the account has taken over a key that API Gateway had before. Its value does not
// derive from anything, so only API Gateway can show it, and nobody can make it again. It opens a
// wish that a KeyReady ends once API Gateway has the key in every plan that the ring already had.
type KeyAdopted struct {
	Decides
	Key       portal.KeyID        `json:"key"`
	GatewayID portal.GatewayKeyID `json:"gateway_id"`
	Ring      portal.Ring         `json:"ring"`
	Name      string              `json:"name"`
	Disabled  bool                `json:"disabled,omitempty"`
}

func (AccountMigrationRequested) EventType() string { return "gatehouse.AccountMigrationRequested.v1" }
func (KeyAdopted) EventType() string                { return "gatehouse.KeyAdopted.v1" }

func (AccountMigrationRequested) Scopes() []portal.Scope { return nil }

func (KeyAdopted) isFact() {}

func (KeyAdopted) MustUnderstand() bool { return true }

func (KeyAdopted) opensWish(e Event) int64 { return e.Sequence }
