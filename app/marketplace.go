package app

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/marketplace/arrival"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func newSeller(p Process) *seller.Seller {
	return seller.New(p.AWS, p.Config.seller())
}

func (c Config) seller() seller.Options {
	return seller.Options{Role: c.MarketplaceRole, Region: c.MarketplaceRegion}
}

// newReconciler compares licences with what AWS says about them.
func newReconciler(p Process, c clients, names Names, facts *journal.Journal, sender messaging, views *projections.Views) *reconcile.Reconciler {
	return &reconcile.Reconciler{
		Seller: newSeller(p), Journal: facts, Sender: sender, Rows: facts, Scratch: jobs.NewScratch(c.dynamodb, names.Records, p.now()), Claimed: claimedCustomers(views),
		ByEvent: len(p.Config.MarketplaceAccounts) > 0, ByTopic: len(p.Config.MarketplaceTopics) > 0, Now: p.now(),
	}
}

// claimedCustomers lists the claimed licences of older listings, as the views have them.
func claimedCustomers(views *projections.Views) func(context.Context) ([]portal.Stream, error) {
	return func(ctx context.Context) (claimed []portal.Stream, err error) {
		all, err := views.Licences(ctx)
		for _, l := range all {
			if l.Account != "" && l.Stream.Kind() == portal.KindLegacy {
				claimed = append(claimed, l.Stream)
			}
		}
		return claimed, err
	}
}

// demandEvery is how long notices about agreements are gathered. A run reads all agreements that changed in the
// last minutes, so a run for each notice would read them again and again.
const demandEvery = 10 * time.Second

// reconciliation returns the demand for a run of the job marketplace because of a notice at that time. Notices that
// come together share a run, which begins after the last of them.
func reconciliation(at time.Time) events.Event {
	begins := at.Truncate(demandEvery).Add(demandEvery)
	id := portal.DeriveID("reconciliation", begins.UTC().Format(time.RFC3339Nano))
	return jobs.Demand(marketplaceJob, id, id, begins)
}

func newArrivals(p Process, c clients, names Names, shelves *library.Library) *arrival.Desk {
	return &arrival.Desk{
		Seller: newSeller(p), Now: p.now(), Claims: arrival.Claims{DynamoDB: c.dynamodb, Table: names.Sessions, Now: p.now()},
		Catalog: func(ctx context.Context) (catalog.Document, error) {
			shelf, err := shelves.For(ctx, catalog.Viewer{Admin: true})
			if err != nil {
				return catalog.Document{}, err
			}
			return shelf.Document, nil
		},
	}
}

// limitArrivals limits the arrivals from one client address: each makes a call of AWS before
// anybody is known.
func (l *signInLimiter) limitArrivals(onError func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := l.admitArrival(r); err != nil {
				onError(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func (l *signInLimiter) admitArrival(r *http.Request) error {
	if l.allow(l.proxies.client(r)) {
		return nil
	}
	return portal.Fail(portal.TooManyRequests, "Too many purchases came from your network. Wait a minute, then come from AWS Marketplace again. Your purchase is safe with AWS.")
}

// MarketplaceOrigins are the origins whose notices count.
func (c Config) MarketplaceOrigins() notice.Allowed {
	allowed := notice.Allowed{}
	for _, topic := range c.MarketplaceTopics {
		allowed.Topics = append(allowed.Topics, strings.TrimSpace(topic))
	}
	for _, account := range c.MarketplaceAccounts {
		allowed.Accounts = append(allowed.Accounts, portal.AWSAccount(strings.TrimSpace(account)))
	}
	return allowed
}

func (c Config) checkMarketplace(check func(ok bool, format string, args ...any)) {
	role := strings.Split(c.MarketplaceRole, ":")
	check(c.MarketplaceRole == "" || len(role) == 6 && role[0] == "arn" && role[2] == "iam" && strings.HasPrefix(role[5], "role/"),
		"GATEHOUSE_MARKETPLACE_ROLE_ARN %q: want the ARN of a role, like arn:aws:iam::111122223333:role/gatehouse-seller", c.MarketplaceRole)
	check(strings.Trim(c.MarketplaceRegion, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && strings.Count(c.MarketplaceRegion, "-") >= 2,
		"GATEHOUSE_MARKETPLACE_REGION %q: want a Region, like us-east-1", c.MarketplaceRegion)
	topics, accounts := c.MarketplaceOrigins().Check()
	for _, err := range topics {
		check(false, "GATEHOUSE_MARKETPLACE_TOPICS %v", err)
	}
	for _, err := range accounts {
		check(false, "GATEHOUSE_MARKETPLACE_ACCOUNTS %v", err)
	}
}
