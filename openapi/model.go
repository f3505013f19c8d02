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
	// Webhooks are the calls that the API makes. Their Path is the webhook's name.
	Webhooks []*Operation
	// Warnings say what is wrong with the document: where (a JSON pointer or a line), and what.
	Warnings []string

	list       []*Operation
	operations map[string]*Operation
	names      []string
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
	Scheme        string
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
	// Parameters are those of the path and of the operation. A header x-api-key is not among them,
	// but in Security.
	Parameters []Parameter
	Body       *Body
	// Responses are in the order of status, "default" last.
	Responses []Response
	// Security lists alternatives; each names schemes that are needed together. Empty means that
	// the operation needs no authentication.
	Security [][]string
	// Callbacks are calls that the API makes in answer. Their Path is an expression such as
	// {$request.body#/callbackUrl}.
	Callbacks []*Operation
	// Servers replace the document's, if there are any.
	Servers []Server

	schemes [][]SecurityScheme
	// key tells whether a header parameter is the API key. Many documents describe it like that.
	key keyParameter
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
	// Example is what a form is filled with and snippets send: given or generated, never "" for
	// a required parameter.
	Example string
	// Style and Explode are OpenAPI's, with the defaults filled in.
	Style   string
	Explode bool
	// Media is the media type of the value, for example application/json, if it has one instead of
	// a style.
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
	// Examples is never empty: those of the document, or else one that is generated. The text of a
	// generated one is "" if none can be made.
	Examples []Example

	from *node
}

// Example is an example of a body: its text as it is sent, JSON indented by two spaces.
type Example struct {
	Name, Summary string
	Text          string
	Generated     bool
}

// Schema is a JSON Schema as people read it. A schema can contain itself, so code that walks
// schemas must stop at a *Schema, or at a Name, that it is inside of already.
type Schema struct {
	// Name is the component's, "" for an inline schema.
	Name string
	// Type reads like "string", "array of Pet", "string or null", "object", "any", "Cat or Dog".
	Type string
	// Types are JSON Schema's types without null: string, number, integer, boolean, array, object.
	// There are none if the schema allows all of them.
	Types       []string
	Nullable    bool
	Format      string
	Title       string
	Description string
	Properties  []Property
	// Items is the schema of an array's elements; Additional that of an object's further values.
	Items, Additional *Schema
	// OneOf and AnyOf never contain the type null; Nullable does.
	OneOf, AnyOf []*Schema
	// Discriminator is the property that tells which of OneOf or AnyOf a value is; "" if none does.
	Discriminator string
	// Enum and Default, Example, Const are JSON, except that strings have no quotes.
	Enum                    []string
	Default, Example, Const string
	// Constraints are phrases such as "at least 3 characters", "matches ^[a-z]+$", "0 to 100".
	Constraints []string
	// Rules are the same constraints for code, nil if there are none.
	Rules      *Rules
	Deprecated bool
	ReadOnly   bool
	WriteOnly  bool

	closed bool
	xml    xmlNames
	// mapping has the values of the discriminator that are not the schemas' names.
	mapping map[*Schema]string
	// value is what wins over a generated example: an example, constant, default or enum value.
	// from is the node that the schema was made of. Both are nil after Load.
	value, from *node
	typing      bool
}

// Rules limit values. A nil limit means that there is none.
type Rules struct {
	Minimum, Maximum *float64
	// Exclusive limits are not allowed as values themselves.
	ExclusiveMinimum, ExclusiveMaximum bool
	MultipleOf                         *float64
	MinLength, MaxLength               *int // in characters
	// Pattern is a regular expression of ECMAScript.
	Pattern                      string
	MinItems, MaxItems           *int
	UniqueItems                  bool
	MinProperties, MaxProperties *int
}

// Property is one of an object's. Those of allOf are merged.
type Property struct {
	Name     string
	Required bool
	*Schema
}

// Operations returns the operations in the order of the document, without webhooks and callbacks.
// Do not change the slice.
func (d *Document) Operations() []*Operation { return d.list }

// SchemaNames returns the names of the components in the order of the document. Do not change
// the slice.
func (d *Document) SchemaNames() []string { return d.names }

// Operation finds an operation by its ID. It does not find webhooks and callbacks, which nobody
// can call.
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

// WebhooksSlug names the webhooks where a Tag's Slug names a tag. No tag has it.
const WebhooksSlug = "-webhooks"

// Tag finds a tag by its slug. With WebhooksSlug it is all webhooks, if there are any.
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
