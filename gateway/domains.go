package gateway

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// Domain is a custom domain name of the AWS account's APIs.
type Domain struct {
	Name string
	// ID tells private domains of one name apart.
	ID      string
	Private bool
	// Unusable: the base path mappings give no address, because the domain has routing rules or
	// is not available yet.
	Unusable bool
}

// Mapping is a REST API's place under a domain. BasePath is "" at the root. Stage is "" if
// callers name it after the base path.
type Mapping struct {
	BasePath, API, Stage string
}

// DomainsPage lists a page of the custom domain names; for positions see UsagePlansPage. If
// Gatehouse's role may not list them, the error is an *Unavailable with Forbidden.
func (s *Session) DomainsPage(ctx context.Context, position string) (domains []Domain, next string, err error) {
	var out *apigateway.GetDomainNamesOutput
	err = s.read(ctx, listDomains, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetDomainNames(ctx, &apigateway.GetDomainNamesInput{Limit: pageSize, Position: nonEmpty(position)})
		return err
	})
	if err != nil {
		return nil, "", notOffered(err)
	}
	for _, item := range out.Items {
		domains = append(domains, Domain{
			Name: aws.ToString(item.DomainName), ID: aws.ToString(item.DomainNameId),
			Private: isPrivate(item.EndpointConfiguration), Unusable: unusable(item),
		})
	}
	return domains, aws.ToString(out.Position), nil
}

func unusable(domain types.DomainName) bool {
	switch domain.DomainNameStatus {
	case "", types.DomainNameStatusAvailable, types.DomainNameStatusUpdating:
		return domain.RoutingMode == types.RoutingModeRoutingRuleOnly
	}
	return true
}

const noBasePath = "(none)"

// MappingsPage lists a page of a domain's base path mappings; for positions see UsagePlansPage.
// There are none if the domain is gone or has a mapping of several levels: only API Gateway's V2
// API shows those, and this one answers 400.
func (s *Session) MappingsPage(ctx context.Context, domain Domain, position string) (mappings []Mapping, next string, err error) {
	in := &apigateway.GetBasePathMappingsInput{DomainName: aws.String(domain.Name), Limit: pageSize, Position: nonEmpty(position)}
	if domain.ID != "" {
		in.DomainNameId = aws.String(domain.ID)
	}
	var out *apigateway.GetBasePathMappingsOutput
	err = s.call(ctx, listMappings, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetBasePathMappings(ctx, in)
		return err
	})
	var no *Refused
	if IsNotFound(err) || errors.As(err, &no) && no.Reason == Invalid {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", notOffered(asUnavailable(err))
	}
	for _, item := range out.Items {
		mappings = append(mappings, Mapping{
			BasePath: unlessNone(item.BasePath), API: aws.ToString(item.RestApiId), Stage: unlessNone(item.Stage),
		})
	}
	return mappings, aws.ToString(out.Position), nil
}

func unlessNone(text *string) string {
	if aws.ToString(text) == noBasePath {
		return ""
	}
	return aws.ToString(text)
}

// notOffered: an emulator without the operation counts as forbidding it.
func notOffered(err error) error {
	var unavailable *Unavailable
	if errors.As(err, &unavailable) && statusOf(unavailable.Err) == http.StatusNotImplemented {
		return &Unavailable{Forbidden: true, Err: unavailable.Err}
	}
	return err
}
