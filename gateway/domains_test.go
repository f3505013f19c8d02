package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// answering is a session with an API Gateway that answers by path and query.
func (w *world) answering(t *testing.T, answers map[string]string) *Session {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		key := r.URL.Path
		if position := r.URL.Query().Get("position"); position != "" {
			key += "?" + position
		}
		rw.Header().Set("Content-Type", "application/json")
		answer, ok := answers[key]
		status, body, failed := strings.Cut(answer, " ")
		switch {
		case !ok:
			rw.Header().Set("X-Amzn-Errortype", "NotFoundException")
			rw.WriteHeader(http.StatusNotFound)
		case failed && len(status) == 3:
			var code int
			_, _ = fmt.Sscan(status, &code)
			rw.Header().Set("X-Amzn-Errortype", body)
			rw.WriteHeader(code)
		default:
			_, _ = rw.Write([]byte(answer))
		}
	}))
	t.Cleanup(server.Close)
	cfg := w.Config.Copy()
	cfg.HTTPClient, cfg.BaseEndpoint = server.Client(), &server.URL
	return New(Client(cfg), w.process(t, 1), Config{}).Session(Background, nil)
}

func TestDomainsAndTheirMappingsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	s := newWorld(t).answering(t, map[string]string{
		"/domainnames": `{"item":[{"domainName":"api.example.com","domainNameStatus":"AVAILABLE","endpointConfiguration":{"types":["REGIONAL"]}}],"position":"p2"}`,
		"/domainnames?p2": `{"item":[
			{"domainName":"in.example.com","domainNameId":"d1","endpointConfiguration":{"types":["PRIVATE"]}},
			{"domainName":"rules.example.com","routingMode":"ROUTING_RULE_ONLY"},
			{"domainName":"new.example.com","domainNameStatus":"PENDING"}]}`,
		"/domainnames/api.example.com/basepathmappings":    `{"item":[{"basePath":"(none)","restApiId":"a","stage":"prod"}],"position":"p2"}`,
		"/domainnames/api.example.com/basepathmappings?p2": `{"item":[{"basePath":"pets","restApiId":"b","stage":"(none)"},{"basePath":"birds","restApiId":"c"}]}`,
		"/domainnames/levels.example.com/basepathmappings": "400 BadRequestException",
		"/domainnames/down.example.com/basepathmappings":   "500 InternalFailure",
	})
	want := []Domain{
		{Name: "api.example.com"}, {Name: "in.example.com", ID: "d1", Private: true},
		{Name: "rules.example.com", Unusable: true}, {Name: "new.example.com", Unusable: true},
	}
	if diff := cmp.Diff(want, all(t, s.DomainsPage)); diff != "" {
		t.Errorf("domains (-want +got):\n%s", diff)
	}
	first, next, err := s.MappingsPage(t.Context(), want[0], "")
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := s.MappingsPage(t.Context(), want[0], next)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Mapping{{API: "a", Stage: "prod"}, {BasePath: "pets", API: "b"}, {BasePath: "birds", API: "c"}}, append(first, second...)); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
	for _, none := range []string{"gone.example.com", "levels.example.com"} {
		if mappings, next, err := s.MappingsPage(t.Context(), Domain{Name: none}, ""); err != nil || len(mappings) > 0 || next != "" {
			t.Errorf("%s: %v, %q, %v", none, mappings, next, err)
		}
	}
	var unavailable *Unavailable
	if _, _, err := s.MappingsPage(t.Context(), Domain{Name: "down.example.com"}, ""); !errors.As(err, &unavailable) || unavailable.Forbidden {
		t.Errorf("an API Gateway that fails: %v", err)
	}
}

func TestDomainsThatMayNotBeListedAreForbidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, answer := range []string{"403 AccessDeniedException", "501 NotImplementedException"} {
		_, _, err := w.answering(t, map[string]string{"/domainnames": answer}).DomainsPage(t.Context(), "")
		var unavailable *Unavailable
		if !errors.As(err, &unavailable) || !unavailable.Forbidden {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestAPrivateAPIAndOneWithoutItsDefaultEndpointSaySo(t *testing.T) {
	t.Parallel()
	s := newWorld(t).answering(t, map[string]string{"/restapis": `{"item":[
		{"id":"a","name":"Inner","endpointConfiguration":{"types":["PRIVATE"]}},
		{"id":"b","name":"Mapped","endpointConfiguration":{"types":["REGIONAL"]},"disableExecuteApiEndpoint":true}]}`})
	want := []RestAPI{{ID: "a", Name: "Inner", Private: true}, {ID: "b", Name: "Mapped", NoDefaultEndpoint: true}}
	if diff := cmp.Diff(want, all(t, s.RestAPIsPage)); diff != "" {
		t.Errorf("APIs (-want +got):\n%s", diff)
	}
}

func TestThrottlesOfSingleMethodsAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	api := w.RestAPI(t, "Pets", "prod")
	_, err := w.API.CreateUsagePlan(t.Context(), &apigateway.CreateUsagePlanInput{
		Name: aws.String("Limited"), ApiStages: []types.ApiStage{{
			ApiId: &api, Stage: aws.String("prod"), Throttle: map[string]types.ThrottleSettings{"//GET": {RateLimit: 2.5, BurstLimit: 7}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	stage := portal.Stage{API: api, Stage: "prod"}
	plans := all(t, w.session(t).UsagePlansPage)
	if diff := cmp.Diff([]MethodThrottle{{Stage: stage, Path: "/", Method: "GET", Throttle: Throttle{Rate: 2.5, Burst: 7}}}, plans[0].Methods); diff != "" {
		t.Errorf("throttles (-want +got):\n%s", diff)
	}
	for key, want := range map[string][]string{"/pets/{id}/GET": {"/pets/{id}", "GET"}, "//POST": {"/", "POST"}, "/GET": {"/", "GET"}} {
		if got := methodThrottle(stage, key, types.ThrottleSettings{}); !slices.Equal(want, []string{got.Path, got.Method}) {
			t.Errorf("%s: %+v", key, got)
		}
	}
}
