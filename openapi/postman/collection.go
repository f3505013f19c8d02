// Package postman writes an OpenAPI document as a Postman collection, format 2.1.0
// (https://schema.postman.com).
package postman

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	format = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
	// maxBytes bounds a collection.
	maxBytes = 32 << 20
	// maxBody bounds the example of a body, and maxText a description, in bytes.
	maxBody = 64 << 10
	maxText = 8 << 10
)

type collection struct {
	Info     info              `json:"info"`
	Item     []json.RawMessage `json:"item"`
	Auth     *auth             `json:"auth,omitempty"`
	Variable []field           `json:"variable"`
}

type info struct {
	ID          string `json:"_postman_id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Schema      string `json:"schema"`
}

type folder struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Item        []json.RawMessage `json:"item"`
}

type item struct {
	Name     string    `json:"name"`
	Behavior *behavior `json:"protocolProfileBehavior,omitempty"`
	Request  request   `json:"request"`
	Response []answer  `json:"response"`
}

type behavior struct {
	KeepBody bool `json:"disableBodyPruning"`
}

type request struct {
	Auth        *auth   `json:"auth,omitempty"`
	Method      string  `json:"method"`
	Header      []field `json:"header"`
	Body        *body   `json:"body,omitempty"`
	URL         address `json:"url"`
	Description string  `json:"description,omitempty"`
}

// field is a header, a query parameter, a part of a form, or a variable.
type field struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
}

// Collection returns the operations as a collection, each in the folder of its first tag. base is
// the URL of the API; "" means the document's first server. Its variable apiKey is API Gateway's
// key. The same document gives the same collection. The error is portal.NotFound if the
// collection would be too large.
func Collection(doc *openapi.Document, base string) ([]byte, error) {
	base = strings.TrimRight(cmp.Or(base, serverOf(doc)), "/")
	w := writer{variables: map[string]bool{}}
	folders, err := w.folders(doc)
	if err != nil {
		return nil, err
	}
	made := collection{
		Info: info{ID: idOf(doc, base), Name: cmp.Or(cut(doc.Title, maxText), "API"), Description: cut(doc.Description, maxText), Schema: format},
		Item: folders, Variable: append([]field{{Key: "baseUrl", Value: base, Type: "string"}}, w.fields()...),
	}
	if w.variables[keyVariable] {
		made.Auth = keyAuth("header", "x-api-key", keyVariable)
	}
	return encode(made)
}

func serverOf(doc *openapi.Document) string {
	for _, server := range doc.Servers {
		if strings.HasPrefix(server.URL, "http") {
			return server.URL
		}
	}
	return ""
}

// idOf makes the UUID (RFC 9562, version 8) by which Postman knows the
// collection.
func idOf(doc *openapi.Document, base string) string {
	hash := sha256.New()
	hash.Write(doc.JSON())
	hash.Write([]byte(base))
	id := hash.Sum(nil)[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	text := hex.EncodeToString(id)
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

type writer struct {
	size      int
	variables map[string]bool
}

// folders returns a folder for each tag. Without tags, the operations stand alone.
func (w *writer) folders(doc *openapi.Document) ([]json.RawMessage, error) {
	all := []json.RawMessage{}
	seen := map[*openapi.Operation]bool{}
	for _, tag := range doc.Tags {
		items := []json.RawMessage{}
		for _, op := range tag.Operations {
			if seen[op] {
				continue
			}
			seen[op] = true
			encoded, err := encode(w.item(op))
			if err != nil {
				return nil, err
			}
			if w.size += len(encoded); w.size > maxBytes {
				return nil, portal.Fail(portal.NotFound, "This API is too large for a Postman collection. Import its OpenAPI document into Postman instead.")
			}
			items = append(items, encoded)
		}
		if len(items) == 0 {
			continue
		}
		if tag.Name == "" && len(all) == 0 {
			return items, nil
		}
		encoded, err := encode(folder{Name: cmp.Or(cut(tag.Name, maxText), "Other operations"), Description: cut(tag.Description, maxText), Item: items})
		if err != nil {
			return nil, err
		}
		all = append(all, encoded)
	}
	return all, nil
}

func (w *writer) item(op *openapi.Operation) item {
	made := item{Name: cmp.Or(cut(op.Summary, maxText), op.Method+" "+op.Path), Request: w.request(op)}
	made.Response = answers(op, made.Request)
	if made.Request.Body != nil && (op.Method == "GET" || op.Method == "HEAD") {
		made.Behavior = &behavior{KeepBody: true}
	}
	return made
}

func encode(value any) ([]byte, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSpace(out.String())), nil
}

func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size], "") + "…"
}
