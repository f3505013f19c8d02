package postman_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/postman"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const base = "https://api.example.com/v2/"

func load(t *testing.T, document string) *openapi.Document {
	t.Helper()
	doc, err := openapi.Load([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

type object = map[string]any

// written writes a collection, checks it, and returns its requests by method and address.
func written(t *testing.T, doc *openapi.Document, base string) (object, map[string]object) {
	t.Helper()
	body, err := postman.Collection(doc, base)
	if err != nil {
		t.Fatal(err)
	}
	again, err := postman.Collection(doc, base)
	if err != nil || !bytes.Equal(body, again) {
		t.Errorf("the collection is another the second time: %v", err)
	}
	var collection object
	if err := json.Unmarshal(body, &collection); err != nil {
		t.Fatal(err)
	}
	c := checker{t: t, requests: map[string]object{}}
	c.collection(collection)
	return collection, c.requests
}

// checker holds a collection to the format 2.1.0, as far as it is used here.
type checker struct {
	t        *testing.T
	requests map[string]object
}

// members checks that an object has the required members and no others than the known ones.
func (c checker) members(at string, value any, required, optional string) object {
	c.t.Helper()
	o, ok := value.(object)
	if !ok {
		c.t.Fatalf("%s is %T", at, value)
	}
	for _, name := range strings.Fields(required) {
		if _, ok := o[name]; !ok {
			c.t.Errorf("%s has no %s", at, name)
		}
	}
	for name := range o {
		if !slices.Contains(strings.Fields(required+" "+optional), name) {
			c.t.Errorf("%s has a %s", at, name)
		}
	}
	return o
}

func (c checker) list(at string, value any) []any {
	c.t.Helper()
	list, ok := value.([]any)
	if !ok && value != nil {
		c.t.Fatalf("%s is %T", at, value)
	}
	return list
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func (c checker) collection(collection object) {
	c.members("the collection", collection, "info item variable", "auth")
	info := c.members("info", collection["info"], "_postman_id name schema", "description")
	if info["schema"] != "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" || info["name"] == "" || !uuid.MatchString(fmt.Sprint(info["_postman_id"])) {
		c.t.Errorf("info is %v", info)
	}
	c.fields("the variables", collection["variable"], "string")
	c.auth("the collection", collection["auth"], "apikey")
	for _, item := range c.list("item", collection["item"]) {
		if folder := item.(object); folder["request"] == nil {
			c.members("a folder", folder, "name item", "description")
			for _, item := range c.list("a folder", folder["item"]) {
				c.item(item)
			}
			continue
		}
		c.item(item)
	}
}

func (c checker) item(value any) {
	item := c.members("an item", value, "name request response", "protocolProfileBehavior")
	name := fmt.Sprint(item["name"])
	if name == "" {
		c.t.Errorf("an item has no name: %v", item)
	}
	request := c.request(name, item["request"])
	c.requests[fmt.Sprint(request["method"], " ", strings.TrimPrefix(request["url"].(object)["raw"].(string), "{{baseUrl}}"))] = item
	for _, response := range c.list(name, item["response"]) {
		r := c.members(name, response, "name originalRequest status code _postman_previewlanguage header cookie body", "")
		c.request(name, r["originalRequest"])
		c.fields(name, r["header"])
		if code, ok := r["code"].(float64); !ok || code < 100 || code > 599 || r["name"] == "" {
			c.t.Errorf("%s has the response %v", name, r)
		}
	}
}

func (c checker) request(name string, value any) object {
	c.t.Helper()
	request := c.members(name, value, "method header url", "auth body description")
	c.fields(name, request["header"])
	c.auth(name, request["auth"], "noauth", "apikey", "bearer", "basic")
	c.url(name, request["url"])
	if request["body"] == nil {
		return request
	}
	body := c.members(name, request["body"], "mode", "raw urlencoded formdata file options")
	switch mode := body["mode"]; mode {
	case "raw", "file":
	case "urlencoded", "formdata":
		c.fields(name, body[mode.(string)], "text", "file")
	default:
		c.t.Errorf("%s has a body of mode %v", name, mode)
	}
	return request
}

func (c checker) url(name string, value any) {
	c.t.Helper()
	url := c.members(name, value, "raw host path", "query variable")
	c.fields(name, url["query"])
	c.fields(name, url["variable"])
	raw, variables := "{{baseUrl}}", map[string]bool{}
	for _, segment := range c.list(name, url["path"]) {
		raw += "/" + segment.(string)
		if variable, ok := strings.CutPrefix(segment.(string), ":"); ok {
			variables[variable] = true
		}
	}
	for _, variable := range c.list(name, url["variable"]) {
		if !variables[variable.(object)["key"].(string)] {
			c.t.Errorf("%s has a variable that its path has not: %v", name, variable)
		}
	}
	if path, _, _ := strings.Cut(url["raw"].(string), "?"); path != raw || fmt.Sprint(url["host"]) != "[{{baseUrl}}]" {
		c.t.Errorf("%s: %v is not %s", name, url, raw)
	}
}

func (c checker) fields(name string, value any, types ...string) {
	c.t.Helper()
	for _, one := range c.list(name, value) {
		f := c.members(name, one, "key value", "type description disabled")
		if kind, ok := f["type"]; ok && !slices.Contains(types, kind.(string)) {
			c.t.Errorf("%s has a field of type %v", name, kind)
		}
	}
}

func (c checker) auth(name string, value any, types ...string) {
	c.t.Helper()
	if value == nil {
		return
	}
	auth := c.members(name, value, "type", "apikey bearer basic")
	kind := fmt.Sprint(auth["type"])
	if !slices.Contains(types, kind) || (kind != "noauth" && len(c.list(name, auth[kind])) == 0) {
		c.t.Errorf("%s has the auth %v", name, auth)
	}
	c.fields(name, auth[kind], "string")
}

func compact(value any) string {
	body, _ := json.Marshal(value)
	return string(body)
}

const tides = `{"openapi": "3.0.3", "info": {"title": "Tides", "version": "1", "description": "All *tides*."},
	"servers": [{"url": "https://server.example"}], "tags": [{"name": "Harbours", "description": "Where ships land."}],
	"security": [{"key": []}],
	"paths": {
		"/harbours/{id}/tides.{format}": {"get": {"summary": "Tides", "tags": ["Harbours", "Again"], "parameters": [
			{"name": "id", "in": "path", "required": true, "description": "Which.", "example": "far ness/1"}, {"name": "format", "in": "path", "required": true, "example": "json"},
			{"name": "days", "in": "query", "required": true, "schema": {"type": "integer"}, "example": 2}, {"name": "near", "in": "query", "description": "A place.", "schema": {"type": "array", "items": {"type": "string"}}, "example": ["a&b", "c"]},
			{"name": "X-Trace", "in": "header", "example": "t"}, {"name": "sid", "in": "cookie", "required": true, "example": "s"}],
			"responses": {"200": {"description": "The tides.\nMore.", "content": {"application/json": {"example": {"high": 3}}}}, "404": {"description": ""}, "4XX": {"description": "Wrong"}, "default": {"description": "Other"}}}},
		"/harbours": {
			"post": {"deprecated": true, "tags": ["Harbours"], "security": [], "requestBody": {"content": {"application/json": {"example": {"name": "{{{awsSecret}}}"}}}}, "responses": {"201": {"description": "Made"}}},
			"put": {"security": [{"login": []}], "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}, "example": {"a b": "c&d {{x}}"}}}}, "responses": {}},
			"patch": {"security": [{"basic": []}, {"key": [], "other": []}], "requestBody": {"content": {"multipart/form-data": {"schema": {"type": "object", "required": ["note", "chart"], "properties": {"note": {"type": "string", "example": "{{y}}"}, "chart": {"type": "string", "format": "binary"}}}}}}, "responses": {}},
			"delete": {"security": [{"other": []}], "requestBody": {"content": {"application/octet-stream": {}}}, "responses": {}}},
		"/:batch": {"get": {"security": [{"basic": []}], "responses": {}}}},
	"components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}, "login": {"type": "oauth2", "flows": {}}, "basic": {"type": "http", "scheme": "basic"},
		"other": {"type": "apiKey", "in": "query", "name": "api key {{z}}"}}}}`

func TestACollectionHasFoldersRequestsAndVariables(t *testing.T) {
	t.Parallel()
	collection, requests := written(t, load(t, tides), base)
	if got := compact(collection["variable"]); got != `[{"key":"baseUrl","type":"string","value":"https://api.example.com/v2"},{"key":"apiKey","type":"string","value":""},`+
		`{"key":"other","type":"string","value":""},{"key":"password","type":"string","value":""},{"key":"token","type":"string","value":""},{"key":"username","type":"string","value":""}]` {
		t.Errorf("the variables are %s", got)
	}
	if got := compact(collection["auth"]); got != `{"apikey":[{"key":"key","type":"string","value":"x-api-key"},{"key":"value","type":"string","value":"{{apiKey}}"},{"key":"in","type":"string","value":"header"}],"type":"apikey"}` {
		t.Errorf("the auth is %s", got)
	}
	var folders []string
	for _, folder := range collection["item"].([]any) {
		folders = append(folders, fmt.Sprint(folder.(object)["name"], " ", len(folder.(object)["item"].([]any))))
	}
	if !slices.Equal(folders, []string{"Harbours 2", "Other operations 4"}) {
		t.Errorf("the folders are %q", folders)
	}
	if len(requests) != 6 {
		t.Errorf("the requests are %v", requests)
	}
}

func TestARequestHasItsParameters(t *testing.T) {
	t.Parallel()
	_, requests := written(t, load(t, tides), base)
	item := requests["GET /harbours/:id/tides.json?days=2"]
	if item == nil || item["name"] != "Tides" {
		t.Fatalf("the requests are %v", requests)
	}
	request := item["request"].(object)
	if request["auth"] != nil {
		t.Errorf("a request with the key has its own auth: %v", request["auth"])
	}
	for part, want := range map[string]string{
		compact(request["url"].(object)["variable"]): `[{"description":"Which.","key":"id","value":"far%20ness%2F1"}]`,
		compact(request["url"].(object)["query"]): `[{"key":"days","value":"2"},{"description":"A place.","disabled":true,"key":"near","value":"a%26b"},` +
			`{"description":"A place.","disabled":true,"key":"near","value":"c"}]`,
		compact(request["header"]): `[{"key":"Accept","value":"application/json"},{"disabled":true,"key":"X-Trace","value":"t"},{"key":"Cookie","value":"sid=s"}]`,
	} {
		if part = strings.ReplaceAll(part, `\u0026`, "&"); part != want {
			t.Errorf("got  %s\nwant %s", part, want)
		}
	}
	responses := item["response"].([]any)
	if len(responses) != 2 {
		t.Fatalf("the responses are %v", responses)
	}
	first, second := responses[0].(object), responses[1].(object)
	if first["name"] != "The tides." || first["code"] != 200.0 || first["body"] != "{\n  \"high\": 3\n}" || second["name"] != "404 Not Found" {
		t.Errorf("the responses are %v", responses)
	}
}

func TestBodiesAndAuthFollowTheirTypes(t *testing.T) {
	t.Parallel()
	_, requests := written(t, load(t, tides), base)
	for name, want := range map[string][2]string{
		"POST /harbours": {`{"mode":"raw","options":{"raw":{"language":"json"}},"raw":"{\n  \"name\": \"{\\u007b{awsSecret}}}\"\n}"}`, `{"type":"noauth"}`},
		"PUT /harbours":  {`{"mode":"urlencoded","urlencoded":[{"key":"a b","type":"text","value":"c&d { {x}}"}]}`, `{"bearer":[{"key":"token","type":"string","value":"{{token}}"}],"type":"bearer"}`},
		"PATCH /harbours?api%20key%20%7B%7Bz%7D%7D={{other}}": {
			`{"formdata":[{"key":"note","type":"text","value":"{ {y}}"},{"key":"chart","type":"file","value":""}],"mode":"formdata"}`, `null`,
		},
		"DELETE /harbours": {`{"file":{},"mode":"file"}`, `{"apikey":[{"key":"key","type":"string","value":"api key { {z}}"},{"key":"value","type":"string","value":"{{other}}"},{"key":"in","type":"string","value":"query"}],"type":"apikey"}`},
		"GET /%3Abatch":    {`null`, `{"basic":[{"key":"username","type":"string","value":"{{username}}"},{"key":"password","type":"string","value":"{{password}}"}],"type":"basic"}`},
	} {
		item := requests[name]
		if item == nil {
			t.Errorf("there is no %s in %v", name, requests)
			continue
		}
		request := item["request"].(object)
		if got := strings.ReplaceAll(compact(request["body"]), `\u0026`, "&"); got != want[0] {
			t.Errorf("%s: the body is %s\nwant %s", name, got, want[0])
		}
		if got := compact(request["auth"]); got != want[1] {
			t.Errorf("%s: the auth is %s\nwant %s", name, got, want[1])
		}
	}
	if headers := compact(requests["PATCH /harbours?api%20key%20%7B%7Bz%7D%7D={{other}}"]["request"].(object)["header"]); strings.Contains(headers, "multipart") {
		t.Errorf("the boundary is Postman's to choose: %s", headers)
	}
	if description := requests["POST /harbours"]["request"].(object)["description"]; description != "Deprecated: new programs should not use this operation." {
		t.Errorf("the description is %v", description)
	}
}

func TestWithoutABaseItIsTheDocumentsServer(t *testing.T) {
	t.Parallel()
	collection, _ := written(t, load(t, tides), "")
	if got := compact(collection["variable"]); !strings.Contains(got, `{"key":"baseUrl","type":"string","value":"https://server.example"}`) {
		t.Errorf("the variables are %s", got)
	}
}

func TestOperationsWithoutTagsStandAlone(t *testing.T) {
	t.Parallel()
	collection, _ := written(t, load(t, `{"openapi":"3.0.0","info":{"title":"","version":""},"paths":{"/":{"get":{"responses":{}}}}}`), base)
	if item := collection["item"].([]any)[0].(object); item["name"] != "GET /" || item["request"] == nil {
		t.Errorf("the item is %v", item)
	}
	collection, _ = written(t, load(t, `{"openapi":"3.0.0","info":{"title":"","version":""},"paths":{}}`), base)
	if items := collection["item"].([]any); len(items) != 0 {
		t.Errorf("the items are %v", items)
	}
}

// known are the variables that the writer chose itself.
var known = regexp.MustCompile(`\{\{(baseUrl|apiKey)\}\}`)

func TestTextOfTheDocumentIsNeverAVariable(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{"{{awsSecret}}", "{{{awsSecret}}}", "{{{{awsSecret}}}}", "{ {{awsSecret}}", `\{{awsSecret}}`, `"{{awsSecret}}`} {
		quoted, _ := json.Marshal(hostile)
		q := string(quoted)
		for _, mediaType := range []string{"application/json", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "x/{{awsSecret}}"} {
			_, requests := written(t, load(t, `{"openapi":"3.0.0","info":{"title":"T","version":"1"},"security":[{"k":[]}],"paths":{"/a{{awsSecret}}/{p}":{"post":{
				"parameters":[{"name":"p","in":"path","required":true,"example":`+q+`},{"name":`+q+`,"in":"query","required":true,"example":`+q+`},{"name":"X-H","in":"header","required":true,"example":`+q+`},{"name":`+q+`,"in":"cookie","required":true,"example":`+q+`}],
				"requestBody":{"content":{"`+mediaType+`":{"schema":{"type":"object","properties":{`+q+`:{"type":"string"}}},"example":{`+q+`:`+q+`}}}},"responses":{"200":{"description":"OK","content":{"`+mediaType+`":{}}}}}}},
				"components":{"securitySchemes":{"k":{"type":"apiKey","in":"header","name":"x-api-key"}}}}`), base)
			if len(requests) != 1 {
				t.Fatalf("the requests are %v", requests)
			}
			for _, item := range requests {
				if sent := compact(item["request"]); strings.Contains(known.ReplaceAllString(sent, ""), "{{") {
					t.Errorf("%s as %s: %s", hostile, mediaType, sent)
				}
			}
		}
	}
}

func TestACollectionIsBounded(t *testing.T) {
	t.Parallel()
	paths := func(n int, size int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`"/a%d":{"post":{"requestBody":{"$ref":"#/components/requestBodies/b"},"responses":{"200":{"$ref":"#/components/responses/r"}}}}`, i))
		}
		content := `{"description":"x","content":{"text/plain":{"example":"` + strings.Repeat("x", size) + `"}}}`
		return `{"openapi":"3.0.0","info":{"title":"T","version":"1"},"paths":{` + strings.Join(all, ",") + `},"components":{"requestBodies":{"b":` + content + `},"responses":{"r":` + content + `}}}`
	}
	body, err := postman.Collection(load(t, paths(100, 1<<20)), base)
	if err != nil || len(body) > 200_000 {
		t.Errorf("long examples make a collection of %d bytes, %v", len(body), err)
	}
	_, err = postman.Collection(load(t, paths(1000, 60<<10)), base)
	if portal.CodeOf(err) != portal.NotFound || !strings.Contains(portal.MessageOf(err), "too large") {
		t.Errorf("a collection that is too large: %v", err)
	}
}

func TestRealDocumentsBecomeCollections(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("GATEHOUSE_SPECS")
	if folder == "" {
		t.Skip("NOT RUN: GATEHOUSE_SPECS is not set")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.[jy]*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no documents in %s: %v", folder, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc := load(t, string(data))
		if _, requests := written(t, doc, base); len(requests) == 0 {
			t.Errorf("%s has no requests", file)
		}
	}
}
