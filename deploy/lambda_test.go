package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/policy"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// variables are those of a function's environment, in order. AWS Lambda adds AWS_REGION, which it
// reserves.
func variables(t *testing.T, r *template.Resolved, function string) []string {
	t.Helper()
	environment, _ := deploytest.Properties(t, r, function)["Environment"].(map[string]any)
	given, _ := environment["Variables"].(map[string]any)
	var all []string
	for name, value := range given {
		all = append(all, name+"="+fmt.Sprint(value))
	}
	slices.Sort(all)
	return all
}

func TestTheFunctionsAcceptTheirEnvironment(t *testing.T) {
	t.Parallel()
	for variant := range variants["lambda"] {
		r := stackOf(t, "lambda", variant, "acme")
		for function, needs := range map[string][]app.Need{"PortalFunction": {app.SignIn}, "WorkerFunction": nil} {
			env := variables(t, r, function)
			base := "https://portal.example.com"
			if variant == "without a domain" {
				base = "https://a1b2c3.execute-api.us-east-1.amazonaws.com"
				for i := range env {
					env[i] = strings.Replace(env[i], "acme-lambda/HttpApi", "a1b2c3", 1)
				}
			}
			cfg, err := app.LoadConfig(env, needs...)
			if err != nil {
				t.Errorf("%q, %s: %v", variant, function, err)
			}
			if cfg.Prefix != "acme" || cfg.BaseURL != base || cfg.KMSKey != exampleKey {
				t.Errorf("%q, %s: the environment is %q", variant, function, env)
			}
			for _, pair := range env {
				if strings.HasPrefix(pair, "AWS_") || strings.Contains(pair, "SECRET") {
					t.Errorf("%q, %s: AWS Lambda reserves, or shows to everybody who may read the function: %s", variant, function, pair)
				}
			}
		}
	}
}

func TestFunctionsAndContainersHaveTheSameEnvironment(t *testing.T) {
	t.Parallel()
	for variant, of := range map[string]string{"": "small", "everything": "small with everything"} {
		functions, containers := stackOf(t, "lambda", variant, "acme"), containersOf(t, stackOf(t, "containers", of, "acme"), "PortalTask")
		for function, container := range map[string]string{"PortalFunction": "portal", "WorkerFunction": "worker"} {
			want := slices.DeleteFunc(environment(containers[container]), func(pair string) bool { return strings.HasPrefix(pair, "AWS_REGION=") })
			slices.Sort(want)
			if diff := cmp.Diff(want, variables(t, functions, function)); diff != "" {
				t.Errorf("%q: %s (-container +function):\n%s", variant, function, diff)
			}
		}
	}
}

func TestBothFunctionsRunTheZip(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "lambda", "everything", "acme")
	for function, handler := range map[string]string{"PortalFunction": "api", "WorkerFunction": "worker"} {
		checkMembers(t, r, function, map[string]any{
			"Handler": handler, "Runtime": "provided.al2023", "Architectures": []any{"x86_64"},
			"Code": map[string]any{"S3Bucket": "programs", "S3Key": "gatehouse/lambda.zip"},
		})
	}
	checkMembers(t, stackOf(t, "lambda", "", "acme"), "WorkerFunction", map[string]any{"Architectures": []any{"arm64"}})
	if before := r.DependsOn("PortalFunction"); !slices.Contains(before, "WorkerFunction") {
		t.Errorf("before the portal come %v", before)
	}
}

func timeout(t *testing.T, r *template.Resolved, function string) int {
	t.Helper()
	seconds, err := strconv.Atoi(fmt.Sprint(deploytest.Properties(t, r, function)["Timeout"]))
	ok(t, err)
	return seconds
}

// AWS Lambda refuses an event source whose queue hides messages for less than the function's timeout
// (AWS Lambda Developer Guide, "Creating and configuring an Amazon SQS event source mapping").
func TestQueuesHideMessagesForTheTimeOfAFunction(t *testing.T) {
	t.Parallel()
	worker := timeout(t, stackOf(t, "lambda", "", "acme"), "WorkerFunction")
	r := stackOf(t, "data", "", "acme")
	for _, queue := range r.Named("AWS::SQS::Queue") {
		hidden, err := strconv.Atoi(fmt.Sprint(deploytest.Properties(t, r, queue)["VisibilityTimeout"]))
		ok(t, err)
		if hidden < worker {
			t.Errorf("%s hides messages for %d seconds, and the function may take %d", queue, hidden, worker)
		}
	}
}

// An HTTP API waits at most 30 seconds (API Gateway Developer Guide, "Quotas for HTTP APIs").
func TestThePortalEndsBeforeTheHTTPAPIStopsWaiting(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "lambda", "", "acme")
	if wait := deploytest.Properties(t, r, "HttpApiIntegration")["TimeoutInMillis"]; wait != 29000.0 || timeout(t, r, "PortalFunction") >= 29 {
		t.Errorf("the HTTP API waits %v ms for a function of %d s", wait, timeout(t, r, "PortalFunction"))
	}
}

func TestEveryQueueInvokesTheWorker(t *testing.T) {
	t.Parallel()
	names := app.NamesFor("acme")
	limited := []string{names.Commands, names.Provisioning, names.Projections, names.Notices, names.Deliveries}
	r := stackOf(t, "lambda", "", "acme")
	seen := map[string]int{}
	for _, source := range r.Named("AWS::Lambda::EventSourceMapping") {
		properties := deploytest.Properties(t, r, source)
		arn, _ := properties["EventSourceArn"].(string)
		queue, here := strings.CutPrefix(arn, "arn:aws:sqs:us-east-1:111122223333:")
		if !here {
			t.Errorf("%s has the queue %s", source, arn)
		}
		seen[queue]++
		want := map[string]any{
			"EventSourceArn": arn, "FunctionName": "acme-lambda/WorkerFunction", "FunctionResponseTypes": []any{"ReportBatchItemFailures"}, "BatchSize": 10.0, "Enabled": true,
		}
		if queue == names.Provisioning {
			want["BatchSize"], want["MaximumBatchingWindowInSeconds"] = 100.0, 1.0
		}
		if slices.Contains(limited, queue) {
			want["ScalingConfig"] = map[string]any{"MaximumConcurrency": "10"}
		}
		if diff := cmp.Diff(want, properties); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
	want := map[string]int{}
	for _, queue := range names.Queues() {
		want[queue], want[app.DeadLetterQueue(queue)] = 1, 1
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("sources by queue (-want +got):\n%s", diff)
	}
}

// A job's step sends the message of the next one, so the worker is invoked by its own messages. AWS
// Lambda stops such a chain after about 16 invocations if the function does not allow it (AWS Lambda
// Developer Guide, "Use Lambda recursive loop detection to prevent infinite loops").
func TestTheWorkerMayInvokeItself(t *testing.T) {
	t.Parallel()
	checkMembers(t, stackOf(t, "lambda", "", "acme"), "WorkerFunction", map[string]any{"RecursiveLoop": "Allow"})
}

func TestEachMinuteTheWorkerGetsATick(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "lambda", "", "acme")
	checkMembers(t, r, "Tick", map[string]any{
		"State": "ENABLED", "ScheduleExpression": "rate(1 minute)", "FlexibleTimeWindow": map[string]any{"Mode": "OFF"},
		"Target": map[string]any{
			"Arn": "acme-lambda/WorkerFunction.Arn", "RoleArn": "acme-lambda/TickRole.Arn", "Input": `{"tick": true}`,
			"RetryPolicy": map[string]any{"MaximumRetryAttempts": 0.0, "MaximumEventAgeInSeconds": 60.0},
		},
	})
	checkMembers(t, r, "TickRetries", map[string]any{"FunctionName": "acme-lambda/WorkerFunction", "MaximumRetryAttempts": 0.0})
}

func TestNothingInvokesAStoppedWorker(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "lambda", "with stopped workers", "acme")
	for _, source := range r.Named("AWS::Lambda::EventSourceMapping") {
		checkMembers(t, r, source, map[string]any{"Enabled": false})
	}
	for _, schedule := range r.Named("AWS::Scheduler::Schedule") {
		checkMembers(t, r, schedule, map[string]any{"State": "DISABLED"})
	}
	for _, permission := range r.Named("AWS::Lambda::Permission") {
		checkMembers(t, r, permission, map[string]any{"FunctionName": "acme-lambda/PortalFunction"})
	}
}

func TestTheFunctionsTakeOnlyTheirOwnRoles(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "lambda", "everything", "acme")
	for function, role := range map[string]string{"PortalFunction": "PortalRole", "WorkerFunction": "WorkerRole"} {
		checkMembers(t, r, function, map[string]any{"Role": "acme-lambda/" + role + ".Arn"})
	}
	for role, want := range map[string]struct {
		service  string
		policies any
	}{
		"PortalRole": {"lambda", []any{"portal-policy"}}, "WorkerRole": {"lambda", []any{"worker-policy", "control-plane-policy"}}, "TickRole": {"scheduler", nil},
	} {
		properties := deploytest.Properties(t, r, role)
		if diff := cmp.Diff(want.policies, properties["ManagedPolicyArns"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", role, diff)
		}
		if trust := fmt.Sprint(properties["AssumeRolePolicyDocument"]); !strings.Contains(trust, "Principal:map[Service:"+want.service+".amazonaws.com]") || strings.Count(trust, "Effect") != 1 {
			t.Errorf("%s is taken by %s", role, trust)
		}
	}
	if all := r.Named("AWS::IAM::Role"); len(all) != 3 {
		t.Errorf("the roles are %q", all)
	}
}

// own is the role's policy in the lambda stack, beside those of the permissions stack.
func own(t *testing.T, r *template.Resolved, role string) policy.Policy {
	t.Helper()
	var all policy.Policy
	policies, _ := deploytest.Properties(t, r, role)["Policies"].([]any)
	for _, one := range policies {
		member, _ := one.(map[string]any)
		p, err := policy.Parse(member["PolicyDocument"])
		ok(t, err)
		all = append(all, p...)
	}
	return all
}

func TestRolesOfFunctionsAddOnlyLogsAndWhatEventSourcesNeed(t *testing.T) {
	t.Parallel()
	r, names := stackOf(t, "lambda", "", "acme"), app.NamesFor("acme")
	writes := func(group string) []policy.Request {
		return []policy.Request{{Action: "logs:CreateLogStream", Resource: group}, {Action: "logs:PutLogEvents", Resource: group}}
	}
	// AWS Lambda Developer Guide, "Using Lambda with Amazon SQS": an event source makes these calls.
	var receives, examines []policy.Request
	for _, queue := range names.Queues() {
		for _, name := range []string{queue, app.DeadLetterQueue(queue)} {
			arn := "arn:aws:sqs:us-east-1:111122223333:" + name
			receives = append(receives, policy.Request{Action: "sqs:ReceiveMessage", Resource: arn}, policy.Request{Action: "sqs:DeleteMessage", Resource: arn})
			examines = append(examines, policy.Request{Action: "sqs:GetQueueAttributes", Resource: arn})
		}
	}
	for role, needed := range map[string][]policy.Request{
		"PortalRole": writes("acme-lambda/PortalLogGroup.Arn"),
		"WorkerRole": slices.Concat(writes("acme-lambda/WorkerLogGroup.Arn"), examines),
		"TickRole":   {{Action: "lambda:InvokeFunction", Resource: "acme-lambda/WorkerFunction.Arn"}},
	} {
		allowed := own(t, r, role)
		for _, request := range needed {
			if !allowed.Allows(request) {
				t.Errorf("%s is not allowed %s", role, request)
			}
		}
		for _, spare := range allowed.Spare(needed) {
			t.Errorf("%s is allowed what it does not need: %s", role, spare)
		}
	}
	worker, err := policy.Parse(deploytest.Properties(t, stackOf(t, "permissions", "", "acme"), "WorkerPolicy")["PolicyDocument"])
	ok(t, err)
	for _, request := range receives {
		if !worker.Allows(request) {
			t.Errorf("the worker's policy does not allow %s", request)
		}
	}
}

func TestTheHTTPAPIInvokesThePortalOnly(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "lambda", "everything", "acme")
	for resource, want := range map[string]map[string]any{
		"HttpApi":            {"ProtocolType": "HTTP", "DisableExecuteApiEndpoint": true},
		"HttpApiIntegration": {"IntegrationType": "AWS_PROXY", "IntegrationUri": "acme-lambda/PortalFunction.Arn", "PayloadFormatVersion": "2.0"},
		"HttpApiRoute":       {"RouteKey": "$default", "Target": "integrations/acme-lambda/HttpApiIntegration"},
		"HttpApiStage":       {"StageName": "$default", "AutoDeploy": true, "DefaultRouteSettings": map[string]any{"ThrottlingRateLimit": 100.0, "ThrottlingBurstLimit": 200.0}},
		"HttpApiMapping":     {"ApiId": "acme-lambda/HttpApi", "Stage": "acme-lambda/HttpApiStage", "DomainName": "acme-lambda/HttpApiDomain"},
		"HttpApiPermission": {
			"FunctionName": "acme-lambda/PortalFunction", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
			"SourceArn": "arn:aws:execute-api:us-east-1:111122223333:acme-lambda/HttpApi/*",
		},
		"DnsRecord": {"HostedZoneId": "Z1", "Name": "portal.example.com"},
	} {
		checkMembers(t, r, resource, want)
	}
	if all := r.Named("AWS::Lambda::Permission"); len(all) != 1 {
		t.Errorf("these may invoke functions: %q", all)
	}
}

func TestLogsOfFunctionsAreKeptForALimitedTime(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "lambda", "", "acme")
	for function, group := range map[string]string{"PortalFunction": "PortalLogGroup", "WorkerFunction": "WorkerLogGroup"} {
		// The metrics of the operations stack read the lines as the programs write them.
		checkMembers(t, r, function, map[string]any{"LoggingConfig": map[string]any{"LogFormat": "Text", "LogGroup": "acme-lambda/" + group}})
		checkMembers(t, r, group, map[string]any{"RetentionInDays": "30"})
	}
}

func TestTheOperationsStackTakesTheOutputsOfTheFunctions(t *testing.T) {
	t.Parallel()
	outputs, err := stackOf(t, "lambda", "", "acme").Outputs()
	ok(t, err)
	parameters := map[string]string{"DataStack": "acme"}
	for name := range deploytest.Read(t, "operations").Parameters {
		if value, given := outputs[name]; given {
			parameters[name] = value
		}
	}
	r := deploytest.Resolve(t, "operations", template.Stack{Name: "acme-operations", Parameters: parameters})
	if got := slices.Sorted(maps.Keys(parameters)); !slices.Equal(got, []string{"DataStack", "HttpApiId", "PortalLogGroup", "WorkerFunctionName", "WorkerLogGroup"}) || len(r.Resources) == 0 {
		t.Errorf("it takes %q", got)
	}
}
