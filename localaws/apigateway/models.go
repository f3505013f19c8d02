package apigateway

import (
	"encoding/json"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// model is a JSON schema for an API's methods. Only imports create models. References stay
// as in OpenAPI 3.0.
type model struct {
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
}

var builtIn = map[string]model{
	"Empty": {Name: "Empty", Schema: json.RawMessage(`{"title": "Empty Schema", "type": "object"}`)},
	"Error": {Name: "Error", Schema: json.RawMessage(`{"title": "Error Schema", "type": "object", "properties": {"message": {"type": "string"}}}`)},
}

const (
	openAPIRef = "#/components/schemas/"
	swaggerRef = "#/definitions/"
)

func findModel(tx *store.Tx, api, name string) (model, bool, error) {
	if m, ok := builtIn[name]; ok {
		return m, true, nil
	}
	return store.GetJSON[model](bucket(tx, "models", api), name)
}

func checkModels(tx *store.Tx, api string, models map[string]string) error {
	for _, name := range models {
		switch _, ok, err := findModel(tx, api, name); {
		case err != nil:
			return err
		case !ok:
			return badRequest("Invalid model identifier specified: %s", name)
		}
	}
	return nil
}

// documentation is what an imported document says about a method beyond the method's own
// fields. Parameters are named "path.id", "querystring.limit", "header.X-Request-Id";
// responses by status.
type documentation struct {
	Summary     string            `json:"summary,omitempty"`
	Description string            `json:"description,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Parameters  map[string]string `json:"parameters,omitempty"`
	Responses   map[string]string `json:"responses,omitempty"`
}

func documentationKey(path, verb string) string { return path + " " + verb }

func (m model) inDialect(swagger bool) any {
	var schema any
	if err := json.Unmarshal(m.Schema, &schema); err != nil {
		return object{}
	}
	if swagger {
		return rewriteRefs(schema, openAPIRef, swaggerRef)
	}
	return schema
}

func rewriteRefs(schema any, from, to string) any {
	switch v := schema.(type) {
	case map[string]any:
		for name, member := range v {
			if ref, ok := member.(string); ok && name == "$ref" {
				if rest, ok := strings.CutPrefix(ref, from); ok {
					v[name] = to + rest
				}
				continue
			}
			v[name] = rewriteRefs(member, from, to)
		}
	case []any:
		for i := range v {
			v[i] = rewriteRefs(v[i], from, to)
		}
	}
	return schema
}
