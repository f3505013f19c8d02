package gateway

import (
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestDocumentsAndSDKsOfAStageAreGenerated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	pets := w.RestAPI(t, "Pets", "prod")
	stage := portal.Stage{API: pets, Stage: "prod"}
	document, err := s.Export(t.Context(), stage)
	if err != nil || !strings.Contains(string(document), `"openapi": "3.0.1"`) || strings.Contains(string(document), "x-amazon-apigateway-integration") {
		t.Errorf("the document is %s, %v", document, err)
	}
	types, err := s.SDKTypes(t.Context())
	if err != nil || len(types) != 6 || len(types["swift"]) != 1 || types["javascript"] == nil {
		t.Errorf("types %v, %v", types, err)
	}
	sdk, err := s.SDK(t.Context(), stage, "swift", map[string]string{types["swift"][0]: "Pets"})
	if err != nil || !strings.HasPrefix(sdk.File, "swift_") || len(sdk.Body) == 0 {
		t.Errorf("the SDK is %s with %d bytes, %v", sdk.File, len(sdk.Body), err)
	}
	_, err = s.SDK(t.Context(), stage, "swift", nil)
	if !refusedAs(err, Invalid) || AWSWords(err) == "" {
		t.Errorf("without a parameter: %v", err)
	}
	for _, gone := range []portal.Stage{{API: pets, Stage: "beta"}, {API: "nosuch", Stage: "prod"}} {
		_, exported := s.Export(t.Context(), gone)
		_, generated := s.SDK(t.Context(), gone, "javascript", nil)
		if !IsNotFound(exported) || !IsNotFound(generated) {
			t.Errorf("%s: %v, %v", gone, exported, generated)
		}
	}
}

func refusedAs(err error, reason RefusedReason) bool {
	var no *Refused
	return errors.As(err, &no) && no.Reason == reason
}
