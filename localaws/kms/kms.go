// Package kms is the local AWS KMS: HMAC keys, their aliases and tags, and the
// making and checking of MACs. Key material is drawn here, kept in the data file
// and never shown. Encryption and signing keys are refused: Gatehouse uses none.
//
// A key's state, as in https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html:
//
//	Enabled <--EnableKey / DisableKey--> Disabled
//	   |                                    |  ^
//	   +------ScheduleKeyDeletion-----------+  | CancelKeyDeletion
//	                  v                        |
//	           PendingDeletion ----------------+
//	                  | the deletion date passes
//	                  v
//	               (gone, with its aliases)
package kms

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the keys.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// JSON is the wire side.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{
		Target: "TrentService",
		Shape:  "com.amazonaws.kms",
		Operations: map[string]wire.Operation{
			"CreateKey":           wire.Op(s.createKey),
			"DescribeKey":         wire.Op(s.describeKey),
			"ListKeys":            wire.Op(s.listKeys),
			"EnableKey":           wire.Op(s.enableKey),
			"DisableKey":          wire.Op(s.disableKey),
			"ScheduleKeyDeletion": wire.Op(s.scheduleKeyDeletion),
			"CancelKeyDeletion":   wire.Op(s.cancelKeyDeletion),
			"CreateAlias":         wire.Op(s.createAlias),
			"UpdateAlias":         wire.Op(s.updateAlias),
			"DeleteAlias":         wire.Op(s.deleteAlias),
			"ListAliases":         wire.Op(s.listAliases),
			"GenerateMac":         wire.Op(s.generateMac),
			"VerifyMac":           wire.Op(s.verifyMac),
			"TagResource":         wire.Op(s.tagResource),
			"UntagResource":       wire.Op(s.untagResource),
			"ListResourceTags":    wire.Op(s.listResourceTags),
		},
	}
}

// none is the answer of operations that answer nothing.
type none struct{}

func keysIn(tx *store.Tx) store.Bucket    { return tx.Bucket("kms", "keys") }
func aliasesIn(tx *store.Tx) store.Bucket { return tx.Bucket("kms", "aliases") }

// epoch is how AWS JSON writes a time: seconds since 1970, as a number.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
