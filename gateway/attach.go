package gateway

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Attach attaches the key to the plan; it may be repeated. The data plane may take minutes to
// follow.
//
// AWS answers 409 if the key is attached already, if another plan of the key covers one of the
// stages, and during another change; and 404 without the plan or the key. Attach reads to tell
// these apart, and returns a *Refused only for what it has seen (decision 0037).
func (s *Session) Attach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	return s.attachAnswer(ctx, plan, key, s.call(ctx, createUsagePlanKey, s.attaching(plan, key)))
}

func (s *Session) attaching(plan portal.PlanID, key portal.GatewayKeyID) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.cp.client.CreateUsagePlanKey(ctx, &apigateway.CreateUsagePlanKeyInput{
			UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(key)), KeyType: aws.String("API_KEY"),
		})
		return err
	}
}

func (s *Session) attachAnswer(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, err error) error {
	var clash *conflict
	var missing *absent
	switch {
	case errors.As(err, &clash):
		return s.attachConflict(ctx, plan, key, clash)
	case errors.As(err, &missing):
		return s.attachAbsent(ctx, plan, key, missing)
	}
	return err
}

// attachConflict: reads may lag behind writes, so only a rival plan that is seen to hold the key
// is a refusal.
func (s *Session) attachConflict(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, clash *conflict) error {
	if clash.attached() {
		return nil
	}
	holds, err := s.PlansOf(ctx, key)
	switch {
	case err != nil:
		return err
	case slices.Contains(PlanIDs(holds), plan):
		return nil
	case clash.concurrent() || len(holds) == 0:
		return asUnavailable(clash)
	}
	wanted, err := s.plan(ctx, plan)
	if err != nil {
		return err
	}
	for _, rival := range holds {
		if shareStage(rival, wanted) {
			return &Refused{Reason: StageTaken, Rival: rival.ID, Err: clash.err}
		}
	}
	return asUnavailable(clash)
}

func shareStage(a, b UsagePlan) bool {
	return slices.ContainsFunc(a.Stages, func(stage portal.Stage) bool { return slices.Contains(b.Stages, stage) })
}

// HasPlan reports whether the usage plan exists.
func (s *Session) HasPlan(ctx context.Context, id portal.PlanID) (bool, error) {
	_, err := s.plan(ctx, id)
	var no *Refused
	if errors.As(err, &no) && no.Reason == PlanGone {
		return false, nil
	}
	return err == nil, err
}

func (s *Session) plan(ctx context.Context, id portal.PlanID) (UsagePlan, error) {
	var out *apigateway.GetUsagePlanOutput
	err := s.call(ctx, readUsagePlan, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetUsagePlan(ctx, &apigateway.GetUsagePlanInput{UsagePlanId: aws.String(string(id))})
		return err
	})
	if IsNotFound(err) {
		return UsagePlan{}, &Refused{Reason: PlanGone, Err: err}
	}
	if err != nil {
		return UsagePlan{}, asUnavailable(err)
	}
	return usagePlan(types.UsagePlan{
		Id: out.Id, Name: out.Name, Description: out.Description, ProductCode: out.ProductCode,
		Throttle: out.Throttle, Quota: out.Quota, ApiStages: out.ApiStages,
	}), nil
}

// attachAbsent reads the plan first: without it the wish is void, while a key can be created
// again. If both exist, one was not visible yet.
func (s *Session) attachAbsent(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, missing *absent) error {
	if _, err := s.plan(ctx, plan); err != nil {
		return err
	}
	if err := s.Present(ctx, key); err != nil {
		return err
	}
	return asUnavailable(missing)
}

// Detach detaches the key from the plan. It returns nil if the key is not attached, or either is
// gone.
func (s *Session) Detach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	err := s.call(ctx, deleteUsagePlanKey, func(ctx context.Context) error {
		_, err := s.cp.client.DeleteUsagePlanKey(ctx, &apigateway.DeleteUsagePlanKeyInput{
			UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(key)),
		})
		return err
	})
	if IsNotFound(err) {
		return nil
	}
	return asUnavailable(err)
}

// Attached reports whether the key is in the plan.
func (s *Session) Attached(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) (bool, error) {
	err := s.call(ctx, readUsagePlanKey, func(ctx context.Context) error {
		_, err := s.cp.client.GetUsagePlanKey(ctx, &apigateway.GetUsagePlanKeyInput{
			UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(key)),
		})
		return err
	})
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil, asUnavailable(err)
}
