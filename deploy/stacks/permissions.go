package stacks

import "slices"

// deploying are the actions that every deployment needs. CloudFormation acts with the caller's
// permissions.
var deploying = []string{
	"cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet",
	"cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStackResources", "cloudformation:DeleteStack",
	"dynamodb:CreateTable", "dynamodb:DescribeTable", "dynamodb:UpdateTimeToLive", "dynamodb:UpdateContinuousBackups", "dynamodb:GetItem", "dynamodb:PutItem",
	"sqs:CreateQueue", "sqs:GetQueueAttributes", "sqs:SetQueueAttributes",
	"sns:CreateTopic", "sns:GetTopicAttributes", "sns:SetTopicAttributes", "sns:Subscribe",
	"kms:CreateKey", "kms:CreateAlias", "kms:DescribeKey", "kms:GenerateMac", "kms:PutKeyPolicy",
	"iam:CreateRole", "iam:CreatePolicy", "iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:PassRole",
	"logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:PutMetricFilter", "cloudwatch:PutMetricAlarm", "cloudwatch:PutDashboard",
}

// running are the actions that a way to run needs.
var running = map[RunMode][]string{
	Lambda: {
		"s3:CreateBucket", "s3:PutObject", "s3:GetObject", "lambda:CreateFunction", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
		"lambda:AddPermission", "lambda:CreateEventSourceMapping", "lambda:PutFunctionEventInvokeConfig", "lambda:PutFunctionRecursionConfig",
		"scheduler:CreateSchedule", "apigateway:POST", "apigateway:PATCH",
	},
	Containers: {
		"ecs:CreateCluster", "ecs:CreateService", "ecs:RegisterTaskDefinition", "elasticloadbalancing:CreateLoadBalancer",
		"elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:CreateListener", "ec2:CreateSecurityGroup", "ec2:AuthorizeSecurityGroupIngress",
		"application-autoscaling:RegisterScalableTarget", "application-autoscaling:PutScalingPolicy",
	},
	Small: {
		"ecs:CreateCluster", "ecs:CreateService", "ecs:RegisterTaskDefinition", "ec2:CreateSecurityGroup", "servicediscovery:CreatePrivateDnsNamespace",
		"servicediscovery:CreateService", "apigateway:POST", "apigateway:PATCH",
	},
}

// deployingLayer are the actions that the stack of a layer needs, by the layer's template.
var deployingLayer = map[string][]string{
	"identity": {
		"cognito-idp:CreateUserPool", "cognito-idp:CreateUserPoolClient", "cognito-idp:CreateUserPoolDomain", "cognito-idp:CreateGroup",
		"cognito-idp:AdminCreateUser", "cognito-idp:AdminAddUserToGroup",
	},
	"marketplace": {"events:PutRule", "events:PutTargets"},
	"trail":       {"events:PutRule", "events:PutTargets", "events:DescribeRule"},
	"endpoints": {
		"ec2:CreateVpcEndpoint", "ec2:CreateSecurityGroup", "ec2:AuthorizeSecurityGroupIngress", "route53:AssociateVPCWithHostedZone",
	},
	"cdn": {
		"cloudfront:CreateVpcOrigin", "cloudfront:CreateDistribution", "cloudfront:CreateCachePolicy", "cloudfront:CreateOriginRequestPolicy",
		"ec2:DescribeVpcs",
	},
	"demo": {"apigateway:POST", "apigateway:PUT", "apigateway:PATCH"},
}

// deployingActions are the actions that a deployment needs.
func (s Settings) deployingActions(all []stack) []string {
	actions := slices.Concat(deploying, running[s.Run])
	if s.Zone != "" {
		actions = append(actions, "route53:ChangeResourceRecordSets")
	}
	for _, one := range all {
		if s.wants(one.layer, one.exists()) {
			actions = append(actions, deployingLayer[one.template]...)
		}
	}
	return distinct(actions)
}

func distinct(actions []string) (all []string) {
	for _, action := range actions {
		if !slices.Contains(all, action) {
			all = append(all, action)
		}
	}
	return all
}

// destroying are the actions that every destruction needs. It stops workers by a change set.
var destroying = []string{
	"cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet",
	"cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStackResources", "cloudformation:DeleteStack",
	"dynamodb:DescribeTable", "dynamodb:GetItem", "sqs:GetQueueAttributes", "apigateway:GET", "apigateway:DELETE",
	"iam:DeleteRole", "iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:DeletePolicy", "logs:DeleteMetricFilter",
	"cloudwatch:DeleteAlarms", "cloudwatch:DeleteDashboards", "sns:DeleteTopic",
}

// destroyingData are the actions that a destruction needs unless the data stays.
var destroyingData = []string{
	"dynamodb:UpdateTable", "dynamodb:DeleteTable", "sqs:DeleteQueue", "kms:DeleteAlias", "kms:ScheduleKeyDeletion",
	"cognito-idp:DescribeUserPool", "cognito-idp:UpdateUserPool", "cognito-idp:DeleteUserPoolDomain", "cognito-idp:DeleteUserPool",
}

// destroyingLayer are the actions that a destruction needs for the stack of a layer, by the layer's template.
var destroyingLayer = map[string][]string{
	"marketplace": {"events:RemoveTargets", "events:DeleteRule", "sqs:DeleteQueue"},
	"trail":       {"events:RemoveTargets", "events:DeleteRule", "sqs:DeleteQueue"},
	"endpoints":   {"ec2:DeleteVpcEndpoints", "ec2:DeleteSecurityGroup"},
	"cdn": {
		"cloudfront:UpdateDistribution", "cloudfront:DeleteDistribution", "cloudfront:DeleteVpcOrigin", "cloudfront:DeleteCachePolicy",
		"cloudfront:DeleteOriginRequestPolicy",
	},
}

// destroyingRun are the actions that a destruction needs for the stack in which portal and workers run.
var destroyingRun = map[RunMode][]string{
	Lambda: {
		"s3:ListBucket", "s3:DeleteObject", "s3:DeleteBucket", "lambda:DeleteFunction", "lambda:UpdateEventSourceMapping",
		"lambda:DeleteEventSourceMapping", "lambda:RemovePermission", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule", "iam:PassRole",
	},
	Containers: {
		"ecs:DeleteCluster", "ecs:DeleteService", "ecs:UpdateService", "ecs:DeregisterTaskDefinition", "elasticloadbalancing:DeleteLoadBalancer",
		"elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:DeleteListener", "ec2:DeleteSecurityGroup",
		"application-autoscaling:RegisterScalableTarget", "application-autoscaling:DeregisterScalableTarget",
	},
	Small: {
		"ecs:DeleteCluster", "ecs:DeleteService", "ecs:UpdateService", "ecs:DeregisterTaskDefinition", "ec2:DeleteSecurityGroup",
		"servicediscovery:DeleteNamespace", "servicediscovery:DeleteService",
	},
}
