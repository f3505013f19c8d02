package apigateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type restAPI struct {
	ID                        string                `json:"id"`
	Name                      string                `json:"name"`
	Description               string                `json:"description,omitempty"`
	CreatedDate               int64                 `json:"createdDate"`
	Version                   string                `json:"version,omitempty"`
	BinaryMediaTypes          []string              `json:"binaryMediaTypes,omitempty"`
	APIKeySource              string                `json:"apiKeySource"`
	EndpointConfiguration     endpointConfiguration `json:"endpointConfiguration"`
	Tags                      map[string]string     `json:"tags,omitzero"`
	DisableExecuteAPIEndpoint bool                  `json:"disableExecuteApiEndpoint"`
	RootResourceID            string                `json:"rootResourceId"`
	// Policy has its quotation marks escaped, as in AWS's responses.
	Policy string `json:"policy,omitempty"`
}

type endpointConfiguration struct {
	Types          []string `json:"types"`
	IPAddressType  string   `json:"ipAddressType"`
	VPCEndpointIDs []string `json:"vpcEndpointIds,omitempty"`
}

// restAPIInput omits compression and cloning: not implemented. Only private APIs may have a
// policy, because no call from here reaches them.
type restAPIInput struct {
	Name        string  `json:"name"`
	Description *string `json:"description"`
	Version     string  `json:"version"`
	// BinaryMediaTypes are only stored: bodies pass unchanged.
	BinaryMediaTypes          []string              `json:"binaryMediaTypes"`
	APIKeySource              string                `json:"apiKeySource"`
	EndpointConfiguration     endpointConfiguration `json:"endpointConfiguration"`
	Tags                      map[string]string     `json:"tags"`
	DisableExecuteAPIEndpoint bool                  `json:"disableExecuteApiEndpoint"`
	Policy                    string                `json:"policy"`
}

func (in *restAPIInput) check() error {
	switch {
	case in.Name == "":
		return badRequest("Name cannot be an empty string")
	case in.Description != nil && *in.Description == "":
		return badRequest("Description cannot be an empty string")
	}
	if err := checkKeySource(in.APIKeySource); err != nil {
		return err
	}
	if err := in.EndpointConfiguration.check(); err != nil {
		return err
	}
	if err := in.EndpointConfiguration.checkPolicy(in.Policy); err != nil {
		return err
	}
	return checkTags(in.Tags)
}

func checkKeySource(source string) error {
	switch source {
	case "", "HEADER":
		return nil
	case "AUTHORIZER":
		return wire.NotImplemented("The API key source AUTHORIZER")
	}
	return badRequest("Invalid API key source specified: %s", source)
}

func (c *endpointConfiguration) check() error {
	if c.Types == nil {
		c.Types = []string{"EDGE"}
	}
	if len(c.Types) != 1 || !slices.Contains([]string{"EDGE", "REGIONAL", private}, c.Types[0]) {
		return badRequest("Invalid endpoint types specified. Valid options are one of EDGE, REGIONAL, PRIVATE")
	}
	addresses := []string{"ipv4", "dualstack"}
	if c.private() {
		addresses = []string{"dualstack"}
	}
	if c.IPAddressType == "" {
		c.IPAddressType = addresses[0]
	}
	switch {
	case !slices.Contains(addresses, c.IPAddressType):
		return badRequest("Invalid ipAddressType specified: %s", c.IPAddressType)
	case len(c.VPCEndpointIDs) > 0 && !c.private():
		return badRequest("VPCEndpoints can only be specified with PRIVATE apis.")
	}
	return nil
}

const private = "PRIVATE"

func (c *endpointConfiguration) private() bool { return slices.Contains(c.Types, private) }

func (c *endpointConfiguration) checkPolicy(policy string) error {
	switch {
	case policy == "":
		return nil
	case !c.private():
		return wire.NotImplemented("The policy of an API that is not private")
	case !json.Valid([]byte(policy)):
		return badRequest("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.")
	}
	return nil
}

func escapedPolicy(policy string) string { return strings.ReplaceAll(policy, `"`, `\"`) }

func (s *Service) createRestAPI(_ *http.Request, in *restAPIInput) (*restAPI, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return update(s, func(tx *store.Tx) (*restAPI, error) { return s.insertAPI(tx, in) })
}

func (s *Service) insertAPI(tx *store.Tx, in *restAPIInput) (*restAPI, error) {
	apis := bucket(tx, "apis")
	api := &restAPI{
		ID: freshID(apis, 10), Name: in.Name, Version: in.Version, CreatedDate: s.now(),
		BinaryMediaTypes: in.BinaryMediaTypes, APIKeySource: "HEADER",
		EndpointConfiguration: in.EndpointConfiguration, Tags: orAbsent(in.Tags),
		RootResourceID: wire.NewID(10), DisableExecuteAPIEndpoint: in.DisableExecuteAPIEndpoint, Policy: escapedPolicy(in.Policy),
	}
	if in.Description != nil {
		api.Description = *in.Description
	}
	root := resource{ID: api.RootResourceID, Path: "/"}
	resources := bucket(tx, "resources", api.ID)
	if err := store.PutJSON(resources, root.ID, root); err != nil {
		return nil, err
	}
	return api, store.PutJSON(apis, api.ID, *api)
}

func (s *Service) listRestAPIs(r *http.Request, _ *none) (*list[restAPI], error) {
	p, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	return view(s, func(tx *store.Tx) (*list[restAPI], error) {
		return collect(p, bucket(tx, "apis"), nil, decoded(func(api *restAPI) { api.Tags = orAbsent(api.Tags) }))
	})
}

func (s *Service) getRestAPI(r *http.Request, _ *none) (*restAPI, error) {
	return view(s, func(tx *store.Tx) (*restAPI, error) {
		api, err := s.findAPI(tx, r.PathValue("api"))
		api.Tags = orEmpty(api.Tags)
		return &api, err
	})
}

// deleteRestAPI also removes the stages from all usage plans.
func (s *Service) deleteRestAPI(r *http.Request, _ *none) (*none, error) {
	return nil, s.env.DB.Update(func(tx *store.Tx) error {
		api, err := s.findAPI(tx, r.PathValue("api"))
		if err != nil {
			return err
		}
		if err := checkUnmapped(tx, func(m basePathMapping) bool { return m.APIID == api.ID }, "RestApi "+api.ID, "RestApi"); err != nil {
			return err
		}
		if err := detachStages(tx, func(st stageID) bool { return st.APIID == api.ID }); err != nil {
			return err
		}
		if err := bucket(tx, "closed").Delete([]byte(api.ID)); err != nil {
			return err
		}
		for _, part := range []string{"resources", "deployments", "stages", "models", "documentation"} {
			if err := drop(tx, part, api.ID); err != nil {
				return err
			}
		}
		return bucket(tx, "apis").Delete([]byte(api.ID))
	})
}

func (s *Service) findAPI(tx *store.Tx, id string) (restAPI, error) {
	api, ok, err := store.GetJSON[restAPI](bucket(tx, "apis"), id)
	if err == nil && !ok {
		err = notFound("Invalid API identifier specified %s:%s", s.env.Account, id)
	}
	return api, err
}
