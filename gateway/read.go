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

// UsagePlan is a usage plan. Nil limits are none.
type UsagePlan struct {
	ID          portal.PlanID
	Name        string
	Description string
	Throttle    *Throttle
	Quota       *Quota
	// Stages may be gone, or belong to no REST API.
	Stages  []portal.Stage
	Methods []MethodThrottle
	// ProductCode is AWS Marketplace's, or "".
	ProductCode string
	Tags        map[string]string
}

// Throttle limits requests a second, and how many may come at once.
type Throttle struct {
	Rate  float64
	Burst int
}

// MethodThrottle replaces the plan's throttle for one method. Path is the resource's, such as
// "/pets/{id}".
type MethodThrottle struct {
	Stage        portal.Stage
	Path, Method string
	Throttle
}

// Quota limits requests in a period: DAY, WEEK or MONTH. In a key's first period in the plan the
// limit is less by Offset.
type Quota struct {
	Limit  int
	Offset int
	Period string
}

// RestAPI is a REST API. Private ones are reached only from inside their owner's network.
type RestAPI struct {
	ID, Name, Description, Version string
	Private                        bool
	// NoDefaultEndpoint: the execute-api address is off.
	NoDefaultEndpoint bool
}

var pageSize = aws.Int32(500)

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

func startAt(position string) *string { return unlessEmpty(position) }

func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

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

// UsagePlans lists all usage plans.
func (s *Session) UsagePlans(ctx context.Context) ([]UsagePlan, error) {
	return allPages(func(position string) ([]UsagePlan, string, error) { return s.UsagePlansPage(ctx, position) })
}

// UsagePlansPage lists a page of the usage plans in API Gateway's order. position is "" or an
// earlier page's next, which is "" on the last page.
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
		Tags: item.Tags,
	}
	if t := item.Throttle; t != nil {
		plan.Throttle = &Throttle{Rate: t.RateLimit, Burst: int(t.BurstLimit)}
	}
	if q := item.Quota; q != nil {
		plan.Quota = &Quota{Limit: int(q.Limit), Offset: int(q.Offset), Period: string(q.Period)}
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

// RestAPIsPage lists a page of the REST APIs; for positions see UsagePlansPage.
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

// Stage is a stage of a REST API. Version changes with each deployment, and each publication of
// the documentation, on the stage.
type Stage struct {
	Name, Version string
}

// Stages lists an API's stages, none if the API is gone. GetStages has no pages.
func (s *Session) Stages(ctx context.Context, api string) ([]Stage, error) {
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
	stages := make([]Stage, 0, len(out.Item))
	for _, stage := range out.Item {
		version := aws.ToString(stage.DeploymentId)
		if documented := aws.ToString(stage.DocumentationVersion); documented != "" {
			version += "/" + documented
		}
		stages = append(stages, Stage{Name: aws.ToString(stage.StageName), Version: version})
	}
	return stages, nil
}
