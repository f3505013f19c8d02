package gateway

import (
	"context"
	"errors"
	"mime"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// SDK is an archive that API Gateway generated.
type SDK struct {
	File string
	Body []byte
}

// Export reads a stage's OpenAPI document (3.0, JSON, without AWS's extensions). IsNotFound
// reports that the API or the stage is gone. If API Gateway cannot describe the API, the error is
// a *Refused.
func (s *Session) Export(ctx context.Context, stage portal.Stage) (document []byte, err error) {
	err = s.call(ctx, readExport, func(ctx context.Context) error {
		out, err := s.cp.client.GetExport(ctx, &apigateway.GetExportInput{
			RestApiId: aws.String(stage.API), StageName: aws.String(stage.Stage), ExportType: aws.String("oas30"), Accepts: aws.String("application/json"),
		})
		if err == nil {
			document = out.Body
		}
		return err
	})
	return document, unlessNotFound(err)
}

// SDKTypes lists the types of SDKs that API Gateway generates, with the parameters that each
// requires.
func (s *Session) SDKTypes(ctx context.Context) (parameters map[string][]string, err error) {
	var out *apigateway.GetSdkTypesOutput
	err = s.read(ctx, listSDKTypes, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetSdkTypes(ctx, &apigateway.GetSdkTypesInput{Limit: pageSize})
		return err
	})
	if err != nil {
		return nil, err
	}
	parameters = map[string][]string{}
	for _, item := range out.Items {
		required := []string{}
		for _, property := range item.ConfigurationProperties {
			if property.Required {
				required = append(required, aws.ToString(property.Name))
			}
		}
		parameters[aws.ToString(item.Id)] = required
	}
	return parameters, nil
}

// SDK has API Gateway generate a client for a stage. kind is java, javascript, android,
// objectivec, swift or ruby; parameters are those of SDKTypes. Errors are those of Export.
func (s *Session) SDK(ctx context.Context, stage portal.Stage, kind string, parameters map[string]string) (sdk SDK, err error) {
	err = s.call(ctx, readSDK, func(ctx context.Context) error {
		out, err := s.cp.client.GetSdk(ctx, &apigateway.GetSdkInput{
			RestApiId: aws.String(stage.API), StageName: aws.String(stage.Stage), SdkType: aws.String(kind), Parameters: parameters,
		})
		if err == nil {
			_, disposition, _ := mime.ParseMediaType(aws.ToString(out.ContentDisposition))
			sdk = SDK{File: disposition["filename"], Body: out.Body}
		}
		return err
	})
	return sdk, unlessNotFound(err)
}

// unlessNotFound is asUnavailable but keeps a 404.
func unlessNotFound(err error) error {
	if IsNotFound(err) {
		return err
	}
	return asUnavailable(err)
}

// AWSWords returns API Gateway's own message in an error, or "". It is for operators only.
func AWSWords(err error) string {
	var said interface{ ErrorMessage() string }
	if errors.As(err, &said) {
		return said.ErrorMessage()
	}
	return ""
}
