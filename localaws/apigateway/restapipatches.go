package apigateway

import (
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func (s *Service) updateRestAPI(r *http.Request, in *patches) (*restAPI, error) {
	return update(s, func(tx *store.Tx) (*restAPI, error) {
		api, err := s.findAPI(tx, r.PathValue("api"))
		if err != nil {
			return nil, err
		}
		if err := in.apply(api.patch); err != nil {
			return nil, err
		}
		api.Tags = orEmpty(api.Tags)
		return &api, store.PutJSON(bucket(tx, "apis"), api.ID, api)
	})
}

func (api *restAPI) patch(p patch) error {
	if kind, ok := p.entry("/binaryMediaTypes"); ok {
		return api.patchMediaType(p, kind)
	}
	switch p.change() {
	case "replace /name":
		if p.Value == "" {
			return badRequest("Name cannot be an empty string")
		}
		api.Name = p.Value
	case "replace /description":
		api.Description = p.Value
	case "remove /description":
		api.Description = ""
	case "replace /version":
		api.Version = p.Value
	case "replace /apiKeySource":
		return checkKeySource(p.Value)
	case "replace /disableExecuteApiEndpoint":
		return p.boolean(&api.DisableExecuteAPIEndpoint)
	case "replace /minimumCompressionSize":
		return p.absent()
	case "replace /policy":
		api.Policy = escapedPolicy(p.Value)
		return api.EndpointConfiguration.checkPolicy(p.Value)
	case "replace /endpointConfiguration/types/EDGE", "replace /endpointConfiguration/types/REGIONAL",
		"replace /endpointConfiguration/types/PRIVATE", "replace /endpointConfiguration/types/0":
		return api.changeType(p.Value)
	default:
		return p.invalid("/name", "/description", "/version", "/apiKeySource", "/binaryMediaTypes/{media_type}",
			"/disableExecuteApiEndpoint", "/endpointConfiguration/types/{type}", "/minimumCompressionSize", "/policy")
	}
	return nil
}

// changeType changes the endpoint type. A private API cannot become edge-optimized, and an
// API with a policy must stay private.
func (api *restAPI) changeType(to string) error {
	from := api.EndpointConfiguration
	changed := endpointConfiguration{Types: []string{to}}
	if !changed.private() && !from.private() {
		changed.IPAddressType = from.IPAddressType
	}
	switch {
	case from.private() && to == "EDGE":
		return badRequest("Cannot update endpoint from PRIVATE to EDGE")
	case !changed.private() && api.Policy != "":
		return wire.NotImplemented("The policy of an API that is not private")
	}
	api.EndpointConfiguration = changed
	return api.EndpointConfiguration.check()
}

func (api *restAPI) patchMediaType(p patch, kind string) error {
	kept := slices.DeleteFunc(slices.Clone(api.BinaryMediaTypes), func(have string) bool { return have == kind })
	switch p.Op {
	case "add":
		kept = append(kept, kind)
	case "replace":
		kept = append(kept, p.Value)
	case "remove":
	default:
		return p.invalid("/binaryMediaTypes/{media_type}")
	}
	api.BinaryMediaTypes = kept
	return nil
}
