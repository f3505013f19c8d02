package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const recentOperations = 10

// Desk answers operators' questions. It changes nothing.
type Desk struct {
	clients
	names  Names
	cfg    Config
	facts  *journal.Journal
	views  *projections.Views
	ops    *operations.Operations
	people identity.Lookup
	plane  *gateway.ControlPlane
	now    func() time.Time
}

// OpenDesk returns a desk. It makes no call.
func OpenDesk(p Process) (*Desk, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	plane, err := newControlPlane(c, names, p)
	if err != nil {
		return nil, err
	}
	views := projections.NewViews(c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records}, catalog.NewStore(c.dynamodb, names.Records))
	return &Desk{
		clients: c, names: names, cfg: p.Config, views: views,
		facts: journal.New(c.dynamodb, names.Journal, names.Records),
		// Without a sender, since reading must send nothing.
		ops: operations.New(operations.Config{
			Tables: c.dynamodb, Records: names.Records, Views: views, Now: p.now(), Source: "/gatehouse/cli",
			Letters: deadletters.Lookup{Tables: c.dynamodb, Records: names.Records},
		}),
		people: identity.Lookup{DynamoDB: c.dynamodb, Tables: identity.Tables{
			Journal: names.Journal, Records: names.Records, Sessions: names.Sessions,
		}},
		plane: plane,
		now:   p.now(),
	}, nil
}

// FoundAccount is what operators see of an account. It holds no key value.
type FoundAccount struct {
	ID            portal.AccountID
	Email, Name   string
	Unverified    bool
	Profile       projections.Profile
	Keys          []projections.Key
	Subscriptions []projections.Subscription
	// Operations are the newest ten, newest first.
	Operations []FoundOperation
}

// Accounts finds accounts by an e-mail address (which may have several), an account id, or an
// identity's subject at the configured issuer. NotFound means none.
func (d *Desk) Accounts(ctx context.Context, who string) ([]FoundAccount, error) {
	ids, err := d.accountIDs(ctx, who)
	if err != nil {
		return nil, err
	}
	var all []FoundAccount
	for _, id := range ids {
		one, err := d.account(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (d *Desk) accountIDs(ctx context.Context, who string) ([]portal.AccountID, error) {
	if strings.Contains(who, "@") {
		ids, err := d.byEmail(ctx, who)
		return ids, InWords(err)
	}
	id := portal.AccountID(who)
	if known, err := d.known(ctx, id); known || err != nil {
		return []portal.AccountID{id}, InWords(err)
	}
	id, err := d.people.BySubject(ctx, d.cfg.OIDCIssuer, who)
	if err == nil && id == "" {
		err = portal.Fail(portal.NotFound, fmt.Sprintf("There is no account %s, and no account of a subject %[1]s at the issuer %[2]q.", who, d.cfg.OIDCIssuer))
	}
	return []portal.AccountID{id}, InWords(err)
}

func (d *Desk) byEmail(ctx context.Context, email string) ([]portal.AccountID, error) {
	ids, err := d.people.ByEmail(ctx, email)
	if len(ids) > 0 || err != nil {
		return ids, err
	}
	ids, asked, err := d.byProvider(ctx, email)
	switch {
	case len(ids) > 0 || err != nil:
		return ids, err
	case asked:
		return nil, portal.Fail(portal.NotFound, "No account has the e-mail address "+email+", and no user of the user pool with that address has an account.")
	}
	return nil, portal.Fail(portal.NotFound, "No account has the e-mail address "+email+". The portal knows an address once its owner has signed in on its pages or sent an ID token. "+
		"If a person only sends access tokens, give the subject (sub) that the identity provider has for them.")
}

func (d *Desk) known(ctx context.Context, id portal.AccountID) (bool, error) {
	head, err := d.facts.Head(ctx, portal.AccountStream(id))
	if head > 0 || err != nil {
		return head > 0, err
	}
	_, err = d.people.Person(ctx, id)
	if portal.CodeOf(err) == portal.NotFound {
		return false, nil
	}
	return err == nil, err
}

func (d *Desk) account(ctx context.Context, id portal.AccountID) (FoundAccount, error) {
	person, err := d.people.Person(ctx, id)
	if err != nil && portal.CodeOf(err) != portal.NotFound {
		return FoundAccount{}, explained("", err)
	}
	shown, err := d.views.Account(ctx, id)
	if err != nil {
		return FoundAccount{}, explained("", err)
	}
	recent, err := d.recent(ctx, id)
	return FoundAccount{
		ID: id, Email: person.Email, Unverified: person.Unverified, Name: person.Name, Profile: shown.Profile,
		Keys: shown.Keys, Subscriptions: shown.Subscriptions, Operations: recent,
	}, InWords(err)
}

// SyncCatalog asks the workers to read the catalog now, and returns the operation for
// AwaitCatalog.
func SyncCatalog(ctx context.Context, p Process) (portal.OperationID, error) {
	sender := newMessaging(newClients(p.AWS), NamesFor(p.Config.Prefix))
	request := CatalogSync(p.now()())
	request.Operation = portal.OperationID(request.ID)
	err := sender.Send(ctx, request)
	switch {
	case ctx.Err() != nil:
		err = notCertain(readingCatalog)
	case err != nil:
		err = explained("asking for the catalog", err)
	}
	return request.Operation, errors.Join(err, sender.close())
}

const readingCatalog = "reading of the catalog"

// AwaitCatalog waits until the catalog that SyncCatalog asked for is read and every portal
// process shows it, and returns how the reading ended. See Sweep for warn and the end of
// ctx.
func (d *Desk) AwaitCatalog(ctx context.Context, id portal.OperationID, warn func(text string)) (progress projections.Progress, err error) {
	runs := jobs.NewRuns(d.dynamodb, d.names.Records)
	reading := jobWait{what: readingCatalog, job: catalogJob, demand: catalogDemand(string(id)), warn: warn, now: d.now}
	err = reading.until(ctx, func(ctx context.Context) (bool, error) {
		// An operator who may not read the job's row is never told that no worker took it.
		if run, err := runs.Load(ctx, catalogJob); err == nil {
			reading.look(run)
		}
		progress, err = d.views.Progress(ctx, id)
		return progress.Status.Over(), InWords(err)
	})
	if err != nil {
		return progress, err
	}
	shown := time.NewTimer(projections.CatalogFresh)
	defer shown.Stop()
	select {
	case <-shown.C:
	case <-ctx.Done():
	}
	return progress, nil
}

// Catalog returns the catalog that the portal shows.
func (d *Desk) Catalog(ctx context.Context) (projections.Catalog, error) {
	shown, err := d.views.Catalog(ctx)
	return shown, InWords(err)
}
