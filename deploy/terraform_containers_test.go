package deploy_test

import (
	"encoding/json"
	"strings"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
)

var partsOfContainers = map[string][]string{
	"Cluster":                   {"aws_ecs_cluster.portal"},
	"PortalTask":                {"aws_ecs_task_definition.portal"},
	"WorkerTask":                {"aws_ecs_task_definition.worker"},
	"PortalLogGroup":            {"aws_cloudwatch_log_group.portal"},
	"WorkerLogGroup":            {"aws_cloudwatch_log_group.worker"},
	"PortalRole":                {"aws_iam_role.portal", "aws_iam_role_policy_attachment.portal"},
	"WorkerRole":                {"aws_iam_role.worker", "aws_iam_role_policy_attachment.worker"},
	"SmallRole":                 {"aws_iam_role.small", "aws_iam_role_policy_attachment.small"},
	"ExecutionRole":             {"aws_iam_role.execution", "aws_iam_role_policy.execution"},
	"WorkerService":             {"aws_ecs_service.worker"},
	"PortalService":             {"aws_ecs_service.portal"},
	"SmallService":              {"aws_ecs_service.small"},
	"PortalSecurityGroup":       {"aws_security_group.portal", "aws_vpc_security_group_ingress_rule.portal", `aws_vpc_security_group_egress_rule.all["portal"]`},
	"WorkerSecurityGroup":       {"aws_security_group.worker", `aws_vpc_security_group_egress_rule.all["worker"]`},
	"LoadBalancerSecurityGroup": {"aws_security_group.load_balancer", "aws_vpc_security_group_ingress_rule.load_balancer", `aws_vpc_security_group_egress_rule.all["load_balancer"]`},
	"LinkSecurityGroup":         {"aws_security_group.link", `aws_vpc_security_group_egress_rule.all["link"]`},
	"LoadBalancer":              {"aws_lb.portal"},
	"TargetGroup":               {"aws_lb_target_group.portal"},
	"HttpsListener":             {"aws_lb_listener.https"},
	"HttpListener":              {"aws_lb_listener.http"},
	"StandardDnsRecord":         {"aws_route53_record.standard"},
	"SmallDnsRecord":            {"aws_route53_record.small"},
	"Namespace":                 {"aws_service_discovery_private_dns_namespace.portal"},
	"Discovery":                 {"aws_service_discovery_service.portal"},
	"VpcLink":                   {"aws_apigatewayv2_vpc_link.portal"},
	"HttpApi":                   {"aws_apigatewayv2_api.portal"},
	"HttpApiIntegration":        {"aws_apigatewayv2_integration.portal"},
	"HttpApiRoute":              {"aws_apigatewayv2_route.portal"},
	"HttpApiStage":              {"aws_apigatewayv2_stage.portal"},
	"HttpApiDomain":             {"aws_apigatewayv2_domain_name.portal"},
	"HttpApiMapping":            {"aws_apigatewayv2_api_mapping.portal"},
	"PortalScaling":             {"aws_appautoscaling_target.portal"},
	"PortalScalingPolicy":       {"aws_appautoscaling_policy.portal"},
	"WorkerScaling":             {"aws_appautoscaling_target.worker"},
	"MoreWorkers":               {"aws_appautoscaling_policy.more_workers"},
	"FewerWorkers":              {"aws_appautoscaling_policy.fewer_workers"},
	"OldMessages":               {`aws_cloudwatch_metric_alarm.messages["old"]`},
	"YoungMessages":             {`aws_cloudwatch_metric_alarm.messages["young"]`},
}

// whereContainersHave is whereTerraformHas for what only containers have.
var whereContainersHave = map[string]map[string]string{
	"AWS::ECS::Cluster": {},
	"AWS::ECS::TaskDefinition": {
		"Family": "family", "RequiresCompatibilities": "requires_compatibilities", "NetworkMode": "network_mode", "Cpu": "cpu", "Memory": "memory",
		"ExecutionRoleArn": "execution_role_arn", "TaskRoleArn": "task_role_arn", "ContainerDefinitions": "container_definitions",
		"RuntimePlatform.CpuArchitecture": "runtime_platform.0.cpu_architecture", "RuntimePlatform.OperatingSystemFamily": "runtime_platform.0.operating_system_family",
	},
	"AWS::ECS::Service": {
		"Cluster": "cluster", "TaskDefinition": "task_definition", "LaunchType": "launch_type", "PropagateTags": "propagate_tags",
		// Without a count, AWS CloudFormation leaves it to the scaling. Terraform gives the least one to a new service only.
		"DesiredCount": "desired_count~", "HealthCheckGracePeriodSeconds": "health_check_grace_period_seconds",
		"DeploymentConfiguration.MinimumHealthyPercent":             "deployment_minimum_healthy_percent",
		"DeploymentConfiguration.MaximumPercent":                    "deployment_maximum_percent",
		"DeploymentConfiguration.DeploymentCircuitBreaker.Enable":   "deployment_circuit_breaker.0.enable",
		"DeploymentConfiguration.DeploymentCircuitBreaker.Rollback": "deployment_circuit_breaker.0.rollback",
		"LoadBalancers.ContainerName":                               "load_balancer.0.container_name",
		"LoadBalancers.ContainerPort":                               "load_balancer.0.container_port",
		"LoadBalancers.TargetGroupArn":                              "load_balancer.0.target_group_arn",
		"ServiceRegistries.RegistryArn":                             "service_registries.0.registry_arn",
		"ServiceRegistries.ContainerName":                           "service_registries.0.container_name",
		"ServiceRegistries.ContainerPort":                           "service_registries.0.container_port",
		"NetworkConfiguration.AwsvpcConfiguration.Subnets":          "network_configuration.0.subnets",
		"NetworkConfiguration.AwsvpcConfiguration.SecurityGroups":   "network_configuration.0.security_groups",
		"NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp":   "network_configuration.0.assign_public_ip",
	},
	"AWS::EC2::SecurityGroup": {"GroupDescription": "description", "VpcId": "vpc_id"},
	"AWS::ElasticLoadBalancingV2::LoadBalancer": {
		"Type": "load_balancer_type", "Scheme": "internal", "Subnets": "subnets", "SecurityGroups": "security_groups",
	},
	"AWS::ElasticLoadBalancingV2::TargetGroup": {
		"TargetType": "target_type", "Protocol": "protocol", "Port": "port", "VpcId": "vpc_id", "HealthCheckPath": "health_check.0.path",
		"HealthCheckIntervalSeconds": "health_check.0.interval", "HealthyThresholdCount": "health_check.0.healthy_threshold",
	},
	"AWS::ElasticLoadBalancingV2::Listener": {
		"LoadBalancerArn": "load_balancer_arn", "Protocol": "protocol", "Port": "port", "SslPolicy": "ssl_policy~", "Certificates.CertificateArn": "certificate_arn",
		"DefaultActions.Type": "default_action.0.type", "DefaultActions.TargetGroupArn": "default_action.0.target_group_arn",
		"DefaultActions.RedirectConfig.Protocol":   "default_action.0.redirect.0.protocol",
		"DefaultActions.RedirectConfig.Port":       "default_action.0.redirect.0.port",
		"DefaultActions.RedirectConfig.StatusCode": "default_action.0.redirect.0.status_code",
	},
	"AWS::ServiceDiscovery::PrivateDnsNamespace": {"Name": "name", "Vpc": "vpc"},
	"AWS::ServiceDiscovery::Service": {
		"NamespaceId": "dns_config.0.namespace_id", "Name": "name", "DnsConfig.DnsRecords.Type": "dns_config.0.dns_records.0.type",
		"DnsConfig.DnsRecords.TTL": "dns_config.0.dns_records.0.ttl", "HealthCheckCustomConfig.FailureThreshold": "health_check_custom_config.0.failure_threshold",
	},
	"AWS::ApiGatewayV2::VpcLink": {"Name": "name", "SubnetIds": "subnet_ids", "SecurityGroupIds": "security_group_ids"},
	"AWS::ApplicationAutoScaling::ScalableTarget": {
		"ServiceNamespace": "service_namespace", "ResourceId": "resource_id", "ScalableDimension": "scalable_dimension", "MinCapacity": "min_capacity", "MaxCapacity": "max_capacity",
	},
	"AWS::ApplicationAutoScaling::ScalingPolicy": {
		"PolicyName": "name", "PolicyType": "policy_type", "ScalingTargetId": "resource_id",
		"TargetTrackingScalingPolicyConfiguration.TargetValue":                                        "target_tracking_scaling_policy_configuration.0.target_value",
		"TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType": "target_tracking_scaling_policy_configuration.0.predefined_metric_specification.0.predefined_metric_type",
		"StepScalingPolicyConfiguration.AdjustmentType":                                               "step_scaling_policy_configuration.0.adjustment_type",
		"StepScalingPolicyConfiguration.Cooldown":                                                     "step_scaling_policy_configuration.0.cooldown",
		"StepScalingPolicyConfiguration.StepAdjustments.MetricIntervalLowerBound":                     "step_scaling_policy_configuration.0.step_adjustment.0.metric_interval_lower_bound",
		"StepScalingPolicyConfiguration.StepAdjustments.MetricIntervalUpperBound":                     "step_scaling_policy_configuration.0.step_adjustment.0.metric_interval_upper_bound",
		"StepScalingPolicyConfiguration.StepAdjustments.ScalingAdjustment":                            "step_scaling_policy_configuration.0.step_adjustment.0.scaling_adjustment",
	},
}

// knownOfContainers is known for what only containers have.
func knownOfContainers(resource, kind string) (mock, references map[string]string) {
	arn := func(service string) string { return "arn:aws:" + service + ":us-east-1:111122223333:" + resource }
	switch kind {
	case "aws_ecs_cluster":
		return map[string]string{"id": "acme"}, map[string]string{"": "acme"}
	case "aws_ecs_task_definition":
		return map[string]string{"arn": arn("ecs")}, map[string]string{"": arn("ecs")}
	case "aws_ecs_service":
		return nil, map[string]string{"Name": strings.ToLower(strings.TrimSuffix(resource, "Service"))}
	case "aws_appautoscaling_target":
		return nil, map[string]string{"": "service/acme/" + strings.ToLower(strings.TrimSuffix(resource, "Scaling"))}
	case "aws_security_group", "aws_service_discovery_private_dns_namespace":
		return map[string]string{"id": resource}, map[string]string{"": resource}
	case "aws_service_discovery_service":
		return map[string]string{"arn": arn("servicediscovery")}, map[string]string{"Arn": arn("servicediscovery")}
	case "aws_appautoscaling_policy":
		return map[string]string{"arn": arn("autoscaling")}, map[string]string{"": arn("autoscaling")}
	case "aws_lb_target_group":
		return map[string]string{"arn": arn("elasticloadbalancing")}, map[string]string{"": arn("elasticloadbalancing")}
	case "aws_lb":
		balancer := arn("elasticloadbalancing")
		return map[string]string{"arn": balancer, "dns_name": "dns_name", "zone_id": "zone_id", "arn_suffix": "arn_suffix"},
			map[string]string{"": balancer, "DNSName": "dns_name", "CanonicalHostedZoneID": "zone_id", "LoadBalancerFullName": "arn_suffix"}
	}
	return nil, nil
}

// asTerraformHasIt changes what a template has in another form than Terraform, or for a reason that Terraform does not have.
func asTerraformHasIt(kind string, given map[string]any) map[string]any {
	switch kind {
	case "AWS::ECS::TaskDefinition":
		given["ContainerDefinitions"] = lowerCased(given["ContainerDefinitions"])
	case "AWS::ElasticLoadBalancingV2::TargetGroup":
		// Another port has AWS CloudFormation replace the target group together with the load balancer. Terraform replaces listeners.
		given["Port"] = 8080
	}
	return given
}

// lowerCased has the names that ECS itself gives to the members of a task definition.
func lowerCased(value any) any {
	switch v := value.(type) {
	case map[string]any:
		all := map[string]any{}
		for key, member := range v {
			all[strings.ToLower(key[:1])+key[1:]] = lowerCased(member)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = lowerCased(v[i])
		}
		return all
	}
	return value
}

// gather adds the properties of a resource that no single attribute has.
func gather(kind string, found []deploytest.Pretended, got map[string]any) {
	switch kind {
	case "AWS::ECS::TaskDefinition":
		var containers any
		if text, ok := got["ContainerDefinitions"].(string); ok && json.Unmarshal([]byte(text), &containers) == nil {
			got["ContainerDefinitions"] = containers
		}
	case "AWS::ECS::Service":
		flag := found[0].Values
		public := attributeAt(flag, []string{"network_configuration", "0", "assign_public_ip"}) == true
		set(got, []string{"NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp"}, map[bool]string{true: "ENABLED", false: "DISABLED"}[public])
	case "AWS::ElasticLoadBalancingV2::LoadBalancer":
		got["Scheme"] = map[bool]string{true: "internal", false: "internet-facing"}[got["Scheme"] == true]
		got["LoadBalancerAttributes"] = attribute("routing.http.drop_invalid_header_fields.enabled", found[0].Values["drop_invalid_header_fields"])
	case "AWS::ElasticLoadBalancingV2::TargetGroup":
		got["TargetGroupAttributes"] = attribute("deregistration_delay.timeout_seconds", found[0].Values["deregistration_delay"])
	case "AWS::EC2::SecurityGroup":
		gatherRules(found, got)
	}
}

func attribute(key string, value any) any { return map[string]any{"Key": key, "Value": value} }

// gatherRules has no rule that allows all connections out: a group of a template without rules for that has it.
func gatherRules(found []deploytest.Pretended, got map[string]any) {
	var in, out []any
	for _, part := range found {
		v := part.Values
		rule := map[string]any{
			"IpProtocol": v["ip_protocol"], "FromPort": v["from_port"], "ToPort": v["to_port"], "CidrIp": v["cidr_ipv4"],
			"SourcePrefixListId": v["prefix_list_id"], "SourceSecurityGroupId": v["referenced_security_group_id"],
		}
		switch {
		case strings.Contains(part.Address, "_ingress_rule."):
			in = append(in, rule)
		case strings.Contains(part.Address, "_egress_rule.") && v["ip_protocol"] == "-1" && v["cidr_ipv4"] == "0.0.0.0/0":
			out = append(out, rule)
		}
	}
	got["SecurityGroupIngress"] = in
	if len(out) != 1 {
		got["SecurityGroupEgress"] = "no rule allows all connections out"
	}
}
