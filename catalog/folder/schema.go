package folder

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Schema is the JSON Schema (draft 2020-12) of product.yaml. Do not change it.
//
//go:embed product.schema.json
var Schema []byte

// schemaAddress is the schema's name inside the validator, which fetches nothing from
// it.
const schemaAddress = "https://gatehouse.invalid/schemas/product.json"

type productSchema struct {
	compiled *jsonschema.Schema
	document any
}

var loadSchema = sync.OnceValue(func() productSchema {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		panic(fmt.Errorf("decoding the embedded schema: %w", err))
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(schemaAddress, document); err != nil {
		panic(fmt.Errorf("adding the embedded schema: %w", err))
	}
	return productSchema{compiled: compiler.MustCompile(schemaAddress), document: document}
})

func (s productSchema) validate(m mapping) []fault {
	err := s.compiled.Validate(m.value)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return nil
	}
	var faults []fault
	for _, e := range leaves(invalid) {
		faults = append(faults, s.faults(m, e)...)
	}
	slices.SortFunc(faults, compareFaults)
	return slices.Compact(faults)
}

// leaves are the innermost errors, and choices between alternatives, whose single errors would
// confuse people.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		return []*jsonschema.ValidationError{e}
	}
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}

func (s productSchema) faults(m mapping, e *jsonschema.ValidationError) []fault {
	at := e.InstanceLocation
	line, name := m.line(at...), subject(at)
	say := func(format string, args ...any) []fault { return []fault{faultf(line, format, args...)} }
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		return s.unknownKeys(m, e, k.Properties)
	case *kind.Required:
		return say("%s", missing(at, k.Missing))
	case *kind.DependentRequired:
		return []fault{faultf(m.line(child(at, k.Prop)...), "%s", needs(k.Prop))}
	case *kind.FalseSchema:
		return say("%s", unwanted(at))
	case *kind.Not:
		return say("%s has an id and a name. Keep one of them.", name)
	case *kind.OneOf:
		return say("%s must have either the id or the name of a usage plan.", name)
	case *kind.AnyOf:
		return say("The product has neither apis nor plans. List at least one API or plan.")
	case *kind.Const:
		return say("sunset and successor are for deprecated products only. Write \"status: deprecated\", or remove them.")
	case *kind.Enum:
		return say("%s", notOneOf(name, k))
	case *kind.Type:
		return say("%s", wrongType(name, k))
	case *kind.Pattern:
		hint, _ := s.member(e.SchemaURL, "patternErrorMessage").(string)
		return say("%s is %s. %s", name, clip(k.Got), hint)
	case *kind.MinLength:
		return say("%s is empty. Write something, or remove it.", name)
	case *kind.MaxLength:
		return say("%s has %d characters. Shorten it to at most %d.", name, k.Got, k.Want)
	case *kind.MinItems:
		return say("%s is empty. Add at least one value.", name)
	case *kind.MaxItems:
		return say("%s has %d values. Keep at most %d.", name, k.Got, k.Want)
	case *kind.UniqueItems:
		return []fault{faultf(m.line(child(at, strconv.Itoa(k.Duplicates[1]))...), "%s has the same value twice. Remove one of them.", name)}
	}
	return say("%s is not as it should be. Compare it with the description of the format.", name)
}

// subject begins a sentence about a value. Keys stay as written.
func subject(path []string) string {
	text := spell(path)
	if len(path) > 0 && !isIndex(path[len(path)-1]) {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// spell names a value for people: "title of plan 2", "owner.email".
func spell(path []string) string {
	if len(path) == 0 {
		return "the file"
	}
	text := ""
	for i, step := range path {
		n, err := strconv.Atoi(step)
		word := strings.Trim(clip(step), `"`)
		switch {
		case err == nil && i > 0:
			text = fmt.Sprintf("%s %d", singular(path[i-1]), n+1) + around(path[:i-1])
		case i+1 < len(path) && isIndex(path[i+1]):
		case i == 0:
			text = word
		case isIndex(path[i-1]):
			text = word + " of " + text
		default:
			key, of, _ := strings.Cut(text, " of ")
			text = key + "." + word
			if of != "" {
				text += " of " + of
			}
		}
	}
	return text
}

func around(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return " of " + spell(path)
}

func isIndex(step string) bool {
	_, err := strconv.Atoi(step)
	return err == nil
}

func singular(list string) string {
	switch list {
	case "apis":
		return "API"
	case "sdks":
		return "SDK"
	}
	return strings.TrimSuffix(list, "s")
}

func missing(at, keys []string) string {
	list := strings.Join(keys, " and ")
	switch {
	case len(at) == 0:
		return fmt.Sprintf("The product has no %s. Add it.", list)
	case at[0] == "apis" && slices.Contains(keys, "stage"):
		return fmt.Sprintf("%s has no stage. Add the stage of the REST API, such as \"stage: v1\".", subject(at))
	case at[0] == "apis" && slices.Contains(keys, "openapi"):
		return fmt.Sprintf("%s names nothing. Add the id or name of a REST API and its stage, or an OpenAPI document (openapi).", subject(at))
	}
	return fmt.Sprintf("%s has no %s. Add it.", subject(at), list)
}

func needs(key string) string {
	if key == "version_of" {
		return "version_of needs a version, too. Add one, such as \"version: 1\"."
	}
	return key + " is for deprecated products only. Add \"status: deprecated\", or remove it."
}

func unwanted(at []string) string {
	api, key := subject(at[:len(at)-1]), at[len(at)-1]
	if key == "endpoint" {
		return fmt.Sprintf("%s is on API Gateway, which knows its URL. Remove endpoint.", api)
	}
	return fmt.Sprintf("%s has %s, which is for APIs on API Gateway. Add the API's id or name, or remove %s.", api, key, key)
}

func notOneOf(name string, k *kind.Enum) string {
	var allowed []string
	for _, value := range k.Want {
		allowed = append(allowed, fmt.Sprint(value))
	}
	last := len(allowed) - 1
	text := fmt.Sprintf("Use %s or %s.", strings.Join(allowed[:last], ", "), allowed[last])
	if name == "visibility" {
		text = fmt.Sprintf("Use %s, or groups with a list of groups below it.", strings.Join(allowed, ", "))
	}
	got, isText := k.Got.(string)
	if !isText {
		return fmt.Sprintf("%s has no usable value. %s", name, text)
	}
	if meant := nearest(strings.ToLower(got), allowed); meant != "" {
		text = fmt.Sprintf("Did you mean %s? %s", meant, text)
	}
	return fmt.Sprintf("%s is %s. %s", name, clip(got), text)
}

func wrongType(name string, k *kind.Type) string {
	if k.Got == "null" {
		return fmt.Sprintf("%s has no value. Write one, or remove the key.", name)
	}
	switch k.Want[0] {
	case "boolean":
		return fmt.Sprintf("%s must be true or false, without quotes.", name)
	case "array":
		return fmt.Sprintf("%s must be a list. Begin each value with \"- \" on a line of its own, or write [a, b].", name)
	case "object":
		return fmt.Sprintf("%s must have keys of its own, indented below it.", name)
	}
	if k.Got == "boolean" {
		return fmt.Sprintf("%s must be text. Put the value in quotes.", name)
	}
	return fmt.Sprintf("%s must be text, not a list or a group of keys.", name)
}

func (s productSchema) unknownKeys(m mapping, e *jsonschema.ValidationError, keys []string) (faults []fault) {
	properties, _ := s.member(e.SchemaURL, "properties").(map[string]any)
	known := slices.Sorted(maps.Keys(properties))
	known = slices.DeleteFunc(known, func(key string) bool { return strings.HasPrefix(key, "$") })
	for _, key := range keys {
		text := "Known keys are " + strings.Join(known, ", ") + "."
		if meant := nearest(strings.ReplaceAll(strings.ToLower(key), "-", "_"), known); meant != "" {
			text = fmt.Sprintf("Did you mean %s?", meant)
		}
		where := ""
		if len(e.InstanceLocation) > 0 {
			where = " in " + spell(e.InstanceLocation)
		}
		faults = append(faults, faultf(m.line(child(e.InstanceLocation, key)...), "There is no key %s%s. %s", clip(key), where, text))
	}
	return faults
}

func (s productSchema) member(address, name string) any {
	_, pointer, _ := strings.Cut(address, "#")
	at := s.document
	for _, step := range strings.Split(pointer, "/")[1:] {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch container := at.(type) {
		case map[string]any:
			at = container[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(container) {
				return nil
			}
			at = container[i]
		}
	}
	object, _ := at.(map[string]any)
	return object[name]
}

func compareFaults(a, b fault) int {
	if a.line != b.line {
		return a.line - b.line
	}
	return strings.Compare(a.text, b.text)
}
