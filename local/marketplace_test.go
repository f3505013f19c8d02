package local

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestTheMarketplaceDoctorFindsNothingWrongOnAFreshLocalPortal(t *testing.T) {
	t.Parallel()
	r := runLocally(t, Options{Dir: t.TempDir()})
	r.Config.MarketplaceAccounts, r.Config.MarketplaceTopics = []string{localaws.Account}, olderTopics()
	topics := 0
	// The workers read the catalog soon after the start.
	eventually(t, "the doctor knows the plan that is sold", func() bool {
		var wrong []string
		sold := false
		topics = 0
		for _, check := range app.ExamineMarketplace(t.Context(), r.Process, 20*time.Second) {
			if check.Problem != "" {
				wrong = append(wrong, check.What+": "+check.Problem)
			}
			if strings.HasPrefix(check.What, "subscription to ") {
				topics++
			}
			sold = sold || check.What == "plan Seamark Pro" || strings.HasPrefix(check.What, "listing "+demo.ProCode)
		}
		if len(wrong) > 0 {
			t.Fatalf("the doctor says %q", wrong)
		}
		return sold
	})
	if topics < len(olderTopics()) {
		t.Errorf("the doctor has looked at %d subscriptions", topics)
	}
}

// People start the portal again in a terminal that has the variables that it printed, GATEHOUSE_CATALOG among them.
func TestThePortalMetersTheDemosPlanAlsoAfterARestartWithThePrintedVariables(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := runLocally(t, Options{Dir: dir})
	r.stop()
	again := runLocally(t, Options{Dir: dir}, "GATEHOUSE_CATALOG="+filepath.Join(dir, catalogFolder))
	plan, err := apigateway.NewFromConfig(again.AWS).GetUsagePlan(t.Context(), &apigateway.GetUsagePlanInput{UsagePlanId: &again.Demo.API.ProPlanID})
	ok(t, err)
	if code := aws.ToString(plan.ProductCode); code != "" {
		t.Errorf("the plan has the product code %s in API Gateway, which meters it then", code)
	}
}

// The seller is another AWS account, and people connect the portal as the manual says.
func TestASellerInAnotherAccountIsConnectedToTheLocalPortal(t *testing.T) {
	t.Parallel()
	r := runLocally(t, Options{Dir: t.TempDir()}, "GATEHOUSE_MARKETPLACE_ROLE_ARN=arn:aws:iam::111122223333:role/seller")
	r.Config = r.config
	listings := []app.Subscription{{Product: demo.ProCode, Notices: "eventbridge"}, {Product: Fleet.code(), Notices: "sns"}, {Product: OlderContracts.code(), Notices: "sns"}}
	eventually(t, "the workers have read the catalog, and recorded SNS's requests", func() bool {
		open := 0
		for _, to := range listings {
			did, err := app.SubscribeMarketplace(t.Context(), r.Process, to, app.MarketplaceOptions{Yes: true})
			if err != nil || did.Missing || len(did.Left)+len(did.Changes) > 0 {
				open++
			}
		}
		return open == 0
	})
	for _, check := range app.ExamineMarketplace(t.Context(), r.Process, 20*time.Second) {
		if check.Problem != "" {
			t.Errorf("%s: %s", check.What, check.Problem)
		}
	}
}

func (l Listed) code() portal.ProductCode { return portal.ProductCode(l.Code) }
