package local

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Listed is a listing of the local AWS Marketplace.
type Listed struct{ Code, ID, Name string }

// The listings whose plans exist once `gatehouse marketplace simulate` has made them. The older ones have topics.
var (
	Fleet          = Listed{"seamark-fleet-demo", "prod-seamarkfleetdemo", "Seamark Fleet"}
	Contracts      = Listed{"seamark-contracts", "prod-seamarkcontracts", "Seamark Contracts"}
	OlderContracts = Listed{"seamark-older-contracts", "prod-seamarkoldercontracts", "Seamark Older Contracts"}
)

func olderTopics() (arns []string) {
	for _, older := range []Listed{Fleet, OlderContracts} {
		product := marketplace.Product{Code: older.Code}
		arns = append(arns, product.SubscriptionTopic(), product.EntitlementTopic())
	}
	return arns
}

// sellersAccount is the account of GATEHOUSE_MARKETPLACE_ROLE_ARN, or the local account.
func sellersAccount(c app.Config) string {
	return cmp.Or(wire.AccountIn(c.MarketplaceRole), localaws.Account)
}

// others are the local AWS's other accounts: the seller's, unless it is the local one.
func others(seller string) []string {
	if seller == localaws.Account {
		return nil
	}
	return []string{seller}
}

// topicsOf are those whose notices count by default. A seller in another account sends events through a topic.
func topicsOf(seller string, names app.Names) []string {
	topics := olderTopics()
	if seller != localaws.Account {
		topics = append(topics, "arn:aws:sns:"+localaws.Region+":"+seller+":"+names.Marketplace)
	}
	return topics
}

// setupMarketplace lists the demo's plan Seamark Pro on the local AWS Marketplace and connects
// buyers and events to the portal. It may be repeated. The notices of a seller in another account do not come to the
// portal yet.
func setupMarketplace(ctx context.Context, p app.Process, running Portal) error {
	awsCfg, names := p.AWS, app.NamesFor(p.Config.Prefix)
	_, err := buyers.New(running.AWSURL).PutProduct(ctx, marketplace.Product{
		Code: demo.ProCode, ID: "prod-seamarkprodemo", Name: "Seamark Pro", Kind: marketplace.EventBridge, Dimensions: []string{"requests"},
		RegistrationURL: running.PortalURL + "/marketplace-confirm/" + running.Demo.API.ProPlanID,
	})
	if err != nil {
		return fmt.Errorf("listing Seamark Pro on the local AWS Marketplace: %w", err)
	}
	if err := listOlder(ctx, running); err != nil {
		return err
	}
	if sellersAccount(p.Config) != localaws.Account {
		return nil // people connect it with `gatehouse marketplace subscribe`
	}
	undelivered, err := app.CreateUndeliveredQueue(ctx, p, olderTopics())
	if err != nil {
		return fmt.Errorf("making the queue %s: %w", names.Undelivered(), err)
	}
	if err := subscribeTopics(ctx, awsCfg, names, undelivered); err != nil {
		return err
	}
	events := eventbridge.NewFromConfig(awsCfg)
	rule, pattern := names.Marketplace, app.NoticePattern()
	if _, err = events.PutRule(ctx, &eventbridge.PutRuleInput{Name: &rule, EventPattern: &pattern}); err != nil {
		return fmt.Errorf("making the rule %s: %w", rule, err)
	}
	out, err := events.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: &rule,
		Targets: []types.Target{{
			Id: aws.String("gatehouse"), Arn: aws.String(queueOf(names)), DeadLetterConfig: &types.DeadLetterConfig{Arn: &undelivered},
		}},
	})
	if err == nil && out.FailedEntryCount > 0 {
		err = fmt.Errorf("%s", aws.ToString(out.FailedEntries[0].ErrorMessage))
	}
	if err != nil {
		return fmt.Errorf("sending the events of AWS Marketplace to the queue %s: %w", names.Marketplace, err)
	}
	return nil
}

// listOlder lists the older listings, so that their topics exist. It leaves a product that exists as it is, since
// the simulator gives it the address of its plan.
func listOlder(ctx context.Context, running Portal) error {
	market := buyers.New(running.AWSURL)
	all, err := market.Products(ctx)
	if err != nil {
		return fmt.Errorf("reading the products of the local AWS Marketplace: %w", err)
	}
	for _, older := range []Listed{Fleet, OlderContracts} {
		if slices.ContainsFunc(all, func(p marketplace.Product) bool { return p.Code == older.Code }) {
			continue
		}
		if _, err := market.PutProduct(ctx, marketplace.Product{Code: older.Code, ID: older.ID, Name: older.Name, Kind: marketplace.SNS, Dimensions: []string{"requests"}}); err != nil {
			return fmt.Errorf("listing %s on the local AWS Marketplace: %w", older.Name, err)
		}
	}
	return nil
}

func queueOf(names app.Names) string {
	return "arn:aws:sqs:" + localaws.Region + ":" + localaws.Account + ":" + names.Marketplace
}

// subscribeTopics sends the notices of the older listings to the portal's queue, and those that cannot be delivered to
// the queue undelivered.
func subscribeTopics(ctx context.Context, awsCfg aws.Config, names app.Names, undelivered string) error {
	topics, queue := sns.NewFromConfig(awsCfg), queueOf(names)
	for _, topic := range olderTopics() {
		if _, err := topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &queue, Attributes: map[string]string{"RedrivePolicy": app.RedrivePolicy(undelivered)}}); err != nil {
			return fmt.Errorf("subscribing the queue %s to %s: %w", names.Marketplace, topic, err)
		}
	}
	return nil
}

// leaveMeteringToPortal removes the product code from the demo's plan Seamark Pro in API Gateway, since
// the demo's catalog folder says that the portal meters it. A folder that does not say so, such as one
// of an older version, leaves the plan as it is.
func leaveMeteringToPortal(ctx context.Context, awsCfg aws.Config, running Portal, folder string) error {
	described, err := os.ReadFile(filepath.Join(folder, "seamark", "product.yaml"))
	if err != nil || !bytes.Contains(described, []byte("product_code: "+demo.ProCode)) {
		return nil
	}
	_, err = apigateway.NewFromConfig(awsCfg).UpdateUsagePlan(ctx, &apigateway.UpdateUsagePlanInput{
		UsagePlanId: &running.Demo.API.ProPlanID, PatchOperations: []gatewaytypes.PatchOperation{{Op: gatewaytypes.OpRemove, Path: aws.String("/productCode")}},
	})
	if err != nil {
		return fmt.Errorf("removing the product code of Seamark Pro: %w", err)
	}
	return nil
}
