package deploy_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
)

// examples are the folders of whole portals, with variables for each.
var examples = map[string]map[string]map[string]any{
	"example": {
		"standard": {"sell": true, "trail": true, "alarm_email": "ops@example.com"},
		"small":    {"size": "small"},
	},
	"example-lambda": {
		"with a domain":    {"domain_name": "portal.example.com", "certificate_arn": "arn:aws:acm:eu-west-1:111122223333:certificate/1", "sell": true, "trail": true, "alarm_email": "ops@example.com"},
		"without a domain": {},
	},
}

// The first plan of a portal knows no id and no ARN. If a count depended on one, Terraform would refuse.
func TestOneApplyMakesAWholePortal(t *testing.T) {
	t.Parallel()
	for folder, all := range examples {
		for name, more := range all {
			t.Run(folder+" "+name, func(t *testing.T) {
				t.Parallel()
				variables := map[string]any{"region": "eu-west-1", "name": "acme", "admin_email": "you@example.com"}
				if folder == "example" {
					maps.Copy(variables, map[string]any{
						"domain_name": "portal.example.com", "certificate_arn": "arn:aws:acm:eu-west-1:111122223333:certificate/1",
						"vpc_id": "vpc-1", "subnet_ids": []string{"subnet-1", "subnet-2"}, "image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/acme:1",
					})
				} else {
					variables["zip"] = "main.tf" // any file
				}
				maps.Copy(variables, more)
				there := mockProvider("us-east-1")
				there["alias"] = "marketplace"
				made, outputs := deploytest.NewTerraform(t, ".", folder, map[string]any{
					"terraform.tfvars.json": variables,
					"main.tftest.json": map[string]any{
						"mock_provider": map[string]any{"aws": []any{mockProvider("eu-west-1"), there}}, "run": map[string]any{"make": map[string]any{}},
					},
				}).Pretend(t)
				checkExample(t, variables, made, outputs)
			})
		}
	}
}

func checkExample(t *testing.T, variables map[string]any, made map[string]deploytest.Pretended, outputs map[string]any) {
	t.Helper()
	address := "https://portal.example.com"
	if variables["zip"] != nil && variables["domain_name"] == nil {
		address = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com"
	}
	if outputs["address"] != address {
		t.Errorf("the address is %v, want %s", outputs["address"], address)
	}
	if got, want := made["module.identity.aws_cognito_user_pool_client.portal"].Values["callback_urls"], []any{address + "/sign-in/callback"}; !cmp.Equal(got, any(want)) {
		t.Errorf("people come back from signing in at %v", got)
	}
	// AWS Lambda refuses a queue that does not exist yet, and a worker ends if it finds none.
	for _, worker := range []string{`module.lambda.aws_lambda_event_source_mapping.worker["deliveries"]`, "module.containers.aws_ecs_service.worker[0]", "module.containers.aws_ecs_service.small[0]"} {
		if started, exists := made[worker]; exists && !slices.Contains(started.After, "module.data.aws_sqs_queue.main") {
			t.Errorf("%s may start before the queues exist: only after %q", worker, started.After)
		}
	}
	watched := variables["trail"] == true
	for _, resource := range []string{"module.trail[0].aws_cloudwatch_event_rule.trail", `module.operations.aws_cloudwatch_metric_alarm.metrics["TrailWaits"]`} {
		if _, exists := made[resource]; exists != watched {
			t.Errorf("it has a trail: %t, and %s exists: %t", watched, resource, exists)
		}
	}
	for _, reader := range []string{`module.lambda.aws_lambda_event_source_mapping.worker["trail"]`, "module.containers.aws_ecs_service.worker[0]"} {
		if started, exists := made[reader]; exists && watched && !slices.Contains(started.After, "module.trail.aws_sqs_queue.trail") {
			t.Errorf("%s may start before the queue of the trail exists: only after %q", reader, started.After)
		}
	}
	if rule, exists := made["module.trail[0].aws_cloudwatch_event_rule.trail"]; exists {
		role := made["module.lambda.aws_iam_role.worker"].Values["name_prefix"]
		if role == nil {
			role = made["module.containers.aws_iam_role.worker[0]"].Values["name"]
		}
		if begins := regexp.MustCompile(`"prefix":"([^"]+)"`).FindStringSubmatch(fmt.Sprint(rule.Values["event_pattern"])); begins == nil || !strings.HasPrefix(fmt.Sprint(role), begins[1]) {
			t.Errorf("the rule leaves out roles that begin with %q, and the workers' is %v", begins, role)
		}
	}
	sells := variables["sell"] == true
	for _, resource := range []string{"module.marketplace[0].aws_cloudwatch_event_rule.notices", `module.data.aws_sqs_queue_policy.marketplace[0]`, "module.marketplace[0].aws_sns_topic_subscription.notices[0]"} {
		if _, exists := made[resource]; exists != sells {
			t.Errorf("it sells: %t, and %s exists: %t", sells, resource, exists)
		}
	}
	alarms := map[string]string{"module.operations.aws_cloudwatch_metric_alarm.load_balancer[0]": "aws_lb.portal", `module.operations.aws_cloudwatch_metric_alarm.metrics["HttpApiErrors"]`: "aws_apigatewayv2_api.portal", `module.operations.aws_cloudwatch_metric_alarm.metrics["FunctionFails"]`: "aws_lambda_function.worker"}
	for alarm, of := range alarms {
		_, exists := made[alarm]
		if runs := slices.ContainsFunc(slices.Collect(maps.Keys(made)), func(at string) bool { return strings.Contains(at, "."+of) }); runs != exists {
			t.Errorf("there is %s: %t, and %s: %t", of, runs, alarm, exists)
		}
	}
}

func TestModulesAndExamplesOfTerraformAreFormattedAndValid(t *testing.T) {
	t.Parallel()
	tf := deploytest.NewTerraform(t, ".", "example", nil)
	tf.Must(t, "fmt", "-check", "-diff", "-recursive", tf.Folder)
	folders, err := filepath.Glob(filepath.Join(tf.Folder, "modules", "*"))
	ok(t, err)
	for name := range examples {
		folders = append(folders, filepath.Join(tf.Folder, name))
	}
	if len(folders) != len(terraformed)+len(examples) {
		t.Errorf("there are the folders %q", folders)
	}
	for _, folder := range folders {
		within := tf.In(folder)
		within.Must(t, "init", "-input=false")
		within.Must(t, "validate")
	}
}
