package postman

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// keyVariable is the variable for API Gateway's key.
const keyVariable = "apiKey"

type auth struct {
	Type   string  `json:"type"`
	APIKey []field `json:"apikey,omitempty"`
	Bearer []field `json:"bearer,omitempty"`
	Basic  []field `json:"basic,omitempty"`
}

func keyAuth(in, name, variable string) *auth {
	return &auth{Type: "apikey", APIKey: []field{
		{Key: "key", Value: literal(name), Type: "string"}, {Key: "value", Value: "{{" + variable + "}}", Type: "string"}, {Key: "in", Value: in, Type: "string"},
	}}
}

// authenticate adds what the operation needs: the alternative with API Gateway's key, else the
// first. The first scheme of several becomes the request's auth. The key is the collection's, so
// a request with only the key names no auth of its own.
func (w *writer) authenticate(r *request, op *openapi.Operation) {
	alternatives := op.Schemes()
	if len(alternatives) == 0 {
		r.Auth = &auth{Type: "noauth"}
		return
	}
	chosen := alternatives[0]
	for _, schemes := range alternatives {
		if slices.ContainsFunc(schemes, openapi.SecurityScheme.APIKey) {
			chosen = schemes
			break
		}
	}
	inherits := slices.ContainsFunc(chosen, openapi.SecurityScheme.APIKey)
	if inherits {
		w.variables[keyVariable] = true
	}
	for _, scheme := range chosen {
		switch {
		case scheme.APIKey():
		case inherits || r.Auth != nil:
			w.addTo(r, scheme)
		default:
			if r.Auth = w.authOf(scheme); r.Auth == nil {
				w.addTo(r, scheme)
			}
		}
	}
	if !inherits && r.Auth == nil {
		r.Auth = &auth{Type: "noauth"}
	}
}

// authOf returns nil for what Postman has no auth for.
func (w *writer) authOf(s openapi.SecurityScheme) *auth {
	switch {
	case s.Type == "apiKey" && (s.In == "header" || s.In == "query"):
		return keyAuth(s.In, s.Parameter, w.variable(s.Name))
	case bearer(s):
		return &auth{Type: "bearer", Bearer: []field{{Key: "token", Value: "{{" + w.variable("token") + "}}", Type: "string"}}}
	case s.Type == "http" && s.Scheme == "basic":
		return &auth{Type: "basic", Basic: []field{
			{Key: "username", Value: "{{" + w.variable("username") + "}}", Type: "string"},
			{Key: "password", Value: "{{" + w.variable("password") + "}}", Type: "string"},
		}}
	}
	return nil
}

// addTo adds a further scheme's credentials as a header or query parameter.
func (w *writer) addTo(r *request, s openapi.SecurityScheme) {
	text := cut(s.Description, maxText)
	switch {
	case s.Type == "apiKey" && s.In == "query":
		r.URL.Query = append(r.URL.Query, field{Key: escaped(s.Parameter), Value: "{{" + w.variable(s.Name) + "}}", Description: text})
	case s.Type == "apiKey" && s.In == "cookie":
		r.Header = append(r.Header, field{Key: "Cookie", Value: escaped(s.Parameter) + "={{" + w.variable(s.Name) + "}}", Description: text})
	case s.Type == "apiKey":
		r.Header = append(r.Header, field{Key: literal(s.Parameter), Value: "{{" + w.variable(s.Name) + "}}", Description: text})
	case bearer(s):
		r.Header = append(r.Header, field{Key: "Authorization", Value: "Bearer {{" + w.variable("token") + "}}", Description: text})
	case s.Type == "http":
		r.Header = append(r.Header, field{Key: "Authorization", Value: "{{" + w.variable("authorization") + "}}", Description: text})
	}
}

func bearer(s openapi.SecurityScheme) bool {
	return s.Type == "oauth2" || s.Type == "openIdConnect" || s.Type == "http" && s.Scheme == "bearer"
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// variable returns the name of a variable and notes its use. Only API Gateway's scheme gets its
// variable, so a key is sent only where the document asks for it.
func (w *writer) variable(name string) string {
	name = strings.Trim(notInNames.ReplaceAllString(cut(name, 100), "_"), "_")
	if name == "" || name == keyVariable || name == "baseUrl" {
		name += "Value"
	}
	w.variables[name] = true
	return name
}

func (w *writer) fields() []field {
	var list []field
	if w.variables[keyVariable] {
		list = append(list, field{Key: keyVariable, Type: "string"})
	}
	for _, name := range slices.Sorted(maps.Keys(w.variables)) {
		if name != keyVariable {
			list = append(list, field{Key: name, Type: "string"})
		}
	}
	return list
}
