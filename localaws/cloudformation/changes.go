package cloudformation

import (
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// unknownYet stands for what only exists after the change.
const unknownYet = "{{changeSet:KNOWN_AFTER_APPLY}}"

// changes is what the definition would do to the stack's resources, in the order of their names.
func (s *Service) changes(st *stack, d definition) ([]change, error) {
	replaced := map[string]bool{}
	for {
		all, err := s.changesWith(st, d, replaced)
		if err != nil {
			return nil, err
		}
		more := false
		for _, c := range all {
			if c.Replacement == "True" && !replaced[c.Resource] {
				replaced[c.Resource], more = true, true
			}
		}
		if !more {
			return all, nil
		}
	}
}

// changesWith takes these resources as replaced, so that others that refer to them change too.
func (s *Service) changesWith(st *stack, d definition, replaced map[string]bool) ([]change, error) {
	known := func(name string) (resource, bool) {
		r, ok := st.Resources[name]
		return r, ok && !replaced[name]
	}
	resolved, err := s.resolve(st, d, func(name string) (any, error) {
		if r, ok := known(name); ok {
			return r.PhysicalID, nil
		}
		return unknownYet, nil
	}, func(name, attribute string) (any, error) {
		if r, ok := known(name); ok {
			return r.attribute(name, attribute)
		}
		return unknownYet, nil
	})
	if err != nil {
		return nil, invalid("%s", err)
	}
	var all []change
	for _, name := range resolved.Resources {
		properties, err := resolved.Properties(name)
		if err != nil {
			return nil, invalid("%s", err)
		}
		have, exists := st.Resources[name]
		kind := resolved.Type(name)
		switch {
		case !exists:
			all = append(all, change{Action: "Add", Resource: name, Type: kind})
		case have.Type != kind:
			return nil, invalid("Update of resource type is not permitted. The new template modifies resource type of the following resources: [%s]", name)
		case !reflect.DeepEqual(have.Properties, properties):
			c := change{Action: "Modify", Resource: name, PhysicalID: have.PhysicalID, Type: kind, Replacement: "False"}
			if mustReplace(kind, have.Properties, properties) {
				c.Replacement = "True"
			}
			all = append(all, c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(st.Resources)) {
		if !resolved.Has(name) {
			all = append(all, change{Action: "Remove", Resource: name, PhysicalID: st.Resources[name].PhysicalID, Type: st.Resources[name].Type})
		}
	}
	return all, nil
}

// sameOutputs reports whether the outputs stay, if no resource changes.
func (s *Service) sameOutputs(st *stack, d definition) bool {
	resolved, err := s.ofExisting(st, d, func(string) bool { return true })
	if err != nil {
		return false
	}
	outputs, err := resolved.Outputs()
	return err == nil && maps.Equal(outputs, st.Outputs)
}

var errNotMade = errors.New("this resource does not exist yet")

// ofExisting resolves a definition with the resources that are ready. Others are errNotMade.
func (s *Service) ofExisting(st *stack, d definition, ready func(string) bool) (*template.Resolved, error) {
	return s.resolve(st, d, func(name string) (any, error) {
		r, ok := st.Resources[name]
		if !ok || !ready(name) {
			return nil, errNotMade
		}
		return r.PhysicalID, nil
	}, func(name, attribute string) (any, error) {
		r, ok := st.Resources[name]
		if !ok || !ready(name) {
			return nil, errNotMade
		}
		return r.attribute(name, attribute)
	})
}

func (r resource) attribute(name, attribute string) (any, error) {
	value, ok := r.Attributes[attribute]
	if !ok {
		return nil, invalid("Template error: resource %s does not support attribute type %s in Fn::GetAtt", name, attribute)
	}
	return value, nil
}

// everything means that a resource is replaced whatever changes.
const everything = "*"

// fixed lists the properties of each type that replace the resource if they change, from the
// "Update requires" lines of the AWS CloudFormation Template Reference.
var fixed = map[string][]string{
	"AWS::DynamoDB::Table":   {"TableName", "KeySchema"},
	"AWS::SQS::Queue":        {"QueueName", "FifoQueue"},
	"AWS::SNS::Topic":        {"TopicName", "FifoTopic"},
	"AWS::SNS::Subscription": {"TopicArn", "Protocol", "Endpoint"},
	"AWS::KMS::Key":          {"KeySpec", "KeyUsage", "MultiRegion"},
	"AWS::KMS::Alias":        {"AliasName"},
	"AWS::Events::Rule":      {"Name"},

	"AWS::ApiGateway::RestApi":    {},
	"AWS::ApiGateway::Deployment": {everything},
	"AWS::ApiGateway::Stage":      {"RestApiId", "StageName"},
	"AWS::ApiGateway::UsagePlan":  {},

	"AWS::Cognito::UserPool":             {"UsernameAttributes", "UsernameConfiguration"},
	"AWS::Cognito::UserPoolClient":       {"UserPoolId", "GenerateSecret"},
	"AWS::Cognito::UserPoolDomain":       {"UserPoolId", "Domain"},
	"AWS::Cognito::UserPoolGroup":        {"UserPoolId", "GroupName"},
	"AWS::Cognito::UserPoolUser":         {everything},
	"AWS::Cognito::ManagedLoginBranding": {"UserPoolId", "ClientId"},

	"AWS::Cognito::UserPoolUserToGroupAttachment": {everything},

	"AWS::Lambda::Function":           {"FunctionName", "PackageType"},
	"AWS::Lambda::EventSourceMapping": {"EventSourceArn"},
	"AWS::Lambda::EventInvokeConfig":  {"FunctionName", "Qualifier"},
	"AWS::Lambda::Permission":         {everything},
	"AWS::IAM::Role":                  {"RoleName", "Path"},
	"AWS::IAM::ManagedPolicy":         {"ManagedPolicyName", "Description", "Path"},
	"AWS::Logs::LogGroup":             {"LogGroupName"},
	"AWS::Logs::MetricFilter":         {"FilterName", "LogGroupName"},
	"AWS::CloudWatch::Alarm":          {"AlarmName"},
	"AWS::Scheduler::Schedule":        {"Name"},
	"AWS::Route53::RecordSet":         {"Name", "HostedZoneId"},

	"AWS::ApiGatewayV2::Api":         {"ProtocolType"},
	"AWS::ApiGatewayV2::Integration": {"ApiId"},
	"AWS::ApiGatewayV2::Route":       {"ApiId"},
	"AWS::ApiGatewayV2::Stage":       {"ApiId", "StageName"},
	"AWS::ApiGatewayV2::DomainName":  {"DomainName"},
	"AWS::ApiGatewayV2::ApiMapping":  {"DomainName"},
	"AWS::ApiGatewayV2::VpcLink":     {"SecurityGroupIds", "SubnetIds"},

	"AWS::EC2::SecurityGroup":                    {"GroupDescription", "GroupName", "VpcId"},
	"AWS::ECS::Service":                          {"Cluster", "LaunchType", "ServiceName"},
	"AWS::ECS::TaskDefinition":                   {everything},
	"AWS::ElasticLoadBalancingV2::LoadBalancer":  {"Name", "Scheme", "Type"},
	"AWS::ElasticLoadBalancingV2::TargetGroup":   {"Name", "Port", "Protocol", "TargetType", "VpcId"},
	"AWS::ElasticLoadBalancingV2::Listener":      {"LoadBalancerArn"},
	"AWS::ServiceDiscovery::PrivateDnsNamespace": {"Name", "Vpc"},
	"AWS::ServiceDiscovery::Service":             {"Name", "NamespaceId"},
}

func mustReplace(kind string, have, want map[string]any) bool {
	for _, name := range fixed[kind] {
		if name == everything || !reflect.DeepEqual(have[name], want[name]) {
			return true
		}
	}
	return false
}
