package deploy_test

import (
	"fmt"
	"strings"
)

// parts are the resources of a module that together are a resource of the template. The first one is
// what the template's references mean. An address without its index stands for all of them.
var parts = map[string]map[string][]string{
	"lambda": {
		"WorkerFunction":     {"aws_lambda_function.worker", "aws_lambda_function_recursion_config.worker"},
		"PortalFunction":     {"aws_lambda_function.portal"},
		"PortalLogGroup":     {"aws_cloudwatch_log_group.portal"},
		"WorkerLogGroup":     {"aws_cloudwatch_log_group.worker"},
		"PortalRole":         {"aws_iam_role.portal", "aws_iam_role_policy.portal", "aws_iam_role_policy_attachment.portal"},
		"WorkerRole":         {"aws_iam_role.worker", "aws_iam_role_policy.worker", "aws_iam_role_policy_attachment.worker"},
		"TickRole":           {"aws_iam_role.tick", "aws_iam_role_policy.tick"},
		"Tick":               {"aws_scheduler_schedule.tick"},
		"TickRetries":        {"aws_lambda_function_event_invoke_config.tick"},
		"HttpApi":            {"aws_apigatewayv2_api.portal"},
		"HttpApiIntegration": {"aws_apigatewayv2_integration.portal"},
		"HttpApiPermission":  {"aws_lambda_permission.portal"},
		"HttpApiRoute":       {"aws_apigatewayv2_route.portal"},
		"HttpApiStage":       {"aws_apigatewayv2_stage.portal"},
		"HttpApiDomain":      {"aws_apigatewayv2_domain_name.portal"},
		"HttpApiMapping":     {"aws_apigatewayv2_api_mapping.portal"},
		"DnsRecord":          {"aws_route53_record.portal"},
	},
	"operations": {
		"Alarms":                 {"aws_sns_topic.alarms"},
		"AlarmEmailSubscription": {"aws_sns_topic_subscription.alarm_email"},
		"DeadLetterQueuesFill":   {"aws_cloudwatch_metric_alarm.dead_letter_queues"},
		"LoadBalancerErrors":     {"aws_cloudwatch_metric_alarm.load_balancer"},
		"Dashboard":              {"aws_cloudwatch_dashboard.portal"},
	},
	"trail": {
		"Rule":                  {"aws_cloudwatch_event_rule.trail", "aws_cloudwatch_event_target.queue"},
		"Queue":                 {"aws_sqs_queue.trail"},
		"DeadLetterQueue":       {"aws_sqs_queue.dead_letter"},
		"QueuePolicy":           {"aws_sqs_queue_policy.trail"},
		"DeadLetterQueuePolicy": {"aws_sqs_queue_policy.dead_letter"},
	},
	"containers": partsOfContainers,
	"marketplace": {
		"Rule":                   {"aws_cloudwatch_event_rule.notices", "aws_cloudwatch_event_target.topic"},
		"Topic":                  {"aws_sns_topic.notices"},
		"TopicPolicy":            {"aws_sns_topic_policy.notices"},
		"Subscription":           {"aws_sns_topic_subscription.notices"},
		"ListingSubscription":    {`aws_sns_topic_subscription.listing["subscriptions"]`},
		"ListingEntitlements":    {`aws_sns_topic_subscription.listing["entitlements"]`},
		"DeadLetterQueue":        {"aws_sqs_queue.undelivered"},
		"DeadLetterQueuePolicy":  {"aws_sqs_queue_policy.undelivered"},
		"Undelivered":            {"aws_cloudwatch_metric_alarm.undelivered"},
		"Alarms":                 {"aws_sns_topic.alarms"},
		"AlarmEmailSubscription": {"aws_sns_topic_subscription.alarm_email"},
	},
}

// partsOf also knows the resources that a module makes one of for each name.
func partsOf(name, resource, kind string) []string {
	if listed, ok := parts[name][resource]; ok {
		return listed
	}
	switch kind {
	case "AWS::Lambda::EventSourceMapping":
		queue, _ := strings.CutSuffix(resource, "Source")
		queue, dead := strings.CutSuffix(queue, "DeadLetter")
		if dead {
			queue += "-dlq"
		}
		return []string{fmt.Sprintf("aws_lambda_event_source_mapping.worker[%q]", strings.ToLower(queue))}
	case "AWS::Logs::MetricFilter":
		return []string{fmt.Sprintf("aws_cloudwatch_log_metric_filter.logs[%q]", resource)}
	case "AWS::CloudWatch::Alarm":
		return []string{fmt.Sprintf("aws_cloudwatch_metric_alarm.metrics[%q]", resource)}
	}
	return nil
}

// whereTerraformHas says where Terraform has a property: in an attribute of the first part, or after the type of
// another part and a colon. "0" is the first of several blocks. With "*", it is the list of the
// attributes of all such parts, and with "?" it is the property's default if it is false. With "~" it is compared only if the
// template has the property: Terraform needs a name where AWS CloudFormation makes one up, or always has a value.
var whereTerraformHas = map[string]map[string]string{
	"AWS::Lambda::Function": {
		"Description": "description", "Runtime": "runtime", "Architectures": "architectures", "Handler": "handler", "Code.S3Bucket": "s3_bucket", "Code.S3Key": "s3_key",
		"Layers": "layers", "MemorySize": "memory_size", "Timeout": "timeout", "Role": "role", "RecursiveLoop": "aws_lambda_function_recursion_config:recursive_loop",
		"LoggingConfig.LogFormat": "logging_config.0.log_format", "LoggingConfig.LogGroup": "logging_config.0.log_group", "Environment.Variables": "environment.0.variables",
	},
	"AWS::Logs::LogGroup": {"RetentionInDays": "retention_in_days"},
	"AWS::IAM::Role": {
		"AssumeRolePolicyDocument": "assume_role_policy", "ManagedPolicyArns": "aws_iam_role_policy_attachment:policy_arn*",
		"Policies.PolicyName": "aws_iam_role_policy:name", "Policies.PolicyDocument": "aws_iam_role_policy:policy",
	},
	"AWS::Lambda::EventSourceMapping": {
		"EventSourceArn": "event_source_arn", "FunctionName": "function_name", "FunctionResponseTypes": "function_response_types", "Enabled": "enabled", "BatchSize": "batch_size",
		"MaximumBatchingWindowInSeconds": "maximum_batching_window_in_seconds", "ScalingConfig.MaximumConcurrency": "scaling_config.0.maximum_concurrency",
	},
	"AWS::Scheduler::Schedule": {
		"Description": "description", "State": "state", "ScheduleExpression": "schedule_expression", "FlexibleTimeWindow.Mode": "flexible_time_window.0.mode",
		"Target.Arn": "target.0.arn", "Target.RoleArn": "target.0.role_arn", "Target.Input": "target.0.input",
		"Target.RetryPolicy.MaximumRetryAttempts":     "target.0.retry_policy.0.maximum_retry_attempts",
		"Target.RetryPolicy.MaximumEventAgeInSeconds": "target.0.retry_policy.0.maximum_event_age_in_seconds",
	},
	"AWS::Lambda::EventInvokeConfig": {
		"FunctionName": "function_name", "Qualifier": "qualifier", "MaximumRetryAttempts": "maximum_retry_attempts", "MaximumEventAgeInSeconds": "maximum_event_age_in_seconds",
	},
	"AWS::ApiGatewayV2::Api": {"Name": "name", "ProtocolType": "protocol_type", "DisableExecuteApiEndpoint": "disable_execute_api_endpoint"},
	"AWS::ApiGatewayV2::Integration": {
		"ApiId": "api_id", "IntegrationType": "integration_type", "IntegrationUri": "integration_uri", "PayloadFormatVersion": "payload_format_version", "TimeoutInMillis": "timeout_milliseconds~",
		"IntegrationMethod": "integration_method~", "ConnectionType": "connection_type~", "ConnectionId": "connection_id",
	},
	"AWS::Lambda::Permission":  {"FunctionName": "function_name", "Action": "action", "Principal": "principal", "SourceArn": "source_arn"},
	"AWS::ApiGatewayV2::Route": {"ApiId": "api_id", "RouteKey": "route_key", "Target": "target"},
	"AWS::ApiGatewayV2::Stage": {
		"ApiId": "api_id", "StageName": "name", "AutoDeploy": "auto_deploy",
		"DefaultRouteSettings.ThrottlingRateLimit":  "default_route_settings.0.throttling_rate_limit",
		"DefaultRouteSettings.ThrottlingBurstLimit": "default_route_settings.0.throttling_burst_limit",
	},
	"AWS::ApiGatewayV2::DomainName": {
		"DomainName": "domain_name", "DomainNameConfigurations.CertificateArn": "domain_name_configuration.0.certificate_arn",
		"DomainNameConfigurations.EndpointType": "domain_name_configuration.0.endpoint_type", "DomainNameConfigurations.SecurityPolicy": "domain_name_configuration.0.security_policy",
	},
	"AWS::ApiGatewayV2::ApiMapping": {"ApiId": "api_id", "DomainName": "domain_name", "Stage": "stage"},
	"AWS::Route53::RecordSet": {
		"HostedZoneId": "zone_id", "Name": "name", "Type": "type", "AliasTarget.DNSName": "alias.0.name", "AliasTarget.HostedZoneId": "alias.0.zone_id",
		"AliasTarget.EvaluateTargetHealth": "alias.0.evaluate_target_health?",
	},
	"AWS::SNS::Topic": {"TopicName": "", "FifoTopic": "fifo_topic?", "KmsMasterKeyId": "kms_master_key_id"},
	"AWS::SNS::Subscription": {
		"TopicArn": "topic_arn", "Protocol": "protocol", "Endpoint": "endpoint", "RedrivePolicy": "redrive_policy", "RawMessageDelivery": "raw_message_delivery?", "FilterPolicy": "filter_policy",
	},
	"AWS::SNS::TopicPolicy": {"Topics": "arn", "PolicyDocument": "policy"},
	"AWS::Logs::MetricFilter": {
		"LogGroupName": "log_group_name", "FilterPattern": "pattern", "MetricTransformations.MetricNamespace": "metric_transformation.0.namespace",
		"MetricTransformations.MetricName": "metric_transformation.0.name", "MetricTransformations.MetricValue": "metric_transformation.0.value",
		"MetricTransformations.DefaultValue": "metric_transformation.0.default_value",
	},
	"AWS::CloudWatch::Alarm": {
		"AlarmDescription": "alarm_description", "Namespace": "namespace", "MetricName": "metric_name", "Dimensions": "dimensions", "Statistic": "statistic", "Period": "period",
		"EvaluationPeriods": "evaluation_periods", "ComparisonOperator": "comparison_operator", "Threshold": "threshold", "TreatMissingData": "treat_missing_data",
		"AlarmActions": "alarm_actions", "OKActions": "ok_actions", "InsufficientDataActions": "insufficient_data_actions", "Metrics": "metric_query",
	},
	"AWS::CloudWatch::Dashboard": {"DashboardBody": "dashboard_body"},
	"AWS::Events::Rule": {
		"Name": "name~", "Description": "description", "EventPattern": "event_pattern", "ScheduleExpression": "schedule_expression",
		"Targets.Id": "aws_cloudwatch_event_target:target_id", "Targets.Arn": "aws_cloudwatch_event_target:arn", "Targets.Input": "aws_cloudwatch_event_target:input",
		"Targets.DeadLetterConfig.Arn":                 "aws_cloudwatch_event_target:dead_letter_config.0.arn",
		"Targets.RetryPolicy.MaximumRetryAttempts":     "aws_cloudwatch_event_target:retry_policy.0.maximum_retry_attempts",
		"Targets.RetryPolicy.MaximumEventAgeInSeconds": "aws_cloudwatch_event_target:retry_policy.0.maximum_event_age_in_seconds",
	},
	"AWS::SQS::Queue": {
		"QueueName": "name~", "MessageRetentionPeriod": "message_retention_seconds", "VisibilityTimeout": "visibility_timeout_seconds~", "RedrivePolicy": "redrive_policy~",
	},
	"AWS::SQS::QueuePolicy": {"Queues": "queue_url", "PolicyDocument": "policy"},
}

// known is what only AWS knows of a resource: what the mock says, and what the template's references to
// the resource are in Terraform. "" is what Ref is.
func known(name, resource, address string) (mock, references map[string]string) {
	kind, _, _ := strings.Cut(address, ".")
	arn := func(middle string) string { return "arn:aws:" + middle + resource }
	switch {
	case kind == "aws_lambda_function":
		function := arn("lambda:us-east-1:111122223333:function:")
		return map[string]string{"arn": function}, map[string]string{"": "acme-" + strings.TrimPrefix(address, kind+"."), "Arn": function}
	case kind == "aws_iam_role":
		role := arn("iam::111122223333:role/")
		return map[string]string{"arn": role, "name": resource, "id": resource}, map[string]string{"Arn": role}
	case kind == "aws_cloudwatch_log_group":
		group := arn("logs:us-east-1:111122223333:log-group:")
		called := map[string]string{"lambda": "/aws/lambda/acme-", "containers": "/gatehouse/acme/"}[name] + strings.TrimPrefix(address, kind+".")
		return map[string]string{"arn": group}, map[string]string{"": called, "Arn": group + ":*"}
	case kind == "aws_sns_topic":
		topic := arn("sns:us-east-1:111122223333:")
		return map[string]string{"arn": topic, "id": topic}, map[string]string{"": topic}
	case kind == "aws_sqs_queue":
		queue, url := arn("sqs:us-east-1:111122223333:"), "https://sqs.us-east-1.amazonaws.com/111122223333/"+resource
		return map[string]string{"arn": queue, "url": url, "id": url}, map[string]string{"": url, "Arn": queue, "QueueName": "acme-marketplace-undelivered"}
	case kind == "aws_cloudwatch_event_rule":
		rule := arn("events:us-east-1:111122223333:rule/")
		if name == "trail" { // its template knows the name
			rule = strings.TrimSuffix(rule, resource) + "acme-trail"
		}
		return map[string]string{"arn": rule}, map[string]string{"": "acme-trail", "Arn": rule}
	case kind == "aws_cloudwatch_dashboard":
		return nil, map[string]string{"": "acme"}
	case strings.HasPrefix(kind, "aws_apigatewayv2_"):
		return map[string]string{"id": resource}, map[string]string{"": resource}
	}
	return knownOfContainers(resource, kind)
}

// domainOfTheAPI is what API Gateway says of a host name.
var domainOfTheAPI = map[string]string{"target_domain_name": "RegionalDomainName", "hosted_zone_id": "RegionalHostedZoneId"}
