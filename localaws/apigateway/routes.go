package apigateway

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func (s *Service) route() {
	s.operations = operations{mux: http.NewServeMux(), byPattern: map[string]operation{}}
	s.operations.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, wire.NotImplemented(r.Method+" "+r.URL.Path))
	})
	s.routeAPIs()
	s.routeMethods()
	s.routeStages()
	s.routePlans()
	s.routeKeys()
	s.routeDomains()

	s.on("GetAccount", "GET /account", handle(200, s.getAccount))
	s.on("UpdateAccount", "PATCH /account", handle(200, s.updateAccount))

	s.on("GetTags", "GET /tags/{arn...}", handle(200, s.getTags))
	s.on("TagResource", "PUT /tags/{arn...}", handle(204, s.tagResource))
	s.on("UntagResource", "DELETE /tags/{arn...}", handle(204, s.untagResource, "tagKeys"))
}

func (s *Service) routeAPIs() {
	s.on("CreateRestApi", "POST /restapis", handle(201, s.createRestAPI))
	s.on("ImportRestApi", "POST /restapis"+importMode, handleRaw(201, s.importRestAPI, "mode", "failonwarnings", "endpointConfigurationTypes"))
	s.on("PutRestApi", "PUT /restapis/{api}", handleRaw(200, s.putRestAPI, "mode", "failonwarnings"))
	s.on("GetRestApis", "GET /restapis", handle(200, s.listRestAPIs, "limit", "position"))
	s.on("GetRestApi", "GET /restapis/{api}", handle(200, s.getRestAPI))
	s.on("UpdateRestApi", "PATCH /restapis/{api}", handle(200, s.updateRestAPI))
	s.on("DeleteRestApi", "DELETE /restapis/{api}", handle(202, s.deleteRestAPI))

	s.on("GetResources", "GET /restapis/{api}/resources", handle(200, s.listResources, "limit", "position", "embed"))
	s.on("CreateResource", "POST /restapis/{api}/resources/{resource}", handle(201, s.createResource))
	s.on("GetResource", "GET /restapis/{api}/resources/{resource}", handle(200, s.getResource, "embed"))
	s.on("UpdateResource", "PATCH /restapis/{api}/resources/{resource}", handle(200, s.updateResource))
	s.on("DeleteResource", "DELETE /restapis/{api}/resources/{resource}", handle(202, s.deleteResource))
}

func (s *Service) routeMethods() {
	const method = "/restapis/{api}/resources/{resource}/methods/{method}"
	s.on("PutMethod", "PUT "+method, handle(201, s.putMethod))
	s.on("GetMethod", "GET "+method, handle(200, s.getMethod))
	s.on("UpdateMethod", "PATCH "+method, handle(200, s.updateMethod))
	s.on("DeleteMethod", "DELETE "+method, handle(204, s.deleteMethod))

	s.on("PutMethodResponse", "PUT "+method+"/responses/{status}", handle(201, s.putMethodResponse))
	s.on("GetMethodResponse", "GET "+method+"/responses/{status}", handle(200, s.getMethodResponse))
	s.on("UpdateMethodResponse", "PATCH "+method+"/responses/{status}", handle(201, s.updateMethodResponse))
	s.on("DeleteMethodResponse", "DELETE "+method+"/responses/{status}", handle(204, s.deleteMethodResponse))

	s.on("PutIntegration", "PUT "+method+"/integration", handle(201, s.putIntegration))
	s.on("GetIntegration", "GET "+method+"/integration", handle(200, s.getIntegration))
	s.on("UpdateIntegration", "PATCH "+method+"/integration", handle(200, s.updateIntegration))
	s.on("DeleteIntegration", "DELETE "+method+"/integration", handle(204, s.deleteIntegration))

	const response = method + "/integration/responses/{status}"
	s.on("PutIntegrationResponse", "PUT "+response, handle(201, s.putIntegrationResponse))
	s.on("GetIntegrationResponse", "GET "+response, handle(200, s.getIntegrationResponse))
	s.on("UpdateIntegrationResponse", "PATCH "+response, handle(200, s.updateIntegrationResponse))
	s.on("DeleteIntegrationResponse", "DELETE "+response, handle(204, s.deleteIntegrationResponse))
}

func (s *Service) routeStages() {
	s.on("CreateDeployment", "POST /restapis/{api}/deployments", handle(201, s.createDeployment))
	s.on("GetDeployments", "GET /restapis/{api}/deployments", handle(200, s.listDeployments, "limit", "position"))
	s.on("GetDeployment", "GET /restapis/{api}/deployments/{deployment}", handle(200, s.getDeployment))
	s.on("UpdateDeployment", "PATCH /restapis/{api}/deployments/{deployment}", handle(200, s.updateDeployment))
	s.on("DeleteDeployment", "DELETE /restapis/{api}/deployments/{deployment}", handle(202, s.deleteDeployment))

	s.on("CreateStage", "POST /restapis/{api}/stages", handle(201, s.createStage))
	s.on("GetStages", "GET /restapis/{api}/stages", handle(200, s.listStages, "deploymentId"))
	s.on("GetStage", "GET /restapis/{api}/stages/{stage}", handle(200, s.getStage))
	s.on("UpdateStage", "PATCH /restapis/{api}/stages/{stage}", handle(200, s.updateStage))
	s.on("GetExport", "GET /restapis/{api}/stages/{stage}/exports/{type}", s.getExport)
	s.on("GetSdk", "GET /restapis/{api}/stages/{stage}/sdks/{type}", s.getSDK)
	s.on("GetSdkTypes", "GET /sdktypes", handle(200, s.listSDKTypes, "limit", "position"))
	s.on("DeleteStage", "DELETE /restapis/{api}/stages/{stage}", handle(202, s.deleteStage))
}

func (s *Service) routeDomains() {
	s.on("CreateDomainName", "POST /domainnames", handle(201, s.createDomainName))
	s.on("GetDomainNames", "GET /domainnames", handle(200, s.listDomainNames, "limit", "position"))
	s.on("GetDomainName", "GET /domainnames/{domain}", handle(200, s.getDomainName))
	s.on("DeleteDomainName", "DELETE /domainnames/{domain}", handle(202, s.deleteDomainName))

	s.on("CreateBasePathMapping", "POST /domainnames/{domain}/basepathmappings", handle(201, s.createBasePathMapping))
	s.on("GetBasePathMappings", "GET /domainnames/{domain}/basepathmappings", handle(200, s.listBasePathMappings, "limit", "position"))
	s.on("GetBasePathMapping", "GET /domainnames/{domain}/basepathmappings/{base}", handle(200, s.getBasePathMapping))
	s.on("DeleteBasePathMapping", "DELETE /domainnames/{domain}/basepathmappings/{base}", handle(202, s.deleteBasePathMapping))
}

func (s *Service) routePlans() {
	s.on("CreateUsagePlan", "POST /usageplans", handle(201, s.createUsagePlan))
	s.on("GetUsagePlans", "GET /usageplans", handle(200, s.listUsagePlans, "limit", "position", "keyId"))
	s.on("GetUsagePlan", "GET /usageplans/{plan}", handle(200, s.getUsagePlan))
	s.on("UpdateUsagePlan", "PATCH /usageplans/{plan}", handle(200, s.updateUsagePlan))
	s.on("DeleteUsagePlan", "DELETE /usageplans/{plan}", handle(202, s.deleteUsagePlan))

	s.on("CreateUsagePlanKey", "POST /usageplans/{plan}/keys", handle(201, s.createUsagePlanKey))
	s.on("GetUsagePlanKeys", "GET /usageplans/{plan}/keys", handle(200, s.listUsagePlanKeys, "limit", "position", "name"))
	s.on("GetUsagePlanKey", "GET /usageplans/{plan}/keys/{key}", handle(200, s.getUsagePlanKey))
	s.on("DeleteUsagePlanKey", "DELETE /usageplans/{plan}/keys/{key}", handle(202, s.deleteUsagePlanKey))

	s.on("GetUsage", "GET /usageplans/{plan}/usage", handle(200, s.getUsage, "startDate", "endDate", "keyId", "limit", "position"))
	s.on("UpdateUsage", "PATCH /usageplans/{plan}/keys/{key}/usage", handle(200, s.updateUsage))
}

func (s *Service) routeKeys() {
	s.on("CreateApiKey", "POST /apikeys", handle(201, s.createAPIKey))
	s.on("ImportApiKeys", "POST /apikeys"+importMode, handleRaw(201, s.importAPIKeys, "mode", "format", "failonwarnings"))
	s.on("GetApiKeys", "GET /apikeys", handle(200, s.listAPIKeys, "limit", "position", "name", "customerId", "includeValues"))
	s.on("GetApiKey", "GET /apikeys/{key}", handle(200, s.getAPIKey, "includeValue"))
	s.on("UpdateApiKey", "PATCH /apikeys/{key}", handle(200, s.updateAPIKey))
	s.on("DeleteApiKey", "DELETE /apikeys/{key}", handle(202, s.deleteAPIKey))
}
