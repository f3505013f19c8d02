package web

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strconv"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

const schemaDepth = 4

// maxProperties and maxValues bound what one schema shows in place.
const (
	maxProperties = 200
	maxValues     = 200
)

// Beyond schemasOfOne schemas in a body or parameter, or schemasOnAPage on a page, schemas are
// links: a few schemas that refer to each other many times would otherwise become millions.
const (
	schemasOfOne   = 1_000
	schemasOnAPage = 10_000
)

// These limits keep a page light whatever the document is: properties of schemas that have their
// own pages, in each schema and altogether, and bytes of examples. An operation's own page has
// room for more examples.
const (
	propertiesInSchema   = 80
	propertiesOnPage     = 600
	exampleBytes         = 64 << 10
	exampleBytesOfTheOne = 256 << 10
)

type room struct {
	inSchema, onPage, examples int
}

type schemaView struct {
	Name, Type, Format string
	Description        template.HTML
	Facts              []string
	Enum               []string
	MoreValues         int
	Properties         []propertyView
	More               int
	VariantsOf         string
	Variants           []schemaView
	Items              *schemaView
	Additional         *schemaView
	Href               string
}

func (v schemaView) Expands() bool {
	return len(v.Properties) > 0 || len(v.Variants) > 0 || v.Additional != nil || (v.Items != nil && (v.Items.Expands() || v.Items.Href != ""))
}

type propertyView struct {
	Name       string
	Required   bool
	Deprecated bool
	schemaView
}

func (v propertyView) SchemaName() string { return v.schemaView.Name }

// schemaView expands a schema inside the named ones.
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
