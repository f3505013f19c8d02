package trail

import (
	"encoding/json"
	"slices"
)

// keyCalls change a key or its plans. ImportApiKeys is not among them, since it only makes keys, which
// are nobody's until a worker has recorded them. Nor is UpdateUsage: what is left of a quota is read
// every quarter of an hour, and is repaired by nobody.
var keyCalls = []string{"CreateApiKey", "UpdateApiKey", "DeleteApiKey", "CreateUsagePlanKey", "DeleteUsagePlanKey"}

// catalogCalls change what the catalog shows: plans and their tags, APIs that have a stage, what is
// deployed there, and the addresses of custom domains. Calls that show only after a deployment, such as
// PutMethod or PutRestApi, are not among them.
var catalogCalls = []string{
	"CreateUsagePlan", "UpdateUsagePlan", "DeleteUsagePlan", "TagResource", "UntagResource",
	"UpdateRestApi", "DeleteRestApi", "CreateStage", "UpdateStage", "DeleteStage", "CreateDeployment",
	"CreateBasePathMapping", "UpdateBasePathMapping", "DeleteBasePathMapping", "DeleteDomainName",
}

// Calls lists the calls whose records count.
func Calls() []string { return slices.Concat(keyCalls, catalogCalls) }

// Pattern is the event pattern of a rule that sends those records. With the beginning of the names of the
// workers' roles, it leaves out the calls that workers make.
func Pattern(workerRoles string) string {
	of := map[string]any{"eventSource": []string{"apigateway.amazonaws.com"}, "eventName": Calls()}
	if workerRoles != "" {
		// Users have no session, and so no issuer: exists lets their calls through.
		of["userIdentity"] = map[string]any{"sessionContext": map[string]any{"sessionIssuer": map[string]any{"userName": []any{
			map[string]any{"anything-but": map[string]any{"prefix": workerRoles}}, map[string]any{"exists": false},
		}}}}
	}
	pattern, _ := json.Marshal(map[string]any{"source": []string{Source}, "detail-type": []string{DetailType}, "detail": of})
	return string(pattern)
}
