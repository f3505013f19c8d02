// Package openapi reads OpenAPI documents of other people (OpenAPI 3.1, 3.0, Swagger 2.0), and
// turns them into what pages show: operations by tag, parameters, schemas, examples. Documents
// are hostile until Load has checked them.
package openapi

import "strings"

// Document is a checked OpenAPI document. It is immutable and safe for concurrent use.
type Document struct {
	Title   string
	Version string
	Summary string
	// Description is Markdown that nobody has sanitized, here and everywhere in the model.
	Description string
	Servers     []Server
	// Security are the schemes by name, in the order of the document.
	Security []SecurityScheme
	// Tags are in the order of the document. Operations without a tag are under a last one with
	// an empty Name.
	Tags []Tag
	// Webhooks are the calls that the API makes.
	Webhooks []*Operation

	operations map[string]*Operation
	schemas    map[string]*Schema
	json       []byte
}

// Server is a base URL. Variables are replaced by their defaults.
type Server struct {
	URL         string
	Description string
}

// SecurityScheme is a way to authenticate. Type is apiKey, http, oauth2, openIdConnect or
// mutualTLS.
type SecurityScheme struct {
	Name        string
	Type        string
	Description string
	// In and Parameter are the place of an apiKey: header, query or cookie, and its name there.
	In, Parameter string
	// Scheme is that of http: basic, bearer, …
	Scheme string
}

// APIKey reports whether the scheme is an API key of Amazon API Gateway: the header x-api-key.
func (s SecurityScheme) APIKey() bool {
	return s.Type == "apiKey" && s.In == "header" && strings.EqualFold(s.Parameter, "x-api-key")
}

// Tag groups operations. Slug is unique in the document and fit for a path segment.
type Tag struct {
	Name, Slug  string
	Description string
	Operations  []*Operation
}

// Operation is one method of a path. ID is unique in the document and fit for a path segment and
// an HTML id: the operationId, or else made of method and path.
type Operation struct {
	ID          string
	OperationID string // as in the document, "" if it has none
	Method      string // upper case
	Path        string // a template, such as /pets/{id}
	Summary     string
	Description string
	Deprecated  bool
	Tags        []string
	Parameters  []Parameter
	Body        *Body
	// Responses are in the order of status, "default" last.
	Responses []Response
	// Security lists alternatives; each names schemes that are needed together. Empty means that
	// the operation needs no authentication.
	Security  [][]string
	Callbacks []*Operation
	// Servers replace the document's, if there are any.
	Servers []Server
}

// Parameter is a parameter, or a header of a response (In is "header").
type Parameter struct {
	Name, In    string // path, query, header, cookie
	Required    bool
	Deprecated  bool
	Description string
	Schema      *Schema
	// Example is what a form is filled with and snippets send: given or generated, never "" for
	// a required parameter.
	Example string
	// Style and Explode are OpenAPI's, with the defaults filled in.
	Style   string
	Explode bool
}

// Body is a request's body.
type Body struct {
	Required    bool
	Description string
	Content     []Media
}

// Response is an answer. Status is a code, a range such as 4XX, or default.
type Response struct {
	Status      string
	Description string
	Headers     []Parameter
	Content     []Media
}

// Media is a body in one media type.
type Media struct {
	Type   string
	Schema *Schema
	// Examples is never empty: those of the document, or else one that is generated.
	Examples []Example
}

// Example is an example of a body: its text as it is sent, JSON indented by two spaces.
type Example struct {
	Name, Summary string
	Text          string
	// Generated says that the document has no example.
	Generated bool
}

// Schema is a JSON Schema as people read it. A schema can contain itself, so code that walks
// schemas must stop at a Name that it is inside of already.
type Schema struct {
	// Name is the component's, "" for an inline schema.
	Name string
	// Type reads like "string", "array of Pet", "string or null", "object", "any".
	Type        string
	Format      string
	Title       string
	Description string
	Properties  []Property
	// Items is the schema of an array's elements; Additional that of an object's further values.
	Items, Additional *Schema
	OneOf, AnyOf      []*Schema
	// Enum and Default, Example, Const are JSON, except that strings have no quotes.
	Enum                    []string
	Default, Example, Const string
	// Constraints are phrases such as "at least 3 characters", "matches ^[a-z]+$", "0 to 100".
	Constraints []string
	Deprecated  bool
	ReadOnly    bool
	WriteOnly   bool
}

// Property is one of an object's. Those of allOf are merged.
type Property struct {
	Name     string
	Required bool
	*Schema
}

// Operation finds an operation by its ID.
func (d *Document) Operation(id string) (*Operation, bool) {
	op, ok := d.operations[id]
	return op, ok
}

// Schema finds a component by its name.
func (d *Document) Schema(name string) (*Schema, bool) {
	s, ok := d.schemas[name]
	return s, ok
}

// JSON returns the normalized document: OpenAPI 3.0 or 3.1 as JSON. Do not change it.
func (d *Document) JSON() []byte { return d.json }
