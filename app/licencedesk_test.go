package app

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func newTestLicenceDesk(t *testing.T, p Process) (*licenceDesk, *members.Store) {
	t.Helper()
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	store, messages := members.NewStore(c.dynamodb, names.Records, p.now()), newMessaging(c, names)
	t.Cleanup(func() { ok(t, messages.close()) })
	views := projections.NewViews(c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records}, catalog.NewStore(c.dynamodb, names.Records))
	return newLicenceDesk(p, c, names, views, store, messages, newDemands(c, names, store, messages, p.now())), store
}

func TestAdminsHaveWorkersResendAndCorrect(t *testing.T) {
	t.Parallel()
	s := newShopWithLicence(t)
	desk, audit := newTestLicenceDesk(t, s.Process)
	ctx := t.Context()
	for _, name := range []string{"l-9", "account/ann", ""} {
		if _, err := desk.Licence(ctx, name); portal.CodeOf(err) != portal.NotFound {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, _, err := desk.Resend(ctx, "root", "l-1", false); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("before anything was refused: %v", err)
	}
	if _, err := desk.Reconcile(ctx, "root"); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("without a worker that compares: %v", err)
	}
	s.refused("licence/l-1", time.Now().Add(-time.Hour), 7)
	found, err := desk.Licence(ctx, "l-1")
	ok(t, err)
	if found.State != projections.LicenceActive || found.Words.Look != administration.LookAtAccount || found.Refused != 7 || len(found.Meter.Refused) != 1 || len(found.Facts) != 2 {
		t.Errorf("the licence is %+v", found)
	}
	if page, err := desk.Records(ctx, "l-1", "", 10); err != nil || len(page.Records) != 1 || page.Next != "" {
		t.Errorf("the records are %+v, %v", page, err)
	}
	if n, requests, err := desk.Resend(ctx, "root", "l-1", true); err != nil || n != 1 || requests != 7 {
		t.Errorf("a dry run: %d, %d, %v", n, requests, err)
	}
	if orders, err := desk.orders.Waiting(ctx, 10); err != nil || len(orders) > 0 {
		t.Errorf("a dry run orders %v, %v", orders, err)
	}
	sender := desk.sender
	desk.sender = newMessaging(desk.desk.clients, NamesFor("no-such-deployment"))
	if _, _, err = desk.Resend(ctx, "root", "l-1", false); err != nil {
		t.Errorf("an order that no worker is told of is placed all the same, but: %v", err)
	}
	ok(t, desk.sender.close())
	desk.sender = sender
	names := events.Purchase{Buyer: "444455556666"}
	if c, err := desk.Correct(ctx, "root", "l-1", names, true); err != nil || !c.Changes() {
		t.Errorf("a check: %+v, %v", c, err)
	}
	_, err = desk.Correct(ctx, "root", "l-1", names, false)
	ok(t, err)
	working(t, s.Process)
	eventually(t, "the record is open again", func() bool {
		page, err := desk.Records(ctx, "l-1", "", 10)
		return err == nil && len(page.Records) == 1 && page.Records[0].Status != metering.Refused
	})
	eventually(t, "the licence is corrected", func() bool {
		found, err := desk.Licence(ctx, "l-1")
		return err == nil && found.Purchase.Buyer == "444455556666"
	})
	for _, what := range []string{members.AuditUsageResent, members.AuditLicenceCorrected} {
		entries, _, err := audit.Audit(ctx, members.AuditFilter{What: what}, "", 10)
		if err != nil || len(entries) != 1 || entries[0].Admin != "root" || entries[0].Choice != "licence/l-1" {
			t.Errorf("the audit has %+v, %v", entries, err)
		}
	}
}
