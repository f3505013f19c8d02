package deploy_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// examplePolicies precedes the names of policies, which Terraform takes as ARNs only.
const examplePolicies = "arn:aws:iam::111122223333:policy/"

func eachOf(all []string, change func(string) string) (changed []string) {
	for _, one := range all {
		changed = append(changed, change(one))
	}
	return changed
}

// variablesOf are the variables of a module for a variant of the template.
func variablesOf(t *testing.T, name, variant string) map[string]any {
	t.Helper()
	variables := variablesFor(t, name, variants[name][variant])
	variables["name"] = "acme"
	for _, policies := range []string{"portal_policy_arns", "worker_policy_arns"} {
		if all, ok := variables[policies].([]string); ok {
			variables[policies] = eachOf(all, func(policy string) string { return examplePolicies + policy })
		}
	}
	return variables
}

// called is the name of the module that stands for a variant of a stack.
func called(name, variant string) string { return name + strings.ReplaceAll("_"+variant, " ", "_") }

// mockProvider is a mock of the AWS provider, as Terraform's JSON syntax has it.
func mockProvider(region string) map[string]any {
	defaults := func(all map[string]map[string]any) map[string]any {
		mocks := map[string]any{}
		for kind, values := range all {
			mocks[kind] = map[string]any{"defaults": values}
		}
		return mocks
	}
	arns := map[string]map[string]any{}
	for kind, service := range map[string]string{
		"aws_iam_role": "iam", "aws_iam_policy": "iam", "aws_lambda_function": "lambda", "aws_sns_topic": "sns", "aws_sqs_queue": "sqs", "aws_kms_key": "kms",
		"aws_cloudwatch_event_rule": "events", "aws_lb": "elasticloadbalancing", "aws_lb_target_group": "elasticloadbalancing", "aws_appautoscaling_policy": "autoscaling", "aws_service_discovery_service": "servicediscovery",
	} {
		arns[kind] = map[string]any{"arn": "arn:aws:" + service + ":" + region + ":111122223333:one"}
		if service == "iam" {
			arns[kind]["arn"] = "arn:aws:iam::111122223333:" + strings.TrimPrefix(kind, "aws_iam_") + "/one"
		}
	}
	arns["aws_kms_key"]["arn"] = exampleKey
	arns["aws_cognito_user_pool"] = map[string]any{"id": region + "_a1b2c3"}
	arns["aws_apigatewayv2_api"] = map[string]any{"id": "a1b2c3"}
	return map[string]any{
		"mock_data": defaults(map[string]map[string]any{
			"aws_caller_identity": {"account_id": "111122223333"}, "aws_partition": {"partition": "aws", "dns_suffix": "amazonaws.com"}, "aws_region": {"name": region},
		}),
		"mock_resource": defaults(arns),
	}
}

// pretend makes all variants of the templates with the modules, and a provider that reaches nothing.
func pretend(t *testing.T, names ...string) (map[string]deploytest.Pretended, map[string]any) {
	t.Helper()
	modules, outputs, overrides := map[string]any{}, map[string]any{}, []any{}
	for _, name := range names {
		for variant := range variants[name] {
			at := called(name, variant)
			modules[at] = module(name, variablesOf(t, name, variant), nil)
			outputs[at] = map[string]any{"value": "${module." + at + "}"}
			r := stackOf(t, name, variant, "acme")
			for _, resource := range r.Resources {
				all := partsOf(name, resource, r.Type(resource))
				if len(all) == 0 {
					continue
				}
				mock, _ := known(name, resource, all[0])
				values := map[string]any{}
				for attribute, value := range mock {
					values[attribute] = value
				}
				if resource == "HttpApiDomain" {
					values["domain_name_configuration"] = domainOfTheAPI
				}
				if len(values) > 0 {
					overrides = append(overrides, map[string]any{"target": "module." + at + "." + all[0], "values": values})
				}
			}
		}
	}
	provider := mockProvider("us-east-1")
	provider["override_resource"] = overrides
	return deploytest.NewTerraform(t, ".", "root", map[string]any{
		"main.tf.json": map[string]any{
			"terraform": map[string]any{"required_providers": map[string]any{"aws": map[string]any{"source": "hashicorp/aws"}}}, "module": modules, "output": outputs,
		},
		"main.tftest.json": map[string]any{
			"mock_provider": map[string]any{"aws": provider}, "run": map[string]any{"make": map[string]any{}},
		},
	}).Pretend(t)
}

func TestTerraformMakesWhatTheTemplatesMake(t *testing.T) {
	t.Parallel()
	made, outputs := pretend(t, "lambda", "containers", "operations", "marketplace", "trail")
	for _, name := range []string{"lambda", "containers", "operations", "marketplace", "trail"} {
		for variant := range variants[name] {
			t.Run(strings.TrimSpace(name+" "+variant), func(t *testing.T) {
				t.Parallel()
				at := called(name, variant)
				own := map[string]deploytest.Pretended{}
				for address, resource := range made {
					if inner, ok := strings.CutPrefix(address, "module."+at+"."); ok {
						own[inner] = resource
					}
				}
				given, _ := outputs[at].(map[string]any)
				compareModule(t, name, stackOf(t, name, variant, "acme"), own, given)
			})
		}
	}
}

// The mock refuses what the provider's schema refuses. The provider itself refuses more, when it plans.
func TestTheProviderPlansWhatTheTemplatesMake(t *testing.T) {
	t.Parallel()
	modules := map[string]any{}
	for _, name := range []string{"lambda", "containers", "operations", "marketplace", "trail"} {
		for variant := range variants[name] {
			modules[called(name, variant)] = module(name, variablesOf(t, name, variant), nil)
		}
	}
	planned := localPlan(t, modules)
	for at := range modules {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(planned)), func(address string) bool { return strings.HasPrefix(address, "module."+at+".") }) {
			t.Errorf("nothing is planned for %s", at)
		}
	}
}

// compareModule compares what a module has made with a stack: each resource, each property, each output.
func compareModule(t *testing.T, name string, r *template.Resolved, made map[string]deploytest.Pretended, outputs map[string]any) {
	t.Helper()
	translate := translator(name, r)
	used := map[string]bool{}
	for _, resource := range r.Resources {
		table, ok := whereTerraformHas[r.Type(resource)]
		if !ok {
			table, ok = whereContainersHave[r.Type(resource)]
		}
		if !ok {
			t.Errorf("the test does not know how Terraform has %s, a %s", resource, r.Type(resource))
			continue
		}
		var found []deploytest.Pretended
		for _, address := range partsOf(name, resource, r.Type(resource)) {
			for _, at := range slices.Sorted(maps.Keys(made)) {
				if at == address || strings.HasPrefix(at, address+"[") {
					found, used[at] = append(found, made[at]), true
				}
			}
		}
		if len(found) == 0 {
			t.Errorf("Terraform has no %s", resource)
			continue
		}
		given := asTerraformHasIt(r.Type(resource), properties(t, r, resource))
		got := propertiesOf(found, table, given)
		gather(r.Type(resource), found, got)
		if diff := gocmp.Diff(canonical(translate(given)), canonical(got)); diff != "" {
			t.Errorf("%s (-template +Terraform):\n%s", resource, diff)
		}
		for _, before := range r.DependsOn(resource) {
			address := partsOf(name, before, r.Type(before))[0]
			if !slices.ContainsFunc(found, func(part deploytest.Pretended) bool {
				return slices.ContainsFunc(part.After, func(after string) bool { return strings.HasSuffix(after, "."+address) })
			}) {
				t.Errorf("Terraform may make %s before %s", resource, before)
			}
		}
	}
	for address := range made {
		if !used[address] {
			t.Errorf("only Terraform has %s", address)
		}
	}
	compareOutputs(t, r, translate, outputs)
}

func compareOutputs(t *testing.T, r *template.Resolved, translate func(any) any, outputs map[string]any) {
	t.Helper()
	given, err := r.Outputs()
	ok(t, err)
	want := map[string]any{}
	for output, value := range given {
		want[snake(output)] = translate(value)
	}
	got := map[string]any{}
	for output, value := range outputs {
		if list, ok := value.([]any); ok {
			var all []string
			for _, one := range list {
				all = append(all, fmt.Sprint(one))
			}
			value = strings.Join(all, ",")
		}
		if value != "" {
			got[output] = value
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("outputs (-template +Terraform):\n%s", diff)
	}
}

// translator replaces the stack's references by what the mock says.
func translator(name string, r *template.Resolved) func(any) any {
	stack := "acme-" + name
	replace := map[string]string{}
	for _, resource := range r.Resources {
		all := partsOf(name, resource, r.Type(resource))
		if len(all) == 0 {
			continue
		}
		_, references := known(name, resource, all[0])
		for attribute, value := range references {
			replace[strings.TrimSuffix(stack+"/"+resource+"."+attribute, ".")] = value
		}
		if resource == "HttpApiDomain" {
			for _, attribute := range domainOfTheAPI {
				replace[stack+"/"+resource+"."+attribute] = attribute
			}
		}
	}
	longestFirst := slices.SortedFunc(maps.Keys(replace), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, reference := range longestFirst {
		pairs = append(pairs, reference, replace[reference])
	}
	replacer := strings.NewReplacer(pairs...)
	return func(value any) any {
		return eachText(value, func(text string) string {
			text = replacer.Replace(text)
			// It names what a module names after the portal. The stacks trail and marketplace are called as queues are.
			if name == "containers" || text == stack && name != "trail" {
				return strings.Replace(text, stack, "acme", 1)
			}
			return text
		})
	}
}

func eachText(value any, change func(string) string) any {
	switch v := value.(type) {
	case map[string]any:
		all := map[string]any{}
		for key, member := range v {
			all[key] = eachText(member, change)
		}
		return all
	case []any:
		var all []any
		for _, member := range v {
			all = append(all, eachText(member, change))
		}
		return all
	case string:
		return change(v)
	}
	return value
}

// propertiesOf gathers the properties of a resource from its parts. given are those that the template has.
func propertiesOf(found []deploytest.Pretended, table map[string]string, given map[string]any) map[string]any {
	all := map[string]any{}
	for property, attribute := range table {
		kind, path, other := strings.Cut(attribute, ":")
		if !other {
			kind, path = "", attribute
		}
		path, chosen := strings.CutSuffix(path, "~")
		if first, _, _ := strings.Cut(property, "."); chosen && given[first] == nil {
			continue
		}
		path, optional := strings.CutSuffix(path, "?")
		path, list := strings.CutSuffix(path, "*")
		var values []any
		for i, part := range found {
			if kind == "" && i > 0 || kind != "" && !strings.Contains("."+part.Address, "."+kind+".") {
				continue
			}
			if value := attributeAt(part.Values, strings.Split(path, ".")); !empty(value) && (!optional || value != false) {
				values = append(values, value)
			}
		}
		switch {
		case len(values) == 0:
		case list:
			set(all, strings.Split(property, "."), values)
		default:
			set(all, strings.Split(property, "."), values[0])
		}
	}
	if queries, ok := all["Metrics"].([]any); ok {
		all["Metrics"] = metricsOf(queries)
	}
	if policies, ok := all["ManagedPolicyArns"]; ok {
		all["ManagedPolicyArns"] = eachText(policies, func(arn string) string { return strings.TrimPrefix(arn, examplePolicies) })
	}
	if dimensions, ok := all["Dimensions"].(map[string]any); ok {
		all["Dimensions"] = dimensionsOf(dimensions)
	}
	return all
}

func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func attributeAt(value any, path []string) any {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

func set(into map[string]any, path []string, value any) {
	for _, step := range path[:len(path)-1] {
		inner, ok := into[step].(map[string]any)
		if !ok {
			inner = map[string]any{}
			into[step] = inner
		}
		into = inner
	}
	into[path[len(path)-1]] = value
}

func dimensionsOf(all map[string]any) (list []any) {
	for name, value := range all {
		list = append(list, map[string]any{"Name": name, "Value": value})
	}
	return list
}

func metricsOf(queries []any) (list []any) {
	for _, query := range queries {
		one := map[string]any{}
		for property, path := range map[string]string{
			"Id": "id", "Expression": "expression", "Label": "label", "MetricStat.Stat": "metric.0.stat", "MetricStat.Period": "metric.0.period",
			"MetricStat.Metric.Namespace": "metric.0.namespace", "MetricStat.Metric.MetricName": "metric.0.metric_name", "MetricStat.Metric.Dimensions": "metric.0.dimensions",
		} {
			value := attributeAt(query, strings.Split(path, "."))
			if dimensions, ok := value.(map[string]any); ok {
				value = dimensionsOf(dimensions)
			}
			if !empty(value) {
				set(one, strings.Split(property, "."), value)
			}
		}
		if shown := attributeAt(query, []string{"return_data"}); shown != true { // as the templates have it
			one["ReturnData"] = shown
		}
		list = append(list, one)
	}
	return list
}

// canonical makes values equal that mean the same to AWS: numbers and flags are texts, a list of one
// member is the member, lists have no order, JSON in a text is what it says, and empty members are left out.
func canonical(value any) any {
	switch v := value.(type) {
	case map[string]any:
		all := map[string]any{}
		for key, member := range v {
			if !empty(member) {
				all[key] = canonical(member)
			}
		}
		return all
	case []any:
		var all []any
		for _, member := range v {
			all = append(all, canonical(member))
		}
		if len(all) == 1 {
			return all[0]
		}
		slices.SortFunc(all, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return all
	case string:
		var inner map[string]any
		if strings.HasPrefix(strings.TrimSpace(v), "{") && json.Unmarshal([]byte(v), &inner) == nil {
			return canonical(inner)
		}
		return v
	}
	return fmt.Sprint(value)
}
