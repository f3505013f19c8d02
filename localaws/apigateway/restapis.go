package apigateway

import (
	"net/http"

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
}

type endpointConfiguration struct {
	Types         []string `json:"types"`
	IPAddressType string   `json:"ipAddressType"`
}

// restAPIInput leaves out what would change how calls are answered and is not
// implemented: policies, compression, cloning.
type restAPIInput struct {
	Name        string  `json:"name"`
	Description *string `json:"description"`
	Version     string  `json:"version"`
	// BinaryMediaTypes are kept only to be shown: bodies pass byte for byte whatever
	// their type is.
	BinaryMediaTypes          []string              `json:"binaryMediaTypes"`
	APIKeySource              string                `json:"apiKeySource"`
	EndpointConfiguration     endpointConfiguration `json:"endpointConfiguration"`
	Tags                      map[string]string     `json:"tags"`
	DisableExecuteAPIEndpoint bool                  `json:"disableExecuteApiEndpoint"`
}

func (in *restAPIInput) check() error {
	switch {
	case in.Name == "":
		return badRequest("Name cannot be an empty string")
	case in.Description != nil && *in.Description == "":
		return badRequest("Description cannot be an empty string")
	case in.DisableExecuteAPIEndpoint:
		return wire.NotImplemented("disableExecuteApiEndpoint")
	}
	if err := checkKeySource(in.APIKeySource); err != nil {
		return err
	}
	if err := in.EndpointConfiguration.check(); err != nil {
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
	if len(c.Types) == 0 {
		c.Types = []string{"EDGE"}
	}
	if c.IPAddressType == "" {
		c.IPAddressType = "ipv4"
	}
	switch kind := c.Types[0]; {
	case len(c.Types) > 1 || kind != "EDGE" && kind != "REGIONAL" && kind != "PRIVATE":
		return badRequest("Invalid endpoint types specified. Valid options are one of EDGE, REGIONAL, PRIVATE")
	case kind == "PRIVATE":
		return wire.NotImplemented("The endpoint type PRIVATE")
	case c.IPAddressType != "ipv4" && c.IPAddressType != "dualstack":
		return badRequest("Invalid ipAddressType specified: %s", c.IPAddressType)
	}
	return nil
}

func (s *Service) createRestAPI(_ *http.Request, in *restAPIInput) (*restAPI, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return update(s, func(tx *store.Tx) (*restAPI, error) { return s.insertAPI(tx, in) })
}

// insertAPI stores a new API that has nothing but its root.
func (s *Service) insertAPI(tx *store.Tx, in *restAPIInput) (*restAPI, error) {
	apis := bucket(tx, "apis")
	api := &restAPI{
		ID: freshID(apis, 10), Name: in.Name, Version: in.Version, CreatedDate: s.now(),
		BinaryMediaTypes: in.BinaryMediaTypes, APIKeySource: "HEADER",
		EndpointConfiguration: in.EndpointConfiguration, Tags: orAbsent(in.Tags),
		RootResourceID: wire.NewID(10),
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

// deleteRestAPI also takes the API's stages out of every usage plan.
func (s *Service) deleteRestAPI(r *http.Request, _ *none) (*none, error) {
	return nil, s.env.DB.Update(func(tx *store.Tx) error {
		api, err := s.findAPI(tx, r.PathValue("api"))
		if err != nil {
			return err
		}
		if err := detachStages(tx, func(st stageID) bool { return st.APIID == api.ID }); err != nil {
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
