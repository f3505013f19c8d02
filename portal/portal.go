// Package portal defines what every other package uses: ids, streams, scopes, and the one error
// type whose text a user may see. It uses the standard library only.
package portal

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
)

// AccountID names an account. It is generated when the portal first sees an identity.
type AccountID string

// KeyID names one of the portal's API keys. It is never reused.
type KeyID string

// GatewayKeyID is API Gateway's id of an API key.
type GatewayKeyID string

// PlanID names a plan. It is opaque to clients; today it is API Gateway's usage plan id.
type PlanID string

// OperationID names an operation.
type OperationID string

// Ring names a ring: "account", "plan/<id>" (if each subscription has keys of its own) or
// "licence/<id>".
type Ring string

// AccountRing is the ring of the keys that are in every plan of the account.
const AccountRing Ring = "account"

// LicenceRing is the ring of the keys that a Marketplace licence pays for. It has the name of the
// licence's stream.
func LicenceRing(licence Stream) Ring { return Ring(licence) }

// Licence returns the stream of the licence that pays for the ring's keys; ok is false for other
// rings.
func (r Ring) Licence() (licence Stream, ok bool) {
	return Stream(r), Stream(r).IsLicence()
}

// Customer returns the customer identifier that the ring's keys have in API Gateway: that of the
// buyer on an older listing of AWS Marketplace. It is "" for other rings, whose keys have none.
func (r Ring) Customer() string { return Stream(r).Customer() }

// SubscriptionID names one subscription of an account: the plan, and "@" with the licence's stream if
// a licence pays for it. An account with two licences for a plan has two subscriptions to it.
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

// Licence is the stream of the licence that pays for the subscription; ok is false for others.
func (id SubscriptionID) Licence() (licence Stream, ok bool) {
	_, rest, ok := strings.Cut(string(id), "@")
	return Stream(rest), ok
}

// PlanRing is the ring of a subscription that has keys of its own.
func PlanRing(plan PlanID) Ring { return Ring("plan/" + string(plan)) }

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

// Stage is one stage of one REST API.
type Stage struct {
	API   string `json:"api"`
	Stage string `json:"stage"`
}

// String returns the form that API Gateway uses, "api:stage".
func (s Stage) String() string { return s.API + ":" + s.Stage }

// Scope is what a decision is about. A newer decision in a scope supersedes an older request
// that touches it.
type Scope string

// RegistrationScope is touched by registering only.
const RegistrationScope Scope = "registration"

// AccountScope is touched by decisions about the account as a whole. It contains the scopes of
// plans and keys.
const AccountScope Scope = "account"

// AdminScope is touched by promoting the account's owner to admin, and by ending that.
const AdminScope Scope = "admin"

// KeysScope is touched by asking for another key. No decision is about it, so such requests do
// not supersede each other.
const KeysScope Scope = "keys"

// KeyScope is touched by decisions about how long the key works.
func KeyScope(key KeyID) Scope { return Scope("key/" + string(key)) }

// KeyNameScope is touched by renaming the key.
func KeyNameScope(key KeyID) Scope { return Scope("key-name/" + string(key)) }

// ClaimScope is touched by decisions on whose a licence is.
const ClaimScope Scope = "claim"

// PlanScope is touched by subscribing to the plan and leaving it.
func PlanScope(plan PlanID) Scope { return Scope("plan/" + string(plan)) }

// Within lists the scope, and those that contain it.
func (s Scope) Within() []Scope {
	if s == AccountScope || s == RegistrationScope || s == AdminScope {
		return []Scope{s}
	}
	return []Scope{s, AccountScope}
}

// Intent orders the requests about one stream. Accepting a request gives it the next number.
// Requests made by a worker have 0: they are never superseded and supersede nothing.
type Intent int64

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// DeriveID derives an id of 26 characters: the same for the same parts, different for any
// others (130 bits of SHA-256 over the parts, each with its length).
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
