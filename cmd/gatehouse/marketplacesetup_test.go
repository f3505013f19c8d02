package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
)

func printed(print func(*strings.Builder)) string {
	var b strings.Builder
	print(&b)
	return b.String()
}

func TestSetupOfMarketplaceSaysWhatIsRightWhatIsLeftAndWhatToEnter(t *testing.T) {
	t.Parallel()
	result := app.MarketplaceSetup{
		MarketplaceResult: app.MarketplaceResult{
			Changes: []app.Change{{What: "usage plan a (A)", Did: "set the product code p1"}},
			Right:   []app.Note{{What: "usage plan b (B\x1b[31m)", Note: "the portal meters it"}},
			Left:    []app.Left{{What: "usage plan c (C)", Problem: "It has two meters.", Advice: "Remove one:\naws apigateway x"}},
		},
		Console:      []app.Arrival{{Product: "p1", Plans: []string{"A", "B"}, URL: "https://portal.example.com/marketplace-confirm/a", Dimension: "requests"}},
		MeteringRole: &app.MeteringRole{Name: "Role", Trust: "{1}", Policy: "{2}"},
	}
	want := `ok     usage plan b (B�[31m): the portal meters it
LEFT   usage plan c (C): It has two meters.
       -> Remove one:
          aws apigateway x

Nothing was changed. Add --yes to make these changes.

In the AWS Marketplace Management Portal, each listing needs:

  product code     p1 (A, B)
  fulfillment URL  https://portal.example.com/marketplace-confirm/a
  dimension        requests, in requests

API Gateway meters with a role in its own AWS account. Create it once, with this trust policy and this policy:

  name    Role

  trust   {1}

  policy  {2}
`
	if diff := cmp.Diff(want, printed(func(b *strings.Builder) { printMarketplaceSetup(b, result, false) })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := printed(func(b *strings.Builder) { printMarketplaceSetup(b, result, true) }); strings.Contains(got, "Nothing was changed") {
		t.Errorf("with --yes it prints:\n%s", got)
	}
}

func TestSubscribePrintsTheSettingsReadyToPaste(t *testing.T) {
	t.Parallel()
	result := app.MarketplaceSubscription{Settings: []string{"GATEHOUSE_MARKETPLACE_ACCOUNTS=111122223333"}, Missing: true, QueuePolicy: `{"Version":"2012-10-17"}`}
	got := printed(func(b *strings.Builder) { printSubscription(b, result, true) })
	for _, want := range []string{
		"\n  GATEHOUSE_MARKETPLACE_ACCOUNTS=111122223333\n", "Set them, run `gatehouse setup`, and restart both:\n", "\n  {\"Version\":\"2012-10-17\"}\n", "gatehouse marketplace doctor --send",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it prints\n%s\nwithout %q", got, want)
		}
	}
	result.Missing = false
	if got := printed(func(b *strings.Builder) { printSubscription(b, result, true) }); !strings.Contains(got, "which this command has, too") {
		t.Errorf("with the settings it prints\n%s", got)
	}
}

func TestTheCommandsOfMarketplaceSpeakJSON(t *testing.T) {
	t.Parallel()
	local := localawstest.Start(t)
	if _, err := local.Marketplace().PutProduct(marketplace.Product{Code: "older1", Kind: marketplace.SNS, Dimensions: []string{"apigateway"}}); err != nil {
		t.Fatal(err)
	}
	env := []string{"AWS_REGION=" + localaws.Region, "AWS_ENDPOINT_URL=" + local.Endpoint(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x"}
	code, _, stderr := said(t, env, "setup")
	topics := "GATEHOUSE_MARKETPLACE_TOPICS=" + strings.Join(notice.TopicsOf("aws", app.TopicsAccount, "older1"), ",")
	if code != 0 {
		t.Fatal(stderr)
	}
	var subscribed struct {
		DryRun   bool `json:"dry_run"`
		Changes  []app.Change
		Left     []app.Left
		Settings []string
		Notices  string
	}
	for _, yes := range []bool{false, true} {
		args := []string{"marketplace", "subscribe", "--product", "older1", "--notices", "sns", "--json"}
		if yes {
			args = append(args, "--yes")
		}
		code, stdout, stderr := said(t, append(env, topics), args...)
		if err := json.Unmarshal([]byte(stdout), &subscribed); err != nil || code != 0 || subscribed.DryRun == yes || len(subscribed.Changes) != 4 || subscribed.Left == nil || len(subscribed.Settings) != 1 || subscribed.Notices != "sns" {
			t.Errorf("%v: exit code %d, %v, %s%s", args, code, err, stdout, stderr)
		}
	}
	var examined struct {
		Healthy bool
		Checks  []checkJSON
	}
	code, stdout, stderr := said(t, append(env, subscribed.Settings...), "marketplace", "doctor", "--json")
	if err := json.Unmarshal([]byte(stdout), &examined); err != nil || code != 0 || !examined.Healthy || len(examined.Checks) < 5 {
		t.Errorf("doctor: exit code %d, %v, %s%s", code, err, stdout, stderr)
	}
	code, stdout, stderr = said(t, env, "marketplace", "setup", "--json")
	if code != 1 || stdout != "" || !strings.Contains(stderr, "The catalog has no plan that is sold on AWS Marketplace") {
		t.Errorf("setup without a plan: exit code %d, %s%s", code, stdout, stderr)
	}
}
