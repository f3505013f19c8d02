// Package metering is a local AWS Marketplace Metering Service for the seller of a SaaS
// product: it resolves registration tokens and meters usage. Methods of Service stand in
// for the buyer and AWS.
//
// The rules are those of ResolveCustomer and BatchMeterUsage in
// https://docs.aws.amazon.com/marketplace/latest/APIReference/ and of the SDK's model, and
// the stricter one where they differ.
package metering

import (
	"context"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds licences and metered usage.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// JSON returns the service's wire protocol. MeterUsage and RegisterUsage, for products on
// the buyer's side, are not implemented.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{
		Target: "AWSMPMeteringService",
		Shape:  "com.amazonaws.marketplacemetering",
		Operations: map[string]wire.Operation{
			"ResolveCustomer": wire.Op(s.resolveCustomer),
			"BatchMeterUsage": bounded(wire.Op(s.batchMeterUsage)),
		},
	}
}

// maxRequest is what a BatchMeterUsage request must stay below, in bytes.
const maxRequest = 1 << 20

func bounded(op wire.Operation) wire.Operation {
	return func(ctx context.Context, body []byte) (any, error) {
		if len(body) >= maxRequest {
			return nil, &wire.Error{
				Code: "RequestEntityTooLarge", Message: "The request must be smaller than 1 MB.",
				Status: http.StatusRequestEntityTooLarge,
			}
		}
		return op(ctx, body)
	}
}

func tokensIn(tx *store.Tx) store.Bucket   { return tx.Bucket("metering", "tokens") }   // SHA-256 of the token -> token
func licencesIn(tx *store.Tx) store.Bucket { return tx.Bucket("metering", "licences") } // licence id -> licence
func productsIn(tx *store.Tx) store.Bucket { return tx.Bucket("metering", "products") } // product code -> dimensions
func recordsIn(tx *store.Tx) store.Bucket  { return tx.Bucket("metering", "records") }  // slot -> Record
