package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/backup"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const (
	showTime = time.Minute
	sampled  = 3
)

var errEnough = errors.New("enough")

func viewsOf(e estate, p Process) resource {
	facts := journal.New(e.dynamodb, e.names.Journal, e.names.Records)
	views := projections.NewViews(e.dynamodb, projections.Tables{Views: e.names.Views, Records: e.names.Records}, catalog.NewStore(e.dynamodb, e.names.Records))
	return resource{what: "views", inspect: func(ctx context.Context) (finding, error) {
		unfinished, err := backup.UnfinishedRestore(ctx, e.dynamodb, e.names.Records)
		if err == nil && unfinished.Rows > 0 {
			return found(fault{
				says:   fmt.Sprintf("A restore has not ended: %d of %d rows of the backup are written.", unfinished.Done, unfinished.Rows),
				advice: "Unless it is running, run `gatehouse restore` again with the same file: it goes on. Start no portal and no worker before it has ended; see docs/backup.md#restoring-a-backup.",
			})
		}
		var noTable *ddbtypes.ResourceNotFoundException
		if err != nil && !errors.As(err, &noTable) {
			return finding{}, err
		}
		lost, shown, err := compareViews(ctx, facts, views, p.now()().Add(-showTime))
		switch {
		case errors.As(err, &noTable):
			return finding{}, blocked("one of the tables does not exist")
		case err != nil:
			return finding{}, err
		case lost != "":
			return found(fault{
				says:   "The journal has " + lost + " that the views do not show.",
				advice: "Is a worker running? Then run `gatehouse projections rebuild`; see docs/runbook.md#views-are-behind-or-wrong.",
			})
		}
		return finding{note: shown}, nil
	}}
}

// compareViews returns as lost the first fact older than before that the views do not show;
// otherwise it sums up the views as shown.
func compareViews(ctx context.Context, facts *journal.Journal, views *projections.Views, before time.Time) (lost, shown string, err error) {
	published, err := hasOlder[events.CatalogPublished](ctx, facts, portal.CatalogStream, before)
	if err != nil {
		return "", "", err
	}
	now, err := views.Catalog(ctx)
	if err != nil {
		return "", "", err
	}
	if published && now.Sequence == 0 {
		return "a catalog", "", nil
	}
	shown = "products shown: " + strconv.Itoa(len(now.Products))
	if now.Sequence == 0 {
		shown = "no catalog has been read yet"
	}
	seen := 0
	err = facts.Streams(ctx, func(stream portal.Stream) error {
		id, ok := stream.Account()
		if !ok {
			return nil
		}
		if seen++; seen > sampled {
			return errEnough
		}
		registered, err := hasOlder[events.UserRegistered](ctx, facts, stream, before)
		if err != nil || !registered {
			return err
		}
		account, err := views.Account(ctx, id)
		if err == nil && account.Profile.Status == projections.StatusNone {
			lost = "account " + string(id)
			return errEnough
		}
		return err
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return lost, shown, err
}

func hasOlder[F events.Fact](ctx context.Context, facts *journal.Journal, stream portal.Stream, before time.Time) (bool, error) {
	recorded, err := facts.Read(ctx, stream, 0)
	for _, e := range recorded {
		if _, ok := e.Data.(F); ok && e.Time.Before(before) {
			return true, err
		}
	}
	return false, err
}

func controlPlane(e estate, p Process) resource {
	return resource{what: "API Gateway", inspect: func(ctx context.Context) (finding, error) {
		budget, err := gateway.NewBudget(e.dynamodb, gateway.BudgetConfig{Table: e.names.Records, Share: p.Config.QuotaShare, Now: p.Now})
		if err != nil {
			return finding{}, err
		}
		plans, err := gateway.New(e.apigateway, budget, gateway.Config{}).Session(gateway.Background, nil).UsagePlans(ctx)
		var (
			busy    *portal.Postponed
			noTable *ddbtypes.ResourceNotFoundException
		)
		switch {
		case errors.As(err, &noTable):
			return finding{}, blocked("the table " + e.names.Records + " does not exist")
		case errors.As(err, &busy) && busy.Err == nil:
			return finding{note: "not called, since the budget is used up right now"}, nil
		case err != nil:
			return finding{}, err
		}
		note := fmt.Sprintf("usage plans: %d; share of AWS's quotas: %g; keys are created %s", len(plans), p.Config.QuotaShare, e.creating(ctx, p))
		if len(plans) == 0 {
			note += "; without a usage plan the portal offers nothing"
		}
		return finding{note: note}, nil
	}}
}

func (e estate) creating(ctx context.Context, p Process) string {
	if p.Config.Provisioning == ProvisioningSingle {
		return "one by one, as GATEHOUSE_PROVISIONING says"
	}
	last, known, err := newFindings(e.clients, e.names, p).Last(ctx)
	switch {
	case err != nil:
		return "in an unknown way, since the records cannot be read"
	case !known:
		return "one by one, since imports were never tested here (run `gatehouse doctor --probe-import`)"
	case !last.Usable:
		return "one by one, since imports did not work as needed on " + dateOnly(last.At)
	}
	return "many at a time when many wait, as tested on " + dateOnly(last.At)
}
