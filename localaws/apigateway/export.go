package apigateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type object = map[string]any

type exported struct {
	api       restAPI
	stage     stage
	resources []resource
	models    []model
	docs      map[string]documentation
	endpoint  string
	swagger   bool
	// integrations adds AWS's integration extension, and gateway all of AWS's.
	integrations, gateway bool
}

// getExport describes a stage's API, with this server as its address. It always includes
// the documentation; AWS does so only for documentation versions, which do not exist here.
func (s *Service) getExport(w http.ResponseWriter, r *http.Request) error {
	if err := checkQuery(r, []string{"extensions"}); err != nil {
		return err
	}
	e := exported{endpoint: s.env.Endpoint()}
	kind := r.PathValue("type")
	switch kind {
	case "oas30":
	case "swagger":
		e.swagger = true
	default:
		return badRequest("Invalid export type '%s' specified. Valid options are oas30, swagger", kind)
	}
	for _, name := range strings.FieldsFunc(r.URL.Query().Get("extensions"), func(c rune) bool { return c == ',' || c == ' ' }) {
		switch name {
		case "integrations":
			e.integrations = true
		case "apigateway":
			e.integrations, e.gateway = true, true
		case "authorizers": // there are none
		default:
			return wire.NotImplemented("The export extension " + name)
		}
	}
	if err := s.env.DB.View(func(tx *store.Tx) error { return s.readExported(tx, r, &e) }); err != nil {
		return err
	}
	body, contentType, err := encodeDocument(e.document(), r.Header.Get("Accept"))
	if err != nil {
		return err
	}
	suffix := strings.TrimPrefix(contentType, "application/")
	// AWS sends this type for JSON and YAML alike.
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s_%s.%s"`, kind, e.version(), suffix))
	w.Header().Set("X-Amzn-Requestid", wire.NewUUID())
	_, _ = w.Write(body)
	return nil
}

func (s *Service) readExported(tx *store.Tx, r *http.Request, e *exported) (err error) {
	if e.api, err = s.findAPI(tx, r.PathValue("api")); err != nil {
		return err
	}
	if e.stage, err = findStage(tx, e.api.ID, r.PathValue("stage")); err != nil {
		return err
	}
	d, err := findDeployment(tx, e.api.ID, e.stage.DeploymentID)
	if err != nil {
		return err
	}
	e.resources = d.Resources
	if e.models, err = store.AllJSON[model](bucket(tx, "models", e.api.ID)); err != nil {
		return err
	}
	e.docs = map[string]documentation{}
	docs := bucket(tx, "documentation", e.api.ID)
	for _, key := range keysOf(docs) {
		if e.docs[key], _, err = store.GetJSON[documentation](docs, key); err != nil {
			return err
		}
	}
	return nil
}

func encodeDocument(doc object, accept string) (body []byte, contentType string, err error) {
	switch accept {
	case "", "*/*", "application/json":
		body, err = json.MarshalIndent(doc, "", "  ")
		return body, "application/json", err
	case "application/yaml":
		body, err = yaml.Marshal(doc)
		return body, accept, err
	}
	return nil, "", badRequest("Invalid accept type specified: %s. Valid options are application/json, application/yaml", accept)
}

func (e *exported) version() string {
	if e.api.Version != "" {
		return e.api.Version
	}
	return time.Unix(e.api.CreatedDate, 0).UTC().Format(time.RFC3339)
}

func (e *exported) document() object {
	paths, secured := object{}, false
	for _, res := range e.resources {
		item := object{}
		for verb, m := range res.Methods {
			secured = secured || m.APIKeyRequired
			item[memberOf(verb)] = e.operation(res, m)
		}
		if len(item) > 0 {
			paths[res.Path] = item
		}
	}
	doc := object{"info": e.info(), "paths": paths}
	if len(e.api.Tags) > 0 {
		doc["tags"] = e.tags()
	}
	if e.gateway && len(e.api.BinaryMediaTypes) > 0 {
		doc[extBinaryTypes] = e.api.BinaryMediaTypes
	}
	schemas, schemes := e.schemas(), object{}
	if secured {
		schemes[keyScheme] = object{"type": "apiKey", "name": "x-api-key", "in": "header"}
	}
	base := "/restapis/" + e.api.ID + "/" + e.stage.StageName + "/_user_request_"
	if e.swagger {
		host, err := url.Parse(e.endpoint)
		if err == nil {
			doc["host"], doc["schemes"] = host.Host, []string{host.Scheme}
		}
		doc["swagger"], doc["basePath"] = "2.0", base
		putAny(doc, "definitions", schemas)
		putAny(doc, "securityDefinitions", schemes)
		return doc
	}
	doc["openapi"] = "3.0.1"
	doc["servers"] = []object{{"url": e.endpoint + "/{basePath}", "variables": object{"basePath": object{"default": base}}}}
	components := object{}
	putAny(components, "schemas", schemas)
	putAny(components, "securitySchemes", schemes)
	putAny(doc, "components", components)
	return doc
}

func putAny(into object, name string, value object) {
	if len(value) > 0 {
		into[name] = value
	}
}

func memberOf(verb string) string {
	if verb == "ANY" {
		return extAnyMethod
	}
	return strings.ToLower(verb)
}

func (e *exported) info() object {
	info := object{"title": e.api.Name, "version": e.version()}
	if e.api.Description != "" {
		info["description"] = e.api.Description
	}
	return info
}

func (e *exported) tags() []object {
	var all []object
	for _, name := range sortedKeys(e.api.Tags) {
		all = append(all, object{"name": name, extTagValue: e.api.Tags[name]})
	}
	return all
}

func (e *exported) schemas() object {
	all := object{}
	for _, m := range e.models {
		all[m.Name] = m.inDialect(e.swagger)
	}
	for _, res := range e.resources {
		for _, m := range res.Methods {
			for _, name := range m.modelNames() {
				if b, ok := builtIn[name]; ok {
					all[name] = b.inDialect(e.swagger)
				}
			}
		}
	}
	return all
}

func (m method) modelNames() []string {
	var names []string
	for _, name := range m.RequestModels {
		names = append(names, name)
	}
	for _, response := range m.Responses {
		for _, name := range response.Models {
			names = append(names, name)
		}
	}
	return names
}
