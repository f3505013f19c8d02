// Package catalog is what the portal offers: products, the plans that open them and
// the APIs behind them, read from API Gateway and kept as one document under its
// own hash. What API Gateway says is the truth; this package decides how it is
// grouped and ordered, so that the same setup always makes the same document. Who
// may see or buy a product is not its concern.
package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Document is the whole catalog.
type Document struct {
	Products []Product `json:"products"`
}

// Product is what the same set of stages makes: the plans that open exactly these,
// and the APIs they are stages of.
type Product struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Plans       []Plan `json:"plans"`
	APIs        []API  `json:"apis"`
}

// Plan is one usage plan. Nil limits mean that there are none.
type Plan struct {
	ID          portal.PlanID  `json:"id"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Throttle    *Throttle      `json:"throttle"`
	Quota       *Quota         `json:"quota"`
	Stages      []portal.Stage `json:"stages"`
}

// Throttle limits requests a second, and how many may come at once.
type Throttle struct {
	Rate  float64 `json:"rate"`
	Burst int     `json:"burst"`
}

// Quota limits requests in a period, DAY, WEEK or MONTH.
type Quota struct {
	Limit  int    `json:"limit"`
	Period string `json:"period"`
}

// API is one stage of a REST API. Endpoint is the URL its paths are appended to.
type API struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Version     string `json:"version"`
	Stage       string `json:"stage"`
	Endpoint    string `json:"endpoint"`
}

// Plan finds a plan and the product it is of.
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

// Product finds a product.
func (d Document) Product(id string) (Product, bool) {
	for _, product := range d.Products {
		if product.ID == id {
			return product, true
		}
	}
	return Product{}, false
}

// Canonical is the document in its one order: products by name, plans from the
// smallest to the largest, then by name, APIs by name and stage, stages by API.
// Lists are empty rather than nil.
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
	return Document{Products: products}
}

func canonicalPlans(plans []Plan) []Plan {
	sorted := slices.AppendSeq([]Plan{}, slices.Values(plans))
	for i, plan := range sorted {
		sorted[i].Stages = slices.AppendSeq([]portal.Stage{}, slices.Values(plan.Stages))
		slices.SortFunc(sorted[i].Stages, compareStages)
	}
	slices.SortFunc(sorted, comparePlans)
	return sorted
}

// comparePlans orders by rate, then by quota a day; without a limit comes last.
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

// Hash names the document: the SHA-256 of its canonical JSON, 64 hexadecimal
// digits. It does not depend on the order of anything in it.
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
