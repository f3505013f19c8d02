package cloudformation

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// recordedServices are the services whose resources get an id and attributes, and nothing else.
var recordedServices = []string{
	"ApiGatewayV2", "ApplicationAutoScaling", "CloudFront", "CloudWatch", "EC2", "ECS", "ElasticLoadBalancingV2", "IAM", "Lambda", "Logs", "Route53", "Scheduler",
	"ServiceDiscovery",
}

// brandingType is Cognito's only type that is recorded: the local AWS has one style of its own.
const brandingType = "AWS::Cognito::ManagedLoginBranding"

func recordedType(name string) bool {
	for _, service := range recordedServices {
		if strings.HasPrefix(name, "AWS::"+service+"::") {
			return true
		}
	}
	return name == brandingType
}

// record returns an id and attributes in forms like those of AWS.
func (m maker) record(r resource) (id string, attributes map[string]string) {
	name := m.generatedName()
	arn := func(service, resource string) string { return m.env.ARN(service, resource) }
	iamARN := func(resource string) string { return "arn:aws:iam::" + m.env.Account + ":" + resource }
	short := wire.NewID(10)
	switch r.Type {
	case "AWS::Lambda::Function":
		return name, map[string]string{"Arn": arn("lambda", "function:"+name)}
	case "AWS::Lambda::EventSourceMapping":
		id := wire.NewUUID()
		return id, map[string]string{"Id": id}
	case "AWS::IAM::Role":
		return name, map[string]string{"Arn": iamARN("role/" + name), "RoleId": "AROA" + strings.ToUpper(wire.NewID(17))}
	case "AWS::IAM::ManagedPolicy":
		return iamARN("policy/" + name), nil
	case "AWS::Logs::LogGroup":
		return name, map[string]string{"Arn": arn("logs", "log-group:"+name+":*")}
	case "AWS::ApiGatewayV2::Api":
		return short, map[string]string{"ApiId": short, "ApiEndpoint": "https://" + short + ".execute-api." + m.env.Region + ".amazonaws.com"}
	case "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::VpcLink":
		return short, nil
	case "AWS::ECS::Cluster":
		return name, map[string]string{"Arn": arn("ecs", "cluster/"+name)}
	case "AWS::ECS::Service":
		return arn("ecs", "service/"+name), map[string]string{"Name": name, "ServiceArn": arn("ecs", "service/"+name)}
	case "AWS::ECS::TaskDefinition":
		return arn("ecs", "task-definition/"+name+":1"), nil
	case "AWS::ElasticLoadBalancingV2::LoadBalancer":
		full := "app/" + name + "/" + wire.NewID(16)
		return arn("elasticloadbalancing", "loadbalancer/"+full), map[string]string{
			"DNSName": strings.ToLower(name) + ".elb.amazonaws.com", "LoadBalancerFullName": full, "CanonicalHostedZoneID": "Z35SXDOTRQ7X7K",
			"LoadBalancerName": name, "LoadBalancerArn": arn("elasticloadbalancing", "loadbalancer/"+full),
		}
	case "AWS::ElasticLoadBalancingV2::TargetGroup":
		full := "targetgroup/" + name + "/" + wire.NewID(16)
		return arn("elasticloadbalancing", full), map[string]string{"TargetGroupFullName": full, "TargetGroupArn": arn("elasticloadbalancing", full)}
	case "AWS::ElasticLoadBalancingV2::Listener":
		return arn("elasticloadbalancing", "listener/app/"+name+"/"+short), nil
	case "AWS::EC2::VPCEndpoint":
		return "vpce-" + short, map[string]string{"Id": "vpce-" + short}
	case "AWS::EC2::SecurityGroup":
		return "sg-" + short, map[string]string{"GroupId": "sg-" + short}
	case "AWS::ServiceDiscovery::PrivateDnsNamespace", "AWS::ServiceDiscovery::Service":
		return short, map[string]string{"Id": short, "Arn": arn("servicediscovery", "service/"+short)}
	case "AWS::CloudFront::VpcOrigin":
		id := "vo_" + wire.NewID(22)
		return id, map[string]string{"Id": id, "Arn": "arn:aws:cloudfront::" + m.env.Account + ":vpcorigin/" + id}
	case "AWS::CloudFront::CachePolicy", "AWS::CloudFront::OriginRequestPolicy":
		id := wire.NewUUID()
		return id, map[string]string{"Id": id}
	case "AWS::CloudFront::Distribution":
		id := "E" + strings.ToUpper(wire.NewID(13))
		return id, map[string]string{"Id": id, "DomainName": "d" + wire.NewID(13) + ".cloudfront.net"}
	case "AWS::CloudWatch::Alarm":
		return name, map[string]string{"Arn": arn("cloudwatch", "alarm:"+name)}
	}
	return name, nil
}
