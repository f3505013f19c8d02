package app

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestUnhandledOperationIsShownHoursLater(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	accepted := time.Now()
	op, err := operations.New(operations.Config{
		Tables: c.dynamodb, Records: names.Records, Sender: newMessaging(c, names), Source: "/test",
		Now: func() time.Time { return accepted },
	}).Accept(t.Context(), operations.Submission{
		Actor: portal.AccountActor("ann"), Subject: portal.AccountStream("ann"), Request: events.SubscribeRequested{Plan: "free"},
	})
	ok(t, err)
	p.Now = func() time.Time { return accepted.Add(3 * time.Hour) }
	desk, err := OpenDesk(p)
	ok(t, err)
	found, err := desk.Operation(t.Context(), op.ID)
	ok(t, err)
	if found.ID != op.ID || found.Account != "ann" || found.Plan != "free" || found.Status != projections.Accepted {
		t.Errorf("the operation is %+v", found)
	}
	if again := found.HandedInAgain; again.Before(p.Now().Add(-time.Minute)) || again.After(p.Now().Add(time.Hour)) {
		t.Errorf("it is handed in again at %s, want within the hour from %s on", again, p.Now())
	}
}

func TestAccountWithAnOpenOperationIsFoundHoursLater(t *testing.T) {
	t.Parallel()
	h := healthy(t)
	accepted := time.Now()
	op, err := operations.New(operations.Config{
		Tables: h.dynamodb, Records: h.names.Records, Sender: newMessaging(h.clients, h.names), Source: "/test",
		Now: func() time.Time { return accepted },
	}).Accept(t.Context(), operations.Submission{
		Actor: portal.AccountActor("ann"), Subject: portal.AccountStream("ann"), Request: events.SubscribeRequested{Plan: "free"},
	})
	ok(t, err)
	h.record(t, portal.AccountStream("ann"), events.UserRegistered{})
	h.Process.Now = func() time.Time { return accepted.Add(3 * time.Hour) }
	desk, err := OpenDesk(h.Process)
	ok(t, err)
	found, err := desk.Accounts(t.Context(), "ann")
	ok(t, err)
	if len(found) != 1 || len(found[0].Operations) != 1 || found[0].Operations[0].ID != op.ID {
		t.Errorf("found is %+v", found)
	}
}
