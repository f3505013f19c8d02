// Package metering is the local AWS Marketplace Metering Service, as the seller of
// a SaaS product sees it: registration tokens are resolved, usage is metered. What
// the buyer and AWS do on their side, buying and ending, is done through the
// methods of Service.
//
// The rules are those of ResolveCustomer and BatchMeterUsage in
// https://docs.aws.amazon.com/marketplace/latest/APIReference/ and of the SDK's
// model. Where the two differ, in how late usage may be, the stricter holds.
package metering

import (
	"context"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the licences that were bought and what was metered.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// JSON is the wire side. MeterUsage and RegisterUsage, which are for products that
// run at the buyer's, answer as not implemented.
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

// maxRequest is how large a BatchMeterUsage request must not become, in bytes.
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

// The buckets within "metering".
func tokensIn(tx *store.Tx) store.Bucket   { return tx.Bucket("metering", "tokens") }   // SHA-256 of the token -> token
func licencesIn(tx *store.Tx) store.Bucket { return tx.Bucket("metering", "licences") } // licence id -> licence
func productsIn(tx *store.Tx) store.Bucket { return tx.Bucket("metering", "products") } // product code -> dimensions
func recordsIn(tx *store.Tx) store.Bucket  { return tx.Bucket("metering", "records") }  // slot -> Record
