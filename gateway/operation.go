package gateway

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
)

// Operation is an operation of AWS's, and what its calls need.
type Operation struct {
	name      string
	class     class
	exclusive bool // under the attach lease
	creates   bool // keys, for which the account must have room
}

// Operations that change the keys of a plan are exclusive; see attachLease. AWS does not say
// whether an import must take its turn, or whether its rows count as creations.
var (
	createAPIKey  = Operation{name: "CreateApiKey", class: createKey, creates: true}
	ImportAPIKeys = Operation{name: "ImportApiKeys", class: other, exclusive: true, creates: true}
	ReadAPIKey    = Operation{name: "GetApiKey", class: other}
	ListAPIKeys   = Operation{name: "GetApiKeys", class: other}
	UpdateAPIKey  = Operation{name: "UpdateApiKey", class: other}
	DeleteAPIKey  = Operation{name: "DeleteApiKey", class: deleteKey}

	createUsagePlanKey = Operation{name: "CreateUsagePlanKey", class: other, exclusive: true}
	readUsagePlanKey   = Operation{name: "GetUsagePlanKey", class: other}
	ListPlanKeys       = Operation{name: "GetUsagePlanKeys", class: other}
	deleteUsagePlanKey = Operation{name: "DeleteUsagePlanKey", class: other, exclusive: true}

	CreateUsagePlan = Operation{name: "CreateUsagePlan", class: other}
	readUsagePlan   = Operation{name: "GetUsagePlan", class: other}
	ListUsagePlans  = Operation{name: "GetUsagePlans", class: other}
	DeleteUsagePlan = Operation{name: "DeleteUsagePlan", class: other}
	updateUsagePlan = Operation{name: "UpdateUsagePlan", class: updatePlan}

	readUsage   = Operation{name: "GetUsage", class: other}
	updateUsage = Operation{name: "UpdateUsage", class: other}

	listRestAPIs = Operation{name: "GetRestApis", class: other}
	listStages   = Operation{name: "GetStages", class: other}
	readExport   = Operation{name: "GetExport", class: other}
	listSDKTypes = Operation{name: "GetSdkTypes", class: other}
	readSDK      = Operation{name: "GetSdk", class: other}
	listDomains  = Operation{name: "GetDomainNames", class: other}
	listMappings = Operation{name: "GetBasePathMappings", class: other}
)

// Attempt makes one call.
type Attempt func(ctx context.Context, client *apigateway.Client) error

// Call makes one attempt within the budget. Its error is one of Session's, or one that
// IsNotFound, IsConcurrentChange or FileRefused reports.
func (s *Session) Call(ctx context.Context, op Operation, attempt Attempt) error {
	return s.call(ctx, op, func(ctx context.Context) error { return attempt(ctx, s.cp.client) })
}

// CallFreely is Call without a budget, for an API Gateway whose calls are free.
func CallFreely(ctx context.Context, client *apigateway.Client, op Operation, attempt Attempt) error {
	return classify(op, attempt(ctx, client))
}
