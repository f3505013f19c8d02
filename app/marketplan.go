package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// soldPlan is a plan of the published catalog that is sold on AWS Marketplace.
type soldPlan struct {
	catalog.Plan
	product string
	// among says that the listing sells several plans.
	among bool
}

// arrival is the address to which the listing sends buyers.
func (p soldPlan) arrival(base string) string {
	to := string(p.ID)
	if p.among {
		to = p.product
	}
	return strings.TrimSuffix(base, "/") + "/marketplace-confirm/" + to
}

func (p soldPlan) meteredByGateway() bool { return p.Listing.Meter == catalog.MeterGateway }

func (m market) journal() *journal.Journal {
	return journal.New(m.dynamodb, m.names.Journal, m.names.Records)
}

func (m market) views() *projections.Views {
	return projections.NewViews(m.dynamodb, projections.Tables{Views: m.names.Views, Records: m.names.Records}, catalog.NewStore(m.dynamodb, m.names.Records))
}

var errNotSetUp = errors.New("the tables do not exist")

// sold lists the plans that are sold, as the workers last read the catalog.
func (m market) sold(ctx context.Context) ([]soldPlan, error) {
	shown, err := m.views().Catalog(ctx)
	var noTable *ddbtypes.ResourceNotFoundException
	if errors.As(err, &noTable) {
		return nil, errNotSetUp
	}
	if err != nil {
		return nil, err
	}
	var all []soldPlan
	count := map[portal.ProductCode]int{}
	for _, product := range shown.Products {
		for _, plan := range product.Plans {
			if plan.Listing != nil {
				all = append(all, soldPlan{Plan: plan, product: product.ID})
				count[plan.Listing.Product]++
			}
		}
	}
	for i := range all {
		all[i].among = count[all[i].Listing.Product] > 1
	}
	return all, nil
}

// productCodes are what API Gateway meters, compared with what the listings say.
type productCodes struct {
	market
	session *gateway.Session
	codes   map[portal.PlanID]string
	// licensed are the products of which a licence has been announced by an event.
	licensed map[portal.ProductCode]portal.Stream
}

// readProductCodes reads the usage plans once.
func (m market) readProductCodes(ctx context.Context) (productCodes, error) {
	budget, err := gateway.NewBudget(m.dynamodb, gateway.BudgetConfig{Table: m.names.Records, Share: m.cfg.QuotaShare, Now: m.process.Now})
	if err != nil {
		return productCodes{}, err
	}
	read := productCodes{market: m, session: gateway.New(m.apigateway, budget, gateway.Config{}).Session(gateway.Backlog, nil), codes: map[portal.PlanID]string{}, licensed: map[portal.ProductCode]portal.Stream{}}
	plans, err := read.session.UsagePlans(ctx)
	if err != nil {
		return read, err
	}
	for _, plan := range plans {
		read.codes[plan.ID] = plan.ProductCode
	}
	licences, err := m.views().Licences(ctx)
	for _, l := range licences {
		if l.Stream.Kind() == portal.KindLicence {
			read.licensed[l.Product] = l.Stream
		}
	}
	return read, err
}

// plan compares a usage plan with its listing. Only one may meter a plan: API Gateway, which does if the
// usage plan has a product code, or the portal.
func (c productCodes) plan(p soldPlan) resource {
	return resource{what: fmt.Sprintf("usage plan %s (%s)", p.ID, p.Name), inspect: func(context.Context) (finding, error) {
		is, there := c.codes[p.ID]
		want := string(p.Listing.Product)
		licence := c.licensed[p.Listing.Product]
		switch {
		case !there:
			return found(fault{says: "API Gateway has no such usage plan.", advice: "Run `gatehouse catalog sync`."})
		case p.meteredByGateway() && (licence != "" || p.Listing.Notices == marketplace.ByEvent):
			return found(c.cannotMeter(p, licence, is))
		case p.meteredByGateway() && is == "":
			return found(fault{
				says:   "Its listing says that API Gateway meters it, and it has no product code, so nobody meters it.",
				advice: setupAdvice, mending: "set the product code " + want, mend: c.set(p),
			})
		case p.meteredByGateway() && is != want:
			return found(fault{
				says:   fmt.Sprintf("API Gateway meters it for the product code %s, and its listing has %s.", is, want),
				advice: setupAdvice, mending: fmt.Sprintf("replace the product code %s with %s", is, want), mend: c.set(p),
			})
		case !p.meteredByGateway() && is != "":
			return found(c.meteredTwice(p, is))
		}
		return finding{note: meters[p.Listing.Meter] + undescribed(p)}, nil
	}}
}

const setupAdvice = "Run `gatehouse marketplace setup --yes`."

var meters = map[string]string{
	catalog.MeterGateway: "API Gateway meters it", catalog.MeterPortal: "the portal meters it", catalog.MeterNone: "nobody meters it",
}

func undescribed(p soldPlan) string {
	if p.Listing.URL != "" {
		return ""
	}
	return ", since it has a product code; no product folder says how it is sold"
}

func (c productCodes) cannotMeter(p soldPlan, licence portal.Stream, is string) fault {
	f := fault{
		says: "API Gateway meters it, or should, and its listing is one that AWS made since June 2026" + shownBy(licence) +
			". API Gateway bills customer identifiers, which buyers of such a listing do not have.",
		advice: fmt.Sprintf("Write \"meter: portal\" and \"meter_dimension: …\" for the plan in product.yaml, with the product code %s.", p.Listing.Product),
	}
	if is != "" {
		f.advice += " Then remove the product code from the usage plan:\n" + removeCode(p.ID)
	}
	return f
}

func shownBy(licence portal.Stream) string {
	if licence == "" {
		return ""
	}
	return " (" + string(licence) + " is of it)"
}

func (c productCodes) meteredTwice(p soldPlan, is string) fault {
	says := "API Gateway meters it for the product code " + is + ", and so does the portal. AWS would bill each request twice."
	if p.Listing.Meter == catalog.MeterNone {
		says = "API Gateway meters it for the product code " + is + ", and its listing says that nobody does. AWS would bill each request."
	}
	return fault{says: says, advice: "Remove the product code. If the listing is an older one, whose buyers have customer identifiers, you can write \"meter: api-gateway\" in product.yaml instead.\n" + removeCode(p.ID)}
}

func removeCode(plan portal.PlanID) string {
	return fmt.Sprintf("aws apigateway update-usage-plan --usage-plan-id %s --patch-operations op=remove,path=/productCode", plan)
}

// set waits for the budget: AWS allows one such call in 20 seconds.
func (c productCodes) set(p soldPlan) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			err := c.session.SetProductCode(ctx, p.ID, p.Listing.Product)
			var later *portal.Postponed
			if !errors.As(err, &later) || later.Err != nil {
				return err
			}
			if err := wait(ctx, later.After); err != nil {
				return fmt.Errorf("waiting for API Gateway: %w", ctx.Err())
			}
		}
	}
}

// arrivals lists, for each listing, where it should send buyers.
func arrivals(sold []soldPlan, base string) []Arrival {
	var all []Arrival
	for _, p := range sold {
		one := Arrival{Product: p.Listing.Product, URL: p.arrival(base), Dimension: p.Listing.MeterDimension}
		if p.meteredByGateway() {
			one.Dimension = gatewayDimension
		}
		if i := slices.IndexFunc(all, func(a Arrival) bool { return a.Product == one.Product }); i >= 0 {
			all[i].Plans = append(all[i].Plans, p.Name)
			continue
		}
		one.Plans = []string{p.Name}
		all = append(all, one)
	}
	return all
}

// gatewayDimension is the dimension in which API Gateway meters requests (API Gateway Developer Guide,
// "Sell your API Gateway APIs through AWS Marketplace").
const gatewayDimension = "apigateway"

// Arrival is what a listing must have in the AWS Marketplace Management Portal.
type Arrival struct {
	Product portal.ProductCode `json:"product"`
	Plans   []string           `json:"plans"`
	// URL is the fulfillment URL, and Dimension the one that is metered, "" for none.
	URL       string `json:"fulfillment_url"`
	Dimension string `json:"dimension,omitempty"`
}
