package e2e

import (
	"encoding/json"
	"testing"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
)

func TestThePortalRunsFromTerraform(t *testing.T) {
	t.Parallel()
	cloud := startCloud(t)
	marketplace := deploytest.LocalProvider(cloud.Endpoint())
	marketplace["alias"] = "marketplace"
	tf := deploytest.NewTerraform(t, "../deploy", "example", map[string]any{
		"local_override.tf.json": map[string]any{"provider": map[string]any{"aws": []any{deploytest.LocalProvider(cloud.Endpoint()), marketplace}}},
		"terraform.tfvars.json": map[string]any{
			"region": "us-east-1", "name": "acme", "domain_name": portalHost,
			"certificate_arn": "arn:aws:acm:us-east-1:000000000000:certificate/1", "vpc_id": "vpc-1", "subnet_ids": []string{"subnet-1", "subnet-2"},
			"image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/gatehouse:test", "admin_email": "admin@example.com",
		},
	})
	stateful := []string{"-target=module.data", "-target=module.identity"}
	tf.Must(t, "apply", append(stateful, "-auto-approve", "-input=false", "-parallelism=60")...)
	// With this flag, exit code 2 means that the plan has changes.
	tf.Must(t, "plan", append(stateful, "-input=false", "-detailed-exitcode")...)

	planned := tf.Plan(t)
	portal := plannedEnvironment(t, cloud, planned["module.containers.aws_ecs_task_definition.portal"])
	worker := plannedEnvironment(t, cloud, planned["module.containers.aws_ecs_task_definition.worker[0]"])
	runsFrom(t, cloud, portal, worker)
}

// plannedEnvironment is the environment of the one container of a task definition in a plan, with the
// addresses of the local AWS.
func plannedEnvironment(t *testing.T, c cloud, task map[string]any) []string {
	t.Helper()
	var containers []struct {
		Environment []struct{ Name, Value string } `json:"environment"`
	}
	text, _ := task["container_definitions"].(string)
	if err := json.Unmarshal([]byte(text), &containers); err != nil || len(containers) != 1 {
		t.Fatalf("the containers are %s (%v)", text, err)
	}
	env := credentialsFor(c)
	for _, v := range containers[0].Environment {
		env = append(env, v.Name+"="+addressesOf(c).Replace(v.Value))
	}
	return env
}
