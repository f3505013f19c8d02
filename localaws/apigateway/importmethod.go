package apigateway

import (
	"encoding/json"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

func (in *apiImport) operation(res *resource, verb string, op documentOperation) error {
	m := method{HTTPMethod: verb, AuthorizationType: "NONE", OperationName: op.OperationID, Responses: map[string]methodResponse{}}
	doc := documentation{
		Summary: op.Summary, Description: op.Description, Tags: op.Tags,
		Parameters: map[string]string{}, Responses: map[string]string{},
	}
	requirements := in.document.Security
	if op.Security != nil {
		requirements = *op.Security
	}
	var err error
	if m.APIKeyRequired, err = in.document.needsKey(requirements); err != nil {
		return err
	}
	for _, p := range op.Parameters {
		if err := in.parameter(&m, &doc, op, p); err != nil {
			return err
		}
	}
	for _, kind := range sortedKeys(op.RequestBody.Content) {
		if err := in.model(&m.RequestModels, kind, op.RequestBody.Content[kind].Schema); err != nil {
			return err
		}
	}
	if err := in.responses(&m, &doc, op); err != nil {
		return err
	}
	if err := m.input().check(verb); err != nil {
		return err
	}
	if err := checkModels(in.tx, in.api, m.RequestModels); err != nil {
		return err
	}
	if err := in.integration(res, &m, op.Integration); err != nil {
		return err
	}
	res.put(m)
	return store.PutJSON(bucket(in.tx, "documentation", in.api), documentationKey(res.Path, verb), doc)
}

var parameterKinds = map[string]string{"path": "path", "query": "querystring", "header": "header"}

func (in *apiImport) parameter(m *method, doc *documentation, op documentOperation, p documentParameter) error {
	p, err := in.document.parameter(p)
	if err != nil {
		return err
	}
	if p.In == "body" {
		kind := jsonType
		if len(op.Consumes) > 0 {
			kind = op.Consumes[0]
		}
		return in.model(&m.RequestModels, kind, p.Schema)
	}
	kind, ok := parameterKinds[p.In]
	if !ok {
		in.warn("The parameter %s is in %s, which is not supported; it is ignored", p.Name, p.In)
		return nil
	}
	name := kind + "." + strings.TrimSuffix(p.Name, "+")
	if m.RequestParameters == nil {
		m.RequestParameters = map[string]bool{}
	}
	m.RequestParameters["method.request."+name] = p.Required
	if p.Description != "" {
		doc.Parameters[name] = p.Description
	}
	return nil
}

func (in *apiImport) model(models *map[string]string, kind string, schema json.RawMessage) error {
	if len(schema) == 0 {
		return nil
	}
	m := modelFor(schema)
	if m.Schema != nil {
		if err := in.put(m); err != nil {
			return err
		}
	}
	if *models == nil {
		*models = map[string]string{}
	}
	(*models)[kind] = m.Name
	return nil
}

// responses skips a default response, which a method cannot hold.
func (in *apiImport) responses(m *method, doc *documentation, op documentOperation) error {
	for _, status := range sortedKeys(op.Responses) {
		if !statusCode.MatchString(status) {
			if status != defaultPattern {
				in.warn("The response %s of %s is ignored", status, m.HTTPMethod)
			}
			continue
		}
		from := op.Responses[status]
		out := methodResponse{StatusCode: status}
		for name := range from.Headers {
			if out.Parameters == nil {
				out.Parameters = map[string]bool{}
			}
			out.Parameters["method.response.header."+name] = false
		}
		for _, kind := range sortedKeys(from.Content) {
			if err := in.model(&out.Models, kind, from.Content[kind].Schema); err != nil {
				return err
			}
		}
		if kinds := append(op.Produces, jsonType); len(from.Schema) > 0 {
			if err := in.model(&out.Models, kinds[0], from.Schema); err != nil {
				return err
			}
		}
		if err := checkModels(in.tx, in.api, out.Models); err != nil {
			return err
		}
		m.Responses[status] = out
		if from.Description != "" {
			doc.Responses[status] = from.Description
		}
	}
	return nil
}

// integration allows an operation without one, but that API cannot be deployed.
func (in *apiImport) integration(res *resource, m *method, raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	d, err := readIntegration(raw)
	if err != nil {
		return err
	}
	input := d.input()
	if err := input.check(*m); err != nil {
		return err
	}
	out := input.integration(res.ID)
	for _, pattern := range sortedKeys(d.Responses) {
		response, check := d.Responses[pattern].response(pattern)
		if err := check.check(response.StatusCode, *m); err != nil {
			return err
		}
		if out.Responses == nil {
			out.Responses = map[string]integrationResponse{}
		}
		out.Responses[response.StatusCode] = response
	}
	m.Integration = out
	return nil
}
