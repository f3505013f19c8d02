// Package portal is Gatehouse's vocabulary: the ids, states and rules that every
// other package speaks in, and the one error type whose text a user may see. It
// depends on the standard library only and does nothing.
package portal

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
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

// Slot is the place a key takes in its account. There is at most one key per
// account and slot, whatever is duplicated, reordered or repeated.
type Slot string

// DefaultSlot is the slot of the key that a first subscription brings.
const DefaultSlot Slot = "default"

// Stage is one stage of one REST API, the unit that a plan opens.
type Stage struct {
	API   string `json:"api"`
	Stage string `json:"stage"`
}

// String is the form API Gateway uses, "api:stage".
func (s Stage) String() string { return s.API + ":" + s.Stage }

// Stream names one journal stream: the facts of one account, or of the catalog.
type Stream string

// CatalogStream is the one stream of the catalog.
const CatalogStream Stream = "catalog"

const accountPrefix = "account/"

// AccountStream is the stream of an account.
func AccountStream(id AccountID) Stream { return Stream(accountPrefix + string(id)) }

// Account is the account whose stream this is; ok is false for another stream.
func (s Stream) Account() (id AccountID, ok bool) {
	rest, ok := strings.CutPrefix(string(s), accountPrefix)
	return AccountID(rest), ok && rest != ""
}

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
	if strings.HasPrefix(string(s), "plan/") || strings.HasPrefix(string(s), "key/") {
		return []Scope{s, AccountScope}
	}
	return []Scope{s}
}

// Intent orders what was asked of one account: the number that acceptance drew
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
