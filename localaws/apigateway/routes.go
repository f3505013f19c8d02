package apigateway

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// routes is the control plane's whole surface, with the status of each success.
func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, wire.NotImplemented(r.Method+" "+r.URL.Path))
	})
	s.routeAPIs(mux)
	s.routeMethods(mux)
	s.routeStages(mux)
	s.routePlans(mux)

	mux.Handle("GET /tags/{arn...}", handle(s, 200, s.getTags))
	mux.Handle("PUT /tags/{arn...}", handle(s, 204, s.tagResource))
	mux.Handle("DELETE /tags/{arn...}", handle(s, 204, s.untagResource, "tagKeys"))
	return mux
}

func (s *Service) routeAPIs(mux *http.ServeMux) {
	mux.Handle("POST /restapis", handle(s, 201, s.createRestAPI))
	mux.Handle("GET /restapis", handle(s, 200, s.listRestAPIs, "limit", "position"))
	mux.Handle("GET /restapis/{api}", handle(s, 200, s.getRestAPI))
	mux.Handle("PATCH /restapis/{api}", handle(s, 200, s.updateRestAPI))
	mux.Handle("DELETE /restapis/{api}", handle(s, 202, s.deleteRestAPI))

	mux.Handle("GET /restapis/{api}/resources", handle(s, 200, s.listResources, "limit", "position", "embed"))
	mux.Handle("POST /restapis/{api}/resources/{resource}", handle(s, 201, s.createResource))
	mux.Handle("GET /restapis/{api}/resources/{resource}", handle(s, 200, s.getResource, "embed"))
	mux.Handle("DELETE /restapis/{api}/resources/{resource}", handle(s, 202, s.deleteResource))
}

func (s *Service) routeMethods(mux *http.ServeMux) {
	const method = "/restapis/{api}/resources/{resource}/methods/{method}"
	mux.Handle("PUT "+method, handle(s, 201, s.putMethod))
	mux.Handle("GET "+method, handle(s, 200, s.getMethod))
	mux.Handle("DELETE "+method, handle(s, 204, s.deleteMethod))

	mux.Handle("PUT "+method+"/responses/{status}", handle(s, 201, s.putMethodResponse))
	mux.Handle("GET "+method+"/responses/{status}", handle(s, 200, s.getMethodResponse))
	mux.Handle("DELETE "+method+"/responses/{status}", handle(s, 204, s.deleteMethodResponse))

	mux.Handle("PUT "+method+"/integration", handle(s, 201, s.putIntegration))
	mux.Handle("GET "+method+"/integration", handle(s, 200, s.getIntegration))
	mux.Handle("DELETE "+method+"/integration", handle(s, 204, s.deleteIntegration))

	const response = method + "/integration/responses/{status}"
	mux.Handle("PUT "+response, handle(s, 201, s.putIntegrationResponse))
	mux.Handle("GET "+response, handle(s, 200, s.getIntegrationResponse))
	mux.Handle("DELETE "+response, handle(s, 204, s.deleteIntegrationResponse))
}

func (s *Service) routeStages(mux *http.ServeMux) {
	mux.Handle("POST /restapis/{api}/deployments", handle(s, 201, s.createDeployment))
	mux.Handle("GET /restapis/{api}/deployments", handle(s, 200, s.listDeployments, "limit", "position"))
	mux.Handle("GET /restapis/{api}/deployments/{deployment}", handle(s, 200, s.getDeployment))
	mux.Handle("PATCH /restapis/{api}/deployments/{deployment}", handle(s, 200, s.updateDeployment))
	mux.Handle("DELETE /restapis/{api}/deployments/{deployment}", handle(s, 202, s.deleteDeployment))

	mux.Handle("POST /restapis/{api}/stages", handle(s, 201, s.createStage))
	mux.Handle("GET /restapis/{api}/stages", handle(s, 200, s.listStages, "deploymentId"))
	mux.Handle("GET /restapis/{api}/stages/{stage}", handle(s, 200, s.getStage))
	mux.Handle("PATCH /restapis/{api}/stages/{stage}", handle(s, 200, s.updateStage))
	mux.Handle("DELETE /restapis/{api}/stages/{stage}", handle(s, 202, s.deleteStage))
}

func (s *Service) routePlans(mux *http.ServeMux) {
	mux.Handle("POST /usageplans", handle(s, 201, s.createUsagePlan))
	mux.Handle("GET /usageplans", handle(s, 200, s.listUsagePlans, "limit", "position", "keyId"))
	mux.Handle("GET /usageplans/{plan}", handle(s, 200, s.getUsagePlan))
	mux.Handle("PATCH /usageplans/{plan}", handle(s, 200, s.updateUsagePlan))
	mux.Handle("DELETE /usageplans/{plan}", handle(s, 202, s.deleteUsagePlan))

	mux.Handle("POST /usageplans/{plan}/keys", handle(s, 201, s.createUsagePlanKey))
	mux.Handle("GET /usageplans/{plan}/keys", handle(s, 200, s.listUsagePlanKeys, "limit", "position", "name"))
	mux.Handle("GET /usageplans/{plan}/keys/{key}", handle(s, 200, s.getUsagePlanKey))
	mux.Handle("DELETE /usageplans/{plan}/keys/{key}", handle(s, 202, s.deleteUsagePlanKey))

	mux.Handle("POST /apikeys", handle(s, 201, s.createAPIKey))
	mux.Handle("GET /apikeys", handle(s, 200, s.listAPIKeys, "limit", "position", "name", "customerId", "includeValues"))
	mux.Handle("GET /apikeys/{key}", handle(s, 200, s.getAPIKey, "includeValue"))
	mux.Handle("PATCH /apikeys/{key}", handle(s, 200, s.updateAPIKey))
	mux.Handle("DELETE /apikeys/{key}", handle(s, 202, s.deleteAPIKey))
}
