package gateway

import (
	"context"

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
	// Stages are those the plan names; they need not exist any more.
	Stages []portal.Stage
	// ProductCode is that of the AWS Marketplace product, if it is sold as one.
	ProductCode string
}

// Throttle limits requests a second, and how many may come at once.
type Throttle struct {
	Rate  float64
	Burst int
}

// Quota limits requests in a period, DAY, WEEK or MONTH.
type Quota struct {
	Limit  int
	Period string
}

// RestAPI is what an API says of itself.
type RestAPI struct {
	ID, Name, Description, Version string
}

// pageSize is the largest page that API Gateway gives.
var pageSize = aws.Int32(500)

// pages calls page with each position until there is none. Each page is a call
// with a token of its own.
func pages(page func(position *string) (next *string, err error)) error {
	var position *string
	for {
		next, err := page(position)
		if err != nil || aws.ToString(next) == "" {
			return err
		}
		position = next
	}
}

var listUsagePlans = operation{name: "GetUsagePlans", class: other}

// UsagePlans lists all usage plans, in API Gateway's order.
func (s *Session) UsagePlans(ctx context.Context) ([]UsagePlan, error) {
	var plans []UsagePlan
	err := pages(func(position *string) (next *string, err error) {
		var out *apigateway.GetUsagePlansOutput
		err = s.read(ctx, listUsagePlans, func(ctx context.Context) (err error) {
			out, err = s.cp.client.GetUsagePlans(ctx, &apigateway.GetUsagePlansInput{Limit: pageSize, Position: position})
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, item := range out.Items {
			plans = append(plans, usagePlan(item))
		}
		return out.Position, nil
	})
	if err != nil {
		return nil, err
	}
	return plans, nil
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
		plan.Stages = append(plan.Stages, portal.Stage{API: aws.ToString(stage.ApiId), Stage: aws.ToString(stage.Stage)})
	}
	return plan
}

var listRestAPIs = operation{name: "GetRestApis", class: other}

// RestAPIs lists all REST APIs, in API Gateway's order.
func (s *Session) RestAPIs(ctx context.Context) ([]RestAPI, error) {
	var apis []RestAPI
	err := pages(func(position *string) (next *string, err error) {
		var out *apigateway.GetRestApisOutput
		err = s.read(ctx, listRestAPIs, func(ctx context.Context) (err error) {
			out, err = s.cp.client.GetRestApis(ctx, &apigateway.GetRestApisInput{Limit: pageSize, Position: position})
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, item := range out.Items {
			apis = append(apis, RestAPI{
				ID: aws.ToString(item.Id), Name: aws.ToString(item.Name),
				Description: aws.ToString(item.Description), Version: aws.ToString(item.Version),
			})
		}
		return out.Position, nil
	})
	if err != nil {
		return nil, err
	}
	return apis, nil
}

var listStages = operation{name: "GetStages", class: other}

// Stages lists the names of an API's stages; GetStages has no pages. An API that
// is gone has none.
func (s *Session) Stages(ctx context.Context, api string) ([]string, error) {
	var out *apigateway.GetStagesOutput
	err := s.call(ctx, listStages, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetStages(ctx, &apigateway.GetStagesInput{RestApiId: aws.String(api)})
		return err
	})
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, settled(err)
	}
	names := make([]string, 0, len(out.Item))
	for _, stage := range out.Item {
		names = append(names, aws.ToString(stage.StageName))
	}
	return names, nil
}
