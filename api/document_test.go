package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// document is the part of the OpenAPI document that is checked.
type document struct {
	OpenAPI string
	Info    struct{ Title, Version, Description string }
	Servers []struct{ URL string }
	Tags    []struct{ Name, Description string }
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Tags        []string
		Security    []map[string][]string
		Parameters  []struct {
			Name, In string
			Required bool
			Schema   schema
		}
		RequestBody *struct {
			Required bool
			Content  map[string]struct{ Schema schema }
		}
		Responses map[string]struct {
			Description string
			Headers     map[string]struct{ Schema schema }
			Content     map[string]struct {
				Schema  schema
				Example any
			}
		}
	}
	Components struct {
		Schemas         map[string]schema
		SecuritySchemes map[string]struct{ Type, Scheme string }
	}
}

func described(t testing.TB) document {
	t.Helper()
	a := visit(t, full()).get("/openapi.json").want(http.StatusOK)
	if got := a.Header().Get("Content-Type"); got != "application/openapi+json" {
		t.Errorf("the document's content type is %q", got)
	}
	var d document
	if err := json.Unmarshal(a.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// checks fails the test if the document does not have this response to a route.
func (d document) checks(t testing.TB, route string, a answer) {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	operation, ok := d.Paths[path][strings.ToLower(method)]
	if !ok {
		t.Fatalf("the document has no %s", route)
	}
	status := statusText(a.Code)
	response, ok := operation.Responses[status]
	if !ok && a.Code >= 400 {
		response, ok = operation.Responses["default"]
	}
	if !ok {
		t.Fatalf("%s: the document has no response %s", route, status)
	}
	content, ok := response.Content[a.Header().Get("Content-Type")]
	if !ok {
		t.Fatalf("%s: response %s has no %q", route, status, a.Header().Get("Content-Type"))
	}
	var body any = a.Body.String()
	if strings.HasSuffix(a.Header().Get("Content-Type"), "json") {
		body = a.json()
	}
	for _, flaw := range d.validate(content.Schema, body, "body") {
		t.Errorf("%s answers %d with a body that is not documented: %s", route, a.Code, flaw)
	}
	for _, name := range []string{"ETag", "Location", "Retry-After"} {
		if _, ok := response.Headers[name]; a.Code < 400 && !ok && a.Header().Get(name) != "" {
			t.Errorf("%s answers %d with %s, which is not documented", route, a.Code, name)
		}
	}
}

// operationIDs name the methods of generated clients, so they must never change.
var operationIDs = map[string]string{
	"GET /account/sessions":                       "list-sessions",
	"DELETE /account/sessions/{session}":          "end-session",
	"DELETE /account/sessions":                    "end-sessions",
	"GET /account/export":                         "export-account",
	"DELETE /account":                             "delete-account",
	"POST /feedback":                              "submit-feedback",
	"GET /admin/accounts":                         "admin-list-accounts",
	"GET /admin/accounts/{account}":               "admin-get-account",
	"GET /admin/accounts/{account}/usage":         "admin-get-usage",
	"POST /admin/accounts/{account}/suspend":      "admin-suspend",
	"POST /admin/accounts/{account}/reinstate":    "admin-reinstate",
	"DELETE /admin/accounts/{account}":            "admin-delete-account",
	"POST /admin/accounts/{account}/promote":      "admin-promote",
	"POST /admin/accounts/{account}/demote":       "admin-demote",
	"GET /admin/registrations":                    "admin-list-registrations",
	"POST /admin/registrations/{account}/approve": "admin-approve-registration",
	"POST /admin/registrations/{account}/deny":    "admin-deny-registration",
	"GET /admin/invitations":                      "admin-list-invitations",
	"POST /admin/invitations":                     "admin-invite",
	"POST /admin/invitation-batches":              "admin-invite-list",
	"POST /admin/invitations/{invitation}/resend": "admin-resend-invitation",
	"DELETE /admin/invitations/{invitation}":      "admin-revoke-invitation",
	"PUT /admin/feedback/{feedback}/done":         "admin-mark-feedback",
	"DELETE /admin/feedback/{feedback}/done":      "admin-reopen-feedback",
	"GET /admin/products":                         "admin-list-products",
	"POST /admin/catalog-syncs":                   "admin-sync-catalog",
	"GET /admin/feedback":                         "admin-list-feedback",
	"GET /admin/audit":                            "admin-audit",
	"GET /admin/operations/{operation}":           "admin-get-operation",
	"GET /admin/accounts/{account}/notes":         "admin-list-notes",
	"POST /admin/accounts/{account}/notes":        "admin-add-note",
	"GET /admin/accounts/{account}/history":       "admin-account-history",
	"GET /admin/accounts/{account}/export":        "admin-export-account",
	"POST /admin/accounts/{account}/view":         "admin-view-account",
	"DELETE /admin/accounts/{account}/view":       "admin-stop-viewing",
	"GET /admin/drift":                            "admin-drift",
	"POST /admin/drift/compare":                   "admin-compare-drift",
	"GET /admin/banners":                          "admin-list-banners",
	"GET /admin/banners/{banner}":                 "admin-get-banner",
	"POST /admin/banners":                         "admin-add-banner",
	"PUT /admin/banners/{banner}":                 "admin-change-banner",
	"POST /admin/banners/{banner}/end":            "admin-end-banner",
	"DELETE /admin/banners/{banner}":              "admin-delete-banner",
	"GET /admin/licences":                         "admin-list-licences",
	"GET /admin/licences/{licence}":               "admin-get-licence",
	"GET /admin/licences/{licence}/records":       "admin-list-usage-records",
	"POST /admin/licence-reconciliations":         "admin-reconcile-licences",
	"POST /admin/licences/{licence}/resend":       "admin-resend-usage",
	"POST /admin/licences/{licence}/correct":      "admin-correct-licence",
	"GET /admin/overview":                         "admin-overview",
	"GET /admin/dead-letters":                     "admin-list-dead-letters",
	"GET /admin/dead-letters/{letter}":            "admin-get-dead-letter",
	"POST /admin/dead-letter-replays":             "admin-replay-dead-letters",
	"POST /admin/dead-letter-discards":            "admin-discard-dead-letters",
	"GET /admin/usage":                            "admin-list-usage",

	"POST /register":               "register",
	"GET /me":                      "me",
	"GET /catalog":                 "list-products",
	"GET /catalog/{product}":       "get-product",
	"GET /catalog/{product}/image": "get-product-image",
	"GET /catalog/{product}/apis/{api}/openapi.json": "get-openapi-json",
	"GET /catalog/{product}/apis/{api}/openapi.yaml": "get-openapi-yaml",
	"GET /catalog/{product}/apis/{api}/postman.json": "get-postman",
	"GET /catalog/{product}/apis/{api}/sdk/{type}":   "get-sdk",
	"GET /search":                  "search",
	"GET /subscriptions":           "list-subscriptions",
	"PUT /subscriptions/{plan}":    "subscribe",
	"DELETE /subscriptions/{plan}": "unsubscribe",

	"PUT /marketplace-subscriptions/{plan}": "claim-purchase",
	"GET /marketplace-subscriptions":        "list-purchases",
	"GET /keys":                             "list-keys",
	"POST /keys/{key}/reveal":               "reveal-key",
	"POST /keys":                            "create-key",
	"PATCH /keys/{key}":                     "rename-key",
	"DELETE /keys/{key}":                    "delete-key",
	"POST /keys/{key}/rotate":               "rotate-key",
	"POST /keys/{key}/end":                  "end-key",
	"GET /operations/{operation}":           "get-operation",
	"POST /try/{product}/{api}":             "try",

	"GET /notices":                                           "list-notices",
	"POST /notices/{notice}/dismiss":                         "dismiss-notice",
	"GET /notices/{notice}/deliveries":                       "list-notice-deliveries",
	"POST /notices/{notice}/deliveries/mail/redeliver":       "redeliver-mail",
	"GET /account/settings":                                  "get-settings",
	"PUT /account/settings":                                  "set-settings",
	"GET /webhooks":                                          "list-webhooks",
	"POST /webhooks":                                         "add-webhook",
	"PATCH /webhooks/{webhook}":                              "change-webhook",
	"DELETE /webhooks/{webhook}":                             "delete-webhook",
	"POST /webhooks/{webhook}/rotate-secret":                 "rotate-webhook-secret",
	"POST /webhooks/{webhook}/test":                          "test-webhook",
	"GET /webhooks/{webhook}/deliveries":                     "list-deliveries",
	"POST /webhooks/{webhook}/deliveries/{notice}/redeliver": "redeliver",
	"POST /webhooks/{webhook}/redeliver":                     "redeliver-range",
	"GET /usage":                                             "list-usage",
	"GET /subscriptions/{plan}/usage":                        "get-subscription-usage",
	"GET /admin/approvals":                                   "admin-list-approvals",
	"POST /admin/approvals/{account}/{plan}/approve":         "admin-approve-subscription",
	"POST /admin/approvals/{account}/{plan}/deny":            "admin-deny-subscription",
}

func TestTheDocumentHasEveryRouteAndOperationID(t *testing.T) {
	t.Parallel()
	d := described(t)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || d.Info.Title != "Gatehouse" || d.Info.Version != "1.2.3" || d.Info.Description == "" {
		t.Errorf("OpenAPI %q, info %+v", d.OpenAPI, d.Info)
	}
	if len(d.Servers) != 1 || d.Servers[0].URL != api.Prefix {
		t.Errorf("the servers are %v", d.Servers)
	}
	ids := map[string]string{}
	for path, methods := range d.Paths {
		for method, operation := range methods {
			ids[strings.ToUpper(method)+" "+path] = operation.OperationID
			if operation.Summary == "" {
				t.Errorf("%s %s has no summary", method, path)
			}
		}
	}
	if diff := cmp.Diff(operationIDs, ids); diff != "" {
		t.Errorf("the operation ids (-want +got):\n%s", diff)
	}
	if unique := slices.Compact(slices.Sorted(maps.Values(ids))); len(unique) != len(ids) {
		t.Errorf("of %d operation ids %d are distinct", len(ids), len(unique))
	}

	router := chi.NewRouter()
	mount(t, router, full())
	var routes []string
	err := chi.Walk(router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if path := strings.TrimPrefix(route, api.Prefix); path != "/openapi.json" {
			routes = append(routes, method+" "+path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(routes)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(ids)), routes); diff != "" {
		t.Errorf("documented and served routes (-document +router):\n%s", diff)
	}
	var tried []string
	for _, e := range examples() {
		tried = append(tried, e.route)
	}
	slices.Sort(tried)
	if diff := cmp.Diff(routes, tried); diff != "" {
		t.Errorf("served and tested routes (-router +tests):\n%s", diff)
	}
}

func TestTheDocumentSaysWhichOperationsNeedAToken(t *testing.T) {
	t.Parallel()
	d := described(t)
	if scheme := d.Components.SecuritySchemes["bearer"]; scheme.Type != "http" || scheme.Scheme != "bearer" {
		t.Errorf("the scheme is %+v", scheme)
	}
	for path, methods := range d.Paths {
		for method, operation := range methods {
			want := []map[string][]string{{"bearer": {}}}
			switch {
			case strings.HasPrefix(path, "/catalog"), path == "/search":
				want = nil
			case strings.HasPrefix(path, "/try"):
				want = append(want, map[string][]string{})
			}
			if diff := cmp.Diff(want, operation.Security); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", method, path, diff)
			}
		}
	}
}

// withBody are the operations that need a body.
var withBody = []string{"POST /admin/banners", "PUT /admin/banners/{banner}", "POST /admin/licences/{licence}/resend", "POST /admin/licences/{licence}/correct", "POST /admin/dead-letter-replays", "POST /admin/dead-letter-discards", "POST /admin/approvals/{account}/{plan}/deny",
	"POST /try/{product}/{api}", "PUT /account/settings", "POST /webhooks", "PATCH /webhooks/{webhook}", "POST /webhooks/{webhook}/redeliver",
	"POST /keys", "PATCH /keys/{key}", "PUT /marketplace-subscriptions/{plan}",
	"POST /feedback", "POST /admin/invitations", "POST /admin/invitation-batches", "POST /admin/accounts/{account}/notes", "POST /admin/accounts/{account}/suspend", "POST /admin/registrations/{account}/deny",
}

func TestTheDocumentDescribesParametersBodiesAndResponses(t *testing.T) {
	t.Parallel()
	d := described(t)
	placeholder := regexp.MustCompile(`\{(\w+)\}`)
	for path, methods := range d.Paths {
		for method, operation := range methods {
			at := strings.ToUpper(method) + " " + path
			var inPath []string
			keyed := false
			for _, p := range operation.Parameters {
				if p.In == "path" {
					inPath = append(inPath, p.Name)
					if !p.Required || p.Schema.MaxLength == 0 {
						t.Errorf("%s: %s is optional or has no length limit", at, p.Name)
					}
				}
				keyed = keyed || p.In == "header" && p.Name == "Idempotency-Key" && !p.Required && p.Schema.MaxLength == 255
			}
			var named []string
			for _, found := range placeholder.FindAllStringSubmatch(path, -1) {
				named = append(named, found[1])
			}
			if diff := cmp.Diff(named, inPath); diff != "" {
				t.Errorf("%s: parameters (-path +declared):\n%s", at, diff)
			}
			_, opens := operation.Responses["202"]
			if keyed != opens {
				t.Errorf("%s starts an operation: %t; accepts an Idempotency-Key: %t", at, opens, keyed)
			}
			if body := operation.RequestBody; body != nil && (body.Required != slices.Contains(withBody, at) || body.Content["application/json"].Schema.Ref == "") {
				t.Errorf("%s: the body is %+v", at, body)
			}
			problem := operation.Responses["default"].Content["application/problem+json"].Schema
			if len(operation.Responses["default"].Content) != 1 || problem.Ref != "#/components/schemas/Problem" {
				t.Errorf("%s: errors are %+v", at, operation.Responses["default"])
			}
			for status, response := range operation.Responses {
				if response.Description == "" {
					t.Errorf("%s: response %s has no description, which is required", at, status)
				}
			}
			if _, documented := operation.Responses["304"]; documented != strings.HasPrefix(path, "/catalog") {
				t.Errorf("%s: 304 is documented: %t", at, documented)
			}
		}
	}
	if _, ok := d.Components.Schemas["ErrorModel"]; ok {
		t.Error("the errors have several schemas")
	}
}

// listed are the errors of each operation, besides those that
// every operation has.
var listed = map[string]string{
	"GET /account/sessions":                       "",
	"DELETE /account/sessions/{session}":          "403 404 413 415 429",
	"DELETE /account/sessions":                    "403 413 415 429",
	"GET /account/export":                         "",
	"DELETE /account":                             "403 409 413 415 429",
	"POST /feedback":                              "403 413 415 429",
	"GET /admin/accounts":                         "403",
	"GET /admin/accounts/{account}":               "403 404",
	"GET /admin/accounts/{account}/usage":         "403 404",
	"GET /admin/overview":                         "403",
	"GET /admin/dead-letters":                     "403",
	"GET /admin/dead-letters/{letter}":            "403 404",
	"POST /admin/dead-letter-replays":             "403 404 409 413 415 429",
	"POST /admin/dead-letter-discards":            "403 404 409 413 415 429",
	"POST /admin/accounts/{account}/suspend":      "403 404 409 413 415 429",
	"POST /admin/accounts/{account}/reinstate":    "403 404 409 413 415 429",
	"DELETE /admin/accounts/{account}":            "403 404 409 413 415 429",
	"POST /admin/accounts/{account}/promote":      "403 404 409 413 415 429",
	"POST /admin/accounts/{account}/demote":       "403 404 409 413 415 429",
	"GET /admin/registrations":                    "403",
	"POST /admin/registrations/{account}/approve": "403 404 409 413 415 429",
	"POST /admin/registrations/{account}/deny":    "403 404 409 413 415 429",
	"GET /admin/invitations":                      "403",
	"POST /admin/invitations":                     "403 409 413 415 429",
	"POST /admin/invitation-batches":              "403 413 415 429",
	"POST /admin/invitations/{invitation}/resend": "403 404 409 413 415 429",
	"DELETE /admin/invitations/{invitation}":      "403 404 409 413 415 429",
	"PUT /admin/feedback/{feedback}/done":         "403 404 413 415 429",
	"DELETE /admin/feedback/{feedback}/done":      "403 404 413 415 429",
	"GET /admin/products":                         "403",
	"POST /admin/catalog-syncs":                   "403 413 415 429",
	"GET /admin/feedback":                         "403",
	"GET /admin/audit":                            "403",
	"GET /admin/operations/{operation}":           "403 404",
	"GET /admin/accounts/{account}/notes":         "403 404",
	"POST /admin/accounts/{account}/notes":        "403 404 413 415 429",
	"GET /admin/accounts/{account}/history":       "403 404",
	"GET /admin/accounts/{account}/export":        "403 404",
	"POST /admin/accounts/{account}/view":         "403 404 409 413 415 429",
	"DELETE /admin/accounts/{account}/view":       "403 404 413 415 429",
	"GET /admin/drift":                            "403",
	"POST /admin/drift/compare":                   "403 413 415 429",
	"GET /admin/banners":                          "403",
	"GET /admin/banners/{banner}":                 "403 404",
	"POST /admin/banners":                         "403 409 413 415 429",
	"PUT /admin/banners/{banner}":                 "403 404 409 413 415 429",
	"POST /admin/banners/{banner}/end":            "403 404 409 413 415 429",
	"DELETE /admin/banners/{banner}":              "403 404 413 415 429",
	"GET /admin/licences":                         "403",
	"GET /admin/licences/{licence}":               "403 404",
	"GET /admin/licences/{licence}/records":       "403 404",
	"POST /admin/licence-reconciliations":         "403 409 413 415 429",
	"POST /admin/licences/{licence}/resend":       "403 404 409 413 415 429",
	"POST /admin/licences/{licence}/correct":      "403 404 409 413 415 429",
	"GET /admin/usage":                            "403",

	"POST /register":               "403 413 415 429",
	"GET /me":                      "",
	"GET /catalog":                 "",
	"GET /catalog/{product}":       "404",
	"GET /catalog/{product}/image": "404",
	"GET /catalog/{product}/apis/{api}/openapi.json": "404",
	"GET /catalog/{product}/apis/{api}/openapi.yaml": "404",
	"GET /catalog/{product}/apis/{api}/postman.json": "404",
	"GET /catalog/{product}/apis/{api}/sdk/{type}":   "404",
	"GET /search":                  "",
	"GET /subscriptions":           "",
	"PUT /subscriptions/{plan}":    "403 404 413 415 429",
	"DELETE /subscriptions/{plan}": "403 404 413 415 429",

	"GET /marketplace-subscriptions":        "",
	"PUT /marketplace-subscriptions/{plan}": "403 404 409 413 415 429",
	"GET /keys":                             "",
	"POST /keys/{key}/reveal":               "403 404 409 413 415 429",
	"POST /keys":                            "403 404 413 415 429",
	"PATCH /keys/{key}":                     "403 404 413 415 429",
	"DELETE /keys/{key}":                    "403 404 413 415 429",
	"POST /keys/{key}/rotate":               "403 404 413 415 429",
	"POST /keys/{key}/end":                  "403 404 413 415 429",
	"GET /operations/{operation}":           "404",
	"POST /try/{product}/{api}":             "403 404 409 413 415 429",

	"GET /notices":                                           "",
	"POST /notices/{notice}/dismiss":                         "403 404 413 415 429",
	"GET /notices/{notice}/deliveries":                       "404",
	"POST /notices/{notice}/deliveries/mail/redeliver":       "403 404 409 413 415 429",
	"GET /account/settings":                                  "",
	"PUT /account/settings":                                  "403 413 415 429",
	"GET /webhooks":                                          "",
	"POST /webhooks":                                         "403 409 413 415 429",
	"PATCH /webhooks/{webhook}":                              "403 404 409 413 415 429",
	"DELETE /webhooks/{webhook}":                             "403 404 413 415 429",
	"POST /webhooks/{webhook}/rotate-secret":                 "403 404 409 413 415 429",
	"POST /webhooks/{webhook}/test":                          "403 404 413 415 429",
	"GET /webhooks/{webhook}/deliveries":                     "404",
	"POST /webhooks/{webhook}/deliveries/{notice}/redeliver": "403 404 409 413 415 429",
	"POST /webhooks/{webhook}/redeliver":                     "403 404 409 413 415 429",
	"GET /usage":                                             "404",
	"GET /subscriptions/{plan}/usage":                        "404",
	"GET /admin/approvals":                                   "403",
	"POST /admin/approvals/{account}/{plan}/approve":         "403 404 413 415 429",
	"POST /admin/approvals/{account}/{plan}/deny":            "403 404 413 415 429",
}

func TestTheDocumentListsTheErrorsOfEachOperation(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(operationIDs)), slices.Sorted(maps.Keys(listed))); diff != "" {
		t.Errorf("the operations whose errors are listed (-all +listed):\n%s", diff)
	}
	for path, methods := range described(t).Paths {
		for method, operation := range methods {
			at := strings.ToUpper(method) + " " + path
			want := append(strings.Fields(listed[at]), "400", "401", "422", "500", "503", "default")
			var got []string
			for status, response := range operation.Responses {
				if status < "400" {
					continue
				}
				got = append(got, status)
				content := response.Content["application/problem+json"]
				if len(response.Content) != 1 || content.Schema.Ref != "#/components/schemas/Problem" {
					t.Errorf("%s: %s has %+v", at, status, response.Content)
				}
				_, retries := response.Headers["Retry-After"]
				if wanted := status == "429" || status == "503"; retries != wanted {
					t.Errorf("%s: %s has a Retry-After: %t", at, status, retries)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", at, diff)
			}
		}
	}
}

func TestEveryResponseInTheDocumentHasAnExample(t *testing.T) {
	t.Parallel()
	d := described(t)
	for path, methods := range d.Paths {
		for method, operation := range methods {
			for status, response := range operation.Responses {
				for _, content := range response.Content {
					at := strings.ToUpper(method) + " " + path + " " + status
					if status == "default" {
						continue
					}
					if content.Example == nil {
						t.Errorf("%s has no example", at)
						continue
					}
					for _, flaw := range d.validate(content.Schema, content.Example, "example") {
						t.Errorf("%s: %s", at, flaw)
					}
					if status < "400" {
						continue
					}
					p, ok := content.Example.(map[string]any)
					if !ok || statusText(int(p["status"].(float64))) != status {
						t.Errorf("%s is a problem with status %v", at, p["status"])
					}
					code, _ := strings.CutPrefix(p["type"].(string), "/problems/")
					known, ok := statuses[portal.Code(code)]
					if before := status == "415" || (status == "422" && code == "invalid"); !before && (!ok || statusText(known.status) != status) {
						t.Errorf("%s is the problem %s, which is answered with %d", at, code, known.status)
					}
				}
			}
			for _, p := range operation.Parameters {
				if p.In == "path" && len(p.Schema.Examples) == 0 {
					t.Errorf("%s %s: %s has no example", method, path, p.Name)
				}
			}
		}
	}
}

func TestEveryOperationHasADescribedTag(t *testing.T) {
	t.Parallel()
	d := described(t)
	used := map[string]bool{}
	for _, methods := range d.Paths {
		for _, operation := range methods {
			if len(operation.Tags) != 1 {
				t.Errorf("%s has the tags %v, want one", operation.OperationID, operation.Tags)
				continue
			}
			used[operation.Tags[0]] = true
		}
	}
	for _, tag := range d.Tags {
		if !used[tag.Name] || tag.Description == "" {
			t.Errorf("the tag %q is not used or not described", tag.Name)
		}
		delete(used, tag.Name)
	}
	for tag := range used {
		t.Errorf("the tag %q is not described", tag)
	}
}

func TestTheDocumentsEnumsMatchTheProgram(t *testing.T) {
	t.Parallel()
	d := described(t)
	// No operation has steps of these facts.
	apart := []string{"KeyObserved", "KeyEndsSoon", "KeyReleasing", "KeyReleased", "QuotaThresholdReached", "QuotaUsed", "QuotaNotCarried", "LicenceAccessEnding", "LicenceReleased", "LicenceEntitled", "LicencePlanChanged", "LicenceCorrected", "MarketplaceNoticeKept"}
	var steps []string
	for _, fact := range events.FactTypes() {
		if name := events.Name(fact); !slices.Contains(apart, name) {
			steps = append(steps, name)
		}
	}
	var requests []string
	for _, name := range events.Types() {
		// Only what people ask for has scopes. Admins ask for the other two.
		others := []string{events.SubscriptionReviewRequested{}.EventType(), events.CatalogSyncRequested{}.EventType()}
		if request, err := events.DecodeRequest(name, []byte("{}")); err == nil && (len(request.Scopes()) > 0 || slices.Contains(others, name)) {
			requests = append(requests, events.Name(name))
		}
	}
	reasons := []string{string(events.WaitingForAWS), string(events.WaitingForCapacity), string(events.WaitingForKMS), string(events.WaitingForKMSKey), string(events.WaitingForRepair), string(events.WaitingForReinstatement)}
	for at, want := range map[string][]string{
		"Step.name":            steps,
		"Reason.code":          append([]string{"invalid", "forbidden", "not_found", "conflict", "limit_reached", "not_registered", "suspended", "deleting", "denied", "approval", "payment", "payment_failed", "agreement_ended", "superseded", "source_failed", "failed"}, reasons...),
		"Subscription.waiting": reasons,
		"Subscription.state":   {projections.SubscriptionAwaitingApproval, projections.SubscriptionPending, projections.SubscriptionActive, projections.SubscriptionEnding, projections.SubscriptionEnded},
		"Key.state":            {projections.KeyPending, projections.KeyActive, projections.KeyDisabled, projections.KeyReleased, projections.KeyBlocked, projections.KeyEnding, projections.KeyEnded},
		"Key.waiting":          reasons,
		"Key.ends_for": {
			string(events.EndRevoked), string(events.EndLeaked), string(events.EndRotated), string(events.EndExpired), string(events.EndAccountDeleted), string(events.EndRefused), string(events.EndLost),
		},
		"Me.status":      {projections.StatusNone, projections.StatusPending, projections.StatusDenied, projections.StatusRegistered, projections.StatusSuspended, projections.StatusDeleting, projections.StatusDeleted},
		"Quota.period":   {"DAY", "WEEK", "MONTH"},
		"Operation.type": requests,
		"Operation.status": {
			string(projections.Accepted), string(projections.Running), string(projections.Waiting),
			string(projections.Succeeded), string(projections.Rejected), string(projections.Failed),
		},
	} {
		name, member, _ := strings.Cut(at, ".")
		enum := d.Components.Schemas[name].Properties[member].Enum
		for _, value := range want {
			if !slices.Contains(enum, any(value)) {
				t.Errorf("%s has no %s: %v", at, value, enum)
			}
		}
		for _, value := range enum {
			if text, ok := value.(string); !ok || !slices.Contains(want, text) {
				t.Errorf("%s has %v, which the program never uses", at, value)
			}
		}
	}
}

func TestEverySchemaOfTheDocumentIsSound(t *testing.T) {
	t.Parallel()
	d := described(t)
	plain := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	used := map[string]bool{}
	var visit func(at string, s schema)
	visit = func(at string, s schema) {
		if s.Ref != "" {
			name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/")
			if _, there := d.Components.Schemas[name]; !ok || !there {
				t.Errorf("%s refers to %s, which does not exist", at, s.Ref)
			}
			used[name] = true
			return
		}
		for name, property := range s.Properties {
			if !plain.MatchString(name) {
				t.Errorf("%s.%s is not snake_case", at, name)
			}
			visit(at+"."+name, property)
		}
		for _, name := range s.Required {
			if _, ok := s.Properties[name]; !ok {
				t.Errorf("%s requires %s, which it does not have", at, name)
			}
		}
		for _, one := range s.AnyOf {
			visit(at, one)
		}
		if s.Items != nil {
			visit(at+"[]", *s.Items)
		}
		if len(s.Type) == 0 && len(s.AnyOf) == 0 {
			t.Errorf("%s has no type", at)
		}
	}
	for name, s := range d.Components.Schemas {
		visit(name, s)
	}
	for path, methods := range d.Paths {
		for method, operation := range methods {
			for _, p := range operation.Parameters {
				visit(method+" "+path+" "+p.Name, p.Schema)
			}
			if operation.RequestBody != nil {
				visit(method+" "+path, operation.RequestBody.Content["application/json"].Schema)
			}
			for status, response := range operation.Responses {
				for _, content := range response.Content {
					visit(method+" "+path+" "+status, content.Schema)
				}
				for name, header := range response.Headers {
					visit(method+" "+path+" "+status+" "+name, header.Schema)
				}
			}
		}
	}
	for name := range d.Components.Schemas {
		if !used[name] {
			t.Errorf("nothing refers to %s", name)
		}
	}
}

func TestTheDocumentsExamplesAreTrue(t *testing.T) {
	t.Parallel()
	d := described(t)
	var names []string
	for _, name := range events.Types() {
		names = append(names, events.Name(name))
	}
	isKeyName := func(example string) bool {
		name, err := portal.KeyName(example)
		return err == nil && name == example
	}
	isCode := func(example string) bool { _, ok := statuses[portal.Code(example)]; return ok }
	for at, isTrue := range map[string]func(string) bool{
		"Problem.type": func(example string) bool {
			code, ok := strings.CutPrefix(example, "/problems/")
			return ok && isCode(code)
		},
		"Reason.code":  isCode,
		"NewKey.name":  isKeyName,
		"KeyName.name": isKeyName,
		"Rotation.overlap": func(example string) bool {
			_, err := operations.ParseOverlap(example)
			return err == nil
		},
		"Operation.type": func(example string) bool { return slices.Contains(names, example) },
		"Step.name":      func(example string) bool { return slices.Contains(names, example) },
		"Flaw.location": func(example string) bool {
			in, name, _ := strings.Cut(example, ".")
			for _, methods := range d.Paths {
				for _, operation := range methods {
					for _, p := range operation.Parameters {
						if p.In == in && p.Name == name {
							return true
						}
					}
				}
			}
			return false
		},
	} {
		name, member, _ := strings.Cut(at, ".")
		s, ok := d.Components.Schemas[name].Properties[member]
		if !ok || len(s.Examples) == 0 {
			t.Errorf("%s has no example", at)
		}
		for _, example := range s.Examples {
			if text, ok := example.(string); !ok || !isTrue(text) {
				t.Errorf("%s: %v is not a valid example", at, example)
			}
		}
		delete(d.Components.Schemas[name].Properties, member)
	}
	for name, s := range d.Components.Schemas {
		for member, property := range s.Properties {
			if len(property.Examples) > 0 {
				t.Errorf("no check covers the example of %s.%s: %v", name, member, property.Examples)
			}
		}
	}
}

func TestTheDocumentIsTheSameForEveryRequest(t *testing.T) {
	t.Parallel()
	f := full()
	router := chi.NewRouter()
	mount(t, router, f)
	s := site{t: t, fake: f, handler: router}
	documents := make([]string, 8)
	var group sync.WaitGroup
	for i := range documents {
		group.Go(func() { documents[i] = s.get("/openapi.json").Body.String() })
	}
	group.Wait()
	documents = append(documents, signedIn(t, full()).get("/openapi.json").Body.String())
	if different := slices.Compact(slices.Sorted(slices.Values(documents))); len(different) != 1 || len(different[0]) < 1000 {
		t.Errorf("there are %d documents", len(different))
	}
}
