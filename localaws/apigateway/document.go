package apigateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// document is the imported part of an OpenAPI 3.0 or Swagger 2.0 document, without
// servers and the like.
type document struct {
	Swagger string `json:"swagger"`
	OpenAPI string `json:"openapi"`
	Info    struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Version     text   `json:"version"`
	} `json:"info"`
	Tags []struct {
		Name  string  `json:"name"`
		Value *string `json:"x-amazon-apigateway-tag-value"`
	} `json:"tags"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas         map[string]json.RawMessage   `json:"schemas"`
		SecuritySchemes map[string]securityScheme    `json:"securitySchemes"`
		Parameters      map[string]documentParameter `json:"parameters"`
	} `json:"components"`
	Definitions         map[string]json.RawMessage   `json:"definitions"`
	SecurityDefinitions map[string]securityScheme    `json:"securityDefinitions"`
	Parameters          map[string]documentParameter `json:"parameters"`
	Security            []map[string][]string        `json:"security"`
	BinaryMediaTypes    []string                     `json:"x-amazon-apigateway-binary-media-types"`
	KeySource           string                       `json:"x-amazon-apigateway-api-key-source"`
}

type securityScheme struct {
	Type string `json:"type"`
	Name string `json:"name"`
	In   string `json:"in"`
}

type documentParameter struct {
	Ref         string          `json:"$ref"`
	Name        string          `json:"name"`
	In          string          `json:"in"`
	Required    bool            `json:"required"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
}

type documentContent struct {
	Schema json.RawMessage `json:"schema"`
}

type documentOperation struct {
	OperationID string                 `json:"operationId"`
	Summary     string                 `json:"summary"`
	Description string                 `json:"description"`
	Tags        []string               `json:"tags"`
	Consumes    []string               `json:"consumes"`
	Produces    []string               `json:"produces"`
	Parameters  []documentParameter    `json:"parameters"`
	Security    *[]map[string][]string `json:"security"`
	RequestBody struct {
		Content map[string]documentContent `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Description string                     `json:"description"`
		Headers     map[string]json.RawMessage `json:"headers"`
		Content     map[string]documentContent `json:"content"`
		Schema      json.RawMessage            `json:"schema"`
	} `json:"responses"`
	Integration json.RawMessage `json:"x-amazon-apigateway-integration"`
}

var known = []string{
	extIntegration, extAnyMethod, extBinaryTypes, extKeySource, extTagValue, "x-amazon-apigateway-importexport-version",
}

type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	var n json.Number
	if raw[0] != '"' && json.Unmarshal(raw, &n) == nil {
		*t = text(n)
		return nil
	}
	return json.Unmarshal(raw, (*string)(t))
}

// readDocument reads JSON or YAML. It refuses unimplemented AWS extensions, without which
// the API would behave differently.
func readDocument(body []byte) (*document, error) {
	var raw any
	asJSON := json.NewDecoder(bytes.NewReader(body))
	asJSON.UseNumber()
	if asJSON.Decode(&raw) != nil { // JSON may contain tabs, which YAML forbids
		raw = nil
		if err := yaml.Unmarshal(body, &raw); err != nil {
			return nil, badRequest("Invalid OpenAPI input.")
		}
		raw = withStringKeys(raw)
	}
	if name := unknownExtension(raw); name != "" {
		return nil, wire.NotImplemented("The OpenAPI extension " + name)
	}
	marshalled, err := json.Marshal(raw)
	if err != nil {
		return nil, badRequest("Invalid OpenAPI input.")
	}
	d := new(document)
	if err := json.Unmarshal(marshalled, d); err != nil {
		return nil, badRequest("Invalid OpenAPI input: %s", err)
	}
	if d.Swagger != "2.0" && !strings.HasPrefix(d.OpenAPI, "3.0") {
		return nil, badRequest("Unsupported specification version: Swagger 2.0 and OpenAPI 3.0 can be imported")
	}
	if d.Info.Title == "" {
		return nil, badRequest("Title is required to create API from OpenAPI document")
	}
	return d, nil
}

// withStringKeys turns YAML's keys, such as the status 200, into strings, and keeps the
// version 1.0 from becoming 1.
func withStringKeys(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := object{}
		for key, member := range v {
			out[fmt.Sprint(key)] = withStringKeys(member)
		}
		return out
	case map[string]any:
		for key, member := range v {
			v[key] = withStringKeys(member)
		}
	case []any:
		for i := range v {
			v[i] = withStringKeys(v[i])
		}
	case float64:
		if v == math.Trunc(v) && !math.IsInf(v, 0) {
			return json.Number(strconv.FormatFloat(v, 'f', 1, 64))
		}
	}
	return v
}

func unknownExtension(v any) string {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range sortedKeys(v) {
			if strings.HasPrefix(name, "x-amazon-") && !slices.Contains(known, name) {
				return name
			}
			if inner := unknownExtension(v[name]); inner != "" {
				return inner
			}
		}
	case []any:
		for _, member := range v {
			if inner := unknownExtension(member); inner != "" {
				return inner
			}
		}
	}
	return ""
}

func (d *document) schemas() map[string]json.RawMessage {
	if d.Swagger != "" {
		return d.Definitions
	}
	return d.Components.Schemas
}

// needsKey reports whether the security requirements include an API key. Other schemes
// would need an authorizer.
func (d *document) needsKey(requirements []map[string][]string) (bool, error) {
	needed := false
	for _, requirement := range requirements {
		for name := range requirement {
			scheme, ok := d.Components.SecuritySchemes[name]
			if d.Swagger != "" {
				scheme, ok = d.SecurityDefinitions[name]
			}
			if !ok || scheme.Type != "apiKey" || scheme.In != "header" || !strings.EqualFold(scheme.Name, "x-api-key") {
				return false, wire.NotImplemented("The security scheme " + name)
			}
			needed = true
		}
	}
	return needed, nil
}

func (d *document) parameter(p documentParameter) (documentParameter, error) {
	if p.Ref == "" {
		return p, nil
	}
	have, ok := d.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
	if d.Swagger != "" {
		have, ok = d.Parameters[strings.TrimPrefix(p.Ref, "#/parameters/")]
	}
	if !ok {
		return p, badRequest("Unable to resolve reference: %s", p.Ref)
	}
	return have, nil
}

func modelFor(schema json.RawMessage) model {
	var ref struct {
		Ref string `json:"$ref"`
	}
	if json.Unmarshal(schema, &ref) == nil && ref.Ref != "" {
		return model{Name: ref.Ref[strings.LastIndexByte(ref.Ref, '/')+1:]}
	}
	sum := sha256.Sum256(schema)
	return model{Name: "MODEL" + hex.EncodeToString(sum[:3]), Schema: schema}
}

func readIntegration(raw json.RawMessage) (documentIntegration, error) {
	var d documentIntegration
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return d, wire.NotImplemented("The integration member " + name)
		}
		return d, badRequest("Invalid integration: %s", err)
	}
	return d, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
