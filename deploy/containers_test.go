package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// containersOf lists the containers of a task by name.
func containersOf(t *testing.T, r *template.Resolved, task string) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	definitions, _ := deploytest.Properties(t, r, task)["ContainerDefinitions"].([]any)
	for _, one := range definitions {
		definition, _ := one.(map[string]any)
		all[fmt.Sprint(definition["Name"])] = definition
	}
	return all
}

func environment(container map[string]any) []string {
	var all []string
	variables, _ := container["Environment"].([]any)
	for _, one := range variables {
		variable, _ := one.(map[string]any)
		all = append(all, fmt.Sprint(variable["Name"])+"="+fmt.Sprint(variable["Value"]))
	}
	return all
}

func TestTheProcessesAcceptTheEnvironmentOfTheContainers(t *testing.T) {
	t.Parallel()
	for variant := range variants["containers"] {
		r := stackOf(t, "containers", variant, "acme")
		for _, task := range r.Named("AWS::ECS::TaskDefinition") {
			for name, container := range containersOf(t, r, task) {
				var needs []app.Need
				if name == "portal" {
					needs = append(needs, app.SignIn)
				}
				env := environment(container)
				cfg, err := app.LoadConfig(env, needs...)
				if err != nil {
					t.Errorf("%q, %s: %v", variant, name, err)
				}
				if cfg.Prefix != "acme" || cfg.BaseURL != "https://portal.example.com" || cfg.KMSKey != exampleKey || !slices.Contains(env, "AWS_REGION=us-east-1") {
					t.Errorf("%q, %s: the environment is %q", variant, name, env)
				}
			}
		}
	}
}

func TestPortalAndWorkerAgreeOnWhatBothNeed(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "containers", "everything", "acme")
	values := map[string]string{}
	for _, pair := range environment(containersOf(t, r, "WorkerTask")["worker"]) {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	shared := 0
	for _, pair := range environment(containersOf(t, r, "PortalTask")["portal"]) {
		name, value, _ := strings.Cut(pair, "=")
		if other, both := values[name]; both {
			shared++
			if other != value {
				t.Errorf("%s is %q for the portal and %q for the worker", name, value, other)
			}
		}
	}
	if shared < 8 {
		t.Errorf("they share %d variables", shared)
	}
}

func TestBothSizesRunTheSameContainers(t *testing.T) {
	t.Parallel()
	standard, small := stackOf(t, "containers", "everything", "acme"), stackOf(t, "containers", "small with everything", "acme")
	together := containersOf(t, small, "PortalTask")
	if diff := cmp.Diff(containersOf(t, standard, "WorkerTask")["worker"], together["worker"]); diff != "" {
		t.Errorf("the worker (-standard +small):\n%s", diff)
	}
	portal := containersOf(t, standard, "PortalTask")["portal"]
	if diff := cmp.Diff(slices.DeleteFunc(environment(portal), isProxies), slices.DeleteFunc(environment(together["portal"]), isProxies)); diff != "" {
		t.Errorf("the portal (-standard +small):\n%s", diff)
	}
	if !slices.Contains(environment(portal), "GATEHOUSE_TRUSTED_PROXIES=private") || !slices.Contains(environment(together["portal"]), "GATEHOUSE_TRUSTED_PROXIES=none") {
		t.Error("the proxies are not those of the size")
	}
	if len(containersOf(t, standard, "PortalTask")) != 1 || small.Has("WorkerTask") || small.Has("LoadBalancer") || standard.Has("HttpApi") {
		t.Error("a size has the resources of the other")
	}
}

func isProxies(pair string) bool { return strings.HasPrefix(pair, "GATEHOUSE_TRUSTED_PROXIES=") }

func TestContainersRunWithoutPrivileges(t *testing.T) {
	t.Parallel()
	for variant := range variants["containers"] {
		r := stackOf(t, "containers", variant, "acme")
		for _, task := range r.Named("AWS::ECS::TaskDefinition") {
			for name, container := range containersOf(t, r, task) {
				want := map[string]any{"User": "65532", "ReadonlyRootFilesystem": true, "StopTimeout": 30.0, "Essential": true}
				for property, value := range want {
					if container[property] != value {
						t.Errorf("%q, %s: %s is %v, want %v", variant, name, property, container[property], value)
					}
				}
				for _, pair := range environment(container) {
					if strings.Contains(pair, "SECRET") {
						t.Errorf("%q, %s: the environment shows a secret: %s", variant, name, pair)
					}
				}
			}
		}
	}
}

func TestEachRoleHasItsOwnPolicies(t *testing.T) {
	t.Parallel()
	for variant, want := range map[string]map[string]any{
		"":      {"PortalRole": []any{"portal-policy"}, "WorkerRole": []any{"worker-policy", "control-plane-policy"}},
		"small": {"SmallRole": []any{"portal-policy", "worker-policy", "control-plane-policy"}},
	} {
		r := stackOf(t, "containers", variant, "acme")
		got := map[string]any{}
		for _, role := range r.Named("AWS::IAM::Role") {
			if policies := deploytest.Properties(t, r, role)["ManagedPolicyArns"]; policies != nil {
				got[role] = policies
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", variant, diff)
		}
		if variant == "" && deploytest.Properties(t, r, "PortalTask")["TaskRoleArn"] != "acme-containers/PortalRole.Arn" {
			t.Error("the portal's task has another role than the portal's")
		}
	}
}

func TestOnlyTheFrontDoorIsOpen(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "containers", "", "acme")
	opened := map[string][]string{}
	for _, group := range r.Named("AWS::EC2::SecurityGroup") {
		if rules := ingress(t, r, group); len(rules) > 0 {
			opened[group] = rules
		}
	}
	want := map[string][]string{
		"LoadBalancerSecurityGroup": {"443 from 0.0.0.0/0", "80 from 0.0.0.0/0"},
		"PortalSecurityGroup":       {"8080 from acme-containers/LoadBalancerSecurityGroup"},
	}
	if diff := cmp.Diff(want, opened); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	redirect := fmt.Sprint(deploytest.Properties(t, r, "HttpListener")["DefaultActions"])
	if !strings.Contains(redirect, "HTTPS") || strings.Contains(redirect, "forward") {
		t.Errorf("without TLS the load balancer does %s", redirect)
	}
}

// ingress lists the ports that a security group opens, and for whom.
func ingress(t *testing.T, r *template.Resolved, group string) []string {
	t.Helper()
	var all []string
	rules, _ := deploytest.Properties(t, r, group)["SecurityGroupIngress"].([]any)
	for _, one := range rules {
		rule, _ := one.(map[string]any)
		for _, from := range []string{"CidrIp", "SourceSecurityGroupId", "SourcePrefixListId"} {
			if rule[from] != nil {
				all = append(all, fmt.Sprintf("%v from %v", rule["ToPort"], rule[from]))
			}
		}
	}
	return all
}

func TestLogsAreKeptForALimitedTime(t *testing.T) {
	t.Parallel()
	for variant := range variants["containers"] {
		r := stackOf(t, "containers", variant, "acme")
		for _, group := range r.Named("AWS::Logs::LogGroup") {
			if got := deploytest.Properties(t, r, group)["RetentionInDays"]; got != "30" {
				t.Errorf("%q: %s keeps lines for %v days", variant, group, got)
			}
		}
	}
}

func TestWorkersAreUpdatedBeforeThePortal(t *testing.T) {
	t.Parallel()
	if before := stackOf(t, "containers", "", "acme").DependsOn("PortalService"); !slices.Contains(before, "WorkerService") {
		t.Errorf("before the portal come %v", before)
	}
}

// The stacks pass values by outputs and parameters of one name.
func TestOutputsFitTheParametersOfTheirNames(t *testing.T) {
	t.Parallel()
	outputs := map[string]string{}
	cfg := localAWS(t)
	maps.Copy(outputs, deploytest.Create(t, cfg, "data", template.Stack{Name: "acme"}).Outputs)
	maps.Copy(outputs, deploytest.Create(t, cfg, "identity", template.Stack{Name: "acme-identity", Parameters: variants["identity"][""]}).Outputs)
	permissions, err := stackOf(t, "permissions", "", "acme").Outputs()
	ok(t, err)
	maps.Copy(outputs, permissions)
	for _, name := range []string{"permissions", "containers", "lambda", "operations"} {
		parameters := maps.Clone(variants[name][""])
		taken := 0
		for parameter := range deploytest.Read(t, name).Parameters {
			if value, given := outputs[parameter]; given {
				parameters[parameter] = value
				taken++
			}
		}
		r := deploytest.Resolve(t, name, template.Stack{Name: "acme-" + name, Parameters: parameters})
		if taken == 0 {
			t.Errorf("%s takes no output", name)
		}
		if name == "containers" {
			more, err := r.Outputs()
			ok(t, err)
			maps.Copy(outputs, more)
		}
	}
}

func TestWorkersFollowTheAgeOfMessages(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "containers", "", "acme")
	for alarm, policy := range map[string]string{"OldMessages": "MoreWorkers", "YoungMessages": "FewerWorkers"} {
		properties := deploytest.Properties(t, r, alarm)
		if text := fmt.Sprint(properties["AlarmActions"]); text != "[acme-containers/"+policy+"]" {
			t.Errorf("%s leads to %s", alarm, text)
		}
		text := fmt.Sprint(properties["Metrics"])
		for _, queue := range []string{app.NamesFor("acme").Commands, app.NamesFor("acme").Projections} {
			if !strings.Contains(text, "Name:QueueName Value:"+queue) || !strings.Contains(text, "ApproximateAgeOfOldestMessage") {
				t.Errorf("%s does not watch %s: %s", alarm, queue, text)
			}
		}
	}
	more, fewer := deploytest.Properties(t, r, "MoreWorkers"), deploytest.Properties(t, r, "FewerWorkers")
	if !strings.Contains(fmt.Sprint(more), "ScalingAdjustment:1") || !strings.Contains(fmt.Sprint(fewer), "ScalingAdjustment:-1") {
		t.Errorf("they adjust by %v and %v", more, fewer)
	}
	scaling := deploytest.Properties(t, r, "WorkerScaling")
	if scaling["MinCapacity"] != "1" || scaling["MaxCapacity"] != "4" || scaling["ResourceId"] != "service/acme-containers/Cluster/acme-containers/WorkerService.Name" {
		t.Errorf("the workers scale by %v", scaling)
	}
}

func TestStoppedWorkersHaveNoTasks(t *testing.T) {
	t.Parallel()
	running, stopped := stackOf(t, "containers", "", "acme"), stackOf(t, "containers", "with stopped workers", "acme")
	checkMembers(t, stopped, "WorkerService", map[string]any{"DesiredCount": 0.0})
	checkMembers(t, stopped, "WorkerScaling", map[string]any{"MinCapacity": 0.0, "MaxCapacity": 0.0})
	checkMembers(t, stopped, "PortalScaling", map[string]any{"MinCapacity": "2"})
	// A number would undo, in each update, what the scaling has chosen.
	if n, given := deploytest.Properties(t, running, "WorkerService")["DesiredCount"]; given {
		t.Errorf("running workers are %v", n)
	}
	checkMembers(t, stackOf(t, "containers", "small", "acme"), "SmallService", map[string]any{"DesiredCount": 1.0})
	checkMembers(t, stackOf(t, "containers", "stopped and small", "acme"), "SmallService", map[string]any{"DesiredCount": 0.0})
}

func TestTheFrontDoorLeadsToThePortal(t *testing.T) {
	t.Parallel()
	port := fmt.Sprint(containersOf(t, stackOf(t, "containers", "", "acme"), "PortalTask")["portal"]["PortMappings"])
	if cfg, err := app.LoadConfig(nil); err != nil || port != "[map[ContainerPort:8080]]" || cfg.Addr != ":8080" {
		t.Errorf("the container's port is %s, and the portal listens on %s (%v)", port, cfg.Addr, err)
	}
	standard := stackOf(t, "containers", "", "acme")
	for resource, want := range map[string]map[string]any{
		"TargetGroup": {"Port": 8080.0, "Protocol": "HTTP", "TargetType": "ip", "HealthCheckPath": "/healthz"},
		"HttpsListener": {
			"Port": 443.0, "Protocol": "HTTPS", "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
			"DefaultActions": []any{map[string]any{"Type": "forward", "TargetGroupArn": "acme-containers/TargetGroup"}},
			"Certificates":   []any{map[string]any{"CertificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/1"}},
		},
		"PortalService": {"LoadBalancers": []any{map[string]any{"ContainerName": "portal", "ContainerPort": 8080.0, "TargetGroupArn": "acme-containers/TargetGroup"}}},
		"LoadBalancer":  {"Scheme": "internet-facing", "Subnets": []any{"subnet-1", "subnet-2"}},
	} {
		checkMembers(t, standard, resource, want)
	}
	small := stackOf(t, "containers", "small", "acme")
	for resource, want := range map[string]map[string]any{
		"SmallService": {"ServiceRegistries": []any{map[string]any{"RegistryArn": "acme-containers/Discovery.Arn", "ContainerName": "portal", "ContainerPort": 8080.0}}},
		"HttpApiIntegration": {
			"IntegrationUri": "acme-containers/Discovery.Arn", "ConnectionType": "VPC_LINK", "ConnectionId": "acme-containers/VpcLink", "IntegrationMethod": "ANY",
		},
		"HttpApiRoute":   {"RouteKey": "$default", "Target": "integrations/acme-containers/HttpApiIntegration"},
		"HttpApiMapping": {"ApiId": "acme-containers/HttpApi", "Stage": "acme-containers/HttpApiStage", "DomainName": "acme-containers/HttpApiDomain"},
		"HttpApi":        {"DisableExecuteApiEndpoint": true},
		"HttpApiStage":   {"DefaultRouteSettings": map[string]any{"ThrottlingRateLimit": 100.0, "ThrottlingBurstLimit": 200.0}, "StageName": "$default"},
		// An HTTP API learns the port of a task from a record of this type only.
		"Discovery": {"DnsConfig": map[string]any{"DnsRecords": []any{map[string]any{"Type": "SRV", "TTL": 10.0}}}},
	} {
		checkMembers(t, small, resource, want)
	}
}

func checkMembers(t *testing.T, r *template.Resolved, resource string, want map[string]any) {
	t.Helper()
	properties := deploytest.Properties(t, r, resource)
	for member, value := range want {
		if diff := cmp.Diff(value, properties[member]); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", member, resource, diff)
		}
	}
}

func TestARolledBackUpdateKeepsThePortalRunning(t *testing.T) {
	t.Parallel()
	for variant := range variants["containers"] {
		r := stackOf(t, "containers", variant, "acme")
		for _, service := range r.Named("AWS::ECS::Service") {
			checkMembers(t, r, service, map[string]any{"DeploymentConfiguration": map[string]any{
				"MinimumHealthyPercent": 100.0, "MaximumPercent": 200.0, "DeploymentCircuitBreaker": map[string]any{"Enable": true, "Rollback": true},
			}})
		}
	}
}

func TestOnlyECSOfThisAWSAccountTakesTheRoles(t *testing.T) {
	t.Parallel()
	for variant := range variants["containers"] {
		r := stackOf(t, "containers", variant, "acme")
		for _, role := range r.Named("AWS::IAM::Role") {
			checkMembers(t, r, role, map[string]any{"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole",
				"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": "111122223333"}},
			}}}})
		}
	}
}

// The role with which ECS starts tasks is not the programs'.
func TestTheRoleThatStartsTasksReadsOnlyTheSecret(t *testing.T) {
	t.Parallel()
	for variant, secret := range map[string]bool{"": false, "everything": true} {
		text := fmt.Sprint(deploytest.Properties(t, stackOf(t, "containers", variant, "acme"), "ExecutionRole")["Policies"])
		if strings.Contains(text, "secretsmanager:GetSecretValue") != secret || secret && !strings.Contains(text, everything["OidcClientSecretArn"]) {
			t.Errorf("%q: it may do %s", variant, text)
		}
		for _, other := range []string{"dynamodb", "sqs", "kms", "apigateway"} {
			if strings.Contains(text, other+":") {
				t.Errorf("%q: it may call %s", variant, other)
			}
		}
	}
}
