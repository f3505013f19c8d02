// This file tests that the policies of the templates allow exactly the calls that portal and workers
// make.

package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/policy"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

const (
	kmsKeyARN  = "arn:aws:kms:us-east-1:000000000000:key/mrk-0123456789abcdef0123456789abcdef"
	sesARN     = "arn:aws:ses:us-east-1:000000000000:identity/portal@example.com"
	sellerRole = "arn:aws:iam::111122223333:role/seller"
)

// templatePolicies resolves the policies of a process, "portal" or "worker", with everything that a
// stack may permit.
func templatePolicies(t *testing.T, who string) policy.Policy {
	t.Helper()
	return policiesWith(t, who, "true")
}

// policiesWith is templatePolicies with a value for AdoptedKeys.
func policiesWith(t *testing.T, who, adopted string) policy.Policy {
	t.Helper()
	r := deploytest.Resolve(t, "permissions", template.Stack{Name: "acme-permissions", Parameters: map[string]string{
		"DataStack": "gatehouse", "KmsKeyArn": kmsKeyARN, "CatalogBucket": "docs", "CatalogPrefix": "portal",
		"SesIdentityArn": sesARN, "MarketplaceRoleArn": sellerRole, "OperatorsTopicArn": messagingARN("sns", "operators"), "Seller": "true", "AdoptedKeys": adopted,
	}})
	var all policy.Policy
	for _, name := range map[string][]string{"portal": {"PortalPolicy"}, "worker": {"WorkerPolicy", "ControlPlanePolicy"}}[who] {
		p, err := policy.Parse(deploytest.Properties(t, r, name)["PolicyDocument"])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, p...)
	}
	return all
}

func TestTheTemplatesAllowExactlyTheDocumentedCalls(t *testing.T) {
	t.Parallel()
	documented := documentedPermissions(t)
	for _, who := range []string{"portal", "worker"} {
		allowed := templatePolicies(t, who)
		var requests []policy.Request
		for p := range documented[who] {
			requests = append(requests, p.requests(t)...)
		}
		for _, r := range requests {
			if !allowed.Allows(r) {
				t.Errorf("the %s is not allowed %s", who, r)
			}
		}
		for _, spare := range allowed.Spare(requests) {
			t.Errorf("the %s is allowed what it does not need: %s", who, spare)
		}
		for _, r := range otherRequests(t, documented[who]) {
			if allowed.Allows(r) {
				t.Errorf("the %s is allowed %s", who, r)
			}
		}
	}
}

func TestThePortalMayNotTouchAPIGatewayUnlessItRevealsAdoptedKeys(t *testing.T) {
	t.Parallel()
	for adopted, want := range map[string][]string{"false": nil, "true": {"apigateway:GET"}} {
		var touches []string
		for _, s := range policiesWith(t, "portal", adopted) {
			for _, action := range s.Actions {
				if strings.HasPrefix(action, "apigateway") || strings.Contains(action, "*") {
					touches = append(touches, action)
				}
			}
		}
		if !slices.Equal(touches, want) {
			t.Errorf("with AdoptedKeys=%s it is allowed %v, want %v", adopted, touches, want)
		}
	}
}

func TestThePortalMayNotForgeFacts(t *testing.T) {
	t.Parallel()
	allowed := templatePolicies(t, "portal")
	for key, want := range map[string]bool{"identity#7": true, "account/7": false, "catalog": false, "registry#1": false} {
		got := allowed.Allows(policy.Request{
			Action: "dynamodb:PutItem", Resource: tableARN("gatehouse-journal"), Context: map[string][]string{"dynamodb:LeadingKeys": {key}},
		})
		if got != want {
			t.Errorf("a row under %s: allowed is %t", key, got)
		}
	}
}

// otherRequests are all actions that any program is documented to make, on everything that the
// documentation names, but for those of the list.
func otherRequests(t *testing.T, listed map[permitted]bool) []policy.Request {
	t.Helper()
	actions, ons := map[string]bool{}, map[string]map[string]bool{}
	for _, all := range documentedPermissions(t) {
		for p := range all {
			service, _, _ := strings.Cut(p.action, ":")
			actions[p.action] = true
			if ons[service] == nil {
				ons[service] = map[string]bool{}
			}
			ons[service][p.on] = true
		}
	}
	var others []policy.Request
	for action := range actions {
		service, _, _ := strings.Cut(action, ":")
		for on := range ons[service] {
			if p := (permitted{action, on}); !p.within(listed) {
				others = append(others, p.requests(t)...)
			}
		}
	}
	if len(others) < 150 {
		t.Fatalf("there are only %d other requests", len(others))
	}
	return others
}

// within reports whether the list has the call, or one on everything above its resource: "*" stands for
// slashes, too.
func (p permitted) within(listed map[permitted]bool) bool {
	for q := range listed {
		above, isAbove := strings.CutSuffix(q.on, "/*")
		if p == q || p.action == q.action && isAbove && strings.HasPrefix(p.on, above+"/") {
			return true
		}
	}
	return false
}

func tableARN(name string) string {
	return "arn:aws:dynamodb:" + localaws.Region + ":" + localaws.Account + ":table/" + name
}

func messagingARN(service, name string) string {
	return "arn:aws:" + service + ":" + localaws.Region + ":" + localaws.Account + ":" + name
}

// requests are the calls that a line of the documentation stands for, with ids in place of "*".
func (p permitted) requests(t *testing.T) []policy.Request {
	t.Helper()
	on := func(resources ...string) (all []policy.Request) {
		for _, r := range resources {
			all = append(all, policy.Request{Action: p.action, Resource: r})
		}
		return all
	}
	service, _, _ := strings.Cut(p.action, ":")
	switch {
	case p == permitted{"dynamodb:PutItem", "journal"}:
		return []policy.Request{{Action: p.action, Resource: tableARN("gatehouse-journal"), Context: map[string][]string{"dynamodb:LeadingKeys": {"identity#7"}}}}
	case service == "dynamodb":
		return on(tableARN("gatehouse-" + p.on))
	case service == "sqs" && p.on == "dead-letter queues":
		var all []string
		for _, queue := range names.Queues() {
			all = append(all, messagingARN("sqs", app.DeadLetterQueue(queue)))
		}
		return on(all...)
	case service == "sqs":
		for _, queue := range names.Queues() {
			if short(queue) == p.on {
				return on(messagingARN("sqs", queue))
			}
		}
	case p.on == "topic":
		return on(messagingARN("sns", names.Events))
	case p.on == "topic of feedback":
		return on(messagingARN("sns", names.Feedback))
	case service == "apigateway":
		return on("arn:aws:apigateway:" + localaws.Region + "::" + strings.ReplaceAll(p.on, "*", "x1"))
	case p.on == "the catalog's bucket":
		return []policy.Request{{Action: p.action, Resource: "arn:aws:s3:::docs", Context: map[string][]string{"s3:prefix": {"portal/"}}}}
	case p.on == "the backup":
		return on("arn:aws:s3:::backups/monday.gz")
	case p.on == "its objects below the prefix":
		return on("arn:aws:s3:::docs/portal/seamark/product.yaml")
	}
	if arn, ok := map[string]string{
		"KMS key": kmsKeyARN, "the seller's role": sellerRole, "the identity that mails come from": sesARN, "the operators' topic": messagingARN("sns", "operators"), "*": "*",
		"`mrk.kms.amazonaws.com`": "*", "mrk.kms.amazonaws.com": "*",
	}[p.on]; ok {
		return on(arn)
	}
	t.Fatalf("%s on %q stands for no resource", p.action, p.on)
	return nil
}

// noteRequests keeps the calls of a process as IAM checks them.
func (r *recorder) noteRequests(who string, all []policy.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.requests[who] == nil {
		r.requests[who] = map[string]policy.Request{}
	}
	for _, one := range all {
		r.requests[who][one.String()] = one
	}
}

// checkTemplates wants the templates to allow every call that portal and worker have made.
func (r *recorder) checkTemplates(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, who := range []string{"portal", "worker"} {
		allowed := templatePolicies(t, who)
		if len(r.requests[who]) < 20 {
			t.Errorf("the %s has made only %d different calls", who, len(r.requests[who]))
		}
		for _, name := range slices.Sorted(maps.Keys(r.requests[who])) {
			if request := r.requests[who][name]; !allowed.Allows(request) {
				t.Errorf("the templates do not allow the %s %s", who, request)
			}
		}
	}
}

// requestsFor are the checks of IAM that a call to AWS leads to.
func requestsFor(service string, req *http.Request, body []byte) []policy.Request {
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	switch service {
	case "apigateway":
		return []policy.Request{{Action: "apigateway:" + req.Method, Resource: "arn:aws:apigateway:" + localaws.Region + "::" + req.URL.Path}}
	case "dynamodb":
		return tableRequests(operation, body)
	case "sqs":
		var in struct{ QueueUrl, QueueName string }
		_ = json.Unmarshal(body, &in)
		queue := in.QueueName + in.QueueUrl[strings.LastIndex(in.QueueUrl, "/")+1:]
		return []policy.Request{{Action: "sqs:" + strings.TrimSuffix(operation, "Batch"), Resource: messagingARN("sqs", queue)}}
	case "sns":
		form, _ := url.ParseQuery(string(body))
		return []policy.Request{{Action: "sns:" + strings.TrimSuffix(form.Get("Action"), "Batch"), Resource: form.Get("TopicArn")}}
	case "kms":
		return []policy.Request{{Action: "kms:" + operation, Resource: kmsKeyARN}} // called by an id or an alias
	case "s3":
		return bucketRequests(req)
	}
	return nil
}

func bucketRequests(req *http.Request) []policy.Request {
	if req.URL.Query().Get("list-type") == "2" {
		return []policy.Request{{
			Action: "s3:ListBucket", Resource: "arn:aws:s3:::" + strings.Trim(req.URL.Path, "/"),
			Context: map[string][]string{"s3:prefix": {req.URL.Query().Get("prefix")}},
		}}
	}
	return []policy.Request{{Action: "s3:" + map[string]string{http.MethodGet: "GetObject"}[req.Method], Resource: "arn:aws:s3:::" + strings.Trim(req.URL.Path, "/")}}
}

// rowRequest is a request to DynamoDB about a row or its key, or a part of one.
type rowRequest struct {
	TableName string
	Item, Key map[string]map[string]any
}

func (r rowRequest) request(action string) policy.Request {
	keys := []string{}
	for _, one := range []map[string]map[string]any{r.Item, r.Key} {
		if text, ok := one["pk"]["S"].(string); ok {
			keys = append(keys, text)
		}
	}
	return policy.Request{Action: "dynamodb:" + action, Resource: tableARN(r.TableName), Context: map[string][]string{"dynamodb:LeadingKeys": keys}}
}

func tableRequests(operation string, body []byte) []policy.Request {
	var in struct {
		rowRequest
		TransactItems []map[string]rowRequest
		RequestItems  map[string]json.RawMessage
	}
	_ = json.NewDecoder(bytes.NewReader(body)).Decode(&in)
	var all []policy.Request
	for _, item := range in.TransactItems {
		for kind, one := range item {
			all = append(all, one.request(map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}[kind]))
		}
	}
	for table := range in.RequestItems {
		all = append(all, rowRequest{TableName: table}.request(operation))
	}
	if len(all) == 0 {
		all = append(all, in.request(operation))
	}
	return all
}
