// Package postman turns an OpenAPI document into a Postman collection: folders by tag, requests
// with their examples, and saved answers.
package postman

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// Collection writes a collection in Postman's format 2.1. The base is the URL of the API; it
// becomes the variable baseUrl, and the caller's key is the variable apiKey. Requests go to
// baseUrl only, whatever servers the document names, so the key is sent nowhere else. The same
// document and base give the same bytes.
func Collection(doc *openapi.Document, base string) ([]byte, error) {
	c := collection{
		Info: info{Name: doc.Title, Description: doc.Description, Schema: format}, Item: []folder{},
		Variable: []variable{{Key: "baseUrl", Value: strings.TrimRight(base, "/")}},
	}
	if c.Info.Name == "" {
		c.Info.Name = "API"
	}
	used, written := map[string]bool{}, map[string]bool{}
	for _, tag := range doc.Tags {
		f := folder{Name: tag.Name, Description: tag.Description, Item: []item{}}
		if f.Name == "" {
			f.Name = "Other operations"
		}
		for _, op := range tag.Operations {
			if !written[op.ID] { // An operation with several tags is in the folder of the first.
				written[op.ID] = true
				f.Item = append(f.Item, itemOf(op, used))
			}
		}
		if len(f.Item) > 0 {
			c.Item = append(c.Item, f)
		}
	}
	if used["apiKey"] {
		c.Auth = keyAuth("x-api-key", "header")
	}
	for _, name := range []string{"apiKey", "token", "username", "password"} {
		if used[name] {
			c.Variable = append(c.Variable, variable{Key: name})
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(c)
	return out.Bytes(), err
}

func itemOf(op *openapi.Operation, used map[string]bool) item {
	i := item{Name: op.Summary, Request: requestOf(op, used), Response: []response{}}
	if i.Name == "" {
		i.Name = op.Method + " " + op.Path
	}
	if op.Deprecated {
		i.Name += " (deprecated)"
	}
	for _, answer := range op.Responses {
		if saved, ok := responseOf(answer, i.Request); ok {
			i.Response = append(i.Response, saved)
		}
	}
	return i
}
