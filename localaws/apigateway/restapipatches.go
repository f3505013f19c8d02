package apigateway

import (
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
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
		return p.off()
	case "replace /minimumCompressionSize", "replace /policy":
		return p.absent()
	case "replace /endpointConfiguration/types/EDGE", "replace /endpointConfiguration/types/REGIONAL":
		changed := endpointConfiguration{Types: []string{p.Value}, IPAddressType: api.EndpointConfiguration.IPAddressType}
		api.EndpointConfiguration = changed
		return changed.check()
	default:
		return p.invalid("/name", "/description", "/version", "/apiKeySource", "/binaryMediaTypes/{media_type}",
			"/disableExecuteApiEndpoint", "/endpointConfiguration/types/{type}", "/minimumCompressionSize", "/policy")
	}
	return nil
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
