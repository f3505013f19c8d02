package cloudformation_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// apiTemplate is an API that answers GET /pets without a backend, and a plan for it.
const apiTemplate = `
Parameters: {Answer: {Type: String}}
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      EndpointConfiguration: {Types: [REGIONAL]}
      Body:
        openapi: 3.0.1
        info: {title: Pets, version: "1"}
        paths:
          /pets:
            get:
              responses: {"200": {description: fine}}
              x-amazon-apigateway-integration:
                type: mock
                requestTemplates: {application/json: '{"statusCode": 200}'}
                responses: {default: {statusCode: "200", responseTemplates: {application/json: !Sub '["${Answer}"]'}}}
  DEPLOYMENT: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Api}}
  Stage: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, DeploymentId: !Ref DEPLOYMENT, StageName: v1}}
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties:
      UsagePlanName: Pets
      ApiStages: [{ApiId: !Ref Api, Stage: !Ref Stage}]
      Throttle: {RateLimit: 5, BurstLimit: 10}
      Quota: {Limit: LIMIT, Period: MONTH}
      Tags: [{Key: colour, Value: red}]
Outputs: {Api: {Value: !Ref Api}, Plan: {Value: !Ref Plan}}
`

func (a *account) answer(api string) string {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.Endpoint()+"/restapis/"+api+"/v1/_user_request_/pets", nil)
	ok(a.t, err)
	res, err := http.DefaultClient.Do(req)
	ok(a.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ok(a.t, err)
	return string(body)
}

func TestAnAPIOfAStackAnswers(t *testing.T) {
	t.Parallel()
	a := start(t)
	with := func(deployment, limit string) string {
		return strings.NewReplacer("DEPLOYMENT", deployment, "LIMIT", limit).Replace(apiTemplate)
	}
	made := a.apply("pets", types.ChangeSetTypeCreate, with("First", "10"), "Answer=cat")
	if made.StackStatus != types.StackStatusCreateComplete {
		t.Fatalf("the stack is %s: %v", made.StackStatus, a.happened("pets"))
	}
	outputs := map[string]string{}
	for _, o := range made.Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	if got := a.answer(outputs["Api"]); got != `["cat"]` {
		t.Errorf("it answers %s", got)
	}
	// Without another deployment, the stage serves what it has.
	a.apply("pets", types.ChangeSetTypeUpdate, with("First", "20"), "Answer=dog")
	if got := a.answer(outputs["Api"]); got != `["cat"]` {
		t.Errorf("before it is deployed, it answers %s", got)
	}
	changed := a.apply("pets", types.ChangeSetTypeUpdate, with("Second", "20"), "Answer=dog")
	if got := a.answer(outputs["Api"]); got != `["dog"]` || changed.StackStatus != types.StackStatusUpdateComplete {
		t.Errorf("the stack is %s, and it answers %s", changed.StackStatus, got)
	}
	client := apigateway.NewFromConfig(a.AWSConfig())
	plan, err := client.GetUsagePlan(t.Context(), &apigateway.GetUsagePlanInput{UsagePlanId: aws.String(outputs["Plan"])})
	ok(t, err)
	if plan.Quota.Limit != 20 || plan.Tags["colour"] != "red" || len(plan.ApiStages) != 1 {
		t.Errorf("the plan is %+v with %+v", plan, plan.Quota)
	}
	_, err = a.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("pets")})
	ok(t, err)
	if gone := a.settled(aws.ToString(made.StackId)); gone.StackStatus != types.StackStatusDeleteComplete {
		t.Errorf("the stack is %s: %v", gone.StackStatus, a.happened(aws.ToString(made.StackId)))
	}
	apis, err := client.GetRestApis(t.Context(), &apigateway.GetRestApisInput{})
	ok(t, err)
	plans, err := client.GetUsagePlans(t.Context(), &apigateway.GetUsagePlansInput{})
	ok(t, err)
	if len(apis.Items) > 0 || len(plans.Items) > 0 {
		t.Errorf("there are still %v and %v", apis.Items, plans.Items)
	}
}
