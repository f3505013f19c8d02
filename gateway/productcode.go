package gateway

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// SetProductCode has API Gateway meter a usage plan for a product of AWS Marketplace; repeating it
// changes nothing. AWS allows one such call in 20 seconds for the whole AWS account. Without a token for
// it, the error is a *portal.Postponed. A plan that is gone is Refused with PlanGone.
func (s *Session) SetProductCode(ctx context.Context, plan portal.PlanID, code portal.ProductCode) error {
	err := s.call(ctx, updateUsagePlan, func(ctx context.Context) error {
		_, err := s.cp.client.UpdateUsagePlan(ctx, &apigateway.UpdateUsagePlanInput{
			UsagePlanId:     aws.String(string(plan)),
			PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/productCode"), Value: aws.String(string(code))}},
		})
		return err
	})
	if IsNotFound(err) {
		return &Refused{Reason: PlanGone, Err: err}
	}
	return asUnavailable(err)
}
