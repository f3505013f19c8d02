package notices

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// DeprecationsEvery is how often the job looks for products of which subscribers must be told.
const DeprecationsEvery = 15 * time.Minute

const holdersPage = 100

// Deprecated is a product that the catalog calls deprecated.
type Deprecated struct {
	ID, Name string
	// Sunset is the last day of the product (YYYY-MM-DD), Successor the name of the product to
	// move to; each may be "".
	Sunset, Successor string
	Plans             []portal.PlanID
}

// subscribers lists the accounts of the keys on a page of a plan's keys.
type subscribers func(ctx context.Context, plan portal.PlanID, after string, limit int) (accounts []portal.AccountID, next string, err error)

// Deprecations is the job that tells subscribers once that a product is deprecated, and again if
// its sunset changes. Later subscribers read it on the product's page.
type Deprecations struct {
	Store    *Store
	Notifier *Notifier
	Products func(ctx context.Context) ([]Deprecated, error)
	// Subscribers may lag behind the journal, and list an account several times.
	Subscribers subscribers
	Now         func() time.Time
}

type announced struct {
	// At is the time of all these notices, so that a repetition makes the same ids.
	At   time.Time `dynamodbav:"at"`
	Done bool      `dynamodbav:"done"`
}

type telling struct {
	Product string `json:"product"`
	Sunset  string `json:"sunset"`
	Plan    int    `json:"plan"`
	After   string `json:"after,omitempty"`
}

// Step tells the people on one page of a plan's keys. A repeated step finds the notices and
// changes nothing.
func (d *Deprecations) Step(ctx context.Context, cursor string) (next string, err error) {
	products, err := d.Products(ctx)
	if err != nil {
		return "", portal.Postpone("the views do not answer", err)
	}
	var at telling
	if cursor == "" || json.Unmarshal([]byte(cursor), &at) != nil || at.Plan < 0 {
		return d.begin(ctx, products)
	}
	i := slices.IndexFunc(products, func(p Deprecated) bool { return p.ID == at.Product && p.Sunset == at.Sunset })
	if i < 0 {
		return d.begin(ctx, products) // it is no longer deprecated, or has another sunset
	}
	product := products[i]
	var row announced
	if _, err := d.Store.rows.Get(ctx, schema.Announced(product.ID, product.Sunset), &row); err != nil {
		return "", err
	}
	if at.Plan >= len(product.Plans) {
		row.Done = true
		err := d.Store.rows.Transact(ctx, "noting that people were told", records.Write{Key: schema.Announced(product.ID, product.Sunset), Put: row})
		if err != nil {
			return "", err
		}
		return d.begin(ctx, products)
	}
	if at.After, err = d.tell(ctx, product, product.Plans[at.Plan], at.After, row.At); err != nil {
		return "", err
	}
	if at.After == "" {
		at.Plan++
	}
	return at.cursor()
}

func (t telling) cursor() (string, error) {
	body, err := json.Marshal(t)
	return string(body), err
}

// begin returns the cursor of the first product of which not everybody was told, or "".
func (d *Deprecations) begin(ctx context.Context, products []Deprecated) (next string, err error) {
	for _, p := range products {
		key := schema.Announced(p.ID, p.Sunset)
		var row announced
		found, err := d.Store.rows.Get(ctx, key, &row)
		if err != nil {
			return "", err
		}
		if row.Done {
			continue
		}
		if !found {
			err := d.Store.rows.Transact(ctx, "telling people of a deprecation", records.Write{Key: key, Put: announced{At: d.Now().UTC()}, If: records.Missing})
			if err != nil && !errors.Is(err, records.ErrRefused) {
				return "", err
			}
		}
		return telling{Product: p.ID, Sunset: p.Sunset}.cursor()
	}
	return "", nil
}

// tell tells the accounts of a page of a plan's keys, and returns the next page.
func (d *Deprecations) tell(ctx context.Context, product Deprecated, plan portal.PlanID, after string, at time.Time) (next string, err error) {
	page, next, err := d.Subscribers(ctx, plan, after, holdersPage)
	if err != nil {
		return "", portal.Postpone("the views do not answer", err)
	}
	slices.Sort(page)
	for _, account := range slices.Compact(page) {
		if err := d.Notifier.Tell(ctx, account, productDeprecated(product, at)); err != nil {
			return "", err
		}
	}
	return next, nil
}

func productDeprecated(p Deprecated, at time.Time) Notice {
	name := oneLine(p.Name)
	n := Notice{
		ID: noticeID(at, 0, "deprecated", p.ID, p.Sunset), Kind: ProductDeprecated, At: at,
		Importance: Warn, About: "product/" + p.ID, Link: productPath(p.ID),
		Title: name + " is deprecated", Text: "The operator of this portal has marked " + name + ", which you subscribe to, as deprecated.",
	}
	if sunset, err := time.Parse(time.DateOnly, p.Sunset); err == nil {
		n.Title = name + " may be gone after " + day(sunset)
		n.Text += " It may be gone after " + day(sunset) + "."
	}
	if p.Successor != "" {
		n.Advice = "Change to " + oneLine(p.Successor) + " before that."
		if p.Sunset == "" {
			n.Advice = "Change to " + oneLine(p.Successor) + "."
		}
	}
	return n
}
