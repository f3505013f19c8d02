// This file tests that the views can be rebuilt, and refilled after their table was lost.

package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// subscriber signs Ada up and subscribes her to the free plan.
func (s *site) subscriber(t *testing.T, o operator) (person, operation) {
	t.Helper()
	s.waitForCatalog(t)
	s.visitor(t).open("/").follow(`header a[href*="screen=sign-up"]`).
		submit("form", "username", "ada@example.com", "name", "Ada", "password", password).wants(http.StatusOK, "Find an API, get a key, make your first call.")
	p := s.signIn(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	op := p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	if !o.showsAda() {
		t.Fatal("the subscription is not shown")
	}
	return p, op
}

// showsAda reports whether the views show the account with its key and its active plan.
func (o operator) showsAda() bool {
	found := asJSON[struct{ Accounts []account }](o, "account", "find", "ada@example.com").Accounts
	return len(found) == 1 && found[0].Status == "registered" && len(found[0].Keys) == 1 &&
		len(found[0].Subscriptions) == 1 && found[0].Subscriptions[0].State == "active"
}

type viewsStatus struct {
	Live, Next int64
	Rows       int64
	Lag        struct{ Streams, Behind int }
	Last       *struct{ Streams, Unreadable, Deleted int } `json:"last_rebuild"`
}

func TestOperatorsRebuildTheViewsWhileThePortalRuns(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.operator(t)
	p, op := s.subscriber(t, o)
	if got := asJSON[viewsStatus](o, "projections", "status"); got.Live != 1 || got.Next != 0 || got.Last != nil {
		t.Errorf("before the rebuild the status is %+v", got)
	}
	tables := dynamodb.NewFromConfig(s.aws)
	s.eachView(t, func(key map[string]ddbtypes.AttributeValue, pk string) {
		if strings.HasPrefix(pk, "v1#account#") {
			if _, err := tables.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &names.Views, Key: key}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if o.showsAda() {
		t.Fatal("the rows are still there")
	}
	if stdout, stderr := o.says(1, "projections", "verify"); !strings.Contains(stdout, "missing: v1#account#") || !strings.Contains(stderr, "the views differ from the journal in ") {
		t.Errorf("before the rebuild the comparison says %q, %q", stdout, stderr)
	}

	stdout, stderr := o.says(0, "projections", "rebuild")
	if !strings.HasPrefix(stdout, "Rebuilt the views: generation 2, 2 streams, ") || !strings.Contains(stderr, "The portal shows the old views until") {
		t.Errorf("it says %q, %q", stdout, stderr)
	}
	if !o.showsAda() {
		t.Error("the account is not shown")
	}
	if compared := asJSON[struct{ Streams, Rows, Found int }](o, "projections", "verify"); compared.Streams != 2 || compared.Rows < 10 || compared.Found != 0 {
		t.Errorf("after the rebuild the comparison finds %+v", compared)
	}
	if got := asJSON[struct{ Status string }](o, "operation", "show", op.ID); got.Status != "succeeded" {
		t.Errorf("the operation is %+v", got)
	}
	p.succeed(p.do(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	s.eachView(t, func(_ map[string]ddbtypes.AttributeValue, pk string) {
		if strings.HasPrefix(pk, "v1#") {
			t.Errorf("a row of the first generation is left: %s", pk)
		}
	})
	again := asJSON[struct{ Generation, Streams int }](o, "projections", "rebuild", "--rate", "100")
	status := asJSON[viewsStatus](o, "projections", "status")
	if again.Generation != 3 || status.Live != 3 || status.Next != 0 || status.Last == nil || status.Last.Streams != 2 || status.Lag.Streams != 2 || status.Rows < 10 || status.Last.Deleted == 0 {
		t.Errorf("the second rebuild says %+v, and the status is %+v", again, status)
	}
	if text, _ := o.says(0, "projections", "status"); !strings.Contains(text, "generation 3, shape ") || !strings.Contains(text, "none under way") {
		t.Errorf("the status says\n%s", text)
	}
}

func (s *site) eachView(t *testing.T, visit func(key map[string]ddbtypes.AttributeValue, pk string)) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(s.aws), &dynamodb.ScanInput{TableName: &names.Views})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			pk, _ := item["pk"].(*ddbtypes.AttributeValueMemberS)
			visit(map[string]ddbtypes.AttributeValue{"pk": item["pk"], "sk": item["sk"]}, pk.Value)
		}
	}
}

// The account was shown less than ten seconds ago, so workers remember it.
func TestASweepRefillsALostViewsTable(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.operator(t)
	_, op := s.subscriber(t, o)
	tables := dynamodb.NewFromConfig(s.aws)
	if _, err := tables.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &names.Views}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := dynamodb.NewTableNotExistsWaiter(tables).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &names.Views}, time.Minute); err != nil {
		t.Fatal(err)
	}
	o.says(0, "setup")
	if swept := asJSON[struct{ Unshown int }](o, "sweep"); swept.Unshown != 2 {
		t.Errorf("the sweep found %+v", swept)
	}
	eventually(t, "the account is shown again", o.showsAda)
	if got := asJSON[struct{ Status string }](o, "operation", "show", op.ID); got.Status != "succeeded" {
		t.Errorf("the operation is %+v", got)
	}
	if got := asJSON[viewsStatus](o, "projections", "status"); got.Live != 1 || got.Next != 0 {
		t.Errorf("the status is %+v", got)
	}
}
