package folder_test

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatehouse-portal/gatehouse/catalog/folder"
)

func TestWhatTheSchemaRefusesIsSaidInPlainWords(t *testing.T) {
	t.Parallel()
	const end = "plans: [{id: x}]\n"
	for name, c := range map[string]struct {
		yaml string
		want []string
	}{
		"no name":                 {end, []string{"1: The product has no name. Add it."}},
		"neither APIs nor plans":  {"name: A\n", []string{"1: The product has neither apis nor plans. List at least one API or plan."}},
		"no plans in the list":    {"name: A\nplans: []\n", []string{"2: plans is empty. Add at least one value."}},
		"a misspelled key":        {"name: A\nplans:\n  - id: x\n    titel: Free\n", []string{`4: There is no key "titel" in plan 1. Did you mean title?`}},
		"a key with hyphens":      {"name: A\nversion-of: x\n" + end, []string{`2: There is no key "version-of". Did you mean version_of?`}},
		"an unknown key":          {"name: A\nowner: {name: B, telephone: 1}\n" + end, []string{`2: There is no key "telephone" in owner. Known keys are email, name, url.`}},
		"a key in another place":  {"name: A\nplans:\n  - id: x\n    endpoint: y\n", []string{`4: There is no key "endpoint" in plan 1. Known keys are approval, description, id, marketplace, name, offer, price, recommended, title.`}},
		"an empty value":          {"name:\n" + end, []string{"1: name has no value. Write one, or remove the key."}},
		"an empty text":           {"name: ''\n" + end, []string{"1: name is empty. Write something, or remove it."}},
		"a list for a text":       {"name: [A]\n" + end, []string{"1: name must be text, not a list or a group of keys."}},
		"a boolean for a text":    {"name: true\n" + end, []string{"1: name must be text. Put the value in quotes."}},
		"a text for a list":       {"name: A\ntags: tides\n" + end, []string{`2: tags must be a list. Begin each value with "- " on a line of its own, or write [a, b].`}},
		"a text for keys":         {"name: A\nowner: Coast\n" + end, []string{"2: owner must have keys of its own, indented below it."}},
		"a text for a boolean":    {"name: A\nfeatured: yes\n" + end, []string{"2: featured must be true or false, without quotes."}},
		"the same tag twice":      {"name: A\ntags:\n  - a\n  - b\n  - a\n" + end, []string{"5: tags has the same value twice. Remove one of them."}},
		"an unknown status":       {"name: A\nstatus: Beta\n" + end, []string{`2: status is "Beta". Did you mean beta? Use beta, new or deprecated.`}},
		"an unknown visibility":   {"name: A\nvisibility: partners\n" + end, []string{`2: visibility is "partners". Use public, signed-in, hidden, or groups with a list of groups below it.`}},
		"no groups":               {"name: A\nvisibility:\n  groups: []\n" + end, []string{"3: visibility.groups is empty. Add at least one value."}},
		"a misspelled group list": {"name: A\nvisibility: {group: [a]}\n" + end, []string{`2: There is no key "group" in visibility. Did you mean groups?`, "2: visibility has no groups. Add it."}},
		"an id in capitals":       {"name: A\nid: Tides\n" + end, []string{`2: id is "Tides". Use 1 to 63 lower-case letters, digits and hyphens, and no hyphen at the beginning.`}},
		"an e-mail address":       {"name: A\nowner: {name: B, email: coast}\n" + end, []string{`2: owner.email is "coast". Use an e-mail address such as coast@example.com.`}},
		"an owner's script":       {"name: A\nowner: {name: B, url: 'javascript:alert(1)'}\n" + end, []string{`2: owner.url is "javascript:alert(1)". Use an address that begins with https://.`}},
		"a sunset of no date":     {"name: A\nstatus: deprecated\nsunset: soon\n" + end, []string{`3: sunset is "soon". Write the day as year-month-day, such as 2027-03-31.`}},
		"a sunset of no day":      {"name: A\nstatus: deprecated\nsunset: 2027-02-30\n" + end, []string{`3: sunset is "2027-02-30", which is not a day of the calendar. Correct it.`}},
		"a sunset without status": {"name: A\nsunset: 2027-01-01\n" + end, []string{`2: sunset is for deprecated products only. Add "status: deprecated", or remove it.`}},
		"a sunset in beta":        {"name: A\nstatus: beta\nsunset: 2027-01-01\n" + end, []string{`2: sunset and successor are for deprecated products only. Write "status: deprecated", or remove them.`}},
		"a version_of alone":      {"name: A\nversion_of: b\n" + end, []string{`2: version_of needs a version, too. Add one, such as "version: 1".`}},
		"a plan with both names":  {"name: A\nplans: [{id: x, name: y}]\n", []string{"2: Plan 1 must have either the id or the name of a usage plan."}},
		"a plan without a name":   {"name: A\nplans: [{title: y}]\n", []string{"2: Plan 1 must have either the id or the name of a usage plan."}},
		"an API with both names":  {"name: A\napis: [{id: x, name: y, stage: z}]\n", []string{"2: API 1 has an id and a name. Keep one of them."}},
		"an API without a stage":  {"name: A\napis: [{id: x}]\n", []string{`2: API 1 has no stage. Add the stage of the REST API, such as "stage: v1".`}},
		"an API of nothing":       {"name: A\napis: [{title: x}]\n", []string{"2: API 1 names nothing. Add the id or name of a REST API and its stage, or an OpenAPI document (openapi)."}},
		"an endpoint of a REST API": {"name: A\napis: [{id: x, stage: y, endpoint: 'https://a.example'}]\n",
			[]string{"2: API 1 is on API Gateway, which knows its URL. Remove endpoint."}},
		"a stage of another API": {"name: A\napis: [{openapi: x.json, stage: y}]\n",
			[]string{"2: API 1 has stage, which is for APIs on API Gateway. Add the API's id or name, or remove stage."}},
		"an endpoint with a query": {"name: A\napis: [{openapi: x.json, endpoint: 'https://a.example/?x'}]\n",
			[]string{`2: endpoint of API 1 is "https://a.example/?x". Use a URL that begins with https://, without a user name, a query or a fragment, such as https://api.example.com/v1.`}},
		"a listing without a code": {"name: A\nplans:\n  - id: x\n    marketplace: {listing: 'https://a.example'}\n", []string{"4: marketplace of plan 1 has no product_code. Add it."}},
		"a listing by http": {"name: A\nplans:\n  - id: x\n    marketplace: {product_code: a, listing: 'http://a.example'}\n",
			[]string{`4: marketplace.listing of plan 1 is "http://a.example". Use the address of the listing, which begins with https://.`}},
		"a product code with a slash": {"name: A\nplans:\n  - id: x\n    marketplace:\n      product_code: a/b\n      listing: 'https://a.example'\n",
			[]string{`5: marketplace.product_code of plan 1 is "a/b". Copy the product code from the AWS Marketplace Management Portal, such as 4fk3q8b2v7x1n6m9z0c5d.`}},
		"an unknown meter": {"name: A\nplans:\n  - id: x\n    marketplace: {product_code: a, listing: 'https://a.example', meter: gateway}\n",
			[]string{`4: marketplace.meter of plan 1 is "gateway". Use none, portal or api-gateway.`}},
		"an unknown key of a listing": {"name: A\nplans:\n  - id: x\n    marketplace: {product_code: a, listing: 'https://a.example', url: b}\n",
			[]string{`4: There is no key "url" in marketplace of plan 1. Known keys are dimensions, listing, meter, meter_dimension, meter_idle, notices, product_code.`}},
		"an unknown SDK": {"name: A\napis: [{id: x, stage: y, sdks: [jav]}]\n",
			[]string{`2: SDK 1 of API 1 is "jav". Did you mean java? Use javascript, java, android, objectivec, swift or ruby.`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustRead(t, folderOf("tides/product.yaml", c.yaml))
			for i := range c.want {
				c.want[i] = "tides/product.yaml:" + c.want[i]
			}
			tells(t, f, c.want...)
		})
	}
}

// Editors show the descriptions and offer the examples.
func TestEveryPropertyOfTheSchemaHasADescriptionAndExamples(t *testing.T) {
	t.Parallel()
	seen := 0
	eachProperty(t, func(name string, schema map[string]any) {
		seen++
		examples, _ := schema["examples"].([]any)
		if text, _ := schema["description"].(string); text == "" || len(examples) == 0 {
			t.Errorf("%s has no description or no examples", name)
		}
	})
	if seen < 40 {
		t.Errorf("the schema has %d properties", seen)
	}
}

// eachProperty calls f with the name and schema of each property of product.yaml.
func eachProperty(t *testing.T, f func(name string, schema map[string]any)) {
	t.Helper()
	var schema any
	if err := json.Unmarshal(folder.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		object, _ := v.(map[string]any)
		for key, member := range object {
			properties, ok := member.(map[string]any)
			if key != "properties" || !ok {
				walk(member)
				continue
			}
			for name, property := range properties {
				p, isSchema := property.(map[string]any)
				if _, condition := p["const"]; isSchema && !condition {
					f(name, p)
					walk(p)
				}
			}
		}
	}
	walk(schema)
}

func TestExamplesInTheSchemaAreValid(t *testing.T) {
	t.Parallel()
	var whole map[string]any
	if err := json.Unmarshal(folder.Schema, &whole); err != nil {
		t.Fatal(err)
	}
	checked := 0
	eachProperty(t, func(name string, property map[string]any) {
		property = maps.Clone(property)
		property["$defs"] = whole["$defs"]
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource("https://test.invalid/", property); err != nil {
			t.Fatal(err)
		}
		schema := compiler.MustCompile("https://test.invalid/")
		examples, _ := property["examples"].([]any)
		for _, example := range examples {
			checked++
			if err := schema.Validate(example); err != nil {
				t.Errorf("the example of %s is not valid: %v", name, err)
			}
		}
	})
	if checked < 40 {
		t.Errorf("%d examples were checked", checked)
	}
}

func TestThePageAboutCatalogFoldersIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/catalog.md")
	if err != nil {
		t.Fatal(err)
	}
	eachProperty(t, func(name string, _ map[string]any) {
		if name != "$schema" && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/catalog.md does not explain %s", name)
		}
	})
	products := 0
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		yaml, _, _ := strings.Cut(block, "```")
		switch {
		case strings.HasPrefix(yaml, "#"):
			continue
		case strings.HasPrefix(yaml, "name: Seamark 0"):
			yaml += "plans: [{id: x}]\n"
		case !strings.HasPrefix(yaml, "name:"):
			yaml = "name: Example\nversion: 1\n" + yaml
			if !strings.Contains(yaml, "apis:") && !strings.Contains(yaml, "plans:") {
				yaml += "plans: [{id: y}]\n"
			}
		}
		products++
		f := mustRead(t, folderOf("example/product.yaml", yaml, "example/openapi.yaml", openAPI, "example/directory.yaml", openAPI,
			"example/images/harbour.svg", picture, "seamark/product.yaml", "name: Seamark\nversion: 1\nplans: [{id: s}]\n"))
		if len(f.Problems) > 0 {
			t.Errorf("the example\n%s has the problems %q", yaml, told(f.Problems))
		}
	}
	if products < 5 {
		t.Errorf("the page has %d examples", products)
	}
}
