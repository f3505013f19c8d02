// Package marketplace imitates AWS Marketplace for the seller of SaaS products: buyers'
// agreements and licences, the notices about them, the Agreement API and GetEntitlements.
// Package metering resolves registration tokens and meters usage.
//
// Nothing happens on its own. Requests to the paths below Path play buyers and AWS: they
// subscribe, pay, cancel and so on, and each sends the notices that AWS sends. A step and
// its notices are one transaction, so a kill leaves both or neither.
//
//	subscribe            pay                 end, cancel           deprovision
//	----------> PENDING ------> PROVISIONED -------------> (ended) -----------> DEPROVISIONED
//	   |           ^  |                                               (licences of new listings)
//	   v     start |  | fail
//	SCHEDULED -----+  +-------> FAILED
//
// Notices and answers follow the Marketplace Seller Guide ("Amazon SNS notifications for SaaS
// products", "Amazon EventBridge events") and the SDK's model. docs/reliability.md says
// what is inferred.
package marketplace

import (
	"sync"

	"github.com/gatehouse-portal/gatehouse/localaws/eventbridge"
	"github.com/gatehouse-portal/gatehouse/localaws/metering"
	"github.com/gatehouse-portal/gatehouse/localaws/sns"
	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Services are those through which notices travel and usage is metered.
type Services struct {
	Queues *sqs.Service
	Topics *sns.Service
	Bus    *eventbridge.Service
	Meters *metering.Service
}

// Service holds products, purchases and notices.
type Service struct {
	env wire.Env
	Services

	// mu is held during a change.
	mu sync.Mutex
}

// New returns the service.
func New(env wire.Env, services Services) *Service { return &Service{env: env, Services: services} }

// Agreements returns the operations of the Agreement API that a seller's portal needs. Its
// SDK speaks RPC v2 CBOR, others AWS JSON 1.0.
func (s *Service) Agreements() wire.JSONService {
	return wire.JSONService{
		Target: "AWSMPCommerceService_v20200301",
		Shape:  "com.amazonaws.marketplace.agreements",
		Operations: map[string]wire.Operation{
			"SearchAgreements":         wire.Op(s.searchAgreements),
			"DescribeAgreement":        wire.Op(s.describeAgreement),
			"GetAgreementEntitlements": wire.Op(s.getAgreementEntitlements),
			"GetAgreementTerms":        wire.Op(s.getAgreementTerms),
		},
	}
}

// Entitlements returns the operation of the Marketplace Entitlement Service.
func (s *Service) Entitlements() wire.JSONService {
	return wire.JSONService{
		Target:     "AWSMPEntitlementService",
		Shape:      "com.amazonaws.marketplace.entitlement",
		Operations: map[string]wire.Operation{"GetEntitlements": wire.Op(s.getEntitlements)},
	}
}

func productsIn(tx *store.Tx) store.Bucket  { return tx.Bucket("marketplace", "products") }  // product code -> Product
func purchasesIn(tx *store.Tx) store.Bucket { return tx.Bucket("marketplace", "purchases") } // agreement id -> Purchase
func noticesIn(tx *store.Tx) store.Bucket   { return tx.Bucket("marketplace", "notices") }   // number -> Notice
func settingsIn(tx *store.Tx) store.Bucket  { return tx.Bucket("marketplace", "settings") }  // "settings" -> Settings
