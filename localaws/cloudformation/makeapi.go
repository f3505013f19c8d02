package cloudformation

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

func (m maker) apis() *apigateway.Client { return apigateway.NewFromConfig(m.cfg) }

// restAPI imports the API from Body, an OpenAPI document. Other properties than that and
// EndpointConfiguration are an error.
func (m maker) restAPI(properties map[string]any) (string, map[string]string, error) {
	body, kinds, err := apiProperties(properties)
	if err != nil {
		return "", nil, err
	}
	in := apigateway.ImportRestApiInput{Body: []byte(body), FailOnWarnings: true}
	if len(kinds) > 0 {
		in.Parameters = map[string]string{"endpointConfigurationTypes": kinds[0]}
	}
	out, err := m.apis().ImportRestApi(m.ctx, &in)
	if err != nil {
		return "", nil, err
	}
	id := aws.ToString(out.Id)
	return id, map[string]string{"RestApiId": id, "RootResourceId": aws.ToString(out.RootResourceId)}, nil
}

func apiProperties(properties map[string]any) (body string, kinds []string, err error) {
	body = document(properties["Body"])
	delete(properties, "Body")
	var endpoint struct{ Types []string }
	if _, err := take(properties, "EndpointConfiguration", &endpoint); err != nil {
		return "", nil, err
	}
	return body, endpoint.Types, decode(properties, &struct{}{})
}

// changeRestAPI imports the new Body. It ignores a changed EndpointConfiguration.
func (m maker) changeRestAPI(id string, want, _ map[string]any) error {
	body, _, err := apiProperties(want)
	if err != nil {
		return err
	}
	_, err = m.apis().PutRestApi(m.ctx, &apigateway.PutRestApiInput{RestApiId: &id, Body: []byte(body), Mode: types.PutModeOverwrite, FailOnWarnings: true})
	return err
}

func (m maker) removeRestAPI(id string, _ map[string]any) error {
	_, err := m.apis().DeleteRestApi(m.ctx, &apigateway.DeleteRestApiInput{RestApiId: &id})
	return unlessMissing(err, "NotFound")
}

func (m maker) deployment(properties map[string]any) (string, map[string]string, error) {
	var in apigateway.CreateDeploymentInput
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	out, err := m.apis().CreateDeployment(m.ctx, &in)
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(out.Id), map[string]string{"DeploymentId": aws.ToString(out.Id)}, nil
}

func (m maker) removeDeployment(id string, properties map[string]any) error {
	api, _ := properties["RestApiId"].(string)
	_, err := m.apis().DeleteDeployment(m.ctx, &apigateway.DeleteDeploymentInput{RestApiId: &api, DeploymentId: &id})
	return unlessMissing(err, "NotFound")
}

func (m maker) stage(properties map[string]any) (string, map[string]string, error) {
	var in apigateway.CreateStageInput
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	_, err := m.apis().CreateStage(m.ctx, &in)
	return aws.ToString(in.StageName), nil, err
}

func (m maker) changeStage(id string, want, _ map[string]any) error {
	var in apigateway.CreateStageInput
	if err := decode(want, &in); err != nil {
		return err
	}
	_, err := m.apis().UpdateStage(m.ctx, &apigateway.UpdateStageInput{
		RestApiId: in.RestApiId, StageName: &id, PatchOperations: []types.PatchOperation{replaceWith("/deploymentId", aws.ToString(in.DeploymentId))},
	})
	return err
}

func (m maker) removeStage(id string, properties map[string]any) error {
	api, _ := properties["RestApiId"].(string)
	_, err := m.apis().DeleteStage(m.ctx, &apigateway.DeleteStageInput{RestApiId: &api, StageName: &id})
	return unlessMissing(err, "NotFound")
}

func replaceWith(path, value string) types.PatchOperation {
	return types.PatchOperation{Op: types.OpReplace, Path: &path, Value: &value}
}

// planProperties are those of a usage plan. The stages of CloudFormation have other names than those of the SDK.
func planProperties(properties map[string]any) (in apigateway.CreateUsagePlanInput, err error) {
	var stages []struct {
		APIID string `json:"ApiId"`
		Stage string
	}
	if _, err := take(properties, "ApiStages", &stages); err != nil {
		return in, err
	}
	for _, one := range stages {
		in.ApiStages = append(in.ApiStages, types.ApiStage{ApiId: aws.String(one.APIID), Stage: aws.String(one.Stage)})
	}
	var tags []struct{ Key, Value string }
	if _, err := take(properties, "Tags", &tags); err != nil {
		return in, err
	}
	in.Tags = map[string]string{}
	for _, tag := range tags {
		in.Tags[tag.Key] = tag.Value
	}
	if _, err := take(properties, "UsagePlanName", &in.Name); err != nil {
		return in, err
	}
	return in, decode(properties, &in)
}

func (m maker) usagePlan(properties map[string]any) (string, map[string]string, error) {
	in, err := planProperties(properties)
	if err != nil {
		return "", nil, err
	}
	if in.Name == nil {
		in.Name = aws.String(m.generatedName())
	}
	out, err := m.apis().CreateUsagePlan(m.ctx, &in)
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(out.Id), map[string]string{"Id": aws.ToString(out.Id)}, nil
}

// changeUsagePlan changes name, description, throttle and quota. It ignores changed ApiStages and Tags.
func (m maker) changeUsagePlan(id string, want, _ map[string]any) error {
	in, err := planProperties(want)
	if err != nil {
		return err
	}
	operations := []types.PatchOperation{replaceWith("/description", aws.ToString(in.Description))}
	if in.Name != nil {
		operations = append(operations, replaceWith("/name", *in.Name))
	}
	if in.Throttle != nil {
		operations = append(operations, replaceWith("/throttle/rateLimit", fmt.Sprint(in.Throttle.RateLimit)), replaceWith("/throttle/burstLimit", fmt.Sprint(in.Throttle.BurstLimit)))
	}
	if in.Quota != nil {
		operations = append(operations, replaceWith("/quota/limit", fmt.Sprint(in.Quota.Limit)), replaceWith("/quota/period", string(in.Quota.Period)))
	}
	_, err = m.apis().UpdateUsagePlan(m.ctx, &apigateway.UpdateUsagePlanInput{UsagePlanId: &id, PatchOperations: operations})
	return err
}

// removeUsagePlan takes the stages out first, without which API Gateway does not delete a plan.
func (m maker) removeUsagePlan(id string, _ map[string]any) error {
	plan, err := m.apis().GetUsagePlan(m.ctx, &apigateway.GetUsagePlanInput{UsagePlanId: &id})
	if err != nil {
		return unlessMissing(err, "NotFound")
	}
	for _, stage := range plan.ApiStages {
		_, err := m.apis().UpdateUsagePlan(m.ctx, &apigateway.UpdateUsagePlanInput{UsagePlanId: &id, PatchOperations: []types.PatchOperation{{
			Op: types.OpRemove, Path: aws.String("/apiStages"), Value: aws.String(aws.ToString(stage.ApiId) + ":" + aws.ToString(stage.Stage)),
		}}})
		if err != nil {
			return err
		}
	}
	_, err = m.apis().DeleteUsagePlan(m.ctx, &apigateway.DeleteUsagePlanInput{UsagePlanId: &id})
	return unlessMissing(err, "NotFound")
}
