package gateway

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Both change the keys of a plan, which AWS does one at a time: see leases.attach.
var (
	createUsagePlanKey = operation{name: "CreateUsagePlanKey", class: other, exclusive: true}
	deleteUsagePlanKey = operation{name: "DeleteUsagePlanKey", class: other, exclusive: true}
)

var (
	readUsagePlanKey = operation{name: "GetUsagePlanKey", class: other}
	readUsagePlan    = operation{name: "GetUsagePlan", class: other}
	readAPIKey       = operation{name: "GetApiKey", class: other}
)

// Attach has the key open the plan. A key that is attached already is, so a second
// call changes nothing. The data plane may take minutes to follow.
//
// AWS answers 409 both to a key that is attached already, to one that opens a
// stage of the plan through another plan, and to a change under way elsewhere; and
// 404 both without the plan and without the key. Which it is, is read: see
// attachConflict and attachAbsent.
func (s *Session) Attach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	err := s.call(ctx, createUsagePlanKey, func(ctx context.Context) error {
		_, err := s.cp.client.CreateUsagePlanKey(ctx, &apigateway.CreateUsagePlanKeyInput{
			UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(key)), KeyType: aws.String("API_KEY"),
		})
		return err
	})
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

func (s *Session) attachConflict(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, clash *conflict) error {
	attached, err := s.Attached(ctx, plan, key)
	switch {
	case err != nil:
		return err
	case attached:
		return nil
	case clash.concurrent():
		return settled(clash)
	}
	return refused(StageTaken, clash.err)
}

// attachAbsent asks for the plan first: without it the wish is void, while a key
// can be created again. If both are there now, one was only not there yet.
func (s *Session) attachAbsent(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, missing *absent) error {
	err := s.call(ctx, readUsagePlan, func(ctx context.Context) error {
		_, err := s.cp.client.GetUsagePlan(ctx, &apigateway.GetUsagePlanInput{UsagePlanId: aws.String(string(plan))})
		return err
	})
	if isAbsent(err) {
		return refused(PlanGone, missing.err)
	}
	if err != nil {
		return settled(err)
	}
	if err := s.Present(ctx, key); err != nil {
		var gone *Refused
		if errors.As(err, &gone) {
			return refused(KeyGone, missing.err)
		}
		return err
	}
	return settled(missing)
}

// Detach has the key no longer open the plan. If it does not, or either is gone,
// that is done already.
func (s *Session) Detach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	err := s.call(ctx, deleteUsagePlanKey, func(ctx context.Context) error {
		_, err := s.cp.client.DeleteUsagePlanKey(ctx, &apigateway.DeleteUsagePlanKeyInput{
			UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(key)),
		})
		return err
	})
	if isAbsent(err) {
		return nil
	}
	return settled(err)
}

// Attached says whether the key opens the plan; it does not if either is gone.
func (s *Session) Attached(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) (bool, error) {
	err := s.call(ctx, readUsagePlanKey, func(ctx context.Context) error {
		_, err := s.cp.client.GetUsagePlanKey(ctx, &apigateway.GetUsagePlanKeyInput{
			UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(key)),
		})
		return err
	})
	if isAbsent(err) {
		return false, nil
	}
	return err == nil, settled(err)
}
