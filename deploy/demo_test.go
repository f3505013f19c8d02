package deploy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
)

// asked are requests to the demo API whose answers are the examples of the template.
var asked = map[string][3]string{
	"get /":                    {"GET", "/", ""},
	"get /harbours":            {"GET", "/harbours", ""},
	"get /harbours/{id}":       {"GET", "/harbours/corrie-sound", ""},
	"get /harbours/{id}/tides": {"GET", "/harbours/corrie-sound/tides?date=2026-06-21", ""},
	"get /tides":               {"GET", "/tides?harbour=corrie-sound&date=2026-06-21", ""},
	"get /lights":              {"GET", "/lights", ""},
	"get /lights/{id}":         {"GET", "/lights/gannet-stack", ""},
	"post /passages":           {"POST", "/passages", `{"from": "alder-quay", "to": "dunmarrow", "speed_kn": 5.5, "departs": "2026-06-21T06:30:00Z"}`},
}

type operation struct {
	Integration struct {
		Type                string
		PassthroughBehavior string
		RequestTemplates    map[string]string
		Responses           map[string]struct {
			StatusCode        string
			ResponseTemplates map[string]string
		}
	} `json:"x-amazon-apigateway-integration"`
}

type openAPI struct {
	Security []map[string][]string
	Paths    map[string]map[string]operation
}

// demoBody is the body of the demo's API, and as JSON.
func demoBody(t *testing.T) (body openAPI, text []byte) {
	t.Helper()
	text, err := json.Marshal(deploytest.Properties(t, stackOf(t, "demo", "", "acme"), "Api")["Body"])
	ok(t, err)
	ok(t, json.Unmarshal(text, &body))
	return body, text
}

func TestTheDemoAnswersAsItsProgramDoes(t *testing.T) {
	t.Parallel()
	body, _ := demoBody(t)
	if fmt.Sprint(body.Security) != "[map[api_key:[]]]" {
		t.Errorf("the API takes requests by %v", body.Security)
	}
	seen := 0
	for path, operations := range body.Paths {
		for verb, op := range operations {
			request, known := asked[verb+" "+path]
			if !known {
				t.Errorf("the tests do not ask %s %s", verb, path)
				continue
			}
			seen++
			in := op.Integration
			got, status := in.Responses["default"].ResponseTemplates["application/json"], in.Responses["default"].StatusCode
			if in.Type != "mock" || in.PassthroughBehavior != "when_no_templates" || in.RequestTemplates["application/json"] != `{"statusCode": 200}` || status != "200" {
				t.Errorf("%s %s is %+v", verb, path, in)
			}
			// API Gateway would evaluate these.
			if strings.ContainsAny(got, "$#") {
				t.Errorf("%s %s answers a template: %s", verb, path, got)
			}
			answer := httptest.NewRecorder()
			demo.API().ServeHTTP(answer, httptest.NewRequest(request[0], request[1], strings.NewReader(request[2])))
			if diff := cmp.Diff(parsed(t, answer.Body.Bytes()), parsed(t, []byte(got))); diff != "" || answer.Code != http.StatusOK {
				t.Errorf("%s %s (%d; -program +template):\n%s", verb, path, answer.Code, diff)
			}
		}
	}
	if seen != len(asked) {
		t.Errorf("the template has %d operations, want %d", seen, len(asked))
	}
}

func parsed(t *testing.T, text []byte) (value any) {
	t.Helper()
	ok(t, json.Unmarshal(text, &value))
	return value
}

// CloudFormation deploys an API once for each name of a deployment.
func TestAnotherBodyOfTheDemoIsDeployed(t *testing.T) {
	t.Parallel()
	_, text := demoBody(t)
	sum := sha256.Sum256(text)
	want := "Deployment" + hex.EncodeToString(sum[:4])
	if all := stackOf(t, "demo", "", "acme").Named("AWS::ApiGateway::Deployment"); !slices.Equal(all, []string{want}) {
		t.Errorf("the deployment's name is %q. The body has changed: call it %s, and refer to that in the stage", all, want)
	}
}

func TestTheDemosPlansAreOffered(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "demo", "", "acme")
	for _, plan := range r.Named("AWS::ApiGateway::UsagePlan") {
		checkMembers(t, r, plan, map[string]any{
			"Tags":      []any{map[string]any{"Key": catalog.OfferTag, "Value": catalog.OfferValue}},
			"ApiStages": []any{map[string]any{"ApiId": "acme-demo/Api", "Stage": "acme-demo/Stage"}},
		})
	}
}
