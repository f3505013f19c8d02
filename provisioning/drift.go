package provisioning

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Kind is how a key or a plan in API Gateway differs from the journal.
type Kind string

// The kinds.
const (
	// KeyMissing: API Gateway does not have a key that the journal has.
	KeyMissing Kind = "key_missing"
	KeyRenamed Kind = "key_renamed"
	// KeyDisabled and KeyEnabled: the operator disabled or enabled the key by hand.
	KeyDisabled Kind = "key_disabled"
	KeyEnabled  Kind = "key_enabled"
	// KeyUnblocked: the key has ended or is blocked, and is enabled.
	KeyUnblocked Kind = "key_unblocked"
	// KeyCustomer: the key has a wrong customer identifier of AWS Marketplace, or lacks one.
	KeyCustomer Kind = "key_customer"
	// KeyUnrecorded: the key ended before its creation was recorded.
	KeyUnrecorded Kind = "key_unrecorded"
	// KeyReturned: a key that was released exists again.
	KeyReturned Kind = "key_returned"
	// KeyValue: the key has another value than the portal shows. Only Reconciler.Look with values
	// finds it.
	KeyValue Kind = "key_value"
	// Stray: a key has a name of Gatehouse's, but is not the key that the journal has under that
	// name.
	Stray Kind = "stray"
	// AttachmentMissing and AttachmentExtra: the key is not in a plan of its account, or is in
	// another one.
	AttachmentMissing Kind = "attachment_missing"
	AttachmentExtra   Kind = "attachment_extra"
	// PlanGone: the account has or wants a plan that does not exist.
	PlanGone Kind = "plan_gone"

	// barredMissing: API Gateway does not list a key that must not work. It becomes KeyRenamed if the
	// survey has seen the key under another name. Otherwise the key is gone, which is no difference.
	barredMissing Kind = "barred_missing"
)

// Kinds lists all kinds.
func Kinds() []Kind {
	return []Kind{
		KeyMissing, KeyRenamed, KeyDisabled, KeyEnabled, KeyUnblocked, KeyCustomer, KeyUnrecorded, KeyReturned, KeyValue,
		Stray, AttachmentMissing, AttachmentExtra, PlanGone,
	}
}

// Mending is how a difference is mended.
type Mending string

// The ways of mending.
const (
	// Adopt: a worker records what API Gateway has.
	Adopt Mending = "adopt"
	// Mend: a worker makes API Gateway match the journal.
	Mend Mending = "mend"
	// Delete: an operator has the key deleted in API Gateway. Workers never do.
	Delete Mending = "delete"
	// Replace: an operator has the key deleted in API Gateway, and a worker makes it again.
	Replace Mending = "replace"
	// Leave: another program or person has made the key, under a name like Gatehouse's. Neither workers
	// nor Mend touch it.
	Leave Mending = "leave"
)

// Mending is how a difference of the kind is mended. A stray that Gatehouse has not made is left.
func (k Kind) Mending() Mending {
	switch k {
	case KeyDisabled, KeyEnabled:
		return Adopt
	case Stray:
		return Delete
	case KeyValue:
		return Replace
	}
	return Mend
}

// Finding is one difference. Key is the portal's id, and GatewayID API Gateway's. Name is set for
// strays, and Plan for plans and attachments.
type Finding struct {
	Kind      Kind                `json:"kind"`
	Mending   Mending             `json:"mending"`
	Account   portal.AccountID    `json:"account"`
	Key       portal.KeyID        `json:"key,omitempty"`
	GatewayID portal.GatewayKeyID `json:"gateway_id,omitempty"`
	Plan      portal.PlanID       `json:"plan,omitempty"`
	Name      string              `json:"name,omitempty"`
}

// Drift is how API Gateway differs from the journal.
type Drift struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// Keys counts the keys in API Gateway with a name of Gatehouse's, and the adopted ones. Others counts
	// all others, which the sweep does not compare. Recorded counts the keys that API Gateway should have
	// according to the journal.
	Keys     int `json:"keys"`
	Others   int `json:"others"`
	Recorded int `json:"recorded"`
	// Streams, Recent and Unreadable are as in Found.
	Streams    int `json:"streams"`
	Recent     int `json:"recent"`
	Unreadable int `json:"unreadable"`
	// Values means that the keys' values were compared, too.
	Values bool `json:"values"`
	// Kinds counts all findings. Findings are ordered by account, those of KeyValue last; a sweep keeps the
	// first 1,000.
	Kinds    map[Kind]int `json:"kinds"`
	Findings []Finding    `json:"findings"`
}

// keptFindings bounds the findings in a sweep's result.
const keptFindings = 1000

// LastDrift returns what the last finished sweep has found. ok is false if none has finished in 90 days.
func LastDrift(ctx context.Context, from scratch) (drift Drift, ok bool, err error) {
	ok, err = from.Get(ctx, schema.SweepDrift(), "last", &drift)
	return drift, ok, err
}

func (d *difference) find(kind Kind, key portal.KeyID, id portal.GatewayKeyID, plan portal.PlanID) {
	d.drifted = true
	d.findings = append(d.findings, Finding{Kind: kind, Mending: kind.Mending(), Key: key, GatewayID: id, Plan: plan})
}

// concluded returns the findings of a whole survey. elsewhere has the keys that the survey has seen
// under another name than the journal has. A key that is missing under its own name and is in elsewhere
// was renamed. The survey does not see the attachments of missing and renamed keys, so concluded drops
// their AttachmentMissing. It also drops a stray under the name of a missing key, which may be that key,
// made again: the worker that makes the missing key adopts the stray if it has the same value.
func concluded(findings []Finding, strays []gateway.Listed, elsewhere map[portal.GatewayKeyID]bool, parse func(string) (portal.AccountID, portal.KeyID, bool)) []Finding {
	type owned struct {
		account portal.AccountID
		key     portal.KeyID
	}
	absent, missing, renamed := map[owned]bool{}, map[owned]bool{}, map[portal.GatewayKeyID]bool{}
	all := []Finding{}
	for _, f := range findings {
		switch {
		case f.Kind != KeyMissing && f.Kind != barredMissing:
			continue
		case elsewhere[f.GatewayID]:
			f.Kind, renamed[f.GatewayID] = KeyRenamed, true
		case f.Kind == barredMissing:
			continue
		default:
			missing[owned{f.Account, f.Key}] = true
		}
		absent[owned{f.Account, f.Key}] = true
		f.Mending = f.Kind.Mending()
		all = append(all, f)
	}
	for _, f := range findings {
		of := owned{f.Account, f.Key}
		if f.Kind != KeyMissing && f.Kind != barredMissing && !(f.Kind == AttachmentMissing && absent[of]) {
			all = append(all, f)
		}
	}
	for _, stray := range strays {
		account, key, _ := parse(stray.Name)
		if renamed[stray.ID] || missing[owned{account, key}] {
			continue
		}
		f := Finding{Kind: Stray, Mending: Delete, Account: account, Key: key, GatewayID: stray.ID, Name: stray.Name}
		if !stray.Issued {
			f.Mending = Leave
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Plan, b.Plan), cmp.Compare(a.GatewayID, b.GatewayID))
	})
	return all
}
