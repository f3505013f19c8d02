package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// MarketplaceOptions are the options of SetupMarketplace and SubscribeMarketplace.
type MarketplaceOptions struct {
	// Yes makes the changes. Without it, Changed gets what would change.
	Yes bool
	// Changed, if not nil, gets each change once it is made.
	Changed func(Change)
}

// MarketplaceResult is what a command found and did, or would do.
type MarketplaceResult struct {
	Changes []Change `json:"changes"`
	// Right is what is as it must be, and Left what only the operator can mend.
	Right []Note `json:"right"`
	Left  []Left `json:"left"`
}

// Note is something that is right, and what there is to say about it.
type Note struct {
	What string `json:"what"`
	Note string `json:"note,omitempty"`
}

// Left is a fault that the operator has to mend.
type Left struct {
	What    string `json:"what"`
	Problem string `json:"problem"`
	Advice  string `json:"advice"`
}

// Err is an error if something is left to the operator.
func (r MarketplaceResult) Err() error {
	if len(r.Left) == 0 {
		return nil
	}
	if len(r.Left) == 1 {
		return errors.New("one of these is left to you")
	}
	return fmt.Errorf("%d of these are left to you", len(r.Left))
}

// converge mends the faults of the resources, in their order, or reports how it would.
func (r *MarketplaceResult) apply(ctx context.Context, opts MarketplaceOptions, resources ...resource) error {
	for _, one := range resources {
		if err := r.mend(ctx, opts, one); err != nil {
			return explainedOf(one.what, err)
		}
	}
	return nil
}

func (r *MarketplaceResult) mend(ctx context.Context, opts MarketplaceOptions, one resource) error {
	reported := map[string]bool{}
	for range rounds {
		seen, err := one.inspect(ctx)
		if err != nil {
			return err
		}
		mended := false
		for _, f := range seen.faults {
			switch {
			case f.mend == nil && !reported[f.says]:
				r.Left = append(r.Left, Left{one.what, f.says, f.remedy()})
			case f.mend == nil || reported[f.says]:
				continue
			case opts.Yes:
				if err := f.mend(ctx); err != nil {
					return err
				}
				mended = true
				fallthrough
			default:
				change := Change{one.what, f.mending}
				r.Changes = append(r.Changes, change)
				if opts.Changed != nil {
					opts.Changed(change)
				}
			}
			reported[f.says] = true
		}
		if len(seen.faults) == 0 && len(reported) == 0 {
			r.Right = append(r.Right, Note{one.what, seen.note})
		}
		if !mended {
			return nil
		}
	}
	return nil
}

// MarketplaceSetup is what SetupMarketplace found and did.
type MarketplaceSetup struct {
	MarketplaceResult
	// Console is what each listing must have in the AWS Marketplace Management Portal.
	Console []Arrival `json:"console"`
	// MeteringRole is the role with which API Gateway meters, nil if it meters nothing.
	MeteringRole *MeteringRole `json:"metering_role,omitempty"`
}

// MeteringRole is a role that an operator makes.
type MeteringRole struct {
	Name   string `json:"name"`
	Trust  string `json:"trust_policy"`
	Policy string `json:"policy"`
}

// meteringRole has the name that API Gateway looks for (API Gateway Developer Guide, "Sell your API Gateway
// APIs through AWS Marketplace").
var meteringRole = MeteringRole{
	Name:   "ApiGatewayMarketplaceMeteringRole",
	Trust:  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
	Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["aws-marketplace:BatchMeterUsage","aws-marketplace:ResolveCustomer"],"Resource":"*"}]}`,
}

const nothingSold = "The catalog has no plan that is sold on AWS Marketplace. Describe one in a product folder (docs/marketplace.md#describe-the-plan), and run `gatehouse catalog sync`."

// SetupMarketplace gives the usage plans that API Gateway meters the product codes of their listings. It
// refuses to touch a plan that the portal meters and that has a product code, and says what to remove. It
// may be repeated.
func SetupMarketplace(ctx context.Context, p Process, opts MarketplaceOptions) (MarketplaceSetup, error) {
	result := MarketplaceSetup{MarketplaceResult: MarketplaceResult{Changes: []Change{}, Right: []Note{}, Left: []Left{}}, Console: []Arrival{}}
	e, err := openEstateWithin(ctx, p)
	if err != nil {
		return result, explained("", err)
	}
	m := market{estate: e, process: p}
	sold, err := m.sold(ctx)
	switch {
	case errors.Is(err, errNotSetUp):
		return result, portal.Fail(portal.Invalid, "Gatehouse is not set up here. Run `gatehouse setup` first.")
	case err != nil:
		return result, explained("reading the catalog", err)
	case len(sold) == 0:
		return result, portal.Fail(portal.NotFound, nothingSold)
	}
	codes, err := m.readProductCodes(ctx)
	if err != nil {
		return result, explained("reading the usage plans", err)
	}
	var resources []resource
	for _, plan := range sold {
		resources = append(resources, codes.plan(plan))
		if plan.meteredByGateway() {
			result.MeteringRole = &meteringRole
		}
	}
	result.Console = arrivals(sold, p.Config.BaseURL)
	return result, result.apply(ctx, opts, resources...)
}

// Subscription says which listing SubscribeMarketplace subscribes to.
type Subscription struct {
	Product portal.ProductCode
	// Notices is marketplace.ByTopic or marketplace.ByEvent. With "", it is what the catalog says.
	Notices string
	// TopicAccount is the AWS account that owns the topics.
	TopicAccount portal.AWSAccount
	// Queue is the ARN of the queue, "" for that of this installation.
	Queue string
}

// TopicsAccount is the AWS account that usually owns the topics. AWS does not document it.
const TopicsAccount portal.AWSAccount = "287250355862"

// MarketplaceSubscription is what SubscribeMarketplace found and did.
type MarketplaceSubscription struct {
	MarketplaceResult
	Notices string `json:"notices"`
	// Settings are the variables that portal and workers need, as NAME=value. Missing says that those of
	// this process are others.
	Settings []string `json:"settings"`
	Missing  bool     `json:"settings_missing"`
	// QueuePolicy is the access policy that the owner of the queue has to set, "" if the command has set
	// it.
	QueuePolicy string `json:"queue_policy,omitempty"`
}

// SubscribeMarketplace has the notices about a listing sent to the queue: by subscribing the queue to the
// topics of an older listing, or by a rule of the seller's event bus. It acts as the seller, and may be
// repeated.
func SubscribeMarketplace(ctx context.Context, p Process, to Subscription, opts MarketplaceOptions) (MarketplaceSubscription, error) {
	result := MarketplaceSubscription{MarketplaceResult: MarketplaceResult{Changes: []Change{}, Right: []Note{}, Left: []Left{}}}
	if err := marketplace.CheckName(string(to.Product)); err != nil {
		return result, portal.Fail(portal.Invalid, fmt.Sprintf("The product code %q %v.", to.Product, err))
	}
	m, sellerErr, err := openMarket(ctx, p)
	if err == nil {
		err = sellerErr
	}
	if err != nil {
		return result, err
	}
	if to.Queue != "" {
		if regionOf(to.Queue) == "" || partOf(to.Queue, 2) != "sqs" || nameOf(to.Queue) == "" {
			return result, portal.Fail(portal.Invalid, fmt.Sprintf("%q is not the ARN of a queue, such as %s.", to.Queue, m.queue))
		}
		m.queue = to.Queue
	}
	if result.Notices, err = m.noticesOf(ctx, to); err != nil {
		return result, err
	}
	m = m.with(to, result.Notices)
	result.settings(p.Config.MarketplaceOrigins(), m)
	return result, result.connect(ctx, m, to, opts)
}

// noticesOf finds out how AWS announces the purchases of a listing. It refuses a product code that no listing
// of the catalog has, unless a topic of GATEHOUSE_MARKETPLACE_TOPICS is of that product. The catalog of a queue
// elsewhere is unknown here.
func (m market) noticesOf(ctx context.Context, to Subscription) (string, error) {
	if to.Notices != "" && to.Queue != "" {
		return to.Notices, nil
	}
	sold, err := m.sold(ctx)
	switch {
	case errors.Is(err, errNotSetUp):
		return "", portal.Fail(portal.Invalid, "Gatehouse is not set up here. Run `gatehouse setup` first.")
	case err != nil:
		return "", explained("reading the catalog", err)
	case !m.knows(sold, to.Product):
		return "", unknownProduct(sold, to.Product)
	case to.Notices != "":
		return to.Notices, nil
	}
	for _, plan := range sold {
		switch {
		case plan.Listing.Product != to.Product:
		case plan.Listing.Notices != "":
			return plan.Listing.Notices, nil
		case plan.Listing.Meter == catalog.MeterGateway:
			return marketplace.ByTopic, nil
		}
	}
	return "", portal.Fail(portal.Invalid, fmt.Sprintf("The catalog does not say how AWS announces the purchases of %s. Give --notices sns for an older listing with topics, or --notices eventbridge for one that AWS made since June 2026. "+
		"You can write \"notices: sns\" or \"notices: eventbridge\" in product.yaml instead.", to.Product))
}

func (m market) knows(sold []soldPlan, code portal.ProductCode) bool {
	return slices.ContainsFunc(sold, func(p soldPlan) bool { return p.Listing.Product == code }) ||
		slices.ContainsFunc(m.origins.Topics, func(topic string) bool { return notice.ProductOf(topic) == code })
}

func unknownProduct(sold []soldPlan, code portal.ProductCode) error {
	if len(sold) == 0 {
		return portal.Fail(portal.NotFound, nothingSold)
	}
	var known []string
	for _, plan := range sold {
		known = append(known, string(plan.Listing.Product))
	}
	slices.Sort(known)
	return portal.Fail(portal.NotFound, fmt.Sprintf("No listing of the catalog has the product code %s. Known product codes: %s. Correct --product, or describe the plan in a product folder first, and run `gatehouse catalog sync`.",
		code, strings.Join(slices.Compact(known), ", ")))
}

// with adds what the subscription needs to the origins that count.
func (m market) with(to Subscription, notices string) market {
	m.origins.Topics, m.origins.Accounts = slices.Clone(m.origins.Topics), slices.Clone(m.origins.Accounts)
	topics := m.topicsOf(to)
	if notices == marketplace.ByEvent {
		topics = nil
		if !m.direct() {
			topics = []string{m.ownTopic()}
		}
		if account := portal.AWSAccount(m.seller.account); !slices.Contains(m.origins.Accounts, account) {
			m.origins.Accounts = append(m.origins.Accounts, account)
		}
	}
	for _, topic := range topics {
		if !slices.Contains(m.origins.Topics, topic) {
			m.origins.Topics = append(m.origins.Topics, topic)
		}
	}
	// The queue's policy follows from the configuration.
	m.cfg.MarketplaceTopics, m.cfg.MarketplaceAccounts = m.origins.Topics, nil
	for _, account := range m.origins.Accounts {
		m.cfg.MarketplaceAccounts = append(m.cfg.MarketplaceAccounts, string(account))
	}
	return m
}

func (m market) topicsOf(to Subscription) []string {
	account := to.TopicAccount
	if account == "" {
		account = TopicsAccount
	}
	return notice.TopicsOf(m.seller.partition, account, to.Product)
}

func (r *MarketplaceSubscription) settings(now notice.Allowed, m market) {
	var accounts []string
	for _, account := range m.origins.Accounts {
		accounts = append(accounts, string(account))
	}
	if len(m.origins.Topics) > 0 {
		r.Settings = append(r.Settings, "GATEHOUSE_MARKETPLACE_TOPICS="+strings.Join(m.origins.Topics, ","))
	}
	if len(accounts) > 0 {
		r.Settings = append(r.Settings, "GATEHOUSE_MARKETPLACE_ACCOUNTS="+strings.Join(accounts, ","))
	}
	r.Missing = !slices.Equal(now.Topics, m.origins.Topics) || !slices.Equal(now.Accounts, m.origins.Accounts)
}

func (r *MarketplaceSubscription) connect(ctx context.Context, m market, to Subscription, opts MarketplaceOptions) error {
	var resources []resource
	if m.queue == m.arn("sqs", m.names.Marketplace) {
		resources = append(resources, m.existingQueue())
	} else {
		r.QueuePolicy = withStatements(nil, m.admittedTo(m.names.Marketplace, m.queue))
	}
	switch {
	case r.Notices == marketplace.ByTopic:
		resources = append(resources, m.undelivered(m.topicsOf(to), false))
		for _, topic := range m.topicsOf(to) {
			resources = append(resources, m.subscribed(topic))
		}
	case m.direct():
		resources = append(resources, m.undelivered(nil, true), m.rule())
	default:
		resources = append(resources, m.undelivered([]string{m.ownTopic()}, true), m.forwardingTopic(), m.subscribed(m.ownTopic()), m.rule())
	}
	return r.apply(ctx, opts, resources...)
}

// existingQueue is the queue for notices, which `gatehouse setup` creates.
func (m market) existingQueue() resource {
	queue := m.estate.queue(m.names.Marketplace)
	return resource{what: queue.what, inspect: func(ctx context.Context) (finding, error) {
		seen, err := queue.inspect(ctx)
		for _, f := range seen.faults {
			if f.mending == createIt {
				return finding{}, portal.Fail(portal.Invalid, "Gatehouse is not set up here. Run `gatehouse setup` first.")
			}
		}
		return seen, err
	}}
}
