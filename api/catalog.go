package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi/export"
	"github.com/gatehouse-portal/gatehouse/openapi/postman"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Product is a product of the catalog. Addresses are paths of the portal.
type Product struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Plans       []Plan `json:"plans"`
	APIs        []API  `json:"apis"`

	Visibility string         `json:"visibility,omitempty" enum:"signed-in,groups,hidden" doc:"Who sees the product, if not everybody."`
	Version    string         `json:"version,omitempty"`
	VersionOf  string         `json:"version_of,omitempty" doc:"An id that all versions of the product share."`
	Status     string         `json:"status,omitempty" enum:"beta,new,deprecated"`
	Sunset     string         `json:"sunset,omitempty" doc:"The date after which a deprecated product may be gone (YYYY-MM-DD)."`
	Successor  string         `json:"successor,omitempty" doc:"The id of the product to move to."`
	Category   string         `json:"category,omitempty"`
	Tags       []string       `json:"tags,omitempty"`
	Owner      *catalog.Owner `json:"owner,omitempty"`
	Featured   bool           `json:"featured,omitempty"`
	Image      *Image         `json:"image,omitempty"`
	Page       string         `json:"page" doc:"The product's page."`
}

// Plan is a usage plan of a product.
type Plan struct {
	ID          portal.PlanID         `json:"id"`
	Name        string                `json:"name"`
	Description string                `json:"description"`
	Throttle    *catalog.Throttle     `json:"throttle"`
	Quota       *catalog.Quota        `json:"quota"`
	Stages      []portal.Stage        `json:"stages"`
	Methods     []catalog.MethodLimit `json:"methods,omitempty" doc:"Methods that have limits of their own instead of the plan's."`
	Price       string                `json:"price,omitempty" doc:"The price in words."`
	Recommended bool                  `json:"recommended,omitempty"`
	Approval    string                `json:"approval,omitempty" enum:"manual" doc:"manual: an admin approves each subscription."`
	Marketplace bool                  `json:"marketplace,omitempty" doc:"The plan is bought on AWS Marketplace, and not subscribed to here."`
	Listing     string                `json:"listing,omitempty" doc:"Where the plan is bought, if that is known."`
}

// API is an API of a product.
type API struct {
	ID          string `json:"id" doc:"Amazon API Gateway's id; empty for the kind docs."`
	Slug        string `json:"slug" doc:"Names the API in addresses."`
	Name        string `json:"name"`
	Description string `json:"description"`
	Version     string `json:"version"`
	Stage       string `json:"stage"`
	Endpoint    string `json:"endpoint" doc:"The base URL of calls; empty if the API cannot be called from the internet."`
	Kind        string `json:"kind" enum:"rest,other,docs" doc:"docs: the API is not on Amazon API Gateway."`
	Private     bool   `json:"private,omitempty" doc:"The API can be called only from inside its owner's network."`
	Docs        string `json:"docs,omitempty" doc:"The page with the API's documentation."`
	OpenAPI     string `json:"openapi,omitempty" doc:"The API's OpenAPI document as JSON."`
	SDKs        []SDK  `json:"sdks,omitempty"`
}

// SDK is a client library that API Gateway generated.
type SDK struct {
	Type string `json:"type" enum:"java,javascript,android,objectivec,swift,ruby"`
	URL  string `json:"url"`
}

// Image is a product's image.
type Image struct {
	URL string `json:"url"`
	Alt string `json:"alt" doc:"The text for people who do not see the image; empty if it only decorates."`
}

func showProduct(p catalog.Product) Product {
	shown := Product{
		ID: p.ID, Name: p.Name, Description: p.Description, Plans: make([]Plan, 0, len(p.Plans)), APIs: make([]API, 0, len(p.APIs)),
		Version: p.Version, VersionOf: p.VersionOf, Status: p.Status, Sunset: p.Sunset, Successor: p.Successor,
		Category: p.Category, Tags: p.Tags, Owner: p.Owner, Featured: p.Featured, Page: library.ProductPath(p.ID),
	}
	if p.Visibility != catalog.VisiblePublic {
		shown.Visibility = p.Visibility
	}
	if p.Image != nil {
		shown.Image = &Image{URL: productPath(p.ID) + "/image", Alt: p.Image.Alt}
	}
	for _, plan := range p.Plans {
		listing := ""
		if plan.Listing != nil {
			listing = plan.Listing.URL
		}
		shown.Plans = append(shown.Plans, Plan{
			Listing: listing,
			ID:      plan.ID, Name: plan.Name, Description: plan.Description, Throttle: plan.Throttle, Quota: plan.Quota, Stages: plan.Stages,
			Methods: plan.Methods, Price: plan.Price, Recommended: plan.Recommended, Approval: plan.Approval, Marketplace: plan.Marketplace,
		})
	}
	for _, api := range p.APIs {
		shown.APIs = append(shown.APIs, showAPI(p.ID, api))
	}
	return shown
}

func showAPI(product string, a catalog.API) API {
	shown := API{
		ID: a.ID, Slug: a.Slug, Name: a.Name, Description: a.Description, Version: a.Version, Stage: a.Stage,
		Endpoint: a.Endpoint, Kind: a.Kind, Private: a.Private,
	}
	at := productPath(product) + "/apis/" + url.PathEscape(a.Slug)
	if a.Definition != "" {
		shown.Docs, shown.OpenAPI = library.DocsPath(product, a.Slug), at+"/openapi.json"
	}
	for _, sdk := range a.SDKs {
		shown.SDKs = append(shown.SDKs, SDK{Type: sdk.Type, URL: at + "/sdk/" + url.PathEscape(sdk.Type)})
	}
	return shown
}

func productPath(product string) string { return Prefix + "/catalog/" + url.PathEscape(product) }

func (s *service) shelf(ctx context.Context) (*library.Shelf, error) {
	return s.library.For(ctx, library.Viewer(ctx))
}

func (s *service) listProducts(ctx context.Context, in *struct{ Conditional }) (*storedOutput, error) {
	shelf, err := s.shelf(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	body, err := shelf.Encoded(ctx, "catalog "+shelf.Hash, func(context.Context) ([]byte, error) {
		return json.Marshal(list(shelf.Products, showProduct))
	})
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return answer(in.Conditional, stored{Encoded: body, contentType: jsonType, public: shelf.Public}), nil
}

// ProductInput names a product.
type ProductInput struct {
	Conditional
	Product string `path:"product" maxLength:"256" doc:"A product's id, from the catalog." example:"harbours-v1"`
}

func (s *service) product(ctx context.Context, in *ProductInput) (*storedOutput, error) {
	shelf, product, err := s.productOn(ctx, in)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	body, err := shelf.Encoded(ctx, "product "+shelf.Hash+" "+product.ID, func(context.Context) ([]byte, error) {
		return json.Marshal(showProduct(product))
	})
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return answer(in.Conditional, stored{Encoded: body, contentType: jsonType, public: shelf.Public}), nil
}

func (s *service) productOn(ctx context.Context, in *ProductInput) (*library.Shelf, catalog.Product, error) {
	shelf, err := s.shelf(ctx)
	if err != nil {
		return nil, catalog.Product{}, err
	}
	product, err := shelf.Product(in.Product)
	return shelf, product, err
}

func (s *service) image(ctx context.Context, in *ProductInput) (*storedOutput, error) {
	shelf, product, err := s.productOn(ctx, in)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	image, err := shelf.Image(ctx, product.ID)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return answer(in.Conditional, file(image, shelf.Public)), nil
}

func file(f library.File, public bool) stored {
	return stored{
		Encoded: library.Encoded{Body: f.Body, Hash: f.Hash}, contentType: f.Type,
		file: f.Name, attachment: f.Name != "", public: public,
	}
}

// DefinitionInput names an API of a product.
type DefinitionInput struct {
	ProductInput
	API string `path:"api" maxLength:"256" doc:"The API's slug, from the product." example:"harbours"`
}

func (s *service) definition(kind, contentType string, make func(definition []byte, api catalog.API) ([]byte, error)) func(context.Context, *DefinitionInput) (*storedOutput, error) {
	return func(ctx context.Context, in *DefinitionInput) (*storedOutput, error) {
		shelf, err := s.shelf(ctx)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		api, product, err := shelf.API(in.Product, in.API)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		body, err := shelf.Encoded(ctx, strings.Join([]string{kind, api.Definition, api.Kind, api.Endpoint}, " "), func(ctx context.Context) ([]byte, error) {
			definition, err := shelf.Source(ctx, in.Product, in.API)
			if err != nil {
				return nil, err
			}
			return make(definition, api)
		})
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return answer(in.Conditional, stored{
			Encoded: body, contentType: contentType, public: shelf.Public, file: product.ID + "-" + api.Slug + "." + kind,
		}), nil
	}
}

// asJSON is the document with the endpoint that people call. An export of API Gateway has the
// default endpoint, which may be disabled.
func asJSON(definition []byte, api catalog.API) ([]byte, error) {
	if api.Kind == catalog.Docs && api.Endpoint == "" {
		return definition, nil
	}
	return export.WithServer(definition, api.Endpoint)
}

func asYAML(definition []byte, api catalog.API) ([]byte, error) {
	document, err := asJSON(definition, api)
	if err != nil {
		return nil, err
	}
	return export.YAML(document)
}

func (s *service) postman(ctx context.Context, in *DefinitionInput) (*storedOutput, error) {
	shelf, err := s.shelf(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	api, product, err := shelf.API(in.Product, in.API)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	key := fmt.Sprintf("postman %s %s %t", api.Definition, api.Endpoint, shelf.TakesKeys(api))
	body, err := shelf.Encoded(ctx, key, func(ctx context.Context) ([]byte, error) {
		document, err := shelf.Definition(ctx, in.Product, in.API)
		if err != nil {
			return nil, err
		}
		return postman.Collection(document, api.Endpoint)
	})
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return answer(in.Conditional, stored{
		Encoded: body, contentType: jsonType, public: shelf.Public, file: product.ID + "-" + api.Slug + ".postman.json", attachment: true,
	}), nil
}

type sdkInput struct {
	DefinitionInput
	Type string `path:"type" maxLength:"32" doc:"One of the API's SDK types." example:"javascript"`
}

func (s *service) sdk(ctx context.Context, in *sdkInput) (*storedOutput, error) {
	shelf, err := s.shelf(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	archive, err := shelf.SDK(ctx, in.Product, in.API, in.Type)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return answer(in.Conditional, file(archive, shelf.Public)), nil
}
