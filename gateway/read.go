package gateway

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// UsagePlan is what a usage plan says. Nil limits mean that there are none.
type UsagePlan struct {
	ID          portal.PlanID
	Name        string
	Description string
	Throttle    *Throttle
	Quota       *Quota
	// Stages are those the plan names; they need not exist any more, nor be of a REST API.
	Stages []portal.Stage
	// Methods are the throttles of single methods, in no particular order.
	Methods []MethodThrottle
	// ProductCode is that of the AWS Marketplace product, if it is sold as one.
	ProductCode string
}

// Throttle limits requests a second, and how many may come at once.
type Throttle struct {
	Rate  float64
	Burst int
}

// MethodThrottle limits one method of a stage, instead of the plan's throttle. Path is
// that of the resource, such as "/pets/{id}"; Method is the verb.
type MethodThrottle struct {
	Stage        portal.Stage
	Path, Method string
	Throttle
}

// Quota limits requests in a period, DAY, WEEK or MONTH.
type Quota struct {
	Limit  int
	Period string
}

// RestAPI is what an API says of itself.
type RestAPI struct {
	ID, Name, Description, Version string
	// Private APIs are reached from inside their owner's network only.
	Private bool
	// NoDefaultEndpoint says that the execute-api address is switched off.
	NoDefaultEndpoint bool
}

// pageSize is the largest page that API Gateway gives.
var pageSize = aws.Int32(500)

// pages calls page with each position until there is none. Each page is a call
// with a token of its own.
func eachPage(page func(position *string) (next *string, err error)) error {
	var position *string
	for {
		next, err := page(position)
		if err != nil || aws.ToString(next) == "" {
			return err
		}
		position = next
	}
}

// from is a position as AWS wants it: none at the beginning.
func startAt(position string) *string {
	if position == "" {
		return nil
	}
	return &position
}

// whole reads a list page by page.
func allPages[T any](page func(position string) ([]T, string, error)) ([]T, error) {
	var all []T
	for position := ""; ; {
		items, next, err := page(position)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if position = next; next == "" {
			return all, nil
		}
	}
}

// UsagePlans lists all usage plans, in API Gateway's order.
func (s *Session) UsagePlans(ctx context.Context) ([]UsagePlan, error) {
	return allPages(func(position string) ([]UsagePlan, string, error) { return s.UsagePlansPage(ctx, position) })
}

// UsagePlansPage lists a page of the usage plans, in API Gateway's order, from the position
// on that the page before named; "" is the beginning, and the end.
func (s *Session) UsagePlansPage(ctx context.Context, position string) (plans []UsagePlan, next string, err error) {
	var out *apigateway.GetUsagePlansOutput
	err = s.read(ctx, ListUsagePlans, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetUsagePlans(ctx, &apigateway.GetUsagePlansInput{Limit: pageSize, Position: startAt(position)})
		return err
	})
	if err != nil {
		return nil, "", err
	}
	for _, item := range out.Items {
		plans = append(plans, usagePlan(item))
	}
	return plans, aws.ToString(out.Position), nil
}

func usagePlan(item types.UsagePlan) UsagePlan {
	plan := UsagePlan{
		ID: portal.PlanID(aws.ToString(item.Id)), Name: aws.ToString(item.Name),
		Description: aws.ToString(item.Description), ProductCode: aws.ToString(item.ProductCode),
	}
	if t := item.Throttle; t != nil {
		plan.Throttle = &Throttle{Rate: t.RateLimit, Burst: int(t.BurstLimit)}
	}
	if q := item.Quota; q != nil {
		plan.Quota = &Quota{Limit: int(q.Limit), Period: string(q.Period)}
	}
	for _, stage := range item.ApiStages {
		named := portal.Stage{API: aws.ToString(stage.ApiId), Stage: aws.ToString(stage.Stage)}
		plan.Stages = append(plan.Stages, named)
		for method, limits := range stage.Throttle {
			plan.Methods = append(plan.Methods, methodThrottle(named, method, limits))
		}
	}
	return plan
}

// methodThrottle reads a key such as "/pets/{id}/GET".
func methodThrottle(stage portal.Stage, key string, limits types.ThrottleSettings) MethodThrottle {
	path, method := key, ""
	if at := strings.LastIndex(key, "/"); at >= 0 {
		path, method = key[:at], key[at+1:]
	}
	return MethodThrottle{
		Stage: stage, Path: cmp.Or(path, "/"), Method: method, Throttle: Throttle{Rate: limits.RateLimit, Burst: int(limits.BurstLimit)},
	}
}

// RestAPIsPage lists a page of the REST APIs, in API Gateway's order; positions are those of
// UsagePlansPage.
func (s *Session) RestAPIsPage(ctx context.Context, position string) (apis []RestAPI, next string, err error) {
	var out *apigateway.GetRestApisOutput
	err = s.read(ctx, listRestAPIs, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetRestApis(ctx, &apigateway.GetRestApisInput{Limit: pageSize, Position: startAt(position)})
		return err
	})
	if err != nil {
		return nil, "", err
	}
	for _, item := range out.Items {
		apis = append(apis, RestAPI{
			ID: aws.ToString(item.Id), Name: aws.ToString(item.Name),
			Description: aws.ToString(item.Description), Version: aws.ToString(item.Version),
			Private: isPrivate(item.EndpointConfiguration), NoDefaultEndpoint: item.DisableExecuteApiEndpoint,
		})
	}
	return apis, aws.ToString(out.Position), nil
}

func isPrivate(endpoint *types.EndpointConfiguration) bool {
	return endpoint != nil && slices.Contains(endpoint.Types, types.EndpointTypePrivate)
}

// Stages lists the names of an API's stages; GetStages has no pages. An API that
// is gone has none.
func (s *Session) Stages(ctx context.Context, api string) ([]string, error) {
	var out *apigateway.GetStagesOutput
	err := s.call(ctx, listStages, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetStages(ctx, &apigateway.GetStagesInput{RestApiId: aws.String(api)})
		return err
	})
	if IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, asUnavailable(err)
	}
	names := make([]string, 0, len(out.Item))
	for _, stage := range out.Item {
		names = append(names, aws.ToString(stage.StageName))
	}
	return names, nil
}
