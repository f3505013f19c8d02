// Package catalog is what the portal offers: products, their plans and the APIs behind them. A
// job reads it from API Gateway, which is the source of truth, and stores it as one document
// under its own hash. This package groups and orders what it reads, so that the same setup
// always gives the same document. It does not decide who may see or buy a product.
package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Document is the whole catalog.
type Document struct {
	Products []Product `json:"products"`
	// Moved leads from the id of a product that is gone to a plan of it that is still offered,
	// so that old links keep working.
	Moved map[string]portal.PlanID `json:"moved,omitempty"`
}

// Product is a set of stages, with the plans that open exactly these and the APIs they belong
// to.
type Product struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Plans       []Plan `json:"plans"`
	APIs        []API  `json:"apis"`
}

// Plan is one usage plan. A nil limit means unlimited.
type Plan struct {
	ID          portal.PlanID  `json:"id"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Throttle    *Throttle      `json:"throttle"`
	Quota       *Quota         `json:"quota"`
	Stages      []portal.Stage `json:"stages"`
	// Methods have limits of their own instead of the plan's.
	Methods []MethodLimit `json:"methods,omitempty"`
}

// MethodLimit limits one method of a stage. Path is the resource's, such as "/pets/{id}";
// Method is the verb.
type MethodLimit struct {
	API    string  `json:"api"`
	Stage  string  `json:"stage"`
	Path   string  `json:"path"`
	Method string  `json:"method"`
	Rate   float64 `json:"rate"`
	Burst  int     `json:"burst"`
}

// Throttle limits the requests per second, and the size of a burst.
type Throttle struct {
	Rate  float64 `json:"rate"`
	Burst int     `json:"burst"`
}

// Quota limits the requests in a period: DAY, WEEK or MONTH.
type Quota struct {
	Limit  int    `json:"limit"`
	Period string `json:"period"`
}

// Kinds of APIs.
const (
	// REST is a REST API.
	REST = "rest"
	// Other is an API that API Gateway does not list among the REST APIs, such as a WebSocket
	// API. Only its id and stage are known.
	Other = "other"
)

// API is one stage of an API. Paths are appended to Endpoint, which is "" if the public cannot
// call the stage.
type API struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Version     string `json:"version"`
	Stage       string `json:"stage"`
	Endpoint    string `json:"endpoint"`
	// Kind is REST or Other.
	Kind string `json:"kind" enum:"rest,other"`
	// Private APIs can be called only from inside their owner's network.
	Private bool `json:"private,omitempty"`
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

// Product finds a product by its id or by an earlier id of it. In the second case the returned
// product has another id.
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

// After returns the document as the successor of another: it adds to Moved the products of that
// one that are gone.
func (d Document) After(before Document) Document {
	moved := map[string]portal.PlanID{}
	maps.Copy(moved, before.Moved)
	for _, product := range before.Products {
		delete(moved, product.ID)
		for _, plan := range product.Plans {
			if _, _, offered := d.Plan(plan.ID); offered {
				moved[product.ID] = plan.ID
				break
			}
		}
	}
	for _, product := range d.Products {
		delete(moved, product.ID)
	}
	maps.DeleteFunc(moved, func(_ string, plan portal.PlanID) bool {
		_, _, offered := d.Plan(plan)
		return !offered
	})
	d.Moved = nil
	if len(moved) > 0 {
		d.Moved = moved
	}
	return d
}

// ChangesPlans reports whether a plan of the document is missing from the next one, or has other
// stages or another name there. Accounts that hold such a plan must be checked.
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

// Canonical sorts the document: products by name; plans from the smallest to the largest, then
// by name; APIs by name and stage; stages by API. Lists are empty rather than nil.
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
	return Document{Products: products, Moved: d.Moved}
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

// comparePlans orders plans by rate, then by daily quota. Unlimited plans come last.
func comparePlans(a, b Plan) int {
	return cmp.Or(
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

// Hash names the document: the SHA-256 of its canonical JSON, as 64 hexadecimal digits. It does
// not depend on the order of anything in the document.
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
