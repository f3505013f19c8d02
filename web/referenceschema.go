package web

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strconv"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// Schemas are expanded to this depth; deeper ones lead to their own page.
const schemaDepth = 4

// maxProperties bounds what one schema shows of its properties in place, and maxValues what it
// shows of its values.
const (
	maxProperties = 200
	maxValues     = 200
)

// One body or parameter shows at most schemasOfOne schemas, and a page at most schemasOnAPage.
// Beyond that, schemas lead to their own pages: a few schemas that refer to each other many times
// would otherwise become millions.
const (
	schemasOfOne   = 1_000
	schemasOnAPage = 10_000
)

// What a page shows in full, so that it stays light whatever the document is: at most this many
// properties of schemas that have a page of their own, in each of its schemas and altogether, and
// this many bytes of examples. The page of one operation has room for more examples.
const (
	propertiesInSchema   = 80
	propertiesOnPage     = 600
	exampleBytes         = 64 << 10
	exampleBytesOfTheOne = 256 << 10
)

// room is what is left of it on a page.
type room struct {
	inSchema, onPage, examples int
}

// schemaView is a schema as a page shows it.
type schemaView struct {
	Name, Type, Format string
	Description        template.HTML
	Facts              []string
	Enum               []string
	// MoreValues counts the values of Enum that are left out.
	MoreValues int
	Properties []propertyView
	// More counts the properties that are left out.
	More int
	// Variants are the alternatives of oneOf or anyOf.
	VariantsOf string
	Variants   []schemaView
	Items      *schemaView
	Additional *schemaView
	// Href leads to the page of a schema that is not expanded here.
	Href string
}

// Expands reports whether there is something to unfold.
func (v schemaView) Expands() bool {
	return len(v.Properties) > 0 || len(v.Variants) > 0 || v.Additional != nil || (v.Items != nil && (v.Items.Expands() || v.Items.Href != ""))
}

type propertyView struct {
	Name       string
	Required   bool
	Deprecated bool
	schemaView
}

// SchemaName is the name of the property's schema, "" if it has none.
func (v propertyView) SchemaName() string { return v.schemaView.Name }

// schemaView expands a schema that is inside of the named ones.
func (ref *reference) schemaView(ctx context.Context, s *openapi.Schema, inside []string) schemaView {
	if s == nil {
		return schemaView{}
	}
	if len(inside) == 0 {
		ref.schemasOfThis = 0
	}
	ref.schemas, ref.schemasOfThis = ref.schemas+1, ref.schemasOfThis+1
	full := ref.schemas > schemasOnAPage || ref.schemasOfThis > schemasOfOne
	v := schemaView{Name: s.Name, Type: s.Type, Format: s.Format, Description: ref.prose(ctx, s.Description, 6), Facts: facts(s), Enum: s.Enum[:min(len(s.Enum), maxValues)]}
	v.MoreValues = len(s.Enum) - len(v.Enum)
	hasParts := len(s.Properties) > 0 || len(s.OneOf) > 0 || len(s.AnyOf) > 0 || s.Items != nil || s.Additional != nil
	if len(inside) == 0 {
		ref.room.inSchema = propertiesInSchema
	}
	full = full || s.Name != "" && (ref.room.onPage <= 0 || (len(inside) > 0 && ref.room.inSchema <= 0))
	if hasParts && (full || len(inside) >= schemaDepth || (s.Name != "" && slices.Contains(inside, s.Name))) {
		if s.Name != "" {
			v.Href = ref.path("schemas", s.Name)
		}
		return v
	}
	outside := inside
	inside = append(slices.Clip(inside), s.Name)
	ref.room.inSchema -= len(s.Properties)
	ref.room.onPage -= len(s.Properties)
	for i, p := range s.Properties {
		if i == maxProperties {
			v.More = len(s.Properties) - maxProperties
			break
		}
		v.Properties = append(v.Properties, propertyView{p.Name, p.Required, p.Deprecated, ref.schemaView(ctx, p.Schema, inside)})
	}
	variants := s.OneOf
	v.VariantsOf = "One of"
	if len(variants) == 0 {
		variants, v.VariantsOf = s.AnyOf, "Any of"
	}
	for _, variant := range variants {
		v.Variants = append(v.Variants, ref.schemaView(ctx, variant, inside))
	}
	if s.Items != nil {
		if s.Name == "" && len(outside) > 0 {
			inside = outside // a list without a name is no level of its own
		}
		items := ref.schemaView(ctx, s.Items, inside)
		v.Items = &items
	}
	if s.Additional != nil {
		additional := ref.schemaView(ctx, s.Additional, inside)
		v.Additional = &additional
	}
	return v
}

// facts lists what a schema demands beyond its type.
func facts(s *openapi.Schema) []string {
	list := slices.Clone(s.Constraints)
	if s.Const != "" {
		list = append(list, "always "+s.Const)
	}
	if s.Default != "" {
		list = append(list, "default "+s.Default)
	}
	if s.ReadOnly {
		list = append(list, "read-only")
	}
	if s.WriteOnly {
		list = append(list, "write-only")
	}
	return list
}

func httpStatusText(status string) string {
	code, err := strconv.Atoi(status)
	if err != nil {
		return ""
	}
	return http.StatusText(code)
}
