// Package catalog is what the portal offers: products, their plans and the APIs behind them. A job
// reads it from API Gateway, the source of truth, and stores it as one document under its own
// hash. The same setup always gives the same document.
package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Document is the whole catalog. It names pages, OpenAPI documents and images by their hash
// in the Store.
type Document struct {
	Products []Product `json:"products"`
	// Pages are the portal's own pages, such as "getting-started".
	Pages []Page `json:"pages,omitempty"`
	Files []File `json:"files,omitempty"`
	// Moved leads from a gone product's id to one of its plans that is still offered, so that old
	// links work.
	Moved map[string]portal.PlanID `json:"moved,omitempty"`
}

// Product is plans and their APIs: those of a product folder, or else plans with exactly the
// same stages.
type Product struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Plans       []Plan `json:"plans"`
	APIs        []API  `json:"apis"`

	// Visibility is one of the constants; "" is VisiblePublic. Only VisibleGroups uses Groups.
	Visibility string   `json:"visibility,omitempty"`
	Groups     []string `json:"groups,omitempty"`
	// Version is a name such as "2". All versions of a product share VersionOf, which is ""
	// if there is only one.
	Version   string `json:"version,omitempty"`
	VersionOf string `json:"version_of,omitempty"`
	// Status is one of the constants or "". A deprecated product may be gone after Sunset
	// (YYYY-MM-DD). Successor is the id of the product to change to. Both may be "".
	Status    string `json:"status,omitempty"`
	Sunset    string `json:"sunset,omitempty"`
	Successor string `json:"successor,omitempty"`

	Category string   `json:"category,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	Owner    *Owner   `json:"owner,omitempty"`
	Featured bool     `json:"featured,omitempty"`
	Image    *Image   `json:"image,omitempty"`
	// Overview and Changelog are hashes of Markdown or "".
	Overview  string `json:"overview,omitempty"`
	Changelog string `json:"changelog,omitempty"`
	Pages     []Page `json:"pages,omitempty"`
	Files     []File `json:"files,omitempty"`
}

// Values of Product.Visibility.
const (
	VisiblePublic   = "public"
	VisibleSignedIn = "signed-in"
	VisibleGroups   = "groups"
	VisibleHidden   = "hidden"
)

// Values of Product.Status.
const (
	StatusBeta       = "beta"
	StatusNew        = "new"
	StatusDeprecated = "deprecated"
)

// Owner is who to ask about a product. Only Name is never "".
type Owner struct {
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
	URL   string `json:"url,omitempty"`
}

// Image is a stored image. Type is its media type.
type Image struct {
	Hash string `json:"hash"`
	Type string `json:"type"`
	// Alt is "" if the image only decorates.
	Alt string `json:"alt,omitempty"`
}

// File is an image in Markdown. Name is its path in the product's folder, or in "pages", such
// as "images/map.svg".
type File struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
	Type string `json:"type"`
}

// Page is stored Markdown without its title. Name is its last path segment.
type Page struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Hash  string `json:"hash"`
}

// Plan is one usage plan. A nil limit means unlimited.
type Plan struct {
	ID          portal.PlanID  `json:"id"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Throttle    *Throttle      `json:"throttle"`
	Quota       *Quota         `json:"quota"`
	Stages      []portal.Stage `json:"stages"`
	Methods     []MethodLimit  `json:"methods,omitempty"`

	// Order is the plan's position in the product folder, from 1. Plans with 0 come last,
	// by size.
	Order int `json:"order,omitempty"`
	// Price is plain text, such as "29 € a month", or "".
	Price       string `json:"price,omitempty"`
	Recommended bool   `json:"recommended,omitempty"`
	// Approval is ApprovalManual, or "" if nobody has to approve.
	Approval string `json:"approval,omitempty"`
	// Marketplace plans are bought on AWS Marketplace, not here. Listing says how; documents of
	// earlier versions lack it.
	Marketplace bool     `json:"marketplace,omitempty"`
	Listing     *Listing `json:"listing,omitempty"`
}

// ApprovalManual means that an admin approves each subscription.
const ApprovalManual = "manual"

// MethodLimit limits a method of a stage. Path is like "/pets/{id}", Method the verb.
type MethodLimit struct {
	API    string  `json:"api"`
	Stage  string  `json:"stage"`
	Path   string  `json:"path"`
	Method string  `json:"method"`
	Rate   float64 `json:"rate"`
	Burst  int     `json:"burst"`
}

// Throttle limits requests per second, and the size of a burst.
type Throttle struct {
	Rate  float64 `json:"rate"`
	Burst int     `json:"burst"`
}

// Quota limits requests per DAY, WEEK or MONTH.
type Quota struct {
	Limit  int    `json:"limit"`
	Period string `json:"period"`
}

// Kinds of APIs.
const (
	REST = "rest"
	// Other is an API that is not a REST API, such as a WebSocket API. Only its id and
	// stage are known.
	Other = "other"
	// Docs is an API outside API Gateway. A product folder describes it, and no plan covers
	// it.
	Docs = "docs"
)

// API is a stage of an API, or an API outside API Gateway. Endpoint is "" if the public cannot
// call it.
type API struct {
	// ID is API Gateway's, "" for kind Docs.
	ID string `json:"id"`
	// Slug names the API in addresses. It is unique in the product.
	Slug        string `json:"slug,omitempty"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Version     string `json:"version"`
	Stage       string `json:"stage"`
	Endpoint    string `json:"endpoint"`
	Kind        string `json:"kind" enum:"rest,other,docs"`
	// Private APIs can be called only from their owner's network.
	Private bool `json:"private,omitempty"`
	// Definition is the hash of the API's OpenAPI document, as openapi.Normalize returns it, or
	// "".
	Definition string `json:"definition,omitempty"`
	SDKs       []SDK  `json:"sdks,omitempty"`
}

// SDK is an archive that API Gateway generated. Type is one of GetSdk's: java,
// javascript, android, objectivec, swift or ruby.
type SDK struct {
	Type string `json:"type"`
	Hash string `json:"hash"`
	File string `json:"file"`
}

// Documented returns the APIs that have an OpenAPI document.
func (p Product) Documented() []API {
	return slices.DeleteFunc(slices.Clone(p.APIs), func(api API) bool { return api.Definition == "" })
}

// FullName adds the version, unless the name ends with it.
func (p Product) FullName() string {
	if p.Version == "" || strings.HasSuffix(p.Name, " "+p.Version) {
		return p.Name
	}
	return p.Name + " " + p.Version
}

// Plan finds a plan and its product.
func (d Document) Plan(id portal.PlanID) (Plan, Product, bool) {
	for _, product := range d.Products {
		for _, plan := range product.Plans {
			if plan.ID == id {
				return plan, product, true
			}
		}
	}
	return Plan{}, Product{}, false
}

// Product finds a product by its id or an earlier id. In the second case the returned product
// has another id.
func (d Document) Product(id string) (Product, bool) {
	for _, product := range d.Products {
		if product.ID == id {
			return product, true
		}
	}
	if plan, moved := d.Moved[id]; moved {
		_, product, ok := d.Plan(plan)
		return product, ok
	}
	return Product{}, false
}

// TakesKeys reports whether an API takes keys of this portal: it is a REST API on API Gateway,
// and a plan covers its stage. A product folder that names another endpoint must not send
// people's keys there.
func (d Document) TakesKeys(api API) bool {
	stage := portal.Stage{API: api.ID, Stage: api.Stage}
	return api.Kind == REST && api.ID != "" && slices.ContainsFunc(d.Products, func(p Product) bool {
		return slices.ContainsFunc(p.Plans, func(plan Plan) bool { return slices.Contains(plan.Stages, stage) })
	})
}

// After returns the document as the successor of another, whose gone products it adds to Moved.
// It drops an old address when the plan's product becomes visible to more people, since it
// would tell them of the old product.
func (d Document) After(before Document) Document {
	moved := map[string]portal.PlanID{}
	maps.Copy(moved, before.Moved)
	for _, product := range before.Products {
		delete(moved, product.ID)
		for _, plan := range product.Plans {
			if _, now, offered := d.Plan(plan.ID); offered && !now.widens(product) {
				moved[product.ID] = plan.ID
				break
			}
		}
	}
	for _, product := range d.Products {
		delete(moved, product.ID)
	}
	maps.DeleteFunc(moved, func(_ string, plan portal.PlanID) bool {
		_, now, offered := d.Plan(plan)
		_, earlier, known := before.Plan(plan)
		return !offered || known && now.widens(earlier)
	})
	d.Moved = nil
	if len(moved) > 0 {
		d.Moved = moved
	}
	return d
}

// ChangesPlans reports whether a plan is missing from the next document, or has other stages or
// another name there. Then accounts with it must be checked.
func (d Document) ChangesPlans(next Document) bool {
	for _, product := range d.Products {
		for _, plan := range product.Plans {
			now, _, ok := next.Plan(plan.ID)
			if !ok || now.Name != plan.Name || !slices.Equal(now.Stages, plan.Stages) {
				return true
			}
		}
	}
	return false
}

// Canonical sorts products by name; plans by size, then by name; APIs by name and stage; stages
// by API. Lists are empty rather than nil.
func (d Document) Canonical() Document {
	products := slices.AppendSeq([]Product{}, slices.Values(d.Products))
	for i, product := range products {
		products[i].Plans = canonicalPlans(product.Plans)
		products[i].APIs = slices.SortedFunc(slices.Values(product.APIs), compareAPIs)
		if products[i].APIs == nil {
			products[i].APIs = []API{}
		}
	}
	slices.SortFunc(products, func(a, b Product) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return Document{Products: products, Pages: d.Pages, Files: d.Files, Moved: d.Moved}
}

func canonicalPlans(plans []Plan) []Plan {
	sorted := slices.AppendSeq([]Plan{}, slices.Values(plans))
	for i, plan := range sorted {
		sorted[i].Stages = slices.AppendSeq([]portal.Stage{}, slices.Values(plan.Stages))
		slices.SortFunc(sorted[i].Stages, compareStages)
		sorted[i].Methods = slices.SortedFunc(slices.Values(plan.Methods), compareMethods)
	}
	slices.SortFunc(sorted, comparePlans)
	return sorted
}

// comparePlans orders plans by Order, then by rate, then by daily quota. Unlimited plans
// come last.
func comparePlans(a, b Plan) int {
	return cmp.Or(
		cmp.Compare(uint(a.Order)-1, uint(b.Order)-1), // 0 comes last
		compareLimits(a.Throttle, b.Throttle, func(t Throttle) float64 { return t.Rate }),
		compareLimits(a.Quota, b.Quota, Quota.perDay),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.ID, b.ID),
	)
}

func compareLimits[L any](a, b *L, size func(L) float64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Compare(size(*a), size(*b))
}

func (q Quota) perDay() float64 {
	days := map[string]float64{"DAY": 1, "WEEK": 7, "MONTH": 30}[q.Period]
	return float64(q.Limit) / max(1, days)
}

func compareAPIs(a, b API) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Stage, b.Stage))
}

func compareStages(a, b portal.Stage) int {
	return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Stage, b.Stage))
}

func compareMethods(a, b MethodLimit) int {
	return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
}

// Hash is the SHA-256 of the canonical JSON, as 64 hexadecimal digits.
func (d Document) Hash() (string, error) {
	body, err := d.encode()
	if err != nil {
		return "", err
	}
	return hashOf(body), nil
}

func (d Document) encode() ([]byte, error) { return json.Marshal(d.Canonical()) }

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
