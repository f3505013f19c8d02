package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/banners"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/mcp"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
	"github.com/gatehouse-portal/gatehouse/web"
)

// Portal serves pages and JSON. It never changes anything in API Gateway.
type Portal struct {
	http.Handler
	messaging messaging
	library   *library.Library
}

// NewPortal wires a portal. It fails if set-up has not been run. It does not contact the
// identity provider until a request needs it.
func NewPortal(ctx context.Context, p Process) (*Portal, error) {
	if err := unusable(SignIn(p.Config)); err != nil {
		return nil, err
	}
	p.AWS = p.tracedAWS()
	c, names := newClients(p.AWS), p.Config.Names()
	if err := c.checkTables(ctx, names); err != nil {
		return nil, err
	}
	deriver, kmsKey, err := c.keyMaterial(ctx, p.Config)
	if err != nil {
		return nil, err
	}
	messages := newMessaging(c, names)
	documents := catalog.NewStore(c.dynamodb, names.Records)
	views := projections.NewViews(c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records}, documents)
	shelves := library.New(library.Config{Views: views, Blobs: documents, Log: p.Log, Now: p.Now})
	store := members.NewStore(c.dynamodb, names.Records, p.now())
	people := identity.Lookup{DynamoDB: c.dynamodb, Tables: names.identity()}
	var admit func(context.Context) error
	if p.Config.Registration == RegistrationInvitation {
		admit = admitInvited(store)
	}
	plane, err := newControlPlane(c, names, p)
	if err != nil {
		return nil, err
	}
	ops := operations.New(operations.Config{
		Tables: c.dynamodb, Records: names.Records, Sender: messages, Views: views, Values: deriver, Now: p.now(), Source: "/gatehouse/api",
		Heads: journal.New(c.dynamodb, names.Journal, names.Records), Reveals: projections.NewReveals(c.dynamodb, names.Records),
		MaxOpen: p.Config.MaxOpenRequests, Admit: admit, Adopted: adoptedValues{plane},
		Letters: deadletters.Lookup{Tables: c.dynamodb, Records: names.Records},
	})
	desk := &notices.Desk{
		Store: notices.NewStore(c.dynamodb, names.Records), Secrets: deriver, Sender: messages, KMSKey: kmsKey, Outbound: webhookHosts(p), Now: p.now(),
	}
	counters := usage.NewReader(usage.NewTable(c.dynamodb, names.Usage))
	contact, err := contactURL(p.Config.SecurityContact)
	if err != nil {
		return nil, fmt.Errorf("GATEHOUSE_SECURITY_CONTACT: %w", err)
	}
	look, err := lookOf(p)
	if err != nil {
		return nil, err
	}
	console := newConsole(p, shelves, ops)
	ledger := metering.NewLedger(c.dynamodb, names.Usage)
	buyers := newArrivals(p, c, names, shelves)
	var identities *identity.Service
	texts := banners.NewStore(c.dynamodb, names.Records, store, p.now())
	pages := web.New(web.Config{
		Banners: banners.NewBoard(texts, p.now()), Operations: ops, Views: views, Library: shelves, Usage: counters, Try: console, Notices: desk, Status: api.Status, Correlation: api.RequestID,
		SessionEnded: func(r *http.Request) bool { return identities.Ended(r) }, Branding: look,
		MayRegister:    admit,
		AccountDeleted: func(r *http.Request) (portal.AccountID, bool, error) { return identities.Deleted(r) },
		BaseURL:        strings.TrimSuffix(p.Config.BaseURL, "/"), SecurityContact: contact, PlansPerKey: p.Config.PlansPerKey, KeysPerRing: p.Config.KeysPerRing, CarriesUsage: p.Config.RotationCarriesUsage, Now: p.Now,
	})
	mails := invitationDesk{desk, mailed(p.Config)}
	guests := administration.Invitations{Members: store, Mails: mails, Now: p.now()}
	office, err := newAdminDesk(p, c, names, views, store, messages)
	if err != nil {
		return nil, err
	}
	history := administration.History{Journal: journal.New(c.dynamodb, names.Journal, names.Records)}
	demands := newDemands(c, names, store, messages, p.now())
	sweeps, licences := newSweeps(jobs.NewScratch(c.dynamodb, names.Records, p.now()), demands), newLicenceDesk(p, c, names, views, store, messages, demands)
	onError := problems(pages)
	identities, err = identity.New(p.Config.identity(), identity.Options{
		DynamoDB: c.dynamodb,
		Tables:   names.identity(), Promoted: store.Promoted, TimeZone: timeZoneOf(store),
		OnError: onError, OnSignIn: registerOnSignIn(ops, views, waitingKeys{adoptions.NewStore(c.dynamodb, names.Records, p.now()), messages, p.now()}), OnSignOut: pages.SignedOut, Log: p.Log, Now: p.Now,
		CrossSiteForms: []string{web.ArrivalPath},
	})
	if err != nil {
		return nil, err
	}
	summaries := &usage.Summaries{Table: counters.Table, Accounts: views, Keep: jobs.NewScratch(c.dynamodb, names.Records, p.now()), Now: p.now()}
	reports := catalogReports{jobs.NewScratch(c.dynamodb, names.Records, p.now())}
	pages.WithAdmin(web.Admin{Desk: office, Approvals: approvals.NewList(c.dynamodb, names.Records), Registrations: store, People: people, Answers: ops, Directory: views, Accounts: ops, Members: store, History: history, Audit: store, Operations: ops, Drift: sweeps, Licences: licences, Banners: texts, Feedback: store,
		Catalog: reports, Syncs: ops, Cookies: identities, Usage: summaries,
		Viewers:     web.Viewers{Keep: store, Session: identities.CurrentSession, Groups: identities.LastGroups},
		Invitations: web.Invitations{Desk: guests, List: store, Mails: desk, Needed: p.Config.Registration == RegistrationInvitation, Mailed: mailed(p.Config)}})
	settings, feedback := settingsDesk{store, identities}, feedbackDesk{clients: c, topic: names.Feedback, store: store}
	pages.WithMine(web.Mine{Sessions: identities, Settings: settings, Feedback: feedback, Leaving: ops})
	limiter, err := newSignInLimiter(p.Config.TrustedProxies, p.now())
	if err != nil {
		return nil, err
	}
	arrivals, err := newSignInLimiter(p.Config.TrustedProxies, p.now())
	if err != nil {
		return nil, err
	}
	pages.WithMarketplace(web.Marketplace{Desk: buyers, Claims: buyers.Claims, Cookies: identities, Confirm: ops, Licences: views, Ledger: ledger, Simulator: simulator(p.AWS), Limit: arrivals.limitArrivals(onError)})
	guard := []func(http.Handler) http.Handler{identities.SameOrigin, identities.Authenticate, api.LogAccount, limiter.proxies.withAddress}
	router := chi.NewRouter()
	if tracer := p.Traces.Tracer(); tracer != nil {
		router.Use(api.Traces(tracer))
	}
	router.Use(api.RequestIDs(p.Log, p.observeRequests()), api.SecureHeaders(strings.HasPrefix(p.Config.BaseURL, "https:")), api.CORS(p.Config.CORSOrigins),
		api.Compress, api.Recover(onError))
	get(router, "/healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, nil) })
	get(router.With(limiter.limit(onError)), identity.SignInPath, identities.SignIn)
	get(router, identity.CallbackPath, identities.Callback)
	router.With(guard...).Post(identity.SignOutPath, identities.SignOut)
	api.Mount(router, api.Config{
		Operations: ops, Views: views, Library: shelves, Console: console, Notices: desk, Usage: counters,
		Approvals: approvals.NewList(c.dynamodb, names.Records), Now: p.Now, Version: Version,
		Admin: api.Admin{
			Desk: office, Operations: ops, Directory: views, People: people, Members: store, Mails: mails, Invitations: guests, History: history, Viewing: store,
			Holders:           projections.NewHolders(c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records}),
			Drift:             sweeps,
			Licences:          licences,
			Banners:           texts,
			Catalog:           reports,
			InvitationsNeeded: p.Config.Registration == RegistrationInvitation,
		},
		Marketplace: api.Marketplace{Operations: ops, Desk: buyers, Ledger: ledger, Admit: arrivals.admitArrival},
		Mine: api.Mine{
			Operations: ops, Sessions: identities, Settings: settings, Feedback: feedback,
			Export: newExporter(belongings{views: views, ops: ops, people: people, sessions: identities.Sessions, members: store, notices: desk, usage: counters.Table, now: p.now()}),
		},
	}, append(slices.Clone(guard), pages.NoChangesInView(api.Prefix, onError))...)
	pages.Routes(router, guard...)
	serveDocuments(router, strings.TrimSuffix(p.Config.BaseURL, "/"), shelves, pages, onError, append(guard, pages.ViewsAs)...)
	router.MethodNotAllowed(underAPI(api.MethodNotAllowed, router.MethodNotAllowedHandler()))
	return &Portal{Handler: router, messaging: messages, library: shelves}, nil
}

// get serves HEAD as well: net/http leaves out the body.
func get(r chi.Router, pattern string, h http.HandlerFunc) {
	r.Get(pattern, h)
	r.Head(pattern, h)
}

// Close sends the queued messages, and ends the work in the background.
func (p *Portal) Close() error { return errors.Join(p.library.Close(), p.messaging.close()) }

func (c Config) identity() identity.Config {
	return identity.Config{
		BaseURL: c.BaseURL, Issuer: c.OIDCIssuer, ClientID: c.OIDCClientID, ClientSecret: c.OIDCClientSecret,
		JWKSURL: c.OIDCJWKSURL, AuthURL: c.OIDCAuthURL, TokenURL: c.OIDCTokenURL,
		SignUpURL: c.OIDCSignUpURL, SignOutURL: c.OIDCSignOutURL,
		GroupsClaim: c.OIDCGroupsClaim, AdminGroup: c.AdminGroup, SessionTTL: c.SessionTTL, SessionIdle: c.SessionIdle,
	}
}

func (c clients) checkTables(ctx context.Context, names Names) error {
	for _, table := range names.Tables() {
		out, err := c.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)})
		if err != nil {
			return explainedOf("table "+table, err)
		}
		if out.Table.TableStatus == "DELETING" {
			return fmt.Errorf("table %s is being deleted", table)
		}
	}
	return nil
}

// registerOnSignIn requests an account for a person who has none, and hands out the keys that wait for
// the person. Simultaneous sign-ins make one request.
func registerOnSignIn(ops *operations.Operations, views *projections.Views, waiting waitingKeys) func(context.Context, identity.Identity) error {
	return func(ctx context.Context, id identity.Identity) error {
		if handed, err := waiting.hand(ctx, id); handed || err != nil {
			return err
		}
		account, err := views.Account(ctx, id.Account)
		if err != nil || account.Profile.Status != projections.StatusNone {
			return err
		}
		_, err = ops.Register(identity.With(ctx, id), operations.Caller{
			Account: id.Account, IdempotencyKey: operations.RegistrationKey(id.Account), Correlation: api.RequestID(ctx),
		})
		if portal.CodeOf(err) == portal.Forbidden {
			return nil // the dashboard tells the person
		}
		return err
	}
}

func problems(pages *web.Web) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		underAPI(
			func(w http.ResponseWriter, r *http.Request) { api.WriteProblem(w, r, err) },
			func(w http.ResponseWriter, r *http.Request) { pages.Error(w, r, err) },
		)(w, r)
	}
}

func underAPI(there, elsewhere http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, api.Prefix+"/") || r.URL.Path == mcp.Path {
			there(w, r)
			return
		}
		elsewhere(w, r)
	}
}
