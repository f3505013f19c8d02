package apigateway

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type sdkType struct {
	ID           string        `json:"id"`
	FriendlyName string        `json:"friendlyName"`
	Description  string        `json:"description"`
	Properties   []sdkProperty `json:"configurationProperties"`
}

type sdkProperty struct {
	Name     string `json:"name"`
	Required bool   `json:"required"`
}

// sdkTypes are AWS's types of SDKs. The parameters of Android and iOS are those of the reference of
// GetSdk, Ruby's those of the Developer Guide ("Generate SDKs for an API using AWS CLI commands").
// For Java the reference names serviceName and javaPackageName. AWS's own programs send
// service.name and java.package-name (github.com/awslabs/aws-api-gateway-developer-portal,
// dev-portal/src/components/GetSdk.jsx), so these are listed, and getSDK takes both.
func sdkTypes() []sdkType {
	required := func(names ...string) []sdkProperty { return properties(true, names) }
	optional := func(names ...string) []sdkProperty { return properties(false, names) }
	all := []sdkType{
		{ID: "android", FriendlyName: "Android", Properties: required("groupId", "artifactId", "artifactVersion", "invokerPackage")},
		{ID: "java", FriendlyName: "Java SDK", Properties: append(required("service.name", "java.package-name"),
			optional("java.build-system", "java.group-id", "java.artifact-id", "java.artifact-version", "java.license-text")...)},
		{ID: "javascript", FriendlyName: "JavaScript", Properties: []sdkProperty{}},
		{ID: "objectivec", FriendlyName: "iOS (Objective-C)", Properties: required("classPrefix")},
		{ID: "ruby", FriendlyName: "Ruby", Properties: append(required("service.name"), optional("ruby.gem-name", "ruby.gem-version")...)},
		{ID: "swift", FriendlyName: "iOS (Swift)", Properties: required("classPrefix")},
	}
	for i, kind := range all {
		all[i].Description = kind.FriendlyName + " client SDK"
	}
	return all
}

func properties(required bool, names []string) (all []sdkProperty) {
	for _, name := range names {
		all = append(all, sdkProperty{Name: name, Required: required})
	}
	return all
}

// otherSpelling has the names in the reference of GetSdk, where they differ.
var otherSpelling = map[string]string{"service.name": "serviceName", "java.package-name": "javaPackageName"}

func (s *Service) listSDKTypes(*http.Request, *none) (*list[sdkType], error) {
	return &list[sdkType]{Item: sdkTypes()}, nil
}

// getSDK answers with a ZIP archive, as AWS does. Here it has a README and one small source
// file with a function for each method of the stage. Equal deployments give equal archives.
func (s *Service) getSDK(w http.ResponseWriter, r *http.Request) error {
	kind := r.PathValue("type")
	types := sdkTypes()
	at := slices.IndexFunc(types, func(t sdkType) bool { return t.ID == kind })
	if at < 0 {
		return badRequest("Invalid SDK type specified: %s", kind)
	}
	for _, property := range types[at].Properties {
		given := cmp.Or(r.URL.Query().Get(property.Name), r.URL.Query().Get(otherSpelling[property.Name]))
		if property.Required && given == "" {
			return badRequest("Missing required parameter for SDK type %s: %s", kind, property.Name)
		}
	}
	e := exported{endpoint: s.env.Endpoint()}
	var made time.Time
	if err := s.env.DB.View(func(tx *store.Tx) error {
		if err := s.readExported(tx, r, &e); err != nil {
			return err
		}
		d, err := findDeployment(tx, e.api.ID, e.stage.DeploymentID)
		made = time.Unix(d.CreatedDate, 0).UTC()
		return err
	}); err != nil {
		return err
	}
	archive, err := e.sdk(kind, made)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s_%s.zip"`, kind, s.env.Now().UTC().Format("2006-01-02_15-04Z")))
	w.Header().Set("X-Amzn-Requestid", wire.NewUUID())
	_, _ = w.Write(archive)
	return nil
}

type sdkCall struct{ Name, Verb, Path string }

// sdkSource has a client's file and text for each type. A client replaces {names} in paths, and
// sends the key.
var sdkSource = map[string]struct{ file, text string }{
	"javascript": {"apigClient.js", `// {{.Title}}
export class Client {
  constructor(apiKey, base = "{{.Base}}") { this.apiKey = apiKey; this.base = base; }
  async call(verb, path, params = {}, body) {
    const url = this.base + path.replace(/{(\w+)\+?}/g, (_, name) => encodeURIComponent(params[name]));
    return fetch(url, { method: verb, body, headers: { "x-api-key": this.apiKey } });
  }
{{range .Calls}}  {{.Name}}(params, body) { return this.call("{{.Verb}}", "{{.Path}}", params, body); }
{{end}}}
`},
	"java": {"src/Client.java", javaSource}, "android": {"src/Client.java", javaSource},
	"ruby": {"lib/client.rb", `# {{.Title}}
require "erb"
require "net/http"
class Client
  def initialize(api_key, base = "{{.Base}}")
    @api_key, @base = api_key, base
  end
  def call(verb, path, params = {}, body = nil)
    uri = URI(@base + path.gsub(/{(\w+)\+?}/) { ERB::Util.url_encode(params[$1.to_sym]) })
    request = Net::HTTP.const_get(verb.capitalize).new(uri, "x-api-key" => @api_key)
    request.body = body
    Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == "https") { |http| http.request(request) }
  end
{{range .Calls}}  def {{.Name}}(params = {}, body = nil) = call("{{.Verb}}", "{{.Path}}", params, body)
{{end}}end
`},
	"swift": {"Client.swift", `// {{.Title}}
import Foundation
struct Client {
  var apiKey: String
  var base = "{{.Base}}"
  func call(_ verb: String, _ path: String, _ params: [String: String]) async throws -> (Data, URLResponse) {
    var url = base + path
    for (name, value) in params {
      let text = value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? value
      url = url.replacingOccurrences(of: "{\(name)}", with: text).replacingOccurrences(of: "{\(name)+}", with: text)
    }
    var request = URLRequest(url: URL(string: url)!)
    request.httpMethod = verb
    request.setValue(apiKey, forHTTPHeaderField: "x-api-key")
    return try await URLSession.shared.data(for: request)
  }
{{range .Calls}}  func {{.Name}}(_ params: [String: String] = [:]) async throws -> (Data, URLResponse) { try await call("{{.Verb}}", "{{.Path}}", params) }
{{end}}}
`},
	"objectivec": {"Client.h", `// {{.Title}}
#import <Foundation/Foundation.h>
static NSString *const ClientBase = @"{{.Base}}";
{{range .Calls}}// {{.Verb}} {{.Path}}
#define {{.Name}}Path @"{{.Path}}"
{{end}}`},
}

const javaSource = `// {{.Title}}
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
public class Client {
  private final String apiKey;
  public Client(String apiKey) { this.apiKey = apiKey; }
  public HttpResponse<String> call(String verb, String path, Map<String, String> params, String body) throws Exception {
    for (var param : params.entrySet()) {
      var text = URLEncoder.encode(param.getValue(), StandardCharsets.UTF_8).replace("+", "%20");
      path = path.replace("{" + param.getKey() + "}", text).replace("{" + param.getKey() + "+}", text);
    }
    var request = HttpRequest.newBuilder(URI.create("{{.Base}}" + path)).header("x-api-key", apiKey)
        .method(verb, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body)).build();
    return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
  }
{{range .Calls}}  public HttpResponse<String> {{.Name}}(Map<String, String> params, String body) throws Exception { return call("{{.Verb}}", "{{.Path}}", params, body); }
{{end}}}
`

const sdkReadme = `# {{.Title}}

A minimal client that the local AWS of Gatehouse generated from the methods of {{.Base}}.
The SDK that API Gateway generates on AWS is larger and has other names.
`

func (e *exported) sdk(kind string, made time.Time) ([]byte, error) {
	data := struct {
		Title, Base string
		Calls       []sdkCall
	}{strings.Join(strings.Fields(e.api.Name), " "), e.endpoint + "/restapis/" + e.api.ID + "/" + e.stage.StageName + "/_user_request_", e.calls()}
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, file := range []struct{ name, text string }{{"README.md", sdkReadme}, {sdkSource[kind].file, sdkSource[kind].text}} {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: file.name, Method: zip.Deflate, Modified: made})
		if err != nil {
			return nil, err
		}
		parsed, err := template.New(file.name).Parse(file.text)
		if err != nil {
			return nil, err
		}
		if err := parsed.Execute(w, data); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return out.Bytes(), err
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9]+`)

// calls lists the methods in order of path and verb, ANY as the verbs that clients use.
func (e *exported) calls() (all []sdkCall) {
	resources := slices.SortedFunc(slices.Values(e.resources), func(a, b resource) int { return strings.Compare(a.Path, b.Path) })
	for _, res := range resources {
		for _, verb := range sortedKeys(res.Methods) {
			verbs := []string{verb}
			if verb == "ANY" {
				verbs = []string{"DELETE", "GET", "PATCH", "POST", "PUT"}
			}
			for _, one := range verbs {
				name := strings.ToLower(one)
				for _, part := range notInName.Split(res.Path, -1) {
					if part != "" {
						name += strings.ToUpper(part[:1]) + part[1:]
					}
				}
				all = append(all, sdkCall{Name: name, Verb: one, Path: res.Path})
			}
		}
	}
	return all
}
