package deploy_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// module is a call of a module, as Terraform's JSON syntax has it.
func module(name string, variables map[string]any, more map[string]any) map[string]any {
	call := map[string]any{"source": "../modules/" + name}
	maps.Copy(call, variables)
	maps.Copy(call, more)
	return call
}

// One run of Terraform makes both, since a run takes long: a queue alone takes half a minute.
func TestTerraformMakesWhatSetUpAndTheDataStackMake(t *testing.T) {
	t.Parallel()
	const user, topic = "arn:aws:iam::000000000000:role/worker", "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-1"
	cases := map[string]struct {
		variables  map[string]any
		parameters map[string]string
		env        []string
		keyUsers   []string
	}{
		"defaults": {},
		"everything": {
			variables:  map[string]any{"key_users": []string{user, user + "2"}, "marketplace_topics": []string{topic}, "marketplace_accounts": []string{"111122223333"}, "queue_visibility": 60},
			parameters: map[string]string{"KeyUsers": user + "," + user + "2", "MarketplaceTopics": topic, "MarketplaceAccounts": "111122223333", "QueueVisibility": "60"},
			env:        []string{"GATEHOUSE_MARKETPLACE_TOPICS=" + topic, "GATEHOUSE_MARKETPLACE_ACCOUNTS=111122223333"},
			keyUsers:   []string{user, user + "2"},
		},
	}
	var providers []any
	modules, clouds := map[string]any{}, map[string]aws.Config{}
	for name, c := range cases {
		clouds[name] = localAWS(t)
		provider := deploytest.LocalProvider(*clouds[name].BaseEndpoint)
		provider["alias"] = name
		providers = append(providers, provider)
		modules[name] = module("data", map[string]any{"name": "Acme-portal", "protect": "${var.protect}"}, map[string]any{"providers": map[string]any{"aws": "aws." + name}})
		maps.Copy(modules[name].(map[string]any), c.variables)
	}
	tf := deploytest.NewTerraform(t, ".", "root", map[string]any{"main.tf.json": map[string]any{
		"terraform": map[string]any{"required_providers": map[string]any{"aws": map[string]any{"source": "hashicorp/aws"}}},
		"variable":  map[string]any{"protect": map[string]any{"type": "bool", "default": true}},
		"provider":  map[string]any{"aws": providers}, "module": modules,
	}})
	tf.Must(t, "apply", "-auto-approve", "-input=false", "-parallelism=60")

	made := map[string]any{}
	for name, c := range cases {
		t.Run("as the data stack, with "+name, func(t *testing.T) {
			byTemplate := localAWS(t)
			deploytest.Create(t, byTemplate, "data", template.Stack{Name: "Acme-portal", Parameters: c.parameters})
			made[name] = inventory(t, clouds[name])
			if diff := cmp.Diff(any(asTheProviderMakesIt(inventory(t, byTemplate))), made[name]); diff != "" {
				t.Errorf("(-template +Terraform):\n%s", diff)
			}
		})
		t.Run("set-up only remembers the key, with "+name, func(t *testing.T) {
			cfg, err := app.LoadConfig(append(c.env, "GATEHOUSE_PREFIX=Acme-portal"))
			ok(t, err)
			var would []string
			ok(t, app.SetupWith(t.Context(), clouds[name], cfg, app.SetupOptions{
				DryRun: true, KeyUsers: c.keyUsers, Changed: func(c app.Change) { would = append(would, c.What+": "+c.Did) },
			}))
			if want := []string{"KMS key material: remember the key"}; !slices.Equal(would, want) {
				t.Errorf("set-up would do %q, want %q", would, want)
			}
		})
	}
	// With this flag, exit code 2 means that the plan has changes.
	tf.Must(t, "plan", "-input=false", "-detailed-exitcode")

	out, code := tf.Run(t, "destroy", "-auto-approve", "-input=false", "-refresh=false")
	if code == 0 || !strings.Contains(out, "DeletionProtection") && !strings.Contains(out, "deletion protection") {
		t.Errorf("destroying protected tables ends with %d:\n%s", code, out)
	}
	for name, cloud := range clouds {
		if diff := cmp.Diff(made[name], any(inventory(t, cloud))); diff != "" {
			t.Errorf("with %s, the refused destroy changed (-before +after):\n%s", name, diff)
		}
	}
	tf.Must(t, "apply", "-auto-approve", "-input=false", "-refresh=false", "-var=protect=false")
	tf.Must(t, "destroy", "-auto-approve", "-input=false", "-refresh=false", "-var=protect=false", "-parallelism=60")
	for name, cloud := range clouds {
		for kind, left := range inventory(t, cloud) {
			if len(left) > 0 {
				t.Errorf("with %s, destroy leaves %s %v", name, kind, slices.Collect(maps.Keys(left)))
			}
		}
	}
}

func TestTerraformMakesThePoolOfTheIdentityStack(t *testing.T) {
	t.Parallel()
	byTerraform, byTemplate := localAWS(t), localAWS(t)
	parameters := map[string]string{"DomainName": "portal.example.com", "AdminEmail": "admin@example.com", "AdminGroup": "portal-admins"}
	variables := variablesFor(t, "identity", parameters)
	maps.Copy(variables, map[string]any{"name": "acme-identity", "protect": "${var.protect}"})
	config := rootModule(byTerraform, map[string]any{"identity": module("identity", variables, nil)})
	config["variable"] = map[string]any{"protect": map[string]any{"type": "bool", "default": true}}
	outputs := map[string]any{}
	for _, name := range []string{"oidc_issuer", "oidc_client_id", "oidc_sign_up_url", "oidc_sign_out_url", "admin_group", "mail_warning"} {
		outputs[name] = map[string]any{"value": "${module.identity." + name + "}"}
	}
	config["output"] = outputs
	tf := deploytest.NewTerraform(t, ".", "root", map[string]any{"main.tf.json": config})
	tf.Must(t, "apply", "-auto-approve", "-input=false")
	// With this flag, exit code 2 means that the plan has changes.
	tf.Must(t, "plan", "-input=false", "-detailed-exitcode")

	stack := deploytest.Create(t, byTemplate, "identity", template.Stack{Name: "acme-identity", Parameters: parameters})
	want, got := poolOf(t, byTemplate), poolOf(t, byTerraform)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-template +Terraform):\n%s", diff)
	}
	var said map[string]struct{ Value string }
	ok(t, json.Unmarshal([]byte(tf.Must(t, "output", "-json")), &said))
	for _, same := range []string{"OidcSignUpUrl", "OidcSignOutUrl", "AdminGroup"} {
		if got := said[snake(same)].Value; got != stack.Outputs[same] {
			t.Errorf("%s is %s with the template and %s with Terraform", same, stack.Outputs[same], got)
		}
	}
	if issuer := said["oidc_issuer"].Value; !strings.HasPrefix(issuer, "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_") || said["oidc_client_id"].Value == "" {
		t.Errorf("the outputs are %v", said)
	}
	if out, code := tf.Run(t, "destroy", "-auto-approve", "-input=false"); code == 0 {
		t.Errorf("a protected pool is destroyed:\n%s", out)
	}
	tf.Must(t, "apply", "-auto-approve", "-input=false", "-var=protect=false")
	tf.Must(t, "destroy", "-auto-approve", "-input=false", "-var=protect=false")
	left, err := cognitoidentityprovider.NewFromConfig(byTerraform).ListUserPools(t.Context(), &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(10)})
	ok(t, err)
	if len(left.UserPools) > 0 {
		t.Errorf("destroy leaves %d pools", len(left.UserPools))
	}
}

// poolOf describes the one user pool: itself, its client, and how many admins it has.
func poolOf(t *testing.T, cfg aws.Config) map[string]any {
	t.Helper()
	client := cognitoidentityprovider.NewFromConfig(cfg)
	pools, err := client.ListUserPools(t.Context(), &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(10)})
	ok(t, err)
	if len(pools.UserPools) != 1 {
		t.Fatalf("there are %d pools", len(pools.UserPools))
	}
	id := pools.UserPools[0].Id
	pool, err := client.DescribeUserPool(t.Context(), &cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: id})
	ok(t, err)
	clients, err := client.ListUserPoolClients(t.Context(), &cognitoidentityprovider.ListUserPoolClientsInput{UserPoolId: id})
	ok(t, err)
	one, err := client.DescribeUserPoolClient(t.Context(), &cognitoidentityprovider.DescribeUserPoolClientInput{UserPoolId: id, ClientId: clients.UserPoolClients[0].ClientId})
	ok(t, err)
	admins, err := client.ListUsersInGroup(t.Context(), &cognitoidentityprovider.ListUsersInGroupInput{UserPoolId: id, GroupName: aws.String("portal-admins")})
	ok(t, err)
	slices.Sort(one.UserPoolClient.AllowedOAuthScopes)
	slices.Sort(one.UserPoolClient.ExplicitAuthFlows)
	all := map[string]any{"pool": document(t, pool.UserPool), "client": document(t, one.UserPoolClient), "admins": len(admins.Users)}
	for _, part := range []string{"pool", "client"} {
		members, _ := all[part].(map[string]any)
		for _, chosen := range []string{"Id", "Arn", "ClientId", "UserPoolId", "CreationDate", "LastModifiedDate", "UserPoolTags"} {
			delete(members, chosen)
		}
	}
	return all
}

// asTheProviderMakesIt adds what the AWS provider always sends: the largest message that its version 5
// knows, and rates for feedback that nothing gives.
func asTheProviderMakesIt(all map[string]map[string]any) map[string]map[string]any {
	for _, queue := range all["queues"] {
		queue.(map[string]any)["MaximumMessageSize"] = "262144"
	}
	for _, topic := range all["topics"] {
		for _, protocol := range []string{"Application", "Firehose", "HTTP", "Lambda", "SQS"} {
			topic.(map[string]any)[protocol+"SuccessFeedbackSampleRate"] = "0"
		}
	}
	return all
}

// variablesFor turns the parameters of a stack into the variables of a module.
func variablesFor(t *testing.T, name string, parameters map[string]string) map[string]any {
	t.Helper()
	known := deploytest.Read(t, name).Parameters
	all := map[string]any{}
	for parameter, value := range parameters {
		switch variable := snake(parameter); {
		case parameter == "LoadBalancerScheme":
			all[variable] = value == "internal"
		case parameter == "AssignPublicIp":
			all[variable] = value == "ENABLED"
		case strings.Contains(known[parameter].Type, "List"), parameter == "LoadBalancerName", parameter == "HttpApiId":
			all[variable] = strings.Split(value, ",")
		default:
			all[variable] = value
		}
	}
	return all
}

var inner2 = regexp.MustCompile(`(.)([A-Z])`)

// snake is the name of the variable that takes a parameter's value.
func snake(parameter string) string {
	switch parameter {
	case "DataStack":
		return "name"
	case "LoadBalancerScheme":
		return "internal"
	// Terraform must know beforehand whether there is one, and it knows the length of a list.
	case "LoadBalancerName":
		return "load_balancer_names"
	case "HttpApiId":
		return "http_api_ids"
	}
	return strings.ToLower(inner2.ReplaceAllString(parameter, "${1}_${2}"))
}

// localPlan plans modules, none of which exists.
func localPlan(t *testing.T, modules map[string]any) map[string]map[string]any {
	t.Helper()
	return deploytest.NewTerraform(t, ".", "root", map[string]any{"main.tf.json": rootModule(localAWS(t), modules)}).Plan(t)
}

// rootModule calls modules on a local AWS.
func rootModule(cfg aws.Config, modules map[string]any) map[string]any {
	return map[string]any{
		"terraform": map[string]any{"required_providers": map[string]any{"aws": map[string]any{"source": "hashicorp/aws"}}},
		"provider":  map[string]any{"aws": deploytest.LocalProvider(*cfg.BaseEndpoint)}, "module": modules,
	}
}

func TestTerraformPlansThePermissionsOfTheTemplate(t *testing.T) {
	t.Parallel()
	modules := map[string]any{}
	for variant, parameters := range variants["permissions"] {
		modules[called("permissions", variant)] = module("permissions", variablesFor(t, "permissions", parameters), nil)
	}
	planned := localPlan(t, modules)
	for variant, parameters := range variants["permissions"] {
		r := deploytest.Resolve(t, "permissions", template.Stack{Name: "acme-permissions", Parameters: parameters})
		for resource, policy := range map[string]string{"PortalPolicy": "portal", "WorkerPolicy": "worker", "ControlPlanePolicy": "control_plane"} {
			got := planned["module."+called("permissions", variant)+".aws_iam_policy."+policy]
			if diff := cmp.Diff(decoded(t, properties(t, r, resource)["PolicyDocument"]), decoded(t, got["policy"])); diff != "" {
				t.Errorf("%q: %s (-template +Terraform):\n%s", variant, resource, diff)
			}
		}
	}
}

func properties(t *testing.T, r *template.Resolved, resource string) map[string]any {
	t.Helper()
	return deploytest.Properties(t, r, resource)
}

// decoded is a policy as AWS reads it: a list of one string is the string.
func decoded(t *testing.T, policy any) any {
	t.Helper()
	if text, ok := policy.(string); ok {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		policy = value
	}
	return alone(document(t, policy))
}

func alone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			v[key] = alone(member)
		}
	case []any:
		for i := range v {
			v[i] = alone(v[i])
		}
		if len(v) == 1 {
			if text, ok := v[0].(string); ok {
				return text
			}
		}
	}
	return value
}
