package apigateway_test

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func unzip(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, file := range r.File {
		content, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		files[file.Name] = string(body)
	}
	return files
}

func TestSDKsOfAllTypesHaveAFunctionForEachMethod(t *testing.T) {
	t.Parallel()
	client := sdk.NewFromConfig(localawstest.Start(t).AWSConfig())
	api := importAPI(t, client, pets(t, "http://localhost:1"))
	types := must[*sdk.GetSdkTypesOutput](t)(client.GetSdkTypes(t.Context(), &sdk.GetSdkTypesInput{}))
	if len(types.Items) != 6 {
		t.Fatalf("%d types", len(types.Items))
	}
	for _, kind := range types.Items {
		parameters := map[string]string{}
		for _, property := range kind.ConfigurationProperties {
			if property.Required {
				parameters[*property.Name] = "Pets"
			}
		}
		in := &sdk.GetSdkInput{RestApiId: &api, StageName: aws.String("v1"), SdkType: kind.Id, Parameters: parameters}
		out := must[*sdk.GetSdkOutput](t)(client.GetSdk(t.Context(), in))
		again := must[*sdk.GetSdkOutput](t)(client.GetSdk(t.Context(), in))
		if !bytes.Equal(out.Body, again.Body) {
			t.Errorf("%s: two archives of one deployment differ", *kind.Id)
		}
		if !strings.HasPrefix(*out.ContentDisposition, `attachment; filename="`+*kind.Id+"_") || *out.ContentType != "application/octet-stream" {
			t.Errorf("%s: %q, %q", *kind.Id, *out.ContentDisposition, *out.ContentType)
		}
		files := unzip(t, out.Body)
		source := ""
		for name, text := range files {
			if name != "README.md" {
				source = text
			}
		}
		if len(files) != 2 || !strings.Contains(source, "/pets/{") || !strings.Contains(source, "getPets") || !strings.Contains(source, "/restapis/"+api+"/v1/_user_request_") {
			t.Errorf("%s: the archive has %v", *kind.Id, slices.Collect(func(yield func(string) bool) {
				for name := range files {
					yield(name)
				}
			}))
		}
		for name := range parameters {
			less := map[string]string{}
			for other, value := range parameters {
				if other != name {
					less[other] = value
				}
			}
			in.Parameters = less
			_, err := client.GetSdk(t.Context(), in)
			refused(t, err, "BadRequestException", "")
		}
	}
}

func TestAnSDKOfAnUnknownTypeOrStageIsRefused(t *testing.T) {
	t.Parallel()
	client := sdk.NewFromConfig(localawstest.Start(t).AWSConfig())
	api := importAPI(t, client, pets(t, "http://localhost:1"))
	for _, c := range []struct{ api, stage, kind, want string }{
		{api, "v1", "cobol", "BadRequestException"}, {api, "v2", "javascript", "NotFoundException"}, {"nosuch", "v1", "javascript", "NotFoundException"},
	} {
		_, err := client.GetSdk(t.Context(), &sdk.GetSdkInput{RestApiId: &c.api, StageName: &c.stage, SdkType: &c.kind})
		refused(t, err, c.want, "")
	}
}

func TestAnSDKForJavaTakesTheNamesOfTheReference(t *testing.T) {
	t.Parallel()
	client := sdk.NewFromConfig(localawstest.Start(t).AWSConfig())
	api := importAPI(t, client, pets(t, "http://localhost:1"))
	must[*sdk.GetSdkOutput](t)(client.GetSdk(t.Context(), &sdk.GetSdkInput{
		RestApiId: &api, StageName: aws.String("v1"), SdkType: aws.String("java"),
		Parameters: map[string]string{"serviceName": "Pets", "javaPackageName": "pets"},
	}))
}
