package gateway

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Listed is an API key in a list.
type Listed struct {
	ID   portal.GatewayKeyID `json:"id"`
	Name string              `json:"name"`
	// Disabled and Customer, the customer identifier of AWS Marketplace, are not set in lists of a
	// plan's keys, nor is Issued: the key has a description that Gatehouse gave it.
	Disabled bool   `json:"disabled,omitempty"`
	Customer string `json:"customer,omitempty"`
	Issued   bool   `json:"issued,omitempty"`
}

// Keys lists the API keys whose names begin with namePrefix, 500 to a call.
func (s *Session) Keys(ctx context.Context, namePrefix string) ([]Listed, error) {
	return allPages(func(position string) ([]Listed, string, error) { return s.KeysPage(ctx, namePrefix, position) })
}

// KeysPage lists a page of at most 500 API keys whose names begin with namePrefix, of all if it is
// ""; for positions see UsagePlansPage.
func (s *Session) KeysPage(ctx context.Context, namePrefix, position string) (keys []Listed, next string, err error) {
	keys, after, err := s.keysPage(ctx, namePrefix, startAt(position))
	return keys, aws.ToString(after), err
}

func (s *Session) eachKey(ctx context.Context, namePrefix string, more func(Listed) bool) error {
	return eachPage(func(position *string) (next *string, err error) {
		keys, next, err := s.keysPage(ctx, namePrefix, position)
		for _, key := range keys {
			if !more(key) {
				return nil, nil
			}
		}
		return next, err
	})
}

func (s *Session) keysPage(ctx context.Context, namePrefix string, position *string) (keys []Listed, next *string, err error) {
	var out *apigateway.GetApiKeysOutput
	err = s.read(ctx, ListAPIKeys, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetApiKeys(ctx, &apigateway.GetApiKeysInput{
			// nameQuery matches the beginning of names.
			NameQuery: unlessEmpty(namePrefix), IncludeValues: aws.Bool(false), Limit: pageSize, Position: position,
		})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	for _, item := range out.Items {
		keys = append(keys, Listed{
			ID: portal.GatewayKeyID(aws.ToString(item.Id)), Name: aws.ToString(item.Name), Disabled: !item.Enabled,
			Customer: aws.ToString(item.CustomerId), Issued: issued(item.Description),
		})
	}
	return keys, out.Position, nil
}

// PlanKeysPage lists a page of a plan's keys whose names begin with namePrefix, none if the
// plan is gone. For positions see UsagePlansPage.
func (s *Session) PlanKeysPage(ctx context.Context, plan portal.PlanID, namePrefix, position string) (keys []Listed, next string, err error) {
	keys, after, err := s.planKeysPage(ctx, plan, namePrefix, startAt(position))
	return keys, aws.ToString(after), err
}

// API Gateway also sends the keys' values, which are dropped here.
func (s *Session) planKeysPage(ctx context.Context, plan portal.PlanID, namePrefix string, position *string) (keys []Listed, next *string, err error) {
	var out *apigateway.GetUsagePlanKeysOutput
	err = s.call(ctx, ListPlanKeys, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetUsagePlanKeys(ctx, &apigateway.GetUsagePlanKeysInput{
			UsagePlanId: aws.String(string(plan)), NameQuery: aws.String(namePrefix), Limit: pageSize, Position: position,
		})
		return err
	})
	if IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, asUnavailable(err)
	}
	for _, item := range out.Items {
		keys = append(keys, Listed{ID: portal.GatewayKeyID(aws.ToString(item.Id)), Name: aws.ToString(item.Name)})
	}
	return keys, out.Position, nil
}

// PlansOf lists the plans that a key is in, none if the key is gone.
func (s *Session) PlansOf(ctx context.Context, key portal.GatewayKeyID) ([]UsagePlan, error) {
	var plans []UsagePlan
	err := eachPage(func(position *string) (next *string, err error) {
		var out *apigateway.GetUsagePlansOutput
		err = s.call(ctx, ListUsagePlans, func(ctx context.Context) (err error) {
			out, err = s.cp.client.GetUsagePlans(ctx, &apigateway.GetUsagePlansInput{KeyId: aws.String(string(key)), Limit: pageSize, Position: position})
			return err
		})
		if IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, asUnavailable(err)
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

// PlanIDs lists the ids of plans in their order.
func PlanIDs(plans []UsagePlan) []portal.PlanID {
	var ids []portal.PlanID
	for _, plan := range plans {
		ids = append(ids, plan.ID)
	}
	return ids
}
