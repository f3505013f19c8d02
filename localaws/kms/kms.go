// Package kms imitates AWS KMS: HMAC keys, aliases, tags and MACs. Key material is generated
// here, stored in the data file and never shown. Encryption and signing keys are refused.
//
// Each Region has its own keys and aliases. A call's Region is the signed one. A multi-Region
// key must be replicated to other Regions.
//
// The states of a key, as in
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html:
//
//	Enabled <--EnableKey / DisableKey--> Disabled
//	   |                                    |  ^
//	   +------ScheduleKeyDeletion-----------+  | CancelKeyDeletion
//	                  v                        |
//	           PendingDeletion ----------------+
//	                  | the deletion date passes
//	                  v
//	        (deleted, with its aliases)
package kms

import (
	"cmp"
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the keys of one Region.
type Service struct {
	env wire.Env
	// home is the Region of calls without one.
	home string
}

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env, home: env.Region} }

// JSON returns the operations of the KMS API.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{
		Target: "TrentService",
		Shape:  "com.amazonaws.kms",
		Operations: map[string]wire.Operation{
			"CreateKey":            op(s, (*Service).createKey),
			"ReplicateKey":         op(s, (*Service).replicateKey),
			"DescribeKey":          op(s, (*Service).describeKey),
			"ListKeys":             op(s, (*Service).listKeys),
			"GetKeyRotationStatus": op(s, (*Service).getKeyRotationStatus),
			"UpdateKeyDescription": op(s, (*Service).updateKeyDescription),
			"GetKeyPolicy":         op(s, (*Service).getKeyPolicy),
			"PutKeyPolicy":         op(s, (*Service).putKeyPolicy),
			"ListKeyPolicies":      op(s, (*Service).listKeyPolicies),
			"EnableKey":            op(s, (*Service).enableKey),
			"DisableKey":           op(s, (*Service).disableKey),
			"ScheduleKeyDeletion":  op(s, (*Service).scheduleKeyDeletion),
			"CancelKeyDeletion":    op(s, (*Service).cancelKeyDeletion),
			"CreateAlias":          op(s, (*Service).createAlias),
			"UpdateAlias":          op(s, (*Service).updateAlias),
			"DeleteAlias":          op(s, (*Service).deleteAlias),
			"ListAliases":          op(s, (*Service).listAliases),
			"GenerateMac":          op(s, (*Service).generateMac),
			"VerifyMac":            op(s, (*Service).verifyMac),
			"TagResource":          op(s, (*Service).tagResource),
			"UntagResource":        op(s, (*Service).untagResource),
			"ListResourceTags":     op(s, (*Service).listResourceTags),
		},
	}
}

// op uses the signed Region.
func op[In, Out any](s *Service, f func(*Service, context.Context, *In) (*Out, error)) wire.Operation {
	return wire.Op(func(ctx context.Context, in *In) (*Out, error) {
		region := s.home
		if r := wire.RequestFrom(ctx); r != nil {
			region = cmp.Or(wire.CallerOf(r).Region, region)
		}
		return f(s.in(region), ctx, in)
	})
}

func (s *Service) in(region string) *Service {
	there := *s
	there.env.Region = region
	return &there
}

type none struct{}

func (s *Service) keys(tx *store.Tx) store.Bucket    { return tx.Bucket(s.path("keys")...) }
func (s *Service) aliases(tx *store.Tx) store.Bucket { return tx.Bucket(s.path("aliases")...) }

func (s *Service) path(bucket string) []string {
	if s.env.Region == s.home {
		return []string{"kms", bucket}
	}
	return []string{"kms", "regions", s.env.Region, bucket}
}

// epoch returns seconds since 1970, as AWS JSON does.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
