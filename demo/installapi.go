package demo

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

type apiClient interface {
	GetRestApis(context.Context, *apigateway.GetRestApisInput, ...func(*apigateway.Options)) (*apigateway.GetRestApisOutput, error)
	CreateRestApi(context.Context, *apigateway.CreateRestApiInput, ...func(*apigateway.Options)) (*apigateway.CreateRestApiOutput, error)
	GetResources(context.Context, *apigateway.GetResourcesInput, ...func(*apigateway.Options)) (*apigateway.GetResourcesOutput, error)
	CreateResource(context.Context, *apigateway.CreateResourceInput, ...func(*apigateway.Options)) (*apigateway.CreateResourceOutput, error)
	PutMethod(context.Context, *apigateway.PutMethodInput, ...func(*apigateway.Options)) (*apigateway.PutMethodOutput, error)
	PutIntegration(context.Context, *apigateway.PutIntegrationInput, ...func(*apigateway.Options)) (*apigateway.PutIntegrationOutput, error)
	GetStages(context.Context, *apigateway.GetStagesInput, ...func(*apigateway.Options)) (*apigateway.GetStagesOutput, error)
	CreateDeployment(context.Context, *apigateway.CreateDeploymentInput, ...func(*apigateway.Options)) (*apigateway.CreateDeploymentOutput, error)
}

const verb = "ANY"

// installAPI creates and deploys the API and returns its id. It completes an interrupted
// run, and deploys again if backendURL has changed.
func installAPI(ctx context.Context, c apiClient, backendURL string) (string, error) {
	api, err := findOrCreateAPI(ctx, c)
	if err != nil {
		return "", err
	}
	resources, err := c.GetResources(ctx, &apigateway.GetResourcesInput{
		RestApiId: &api, Embed: []string{"methods"}, Limit: aws.Int32(500),
	})
	if err != nil {
		return "", fmt.Errorf("reading resources of %s: %w", api, err)
	}
	root, proxy := byPath(resources.Items, "/"), byPath(resources.Items, "/{proxy+}")
	if proxy.Id == nil {
		created, err := c.CreateResource(ctx, &apigateway.CreateResourceInput{
			RestApiId: &api, ParentId: root.Id, PathPart: aws.String("{proxy+}"),
		})
		if err != nil {
			return "", fmt.Errorf("creating the proxy resource of %s: %w", api, err)
		}
		proxy.Id = created.Id
	}
	if err := connect(ctx, c, api, root, backendURL+"/"); err != nil {
		return "", err
	}
	if err := connect(ctx, c, api, proxy, backendURL+"/{proxy}", "proxy"); err != nil {
		return "", err
	}
	return api, deploy(ctx, c, api, backendURL)
}

func findOrCreateAPI(ctx context.Context, c apiClient) (string, error) {
	pages := apigateway.NewGetRestApisPaginator(c, &apigateway.GetRestApisInput{Limit: aws.Int32(500)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("listing REST APIs: %w", err)
		}
		for _, api := range page.Items {
			if aws.ToString(api.Name) == apiName {
				return *api.Id, nil
			}
		}
	}
	api, err := c.CreateRestApi(ctx, &apigateway.CreateRestApiInput{
		Name: aws.String(apiName), Description: aws.String("Tides and lights of an invented coast. Start with /harbours."),
		EndpointConfiguration: &types.EndpointConfiguration{Types: []types.EndpointType{types.EndpointTypeRegional}},
	})
	if err != nil {
		return "", fmt.Errorf("creating the REST API: %w", err)
	}
	return *api.Id, nil
}

func byPath(resources []types.Resource, path string) types.Resource {
	i := slices.IndexFunc(resources, func(res types.Resource) bool { return aws.ToString(res.Path) == path })
	if i < 0 {
		return types.Resource{}
	}
	return resources[i]
}

// connect makes the resource pass every request on to uri. API Gateway fills in only
// path parameters that are declared and mapped.
func connect(ctx context.Context, c apiClient, api string, res types.Resource, uri string, parameters ...string) error {
	declared, mapping := map[string]bool{}, map[string]string{}
	for _, name := range parameters {
		declared["method.request.path."+name] = true
		mapping["integration.request.path."+name] = "method.request.path." + name
	}
	method, ok := res.ResourceMethods[verb]
	if !ok {
		_, err := c.PutMethod(ctx, &apigateway.PutMethodInput{
			RestApiId: &api, ResourceId: res.Id, HttpMethod: aws.String(verb), AuthorizationType: aws.String("NONE"),
			ApiKeyRequired: true, RequestParameters: declared,
		})
		if err != nil {
			return fmt.Errorf("creating the method of %s/%s: %w", api, *res.Id, err)
		}
	}
	if method.MethodIntegration != nil && aws.ToString(method.MethodIntegration.Uri) == uri {
		return nil
	}
	_, err := c.PutIntegration(ctx, &apigateway.PutIntegrationInput{
		RestApiId: &api, ResourceId: res.Id, HttpMethod: aws.String(verb), IntegrationHttpMethod: aws.String(verb),
		Type: types.IntegrationTypeHttpProxy, Uri: &uri, RequestParameters: mapping,
	})
	if err != nil {
		return fmt.Errorf("connecting %s/%s to its backend: %w", api, *res.Id, err)
	}
	return nil
}

// deploy deploys the API to the stage, unless this backend is deployed. A stage variable
// records the backend, so that the next run notices an interrupted one.
func deploy(ctx context.Context, c apiClient, api, backendURL string) error {
	stages, err := c.GetStages(ctx, &apigateway.GetStagesInput{RestApiId: &api})
	if err != nil {
		return fmt.Errorf("reading stages of %s: %w", api, err)
	}
	for _, st := range stages.Item {
		if aws.ToString(st.StageName) == Stage && st.Variables["backend"] == backendURL {
			return nil
		}
	}
	_, err = c.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{
		RestApiId: &api, StageName: aws.String(Stage), Variables: map[string]string{"backend": backendURL},
	})
	if err != nil {
		return fmt.Errorf("deploying %s: %w", api, err)
	}
	return nil
}
