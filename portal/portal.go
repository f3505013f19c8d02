// Package portal has the vocabulary of all packages: ids, streams, scopes, and the error type
// with a text for users. It uses the standard library only.
package portal

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
)

// AccountID names an account, generated when the portal first sees an identity.
type AccountID string

// KeyID names one of the portal's API keys. It is never reused.
type KeyID string

// GatewayKeyID is API Gateway's id of an API key.
type GatewayKeyID string

// PlanID names a plan: API Gateway's usage plan id, but opaque to clients.
type PlanID string

// OperationID names an operation.
type OperationID string

// Ring names a ring: "account", "plan/<id>" (if each subscription has keys of its own),
// "licence/<id>", or "adopted/<id>".
type Ring string

// AccountRing is the ring of the keys that are in every plan of the account.
const AccountRing Ring = "account"

// LicenceRing is the ring of the keys of a Marketplace licence. Its name is that of the licence's
// stream.
func LicenceRing(licence Stream) Ring { return Ring(licence) }

// Licence returns the stream of the ring's licence; ok is false for other rings.
func (r Ring) Licence() (licence Stream, ok bool) {
	return Stream(r), Stream(r).IsLicence()
}

// Customer returns the customer identifier that the ring's keys have in API Gateway: that of the
// buyer on an older listing of AWS Marketplace. It is "" for other rings, whose keys have none.
func (r Ring) Customer() string { return Stream(r).Customer() }

// SubscriptionID names a subscription of an account: the plan, and "@" with the licence's stream
// if a licence pays. With two licences for a plan, an account has two subscriptions to it.
type SubscriptionID string

// SubscriptionOf returns the subscription of a ring's keys to the plan.
func SubscriptionOf(plan PlanID, ring Ring) SubscriptionID {
	if licence, ok := ring.Licence(); ok {
		return SubscriptionID(plan) + "@" + SubscriptionID(licence)
	}
	return SubscriptionID(plan)
}

// Plan is the subscription's plan.
func (id SubscriptionID) Plan() PlanID {
	plan, _, _ := strings.Cut(string(id), "@")
	return PlanID(plan)
}

// Licence is the stream of the licence that pays; ok is false without one.
func (id SubscriptionID) Licence() (licence Stream, ok bool) {
	_, rest, ok := strings.Cut(string(id), "@")
	return Stream(rest), ok
}

// PlanRing is the ring of a subscription that has keys of its own.
func PlanRing(plan PlanID) Ring { return Ring("plan/" + string(plan)) }

// AdoptedRing is the ring of a further key that the account has taken over from an earlier portal,
// in other plans than the account's first key.
func AdoptedRing(key GatewayKeyID) Ring { return Ring("adopted/" + string(key)) }

// Pair is one key in one plan.
type Pair struct {
	Key  KeyID
	Plan PlanID
}

// MarshalText returns "<plan>|<key>"; neither id contains a bar.
func (p Pair) MarshalText() ([]byte, error) { return []byte(string(p.Plan) + "|" + string(p.Key)), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Pair) UnmarshalText(text []byte) error {
	plan, key, ok := strings.Cut(string(text), "|")
	if !ok {
		return fmt.Errorf("%q is not a pair of plan and key", text)
	}
	p.Plan, p.Key = PlanID(plan), KeyID(key)
	return nil
}

// Stage is a stage of a REST API.
type Stage struct {
	API   string `json:"api"`
	Stage string `json:"stage"`
}

// String returns API Gateway's form, "api:stage".
func (s Stage) String() string { return s.API + ":" + s.Stage }

// Scope is what a decision is about. A newer decision in a scope supersedes an older request
// that touches it.
type Scope string

// RegistrationScope is for registering.
const RegistrationScope Scope = "registration"

// AccountScope is for the account as a whole. It contains the scopes of plans and keys.
const AccountScope Scope = "account"

// AdminScope is for making the account's owner an admin, and for ending that.
const AdminScope Scope = "admin"

// KeysScope is for asking for another key. No decision is about it, so such requests do not
// supersede each other.
const KeysScope Scope = "keys"

// KeyScope is for how long the key works.
func KeyScope(key KeyID) Scope { return Scope("key/" + string(key)) }

// KeyNameScope is for renaming the key.
func KeyNameScope(key KeyID) Scope { return Scope("key-name/" + string(key)) }

// ClaimScope is for whose a licence is.
const ClaimScope Scope = "claim"

// PlanScope is for subscribing to the plan and leaving it.
func PlanScope(plan PlanID) Scope { return Scope("plan/" + string(plan)) }

// Within lists the scope and those that contain it.
func (s Scope) Within() []Scope {
	if s == AccountScope || s == RegistrationScope || s == AdminScope {
		return []Scope{s}
	}
	return []Scope{s, AccountScope}
}

// Intent orders the requests about a stream; each accepted one gets the next number. Requests of
// workers have 0: they are never superseded and supersede nothing.
type Intent int64

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// DeriveID derives an id of 26 characters: the same for the same parts, another for any others
// (130 bits of SHA-256 over the parts, each with its length).
func DeriveID(parts ...string) string {
	h := sha256.New()
	var length [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	return idEncoding.EncodeToString(h.Sum(nil))[:26]
}
