// Package portal is Gatehouse's vocabulary: the ids, states and rules that every
// other package speaks in, and the one error type whose text a user may see. It
// depends on the standard library only and does nothing.
package portal

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
)

// AccountID names one account: the person or company that signs in, subscribes
// and holds keys. It is drawn once, when an identity is first seen.
type AccountID string

// KeyID names one API key of ours, for ever: it is drawn by the decision that
// wants the key and never reused. API Gateway's own id of the key is a GatewayKeyID.
type KeyID string

// GatewayKeyID is API Gateway's id of an API key.
type GatewayKeyID string

// PlanID names a plan. Opaque to clients; today it is API Gateway's usage plan id.
type PlanID string

// OperationID names what one request set in motion; the client follows it.
type OperationID string

// Ring names a group of keys of one account that open the same plans. A subscription
// names its ring, and every live key of that ring opens its plan. Rings are "account",
// "plan/<id>" and "licence/<id>"; today only the first is used.
type Ring string

// AccountRing is the ring of the keys that open whatever the account subscribes to.
const AccountRing Ring = "account"

// Pair is one key in one plan, the unit of what API Gateway attaches.
type Pair struct {
	Key  KeyID
	Plan PlanID
}

// MarshalText is "<plan>|<key>"; neither id contains a bar.
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

// Stage is one stage of one REST API, the unit that a plan opens.
type Stage struct {
	API   string `json:"api"`
	Stage string `json:"stage"`
}

// String is the form API Gateway uses, "api:stage".
func (s Stage) String() string { return s.API + ":" + s.Stage }

// Scope is what a decision is about. A newer decision in a scope supersedes an
// older request that touches it.
type Scope string

// RegistrationScope is touched by signing up alone.
const RegistrationScope Scope = "registration"

// AccountScope is touched by what decides over everything of the account; it
// contains every plan's scope.
const AccountScope Scope = "account"

// PlanScope is touched by subscribing to the plan and by leaving it.
func PlanScope(plan PlanID) Scope { return Scope("plan/" + string(plan)) }

// Within lists the scope itself and those that contain it.
func (s Scope) Within() []Scope {
	if strings.HasPrefix(string(s), "plan/") {
		return []Scope{s, AccountScope}
	}
	return []Scope{s}
}

// Intent orders what was asked about one stream: the number that acceptance drew
// for a request, rising by one with each. 0 is a request made by a worker, which
// is never superseded and supersedes nothing.
type Intent int64

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// DeriveID is the id that follows from the parts: 26 characters, the same for the
// same parts, different for any others (130 bits of SHA-256 over the parts, each
// with its length).
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
