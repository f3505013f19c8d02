package apigateway

import (
	"slices"
	"strings"
)

func (e *exported) operation(res resource, m method) object {
	doc := e.docs[documentationKey(res.Path, m.HTTPMethod)]
	op := object{"responses": e.responses(m, doc)}
	put := func(name, text string) {
		if text != "" {
			op[name] = text
		}
	}
	put("operationId", m.OperationName)
	put("summary", doc.Summary)
	put("description", doc.Description)
	if len(doc.Tags) > 0 {
		op["tags"] = doc.Tags
	}
	parameters := e.parameters(res, m, doc)
	if content := e.content(m.RequestModels); len(content) > 0 && !e.swagger {
		op["requestBody"] = object{"content": content, "required": true}
	} else if len(content) > 0 {
		kinds := sortedKeys(m.RequestModels)
		op["consumes"] = kinds
		parameters = append(parameters, object{
			"in": "body", "name": m.RequestModels[kinds[0]], "required": true, "schema": e.ref(m.RequestModels[kinds[0]]),
		})
	}
	if len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if m.APIKeyRequired {
		op["security"] = []object{{keyScheme: []string{}}}
	}
	if e.integrations && m.Integration != nil {
		op[extIntegration] = m.Integration.exported()
	}
	if produces := m.produces(); e.swagger && len(produces) > 0 {
		op["produces"] = produces
	}
	return op
}

func (m method) produces() []string {
	var kinds []string
	for _, response := range m.Responses {
		kinds = append(kinds, sortedKeys(response.Models)...)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// parameters returns all path parameters, declared or not, and other declared ones.
func (e *exported) parameters(res resource, m method, doc documentation) []object {
	var all []object
	add := func(location, name, documented string, required bool) {
		p := object{"name": name, "in": location, "required": required}
		if text := doc.Parameters[documented]; text != "" {
			p["description"] = text
		}
		if e.swagger {
			p["type"] = "string"
		} else {
			p["schema"] = object{"type": "string"}
		}
		all = append(all, p)
	}
	for _, part := range segments(res.Path) {
		if isVariable(part) {
			name := strings.TrimSuffix(strings.Trim(part, "{}"), "+")
			add("path", name, "path."+name, true)
		}
	}
	for _, declared := range sortedKeys(m.RequestParameters) {
		documented := strings.TrimPrefix(declared, "method.request.")
		switch location, name, _ := strings.Cut(documented, "."); location {
		case "querystring":
			add("query", name, documented, m.RequestParameters[declared])
		case "header":
			add("header", name, documented, m.RequestParameters[declared])
		}
	}
	return all
}

// responses adds a default if there is none, since a document needs at least one.
func (e *exported) responses(m method, doc documentation) object {
	all := object{}
	for status, response := range m.Responses {
		one := object{"description": status + " response"}
		if text := doc.Responses[status]; text != "" {
			one["description"] = text
		}
		headers := object{}
		for name := range response.Parameters {
			header := object{"schema": object{"type": "string"}}
			if e.swagger {
				header = object{"type": "string"}
			}
			headers[strings.TrimPrefix(name, "method.response.header.")] = header
		}
		if len(headers) > 0 {
			one["headers"] = headers
		}
		if content := e.content(response.Models); len(content) > 0 && !e.swagger {
			one["content"] = content
		} else if len(content) > 0 {
			one["schema"] = e.ref(response.Models[sortedKeys(response.Models)[0]])
		}
		all[status] = one
	}
	if len(all) == 0 {
		all["default"] = object{"description": "Default response"}
	}
	return all
}

func (e *exported) content(models map[string]string) object {
	all := object{}
	for kind, name := range models {
		all[kind] = object{"schema": e.ref(name)}
	}
	return all
}

func (e *exported) ref(modelName string) object {
	if e.swagger {
		return object{"$ref": swaggerRef + modelName}
	}
	return object{"$ref": openAPIRef + modelName}
}
