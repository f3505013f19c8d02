package cloudformation

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// hostNameProperties are the properties of AWS::ApiGatewayV2::DomainName that count.
type hostNameProperties struct {
	DomainName               string
	DomainNameConfigurations []struct{ CertificateArn, EndpointType, SecurityPolicy string }
}

// hostName makes a regional domain name in API Gateway, so that it fails if there is one already. Nothing is
// served there, since HTTP APIs are only recorded.
func (m maker) hostName(properties map[string]any) (string, map[string]string, error) {
	var in hostNameProperties
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	create := apigateway.CreateDomainNameInput{DomainName: &in.DomainName, EndpointConfiguration: &types.EndpointConfiguration{Types: []types.EndpointType{types.EndpointTypeRegional}}}
	if len(in.DomainNameConfigurations) > 0 {
		create.RegionalCertificateArn = &in.DomainNameConfigurations[0].CertificateArn
	}
	out, err := m.apis().CreateDomainName(m.ctx, &create)
	if err != nil {
		return "", nil, err
	}
	return in.DomainName, map[string]string{
		"RegionalDomainName": aws.ToString(out.RegionalDomainName), "RegionalHostedZoneId": aws.ToString(out.RegionalHostedZoneId),
	}, nil
}

func (m maker) removeHostName(id string, _ map[string]any) error {
	_, err := m.apis().DeleteDomainName(m.ctx, &apigateway.DeleteDomainNameInput{DomainName: &id})
	return unlessMissing(err, "NotFound")
}
