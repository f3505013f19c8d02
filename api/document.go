package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

const (
	tagAccount       = "Account"
	tagCatalog       = "Catalog"
	tagSubscriptions = "Subscriptions"
	tagKeys          = "Keys"
	tagUsage         = "Usage"
	tagOperations    = "Operations"
	tagAdmin         = "Admin"
	tagTry           = "Try it"
	tagNotices       = "Notices"
	tagWebhooks      = "Webhooks"
)

func describe(version string) huma.Config {
	config := huma.DefaultConfig("Gatehouse", version)
	config.Info.Description = "Sign up, find API products, subscribe to plans and get API keys. " +
		"A request that needs a worker, such as a subscription or a new key, is answered with 202 and an operation whose steps you can follow. " +
		"Other changes, such as settings, take effect before the answer."
	config.Tags = []*huma.Tag{
		{Name: tagAccount, Description: "The account of the signed-in person."},
		{Name: tagCatalog, Description: "Products, with their APIs and plans. Needs no token."},
		{Name: tagSubscriptions, Description: "The plans that the account is subscribed to."},
		{Name: tagKeys, Description: "The account's API keys."},
		{Name: tagUsage, Description: "The calls that API Gateway counted."},
		{Name: tagOperations, Description: "Accepted requests (202), step by step."},
		{Name: tagNotices, Description: "What the portal tells you about your account."},
		{Name: tagAdmin, Description: "For admins: the accounts of all people, registrations, approvals, invitations, feedback, what needs an admin, dead letters, and an audit of what admins did."},
		{Name: tagWebhooks, Description: "Addresses to which the portal sends your notices, and what was sent."},
		{Name: tagTry, Description: "Requests that the portal sends to an API for you."},
	}
	config.Servers = []*huma.Server{{URL: Prefix}}
	config.OpenAPIPath = ""
	config.DocsPath = ""
	config.SchemasPath = ""
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "An ID or access token of the portal's identity provider."},
	}
	return config
}

// serveDocument serves the OpenAPI document. The first request encodes it, since most functions on AWS
// Lambda never serve it. huma's own lazy encoding would race with a second request.
func serveDocument(r chi.Router, openAPI *huma.OpenAPI) {
	for _, path := range openAPI.Paths {
		for _, operation := range []*huma.Operation{path.Get, path.Post, path.Put, path.Patch, path.Delete} {
			if operation != nil {
				illustrate(operation)
			}
		}
	}
	tellNulls(openAPI.Components.Schemas)
	tellPeriods(openAPI.Components.Schemas)
	document := sync.OnceValue(func() []byte {
		encoded, err := json.Marshal(openAPI)
		if err != nil {
			panic(fmt.Errorf("writing the OpenAPI document: %w", err))
		}
		return encoded
	})
	r.Get("/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(document())
	})
}

func tellPeriods(schemas huma.Registry) {
	period := schemas.Map()["Quota"].Properties["period"]
	period.Enum, period.Description = []any{"DAY", "WEEK", "MONTH"}, "The quota resets at the start of each day, week or month (UTC)."
}

// tellNulls corrects which members may be null. huma assumes that every list may be, though
// ours never are, and that no pointer to a struct may be, though ours are.
func tellNulls(schemas huma.Registry) {
	for name, schema := range schemas.Map() {
		of := schemas.TypeFromRef("#/components/schemas/" + name)
		for _, field := range reflect.VisibleFields(of) {
			member, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			property, ok := schema.Properties[member]
			switch {
			case !ok:
			case property.Type == huma.TypeArray:
				property.Nullable = false
			case property.Ref != "" && field.Type.Kind() == reflect.Pointer && options != "omitempty":
				schema.Properties[member] = &huma.Schema{
					AnyOf: []*huma.Schema{{Ref: property.Ref}, {Type: "null"}}, Description: property.Description,
				}
			}
		}
	}
}
