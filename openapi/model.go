// Package openapi reads other people's OpenAPI documents (OpenAPI 3.1, 3.0, Swagger 2.0), and
// turns them into what pages show: operations by tag, parameters, schemas, examples. Documents
// are hostile until Load has checked them.
package openapi

import "strings"

// Document is a checked OpenAPI document. It is immutable and safe for concurrent use.
type Document struct {
	Title   string
	Version string
	Summary string
	// Description is unsanitized Markdown, here and everywhere in the model.
	Description string
	Servers     []Server
	Security    []SecurityScheme
	// Tags are in the document's order. Operations without a tag are under a last one with an
	// empty Name.
	Tags []Tag
	// Webhooks are calls that the API makes. Path is the webhook's name.
	Webhooks []*Operation
	// Warnings say where (a JSON pointer or a line) and what is wrong with the document.
	Warnings []string

	list       []*Operation
	operations map[string]*Operation
	names      []string
	schemas    map[string]*Schema
	json       []byte
}

// Server is a base URL, with variables replaced by their defaults.
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
	// In is an apiKey's place: header, query or cookie. Parameter is its name there.
	In, Parameter string
	Scheme        string
}

// APIKey reports whether the scheme is Amazon API Gateway's API key: the header x-api-key.
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
// an HTML id: the operationId, else made of method and path.
type Operation struct {
	ID          string
	OperationID string // as in the document, "" if it has none
	Method      string // upper case
	Path        string // a template, such as /pets/{id}
	Summary     string
	Description string
	Deprecated  bool
	Tags        []string
	// Parameters include the path's. A header x-api-key is in Security instead.
	Parameters []Parameter
	Body       *Body
	// Responses are in the order of status, "default" last.
	Responses []Response
	// Security lists alternatives; each names schemes needed together. Empty means no
	// authentication.
	Security [][]string
	// Callbacks are calls that the API makes in answer. Path is an expression such as
	// {$request.body#/callbackUrl}.
	Callbacks []*Operation
	// Servers replace the document's, if any.
	Servers []Server

	schemes [][]SecurityScheme
	key     keyParameter
}

type keyParameter uint8

const (
	keyAbsent keyParameter = iota
	keyOptional
	keyRequired
)

// Parameter is a parameter, or a header of a response (In is "header").
type Parameter struct {
	Name, In    string // path, query, header, cookie
	Required    bool
	Deprecated  bool
	Description string
	Schema      *Schema
	// Example is for forms and snippets: given or generated, never "" for a required parameter.
	Example string
	// Style and Explode are OpenAPI's, with defaults filled in.
	Style   string
	Explode bool
	// Media is the value's media type, such as application/json, if it has one instead of a style.
	Media string

	// given is the document's example. It is nil after Load.
	given *node
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
	// Examples is never empty: the document's, else a generated one, whose text is "" if none can
	// be made.
	Examples []Example

	from *node
}

// Example is an example of a body: its text as sent, JSON indented by two spaces.
type Example struct {
	Name, Summary string
	Text          string
	Generated     bool
}

// Schema is a JSON Schema as people read it. A schema can contain itself, so code that walks
// schemas must stop at a *Schema, or a Name, that it is already inside of.
type Schema struct {
	// Name is the component's, "" for an inline schema.
	Name string
	// Type reads like "string", "array of Pet", "string or null", "object", "any", "Cat or Dog".
	Type string
	// Types are JSON Schema's types without null: string, number, integer, boolean, array, object.
	// None means all.
	Types       []string
	Nullable    bool
	Format      string
	Title       string
	Description string
	Properties  []Property
	// Items is for an array's elements, Additional for an object's further values.
	Items, Additional *Schema
	// OneOf and AnyOf never contain the type null; see Nullable.
	OneOf, AnyOf []*Schema
	// Discriminator is the property that tells which of OneOf or AnyOf a value is, or "".
	Discriminator string
	// Enum, Default, Example and Const are JSON, but strings have no quotes.
	Enum                    []string
	Default, Example, Const string
	Constraints             []string
	// Rules are the same constraints for code, or nil.
	Rules      *Rules
	Deprecated bool
	ReadOnly   bool
	WriteOnly  bool

	closed bool
	xml    xmlNames
	// mapping has the discriminator's values that are not the schemas' names.
	mapping map[*Schema]string
	// value wins over a generated example: an example, constant, default or enum value. from is
	// the schema's node. Both are nil after Load.
	value, from *node
	typing      bool
}

// Rules limit values. A nil limit means none.
type Rules struct {
	Minimum, Maximum                   *float64
	ExclusiveMinimum, ExclusiveMaximum bool
	MultipleOf                         *float64
	MinLength, MaxLength               *int // in characters
	// Pattern is a regular expression of ECMAScript.
	Pattern                      string
	MinItems, MaxItems           *int
	UniqueItems                  bool
	MinProperties, MaxProperties *int
}

// Property is an object's. Those of allOf are merged.
type Property struct {
	Name     string
	Required bool
	*Schema
}

// Operations returns the operations in the document's order, without webhooks and callbacks. Do
// not change the slice.
func (d *Document) Operations() []*Operation { return d.list }

// SchemaNames returns the components' names in the document's order. Do not change the slice.
func (d *Document) SchemaNames() []string { return d.names }

// Operation finds an operation by its ID, but not webhooks and callbacks, which nobody can
// call.
func (d *Document) Operation(id string) (*Operation, bool) {
	op, ok := d.operations[id]
	return op, ok
}

// Webhook finds a webhook by its ID.
func (d *Document) Webhook(id string) (*Operation, bool) {
	for _, hook := range d.Webhooks {
		if hook.ID == id {
			return hook, true
		}
	}
	return nil, false
}

// WebhooksSlug is the webhooks' slug. No Tag has it.
const WebhooksSlug = "-webhooks"

// Tag finds a tag by its slug, or all webhooks, if any, by WebhooksSlug.
func (d *Document) Tag(slug string) (Tag, bool) {
	if slug == WebhooksSlug {
		return Tag{Name: "Webhooks", Slug: slug, Operations: d.Webhooks}, len(d.Webhooks) > 0
	}
	for _, tag := range d.Tags {
		if tag.Slug == slug {
			return tag, true
		}
	}
	return Tag{}, false
}

// Schema finds a component by its name.
func (d *Document) Schema(name string) (*Schema, bool) {
	s, ok := d.schemas[name]
	return s, ok
}

// JSON returns the normalized document: OpenAPI 3.0 or 3.1 as JSON. Do not change it.
func (d *Document) JSON() []byte { return d.json }
