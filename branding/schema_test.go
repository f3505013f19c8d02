package branding_test

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-portal/gatehouse/branding"
)

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(branding.Schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("branding.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("branding.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestTheSchemaAndTheParserAgree(t *testing.T) {
	t.Parallel()
	compiled := schema(t)
	for name, source := range map[string]string{
		"all keys":          acme,
		"an unknown key":    "naam: A\n",
		"a script":          `footer: [{text: A, url: "javascript:alert(1)"}]`,
		"a named colour":    `colours: {light: {accent: black}}`,
		"another host":      `links: {terms: "//evil.example"}`,
		"half a link":       `home: {action: {text: A}}`,
		"a short colour":    `colours: {light: {accent: "#035"}}`,
		"the root":          `links: {terms: "/"}`,
		"an empty name":     `name: ""`,
		"a flag that is no": `logo_contains_name: 3`,
	} {
		var value any
		if err := yaml.Unmarshal([]byte(source), &value); err != nil {
			t.Fatal(err)
		}
		_, err := branding.Load(folder(t, "branding.yaml", source, "logo.svg", plainSVG), own(t))
		if bySchema := compiled.Validate(value); (bySchema == nil) != (err == nil) {
			t.Errorf("%s: the schema says %v, and the parser %v", name, bySchema, err)
		}
	}
}

func TestTheSchemaHasExactlyTheParsersKeys(t *testing.T) {
	t.Parallel()
	listed := regexp.MustCompile(`the keys here are ([a-z_, ]+)`)
	for path, want := range map[string][]string{
		"":               slices.Sorted(maps.Keys(schema(t).Properties)),
		"colours":        slices.Sorted(maps.Keys(schema(t).Properties["colours"].Properties)),
		"colours: light": slices.Sorted(maps.Keys(schema(t).Properties["colours"].Properties["light"].Ref.Properties)),
		"home":           slices.Sorted(maps.Keys(schema(t).Properties["home"].Properties)),
		"links":          slices.Sorted(maps.Keys(schema(t).Properties["links"].Properties)),
	} {
		source := `{unknownunknown: 1}`
		for _, key := range slices.Backward(regexp.MustCompile(`\w+`).FindAllString(path, -1)) {
			source = "{" + key + ": " + source + "}"
		}
		found := listed.FindStringSubmatch(faults(t, "branding.yaml", source)[0])
		if found == nil || !slices.Equal(regexp.MustCompile(`\w+`).FindAllString(found[1], -1), want) {
			t.Errorf("under %q the parser knows %v, and the schema %v", path, found, want)
		}
	}
}
