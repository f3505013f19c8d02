package apigateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type importedAPI struct {
	*restAPI
	Warnings []string `json:"warnings,omitempty"`
}

// importRestAPI ignores the document's base path, as AWS does by default.
func (s *Service) importRestAPI(r *http.Request, body []byte) (any, error) {
	d, err := readDocument(body)
	if err != nil {
		return nil, err
	}
	in := d.restAPIInput()
	if kinds := r.URL.Query().Get("endpointConfigurationTypes"); kinds != "" {
		in.EndpointConfiguration.Types = []string{kinds}
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	return s.storeImport(r, d, func(tx *store.Tx) (*restAPI, error) { return s.insertAPI(tx, in) })
}

// putRestAPI replaces the API's contents with the document's (mode=overwrite), or adds to
// them (mode=merge, the default).
func (s *Service) putRestAPI(r *http.Request, body []byte) (any, error) {
	mode := r.URL.Query().Get("mode")
	if mode != "" && mode != "merge" && mode != "overwrite" {
		return nil, badRequest("Invalid mode specified: %s. Valid options are merge, overwrite", mode)
	}
	d, err := readDocument(body)
	if err != nil {
		return nil, err
	}
	in := d.restAPIInput()
	if err := in.check(); err != nil {
		return nil, err
	}
	return s.storeImport(r, d, func(tx *store.Tx) (*restAPI, error) {
		api, err := s.findAPI(tx, r.PathValue("api"))
		if err != nil {
			return nil, err
		}
		if mode == "overwrite" {
			return &api, overwrite(tx, &api, in)
		}
		return &api, merge(tx, &api, in)
	})
}

func (d *document) restAPIInput() *restAPIInput {
	in := &restAPIInput{Name: d.Info.Title, Version: string(d.Info.Version), BinaryMediaTypes: d.BinaryMediaTypes, APIKeySource: d.KeySource}
	if d.Info.Description != "" {
		in.Description = &d.Info.Description
	}
	for _, tag := range d.Tags {
		if tag.Value != nil {
			in.Tags = orEmpty(in.Tags)
			in.Tags[tag.Name] = *tag.Value
		}
	}
	return in
}

func merge(tx *store.Tx, api *restAPI, in *restAPIInput) error {
	api.Name = in.Name
	if in.Version != "" {
		api.Version = in.Version
	}
	if in.Description != nil {
		api.Description = *in.Description
	}
	for _, kind := range in.BinaryMediaTypes {
		if !slices.Contains(api.BinaryMediaTypes, kind) {
			api.BinaryMediaTypes = append(api.BinaryMediaTypes, kind)
		}
	}
	return store.PutJSON(bucket(tx, "apis"), api.ID, *api)
}

// overwrite deletes everything but the root resource. Stages keep serving their
// deployments.
func overwrite(tx *store.Tx, api *restAPI, in *restAPIInput) error {
	for _, part := range []string{"resources", "models", "documentation"} {
		if err := drop(tx, part, api.ID); err != nil {
			return err
		}
	}
	resources := bucket(tx, "resources", api.ID)
	if err := store.PutJSON(resources, api.RootResourceID, resource{ID: api.RootResourceID, Path: "/"}); err != nil {
		return err
	}
	api.Name, api.Version, api.BinaryMediaTypes, api.Description = in.Name, in.Version, in.BinaryMediaTypes, ""
	if in.Description != nil {
		api.Description = *in.Description
	}
	return store.PutJSON(bucket(tx, "apis"), api.ID, *api)
}

func (s *Service) storeImport(r *http.Request, d *document, begin func(*store.Tx) (*restAPI, error)) (any, error) {
	failOnWarnings, err := failsOnWarnings(r)
	if err != nil {
		return nil, err
	}
	return update(s, func(tx *store.Tx) (*importedAPI, error) {
		api, err := begin(tx)
		if err != nil {
			return nil, err
		}
		in := apiImport{tx: tx, api: api.ID, document: d}
		if err := in.run(); err != nil {
			return nil, err
		}
		if failOnWarnings && len(in.warnings) > 0 {
			return nil, badRequest("Warnings found during import:\n\t%s", strings.Join(in.warnings, "\n\t"))
		}
		return &importedAPI{restAPI: api, Warnings: in.warnings}, nil
	})
}

type apiImport struct {
	tx       *store.Tx
	api      string
	document *document
	warnings []string
	byPath   map[string]*resource
}

func (in *apiImport) warn(format string, args ...any) {
	in.warnings = append(in.warnings, fmt.Sprintf(format, args...))
}

func (in *apiImport) run() error {
	for _, name := range sortedKeys(in.document.schemas()) {
		if err := in.put(model{Name: name, Schema: in.document.schemas()[name]}); err != nil {
			return err
		}
	}
	resources, err := store.AllJSON[resource](bucket(in.tx, "resources", in.api))
	if err != nil {
		return err
	}
	in.byPath = map[string]*resource{}
	for i := range resources {
		in.byPath[resources[i].Path] = &resources[i]
	}
	for _, path := range sortedKeys(in.document.Paths) {
		res, err := in.resource("/" + strings.Trim(path, "/"))
		if err != nil {
			return err
		}
		if err := in.item(res, in.document.Paths[path]); err != nil {
			return err
		}
	}
	all := bucket(in.tx, "resources", in.api)
	for _, path := range sortedKeys(in.byPath) {
		if err := store.PutJSON(all, in.byPath[path].ID, *in.byPath[path]); err != nil {
			return err
		}
	}
	return nil
}

func (in *apiImport) put(m model) error {
	var schema any
	if err := json.Unmarshal(m.Schema, &schema); err != nil {
		return badRequest("Invalid model specified: %s", m.Name)
	}
	var err error
	if m.Schema, err = json.Marshal(rewriteRefs(schema, swaggerRef, openAPIRef)); err != nil {
		return err
	}
	return store.PutJSON(bucket(in.tx, "models", in.api), m.Name, m)
}

func (in *apiImport) resource(path string) (*resource, error) {
	if res := in.byPath[path]; res != nil {
		return res, nil
	}
	cut := strings.LastIndexByte(path, '/')
	part := path[cut+1:]
	if err := checkPathPart(part); err != nil {
		return nil, err
	}
	parent, err := in.resource("/" + strings.Trim(path[:cut], "/"))
	if err != nil {
		return nil, err
	}
	if err := checkParent(*parent); err != nil {
		return nil, err
	}
	res := &resource{ID: wire.NewID(10), ParentID: parent.ID, PathPart: part, Path: path}
	for _, other := range in.byPath {
		if other.ParentID == parent.ID && isVariable(other.PathPart) && isVariable(part) {
			return nil, badRequest("A sibling (%s) of this resource already has a variable path part -- only one is allowed", other.PathPart)
		}
	}
	in.byPath[path] = res
	return res, nil
}

func (in *apiImport) item(res *resource, members map[string]json.RawMessage) error {
	var shared []documentParameter
	if raw, ok := members["parameters"]; ok {
		if err := json.Unmarshal(raw, &shared); err != nil {
			return badRequest("Invalid parameters of %s: %s", res.Path, err)
		}
	}
	for _, member := range sortedKeys(members) {
		verb := strings.ToUpper(member)
		if member == extAnyMethod {
			verb = "ANY"
		}
		if !slices.Contains(verbs, verb) || member == "any" {
			continue
		}
		var op documentOperation
		if err := json.Unmarshal(members[member], &op); err != nil {
			return badRequest("Invalid operation %s %s: %s", verb, res.Path, err)
		}
		op.Parameters = append(slices.Clone(shared), op.Parameters...)
		if err := in.operation(res, verb, op); err != nil {
			return err
		}
	}
	return nil
}
