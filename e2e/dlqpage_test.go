// This file tests what a person reads on the page of a request that became a dead letter.

package e2e

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// givingUp sends each request to the dead-letter queue, as SQS does after 1,000 receives.
type givingUp struct {
	*site
	t *testing.T
}

func (g givingUp) Send(_ context.Context, messages ...events.Event) error {
	for _, msg := range messages {
		body, err := events.Encode(msg)
		if err != nil {
			return err
		}
		g.put(g.t, app.DeadLetterQueue(names.Commands), string(body))
	}
	return nil
}

func (g givingUp) SendAgain(ctx context.Context, messages ...events.Event) error {
	return g.Send(ctx, messages...)
}

// acceptsAndLoses accepts requests like the portal, but SQS gives their messages up.
func (s *site) acceptsAndLoses(t *testing.T) *operations.Operations {
	tables := dynamodb.NewFromConfig(s.aws)
	documents := catalog.NewStore(tables, names.Records)
	return operations.New(operations.Config{
		Tables: tables, Records: names.Records, Sender: givingUp{s, t}, Now: time.Now, Source: "/test",
		Views: projections.NewViews(tables, projections.Tables{Views: names.Views, Records: names.Records}, documents),
	})
}

func TestAPersonFollowsARequestThatBecameADeadLetterToItsEnd(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	v := s.visitor(t)
	v.open("/").follow(`header a[href*="screen=sign-up"]`).
		submit("form", "username", "ada@example.com", "password", password).wants(http.StatusOK, homeHeading)
	eventually(t, "the account is open", func() bool { return !v.open("/dashboard").has("#unregistered") })
	p, o := s.signIn(t, "ada@example.com"), s.operator(t)
	caller := operations.Caller{Account: portal.AccountID(v.open("/account").text("main code")), Viewer: catalog.Viewer{SignedIn: true}, Correlation: "corr"}
	ask := func(plan string) string {
		t.Helper()
		op, err := s.acceptsAndLoses(t).Subscribe(t.Context(), caller, portal.PlanID(plan))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the operation has failed", func() bool { return p.statusOf(string(op.ID)) == "failed" })
		return string(op.ID)
	}
	reads := func(id, heading, badge, next string) {
		t.Helper()
		shown := v.open("/operations/"+id).wants(http.StatusOK, heading)
		if shown.text(".state .badge") != badge || shown.text(".outcome h2") != next {
			t.Errorf("the page says %q and %q, want %q and %q", shown.text(".state .badge"), shown.text(".outcome h2"), badge, next)
		}
	}

	closed := ask(s.Demo.API.PlusPlanID)
	reads(closed, "Subscribing to Plus (Seamark) failed", "Failed", "The operator of this portal has been told")
	o.says(0, "dlq", "discard", closed, "--reason", "it was a test", "--yes")
	reads(closed, "Subscribing to Plus (Seamark) failed", "Failed", "The operator of this portal has closed this request")

	replayed := ask(s.Demo.API.FreePlanID)
	reads(replayed, "Subscribing to Free (Seamark) failed", "Failed", "The operator of this portal has been told")
	o.says(0, "dlq", "replay", replayed, "--yes", "--wait")
	eventually(t, "the operation is done", func() bool { return p.statusOf(replayed) == "succeeded" })
	reads(replayed, "Subscribed to Free (Seamark)", "Done", "You can call the API now")
}
