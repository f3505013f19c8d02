package app

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bustypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	olderCode  = "older1"
	olderTopic = "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-" + olderCode
	ownQueue   = "arn:aws:sqs:us-east-1:" + localaws.Account + ":gatehouse-marketplace"
	ownRule    = "gatehouse-marketplace"
)

var (
	olderTopics = []string{olderTopic, "arn:aws:sns:us-east-1:287250355862:aws-mp-entitlement-notification-" + olderCode}
	topicsSet   = "GATEHOUSE_MARKETPLACE_TOPICS=" + strings.Join(olderTopics, ",")
	accountsSet = "GATEHOUSE_MARKETPLACE_ACCOUNTS=" + localaws.Account
	sellersRole = "GATEHOUSE_MARKETPLACE_ROLE_ARN=arn:aws:iam::" + localaws.Account + ":role/seller"
)

// sellingInstallation is an installation that sells on a local AWS Marketplace.
type sellingInstallation struct {
	*testInstallation
	t     *testing.T
	local *localaws.Server
	bus   *eventbridge.Client
}

func newShop(t *testing.T, vars ...string) *sellingInstallation {
	t.Helper()
	return newShopAt(t, localawstest.Start(t), vars...)
}

func newShopAt(t *testing.T, local *localaws.Server, vars ...string) *sellingInstallation {
	t.Helper()
	p := testProcessAt(t, local, vars...)
	p.Config.QuotaShare = 1
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	s := &sellingInstallation{&testInstallation{Process: p, clients: newClients(p.AWS), names: NamesFor(p.Config.Prefix)}, t, local, eventbridge.NewFromConfig(p.AWS)}
	for _, product := range []marketplace.Product{{Code: olderCode, Kind: marketplace.SNS, Dimensions: []string{"apigateway"}}, {Code: "newer1", Kind: marketplace.EventBridge, Dimensions: []string{"requests"}}} {
		_, err := local.Marketplace().PutProduct(product)
		ok(t, err)
	}
	return s
}

// newShopWithLicence also sells a plan that the portal meters, and has ann's account claim the licence l-1 to it.
func newShopWithLicence(t *testing.T) *sellingInstallation {
	t.Helper()
	s := newShop(t)
	pro := s.plan("Pro", "", catalog.Listing{Product: "newer1", Meter: catalog.MeterPortal, MeterDimension: "requests"})
	s.publish(pro)
	s.happens("licence/l-1", events.LicenceClaimed{Account: "ann", Plan: pro.ID, Name: "Pro", Purchase: events.Purchase{Product: "newer1", Buyer: "111122223333", ARN: "arn:aws:license-manager::1:license:l-1"}})
	s.happens("licence/l-1", events.LicenceNoticed{Status: events.LicenceActive})
	return s
}

// plan creates a usage plan and returns it as it is sold.
func (s *sellingInstallation) plan(name, code string, listing catalog.Listing) catalog.Plan {
	s.t.Helper()
	made, err := s.apigateway.CreateUsagePlan(s.t.Context(), &apigateway.CreateUsagePlanInput{Name: &name})
	ok(s.t, err)
	if code != "" {
		_, err = s.apigateway.UpdateUsagePlan(s.t.Context(), &apigateway.UpdateUsagePlanInput{
			UsagePlanId: made.Id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/productCode"), Value: &code}},
		})
		ok(s.t, err)
	}
	if listing.URL == "" {
		listing.URL = "https://aws.amazon.com/marketplace/pp/prodview-1"
	}
	return catalog.Plan{ID: portal.PlanID(*made.Id), Name: name, Marketplace: true, Listing: &listing}
}

func (s *sellingInstallation) codeOf(p catalog.Plan) string {
	s.t.Helper()
	is, err := s.apigateway.GetUsagePlan(s.t.Context(), &apigateway.GetUsagePlanInput{UsagePlanId: aws.String(string(p.ID))})
	ok(s.t, err)
	return aws.ToString(is.ProductCode)
}

// publish publishes a catalog of one product with those plans.
func (s *sellingInstallation) publish(plans ...catalog.Plan) {
	s.t.Helper()
	hash, err := catalog.NewStore(s.dynamodb, s.names.Records).Put(s.t.Context(), catalog.Document{Products: []catalog.Product{{ID: "tides", Name: "Tides", Plans: plans}}})
	ok(s.t, err)
	s.happens(portal.CatalogStream, events.CatalogPublished{Hash: hash, Products: 1})
}

// sells publishes a catalog with a plan for each product code. It does not say how AWS announces purchases.
func (s *sellingInstallation) sells(codes ...portal.ProductCode) {
	s.t.Helper()
	var plans []catalog.Plan
	for _, code := range codes {
		plans = append(plans, s.plan("Plan "+string(code), "", catalog.Listing{Product: code, Meter: catalog.MeterNone}))
	}
	s.publish(plans...)
}

// happens records a fact and shows it.
func (s *sellingInstallation) happens(stream portal.Stream, fact events.Fact) {
	s.t.Helper()
	facts := journal.New(s.dynamodb, s.names.Journal, s.names.Records)
	head, err := facts.Head(s.t.Context(), stream)
	ok(s.t, err)
	stamped := journal.Stamp(events.Event{ID: "test", Subject: stream}, "/test", time.Now(), head, []events.Fact{fact})
	ok(s.t, facts.Append(s.t.Context(), stream, head, stamped))
	reader := accounts.NewReader(facts, s.dynamodb, s.names.Records, time.Now)
	ok(s.t, projections.NewProjector(facts, reader, s.dynamodb, projections.Tables{Views: s.names.Views, Records: s.names.Records}).Handle(s.t.Context(), stamped[0]))
}

func (s *sellingInstallation) subscribe(to Subscription, yes bool) (MarketplaceSubscription, error) {
	s.t.Helper()
	return SubscribeMarketplace(s.t.Context(), s.Process, to, MarketplaceOptions{Yes: yes})
}

// received returns how many messages the queue has got.
func (s *sellingInstallation) received() int {
	s.t.Helper()
	out, err := s.sqs.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: s.url(s.t, s.names.Marketplace), MaxNumberOfMessages: 10})
	ok(s.t, err)
	return len(out.Messages)
}

func changesOf(r MarketplaceResult) []string {
	var all []string
	for _, change := range r.Changes {
		all = append(all, change.What+": "+change.Did)
	}
	return all
}

func TestPlansThatAPIGatewayMetersGetTheirProductCodes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	byGateway := catalog.Listing{Product: olderCode, Meter: catalog.MeterGateway, Notices: "sns"}
	missing, right := s.plan("Missing", "", byGateway), s.plan("Right", olderCode, byGateway)
	s.publish(missing, right, s.plan("Ours", "", catalog.Listing{Product: "newer1", Meter: catalog.MeterPortal, MeterDimension: "requests"}))
	would, err := SetupMarketplace(t.Context(), s.Process, MarketplaceOptions{})
	ok(t, err)
	want := []string{"usage plan " + string(missing.ID) + " (Missing): set the product code older1"}
	if got := changesOf(would.MarketplaceResult); !slices.Equal(got, want) || len(would.Right) != 2 || would.Err() != nil || s.codeOf(missing) != "" {
		t.Fatalf("without --yes it says %+v, and the code is %q", would, s.codeOf(missing))
	}
	var told []string
	did, err := SetupMarketplace(t.Context(), s.Process, MarketplaceOptions{Yes: true, Changed: func(c Change) { told = append(told, c.Did) }})
	ok(t, err)
	if got := changesOf(did.MarketplaceResult); !slices.Equal(got, want) || s.codeOf(missing) != olderCode || len(told) != 1 {
		t.Errorf("it did %q, and the code is %q", got, s.codeOf(missing))
	}
	again, err := SetupMarketplace(t.Context(), s.Process, MarketplaceOptions{Yes: true})
	ok(t, err)
	if len(again.Changes)+len(again.Left) != 0 || len(again.Right) != 3 {
		t.Errorf("the second time it says %+v", again)
	}
	wantConsole := []Arrival{
		{olderCode, []string{"Missing", "Right"}, "http://localhost:8080/marketplace-confirm/tides", "apigateway"},
		{"newer1", []string{"Ours"}, "http://localhost:8080/marketplace-confirm/" + string(s.planNamed("Ours")), "requests"},
	}
	if diff := cmp.Diff(wantConsole, again.Console); diff != "" {
		t.Errorf("what to enter (-want +got):\n%s", diff)
	}
	if role := again.MeteringRole; role == nil || role.Name != "ApiGatewayMarketplaceMeteringRole" || !strings.Contains(role.Trust, "apigateway.amazonaws.com") || !strings.Contains(role.Policy, "aws-marketplace:BatchMeterUsage") {
		t.Errorf("the role is %+v", role)
	}
}

func (s *sellingInstallation) planNamed(name string) portal.PlanID {
	s.t.Helper()
	out, err := s.apigateway.GetUsagePlans(s.t.Context(), &apigateway.GetUsagePlansInput{})
	ok(s.t, err)
	for _, plan := range out.Items {
		if *plan.Name == name {
			return portal.PlanID(*plan.Id)
		}
	}
	return ""
}

func TestSetupLeavesPlansWithTwoMetersToTheOperator(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code    string
		listing catalog.Listing
		licence bool
		says    string
		advice  []string
	}{
		"the portal meters it, too": {"newer1", catalog.Listing{Product: "newer1", Meter: catalog.MeterPortal}, false, "AWS would bill each request twice", []string{"op=remove,path=/productCode", "api-gateway"}},
		"nobody should meter it":    {"newer1", catalog.Listing{Product: "newer1", Meter: catalog.MeterNone}, false, "its listing says that nobody does", []string{"op=remove,path=/productCode"}},
		"it is of a newer listing": {
			"", catalog.Listing{Product: "newer1", Meter: catalog.MeterGateway, Notices: "eventbridge"}, false, "buyers of such a listing do not have", []string{`Write "meter: portal"`},
		},
		"a licence shows that it is of a newer listing": {
			"newer1", catalog.Listing{Product: "newer1", Meter: catalog.MeterGateway}, true, "(licence/l-1 is of it)", []string{`Write "meter: portal"`, "op=remove,path=/productCode"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			plan := s.plan("Pro", c.code, c.listing)
			s.publish(plan)
			if c.licence {
				s.happens("licence/l-1", events.LicenceNoticed{Notice: events.MarketplaceNotified{Source: "n", Kind: events.NoticeLicenceUpdated, At: time.Now(), Purchase: events.Purchase{Product: "newer1", ARN: "arn:aws:license-manager::1:license:l-1"}}, Status: events.LicenceActive})
			}
			result, err := SetupMarketplace(t.Context(), s.Process, MarketplaceOptions{Yes: true})
			ok(t, err)
			if len(result.Left) != 1 || result.Err() == nil || !strings.Contains(result.Left[0].Problem, c.says) || s.codeOf(plan) != c.code {
				t.Fatalf("it says %+v, and the code is %q", result, s.codeOf(plan))
			}
			for _, want := range c.advice {
				if !strings.Contains(result.Left[0].Advice, want) {
					t.Errorf("the advice is %s; want %s", result.Left[0].Advice, want)
				}
			}
		})
	}
}

func TestSetupOfNothingSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.publish()
	if _, err := SetupMarketplace(t.Context(), s.Process, MarketplaceOptions{}); err == nil || !strings.Contains(err.Error(), "no plan that is sold") {
		t.Errorf("without a listing it says %v", err)
	}
	if _, err := SetupMarketplace(t.Context(), testProcess(t), MarketplaceOptions{}); err == nil || !strings.Contains(err.Error(), "gatehouse setup") {
		t.Errorf("before set-up it says %v", err)
	}
}

func TestTheQueueIsSubscribedToTheTopicsOfAnOlderListing(t *testing.T) {
	t.Parallel()
	s := newShop(t, sellersRole)
	s.publish(s.plan("Pro", "", catalog.Listing{Product: olderCode, Meter: catalog.MeterNone, Notices: "sns"}))
	to := Subscription{Product: olderCode}
	would, err := s.subscribe(to, false)
	ok(t, err)
	want := []string{
		"queue gatehouse-marketplace: let the topics of GATEHOUSE_MARKETPLACE_TOPICS send to it",
		"queue gatehouse-marketplace-undelivered: create it in us-east-1 for notices that cannot be delivered",
		"subscription to aws-mp-subscription-notification-older1: subscribe the queue gatehouse-marketplace",
		"subscription to aws-mp-entitlement-notification-older1: subscribe the queue gatehouse-marketplace",
	}
	if got := changesOf(would.MarketplaceResult); !slices.Equal(got, want) || !would.Missing || !slices.Equal(would.Settings, []string{topicsSet}) {
		t.Fatalf("without --yes it says %+v", would)
	}
	buy := func() {
		bought, err := s.local.Marketplace().Subscribe(marketplace.Order{Product: olderCode})
		ok(t, err)
		_, err = s.local.Marketplace().Pay(bought.Agreement)
		ok(t, err)
	}
	if buy(); s.received() != 0 {
		t.Error("without --yes notices arrive")
	}
	did, err := s.subscribe(to, true)
	ok(t, err)
	if got := changesOf(did.MarketplaceResult); !slices.Equal(got, want) || did.Err() != nil {
		t.Errorf("it did %q and left %+v", got, did.Left)
	}
	if buy(); s.received() != 1 {
		t.Error("no notice arrives")
	}
	again, err := s.subscribe(to, true)
	ok(t, err)
	if len(again.Changes)+len(again.Left) != 0 || len(again.Right) != 4 {
		t.Errorf("the second time it says %+v", again)
	}
	s.Config.MarketplaceTopics = olderTopics
	if set, err := s.subscribe(to, true); err != nil || set.Missing {
		t.Errorf("with the settings it says %+v, %v", set, err)
	}
}

func TestTheEventsOfANewerListingReachTheQueue(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sells("newer1")
	to := Subscription{Product: "newer1", Notices: "eventbridge"}
	would, err := s.subscribe(to, false)
	ok(t, err)
	want := []string{
		"queue gatehouse-marketplace: let the event bus of GATEHOUSE_MARKETPLACE_ACCOUNTS send to it",
		"queue gatehouse-marketplace-undelivered: create it in us-east-1 for notices that cannot be delivered",
		"rule of the event bus: make the rule gatehouse-marketplace with the target " + ownQueue,
	}
	if got := changesOf(would.MarketplaceResult); !slices.Equal(got, want) || !slices.Equal(would.Settings, []string{accountsSet}) {
		t.Fatalf("without --yes it says %+v", would)
	}
	_, err = s.subscribe(to, true)
	ok(t, err)
	bought, err := s.local.Marketplace().Subscribe(marketplace.Order{Product: "newer1"})
	ok(t, err)
	_, err = s.local.Marketplace().Pay(bought.Agreement)
	ok(t, err)
	if n := s.received(); n != 2 {
		t.Errorf("%d events arrive, want the agreement and the licence", n)
	}
	if again, err := s.subscribe(to, true); err != nil || len(again.Changes)+len(again.Left) != 0 {
		t.Errorf("the second time it says %+v, %v", again, err)
	}
}

func TestEventsGoByATopicToAQueueElsewhere(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const elsewhere = "arn:aws:sqs:eu-west-1:111122223333:other-marketplace"
	result, err := s.subscribe(Subscription{Product: "newer1", Notices: "eventbridge", Queue: elsewhere}, true)
	ok(t, err)
	topic := "arn:aws:sns:us-east-1:" + localaws.Account + ":gatehouse-marketplace"
	want := []string{
		"queue gatehouse-marketplace-undelivered: create it in us-east-1 for notices that cannot be delivered",
		"topic gatehouse-marketplace: create it in us-east-1, and let the event bus publish",
		"subscription to gatehouse-marketplace: subscribe the queue other-marketplace",
		"rule of the event bus: make the rule gatehouse-marketplace with the target " + topic,
	}
	if got := changesOf(result.MarketplaceResult); !slices.Equal(got, want) {
		t.Errorf("it did %q", got)
	}
	if !slices.Equal(result.Settings, []string{"GATEHOUSE_MARKETPLACE_TOPICS=" + topic, accountsSet}) {
		t.Errorf("the settings are %q", result.Settings)
	}
	if !strings.Contains(result.QueuePolicy, topic) || !strings.Contains(result.QueuePolicy, elsewhere) {
		t.Errorf("the policy is %s", result.QueuePolicy)
	}
	// The same topic with the queue here shows that events pass through it.
	_, err = s.sns.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String(ownQueue)})
	ok(t, err)
	s.Config.MarketplaceTopics = []string{topic}
	ok(t, Setup(t.Context(), s.AWS, s.Config))
	bought, err := s.local.Marketplace().Subscribe(marketplace.Order{Product: "newer1"})
	ok(t, err)
	if n := s.received(); n != 1 {
		t.Errorf("%d events of %s arrive", n, bought.Agreement)
	}
	again, err := s.subscribe(Subscription{Product: "newer1", Notices: "eventbridge", Queue: elsewhere}, true)
	if err != nil || len(again.Changes) != 0 || len(again.Left) != 1 || !strings.Contains(again.Left[0].Advice, "Have the operator of the portal set the variables and the access policy") {
		t.Errorf("the second time it says %+v, %v", again, err)
	}
}

func TestSubscribeSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to   Subscription
		harm func(*sellingInstallation)
		says string
	}{
		"a product code that cannot be right": {Subscription{Product: "a/b"}, nil, `The product code "a/b" has the character`},
		"nothing says how purchases come":     {Subscription{Product: "newer1"}, nil, "The catalog does not say how AWS announces the purchases of newer1. Give --notices sns"},
		"the key of product.yaml":             {Subscription{Product: "newer1"}, nil, "You can write \"notices: sns\" or \"notices: eventbridge\" in product.yaml instead"},
		"a mistyped code":                     {Subscription{Product: "newer2"}, nil, "No listing of the catalog has the product code newer2. Known product codes: newer1, older1, strange. Correct --product, or describe"},
		"a mistyped code, for events":         {Subscription{Product: "newer2", Notices: "eventbridge"}, nil, "No listing of the catalog has the product code newer2."},
		"a mistyped code, for topics":         {Subscription{Product: "older2", Notices: "sns"}, nil, "No listing of the catalog has the product code older2."},
		"a catalog that sells nothing":        {Subscription{Product: "newer1", Notices: "eventbridge"}, func(s *sellingInstallation) { s.publish() }, "The catalog has no plan that is sold on AWS Marketplace. Describe"},
		"no such topic":                       {Subscription{Product: "strange", Notices: "sns"}, nil, "There is no topic arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-strange"},
		"a topic of another account":          {Subscription{Product: olderCode, Notices: "sns", TopicAccount: "111122223333"}, nil, "There is no topic arn:aws:sns:us-east-1:111122223333:"},
		"no ARN of a queue":                   {Subscription{Product: olderCode, Notices: "sns", Queue: "gatehouse"}, nil, `"gatehouse" is not the ARN of a queue`},
		"the role cannot be assumed": {Subscription{Product: olderCode, Notices: "sns"}, func(s *sellingInstallation) {
			s.Config.MarketplaceRole = "arn:aws:iam::111122223333:role/seller"
		}, "The role arn:aws:iam::111122223333:role/seller cannot be assumed. Check that it exists, that its trust policy lets arn:aws:iam::" + localaws.Account + ":user/local assume it"},
		"the seller may not subscribe": {Subscription{Product: olderCode, Notices: "sns"}, func(s *sellingInstallation) { s.refuse("Subscribe", "AuthorizationError") }, "lacks the permission sns:Subscribe. See docs/marketplace.md#permissions"},
		"the seller may make no rule":  {Subscription{Product: "newer1", Notices: "eventbridge"}, func(s *sellingInstallation) { s.refuse("PutRule", "AccessDeniedException") }, "lacks the permission events:PutRule"},
		"the credentials are wrong":    {Subscription{Product: olderCode, Notices: "sns"}, func(s *sellingInstallation) { s.refuse("GetCallerIdentity", "InvalidClientTokenId") }, "AWS does not accept these credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.sells("strange", "newer1", olderCode)
			if c.harm != nil {
				c.harm(s)
			}
			if _, err := s.subscribe(c.to, true); err == nil || !strings.Contains(Explain(err), c.says) || strings.Contains(Explain(err), "operation error") {
				t.Errorf("it says %v, want %s", err, c.says)
			}
		})
	}
}

// connected is a shop to which all notices come.
func connected(t *testing.T, vars ...string) *sellingInstallation {
	t.Helper()
	s := newShop(t, append([]string{topicsSet, accountsSet}, vars...)...)
	s.publish(s.plan("Pro", "", catalog.Listing{Product: "newer1", Meter: catalog.MeterPortal, MeterDimension: "requests", Notices: "eventbridge"}), s.plan("Fleet", olderCode, catalog.Listing{Product: olderCode, Meter: catalog.MeterGateway, Notices: "sns"}))
	for _, to := range []Subscription{{Product: olderCode}, {Product: "newer1"}} {
		_, err := s.subscribe(to, true)
		ok(t, err)
	}
	return s
}

func TestMarketplaceDoctorFindsNothingWrong(t *testing.T) {
	t.Parallel()
	for name, vars := range map[string][]string{"without a role": nil, "with a role": {sellersRole}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := connected(t, vars...)
			checks := ExamineMarketplace(t.Context(), s.Process, 0)
			if wrong := wrongs(checks); len(wrong) > 0 {
				t.Errorf("these are wrong: %v", wrong)
			}
			notes := map[string]string{}
			for _, check := range checks {
				notes[check.What] = check.Note
				if check.Skipped != "" {
					t.Errorf("%s was skipped, since %s", check.What, check.Skipped)
				}
			}
			for what, want := range map[string]string{
				"ResolveCustomer": "answers in us-east-1", "Agreement API": "answers", "rule of the event bus": "gatehouse-marketplace sends to gatehouse-marketplace",
				"subscription to aws-mp-subscription-notification-older1": "subscribed and confirmed", "comparison with AWS's agreements": "has not run yet",
				"listing newer1": "http://localhost:8080/marketplace-confirm/" + string(s.planNamed("Pro")) + ", and it needs the dimension requests",
				"usage plan " + string(s.planNamed("Fleet")) + " (Fleet)": "API Gateway meters it",
			} {
				if !strings.Contains(notes[what], want) {
					t.Errorf("%s: %q, want %q", what, notes[what], want)
				}
			}
		})
	}
}

func TestMarketplaceDoctorFindsEachFault(t *testing.T) {
	t.Parallel()
	const subscription, rule, queue = "subscription to aws-mp-subscription-notification-older1", "rule of the event bus", "queue gatehouse-marketplace"
	const undelivered = "notices that could not be delivered"
	for name, c := range map[string]struct {
		harm       func(*sellingInstallation)
		what, says string
	}{
		"the role cannot be assumed": {func(s *sellingInstallation) { s.Config.MarketplaceRole = "arn:aws:iam::111122223333:role/seller" }, "seller's account", "cannot be assumed"},
		"the accounts are others":    {func(s *sellingInstallation) { s.Config.MarketplaceAccounts = []string{"111122223333"} }, "seller's account", "lists other accounts only"},
		"the API is disabled": {func(s *sellingInstallation) {
			_, err := s.local.Marketplace().SetSettings(marketplace.Settings{MeteringDisabled: true})
			ok(s.t, err)
		}, "ResolveCustomer", "AWS Marketplace has disabled this call in us-east-1. Set GATEHOUSE_MARKETPLACE_REGION"},
		"the seller may not resolve":       {func(s *sellingInstallation) { s.refuse("ResolveCustomer", "AccessDeniedException") }, "ResolveCustomer", "lacks aws-marketplace:ResolveCustomer. docs/marketplace.md#permissions"},
		"AWS Marketplace is down":          {func(s *sellingInstallation) { s.refuse("ResolveCustomer", "InternalServiceErrorException") }, "ResolveCustomer", "does not answer"},
		"the seller may read no agreement": {func(s *sellingInstallation) { s.refuse("SearchAgreements", "AccessDeniedException") }, "Agreement API", "lacks aws-marketplace:SearchAgreements"},
		"the account is no seller":         {func(s *sellingInstallation) { s.refuse("SearchAgreements", "ValidationException") }, "Agreement API", "may not be registered as a seller"},
		"the queue lets the topics not in": {func(s *sellingInstallation) { s.setQueue(s.t, s.names.Marketplace, "Policy", "") }, queue, "does not let in the topics of GATEHOUSE_MARKETPLACE_TOPICS"},
		"the queue lets others in": {func(s *sellingInstallation) {
			policy, err := s.estate(s.t).policyOf(s.t.Context(), s.names.Marketplace)
			ok(s.t, err)
			s.setQueue(s.t, s.names.Marketplace, "Policy", strings.Replace(policy, `"Statement":[`, `"Statement":[{"Sid":"Mine","Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"},`, 1))
		}, queue, `lets in more than the listed topics and event buses: statement "Mine"`},
		"the queue is not subscribed": {func(s *sellingInstallation) {
			_, err := s.sns.Unsubscribe(s.t.Context(), &sns.UnsubscribeInput{SubscriptionArn: s.subscriptionTo(olderTopic)})
			ok(s.t, err)
		}, subscription, "The queue is not subscribed, so the notices of this topic do not arrive. Subscribe it:\ngatehouse marketplace subscribe --product older1 --notices sns --yes"},
		"a filter keeps notices back": {func(s *sellingInstallation) {
			_, err := s.sns.SetSubscriptionAttributes(s.t.Context(), &sns.SetSubscriptionAttributesInput{SubscriptionArn: s.subscriptionTo(olderTopic), AttributeName: aws.String("FilterPolicy"), AttributeValue: aws.String(`{"a":["b"]}`)})
			ok(s.t, err)
		}, subscription, "A filter policy keeps notices of the topic from the queue."},
		"a subscription has no dead-letter queue": {func(s *sellingInstallation) {
			_, err := s.sns.SetSubscriptionAttributes(s.t.Context(), &sns.SetSubscriptionAttributesInput{SubscriptionArn: s.subscriptionTo(olderTopic), AttributeName: aws.String("RedrivePolicy"), AttributeValue: aws.String("")})
			ok(s.t, err)
		}, subscription, "It has no dead-letter queue, so notices that cannot be delivered are lost. Subscribe it:\ngatehouse marketplace subscribe --product older1 --notices sns --yes"},
		"the rule has no dead-letter queue": {func(s *sellingInstallation) {
			_, err := s.bus.PutTargets(s.t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String(ownRule), Targets: []bustypes.Target{{Id: aws.String("gatehouse"), Arn: aws.String(ownQueue)}}})
			ok(s.t, err)
		}, rule, "The rule gatehouse-marketplace has no dead-letter queue"},
		"the dead-letter queue is gone": {func(s *sellingInstallation) { s.deleteQueue("gatehouse-marketplace-undelivered") }, undelivered, "gatehouse-marketplace-undelivered does not exist, so notices that cannot be delivered are lost"},
		"a notice could not be delivered": {func(s *sellingInstallation) {
			s.setQueue(s.t, s.names.Marketplace, "Policy", "")
			bought, err := s.local.Marketplace().Subscribe(marketplace.Order{Product: "newer1"})
			ok(s.t, err)
			_, err = s.local.Marketplace().Pay(bought.Agreement)
			ok(s.t, err)
		}, undelivered, "About 2 in the queue gatehouse-marketplace-undelivered could not be delivered. Correct what kept them from the portal's queue, and send them there:\ngatehouse marketplace redeliver --yes"},
		"the seller may not list subscriptions": {func(s *sellingInstallation) { s.refuse("ListSubscriptions", "AuthorizationError") }, subscription, "lacks the permission sns:ListSubscriptions"},
		"there is no rule": {func(s *sellingInstallation) {
			_, err := s.bus.RemoveTargets(s.t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String(ownRule), Ids: []string{"gatehouse"}})
			ok(s.t, err)
		}, rule, "No rule of the default event bus of AWS account " + localaws.Account + " in us-east-1 sends the events of AWS Marketplace to gatehouse-marketplace. With the product code of the listing, run:\ngatehouse marketplace subscribe --product CODE --notices eventbridge --yes"},
		"the rule is disabled": {func(s *sellingInstallation) {
			_, err := s.bus.DisableRule(s.t.Context(), &eventbridge.DisableRuleInput{Name: aws.String(ownRule)})
			ok(s.t, err)
		}, rule, "is disabled, so no event of AWS Marketplace arrives"},
		"the rule matches too little": {func(s *sellingInstallation) {
			s.pattern(`{"source":["aws.agreement-marketplace"],"detail-type":[{"prefix":"Purchase"}]}`)
		}, rule, "does not match: License Updated - Manufacturer, License Deprovisioned - Manufacturer."},
		"the rule matches no tests":    {func(s *sellingInstallation) { s.pattern(`{"source":["aws.agreement-marketplace"]}`) }, rule, "does not match test notices"},
		"the seller may list no rules": {func(s *sellingInstallation) { s.refuse("ListRules", "AccessDeniedException") }, rule, "lacks the permission events:ListRules"},
		"a plan has no product code":   {func(s *sellingInstallation) { s.removeCode("Fleet") }, "(Fleet)", "nobody meters it. Run `gatehouse marketplace setup --yes`"},
		"usage was metered in another Region": {func(s *sellingInstallation) {
			item := schema.MeteringRegion().Attributes()
			item["region"] = schema.Text("us-west-2")
			_, err := s.dynamodb.PutItem(s.t.Context(), &dynamodb.PutItemInput{TableName: &s.names.Usage, Item: item})
			ok(s.t, err)
		}, "Region of metering", "Usage was metered in us-west-2, and GATEHOUSE_MARKETPLACE_REGION is us-east-1, so nothing is metered now."},
		"a comparison failed": {func(s *sellingInstallation) {
			s.compared(s.t, reconcile.Result{Ended: time.Now(), Problem: "The role lacks a permission."})
		}, "comparison with AWS's agreements", "The role lacks a permission."},
		"the last comparison is old": {func(s *sellingInstallation) { s.compared(s.t, reconcile.Result{Ended: time.Now().Add(-4 * time.Hour)}) }, "comparison with AWS's agreements", "one is due every hour"},
		"metering failed": {func(s *sellingInstallation) {
			s.metered(s.t, metering.Result{Ended: time.Now(), Problem: "The role lacks a permission."})
		}, "metering", "The role lacks a permission."},
		"a licence cannot be metered": {func(s *sellingInstallation) { s.metered(s.t, metering.Result{Ended: time.Now(), Failed: 2}) }, "metering", "Licences whose usage cannot be metered: 2. The workers' log names each"},
		"the last metering is old":    {func(s *sellingInstallation) { s.metered(s.t, metering.Result{Ended: time.Now().Add(-time.Hour)}) }, "metering", "one is due every 15 minutes"},
		"AWS did not bill a record": {func(s *sellingInstallation) {
			s.metered(s.t, metering.Result{Ended: time.Now(), LastRefused: time.Now().Add(-20 * time.Hour)})
		}, "metering", "AWS Marketplace did not bill usage that was sent to it on "},
		"no origin is listed":      {func(s *sellingInstallation) { s.Config.MarketplaceTopics, s.Config.MarketplaceAccounts = nil, nil }, "origins of notices", "no buyer gets access. Run `gatehouse marketplace subscribe --product CODE --notices KIND`"},
		"AWS takes no credentials": {func(s *sellingInstallation) { s.refuse("GetCallerIdentity", "InvalidClientTokenId") }, "AWS", "AWS does not accept these credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := connected(t)
			c.harm(s)
			wrong := wrongs(ExamineMarketplace(t.Context(), s.Process, 0))
			for what, says := range wrong {
				if strings.HasSuffix(what, c.what) && strings.Contains(says, c.says) && !strings.Contains(says, "operation error") {
					return
				}
			}
			t.Errorf("it says %q; want %s: %s", wrong, c.what, c.says)
		})
	}
}

func TestOfChecksAsTheSellerOneSaysThatTheRoleCannotBeAssumed(t *testing.T) {
	t.Parallel()
	s := connected(t)
	s.Config.MarketplaceRole = "arn:aws:iam::111122223333:role/seller"
	checks := ExamineMarketplace(t.Context(), s.Process, 0)
	if wrong := wrongs(checks); len(wrong) != 1 || wrong["seller's account"] == "" {
		t.Errorf("these are wrong: %v", wrong)
	}
	if !slices.ContainsFunc(checks, func(c Check) bool { return c.Skipped == "the seller's account cannot be used" }) {
		t.Errorf("nothing is skipped: %+v", checks)
	}
}

func (s *sellingInstallation) estate(t *testing.T) estate {
	t.Helper()
	e, err := openEstate(t.Context(), s.AWS, s.Config)
	ok(t, err)
	return e
}

func (s *sellingInstallation) subscriptionTo(topic string) *string {
	s.t.Helper()
	listed, err := s.sns.ListSubscriptions(s.t.Context(), &sns.ListSubscriptionsInput{})
	ok(s.t, err)
	for _, one := range listed.Subscriptions {
		if *one.TopicArn == topic {
			return one.SubscriptionArn
		}
	}
	s.t.Fatalf("nothing is subscribed to %s", topic)
	return nil
}

func (s *sellingInstallation) pattern(pattern string) {
	s.t.Helper()
	_, err := s.bus.PutRule(s.t.Context(), &eventbridge.PutRuleInput{Name: aws.String(ownRule), EventPattern: &pattern})
	ok(s.t, err)
}

func (s *sellingInstallation) removeCode(plan string) {
	s.t.Helper()
	id := string(s.planNamed(plan))
	_, err := s.apigateway.UpdateUsagePlan(s.t.Context(), &apigateway.UpdateUsagePlanInput{UsagePlanId: &id, PatchOperations: []types.PatchOperation{{Op: types.OpRemove, Path: aws.String("/productCode")}}})
	ok(s.t, err)
}

// compared keeps the result of a comparison with AWS's agreements.
func (h *testInstallation) compared(t *testing.T, result reconcile.Result) {
	t.Helper()
	ok(t, jobs.NewScratch(h.dynamodb, h.names.Records, time.Now).Put(t.Context(), schema.MarketplaceRead(), "last", map[string]any{"last": result}, time.Hour))
}

// metered keeps the result of a run of the job metering.
func (h *testInstallation) metered(t *testing.T, result metering.Result) {
	t.Helper()
	ok(t, jobs.NewScratch(h.dynamodb, h.names.Records, time.Now).Put(t.Context(), schema.MarketplaceMetered(), "last", result, time.Hour))
}

func TestAnOldRefusalOfUsageIsNoFault(t *testing.T) {
	t.Parallel()
	s := connected(t)
	s.metered(t, metering.Result{Ended: time.Now(), LastRefused: time.Now().Add(-25 * time.Hour)})
	if wrong := wrongs(ExamineMarketplace(t.Context(), s.Process, 0)); len(wrong) > 0 {
		t.Errorf("these are wrong: %v", wrong)
	}
}

func TestSubscribeMendsItsOwnRuleAndLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	narrow := `{"source":["aws.agreement-marketplace"],"detail-type":["License Updated - Manufacturer"]}`
	for name, c := range map[string]struct {
		rule    string
		changes int
		left    string
	}{
		"its own rule":   {ownRule, 3, ""},
		"another's rule": {"deployed-by-hand", 1, "The pattern of the rule deployed-by-hand does not match: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, accountsSet)
			s.sells("newer1")
			_, err := s.bus.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &c.rule, EventPattern: &narrow})
			ok(t, err)
			_, err = s.bus.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: &c.rule, Targets: targetOf(ownQueue)})
			ok(t, err)
			result, err := s.subscribe(Subscription{Product: "newer1", Notices: "eventbridge"}, true)
			ok(t, err)
			if len(result.Changes) != c.changes || (len(result.Left) == 2) != (c.left != "") || c.left != "" && (!strings.Contains(result.Left[1].Problem, c.left) || !strings.Contains(result.Left[1].Advice, NoticePattern())) {
				t.Errorf("it says %+v", result)
			}
			is, err := s.bus.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: &c.rule})
			ok(t, err)
			if mended := aws.ToString(is.EventPattern) == NoticePattern(); mended != (c.left == "") {
				t.Errorf("the pattern is %s", aws.ToString(is.EventPattern))
			}
		})
	}
}

// answer has an operation answered without a call.
func (s *sellingInstallation) answer(operation string, output any) {
	s.AWS.APIOptions = append(slices.Clone(s.AWS.APIOptions), func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Answer"+operation, func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			if awsmiddleware.GetOperationName(ctx) == operation {
				return middleware.InitializeOutput{Result: output}, middleware.Metadata{}, nil
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
	})
}

func TestASubscriptionOfAQueueInAnotherAccountIsConfirmedWithTheTokenThatAWorkerRecorded(t *testing.T) {
	t.Parallel()
	s := newShop(t, topicsSet)
	s.answer("ListSubscriptions", &sns.ListSubscriptionsOutput{Subscriptions: []snstypes.Subscription{
		{TopicArn: &olderTopics[0], Endpoint: aws.String(ownQueue), SubscriptionArn: aws.String("PendingConfirmation")},
		{TopicArn: &olderTopics[1], Endpoint: aws.String(ownQueue), SubscriptionArn: aws.String("PendingConfirmation")},
	}})
	to := Subscription{Product: olderCode, Notices: "sns"}
	result, err := s.subscribe(to, true)
	ok(t, err)
	if len(result.Left) != 2 || !strings.Contains(result.Left[0].Problem, "waits for a confirmation") || !strings.Contains(result.Left[0].Advice, "A worker records the request") || !slices.Contains(changesOf(result.MarketplaceResult), "subscription to aws-mp-subscription-notification-older1: have SNS ask the queue for a confirmation again") {
		t.Fatalf("without a token it says %+v", result)
	}
	for i, token := range []string{"old", "new"} {
		s.happens(portal.NoticeStream(token), events.MarketplaceNoticeKept{Notice: events.MarketplaceNotified{
			Source: token, Kind: events.NoticeUnknown, At: time.Now().Add(time.Duration(i) * time.Minute),
			Text: "You have chosen to subscribe. https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + olderTopic + "&Token=" + token,
		}})
	}
	s.answer("ConfirmSubscription", &sns.ConfirmSubscriptionOutput{})
	result, err = s.subscribe(to, true)
	ok(t, err)
	if got := changesOf(result.MarketplaceResult); !slices.Contains(got, "subscription to aws-mp-subscription-notification-older1: confirm the subscription") || len(result.Left) != 1 {
		t.Errorf("with a token it says %+v", result)
	}
}

func TestOnlyAConfirmationOfTheTopicHasAToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"the topic's":     {"Confirm. https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + olderTopic + "&Token=t1", "t1"},
		"another topic's": {"Confirm. https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:1:other&Token=t1", ""},
		"another action":  {"Leave. https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&TopicArn=" + olderTopic + "&Token=t1", ""},
		"no address":      {"Hello", ""},
		"nothing":         {"", ""},
		"no URL":          {"Confirm. ://%zz", ""},
	} {
		if got := tokenFor(olderTopic, c.text); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestNoticesOfATestGoTheWholeWayAndChangeNothing(t *testing.T) {
	t.Parallel()
	s := connected(t)
	facts := working(t, s.Process)
	checks := ExamineMarketplace(t.Context(), s.Process, time.Minute)
	for what, want := range map[string]string{
		"test notice by the event bus": "(bus, rule gatehouse-marketplace, queue, worker)", "test notice by the queue": "(queue, worker)",
	} {
		i := slices.IndexFunc(checks, func(c Check) bool { return c.What == what })
		if i < 0 || checks[i].Problem != "" || !strings.Contains(checks[i].Note, "arrived after ") || !strings.Contains(checks[i].Note, want) {
			t.Errorf("%s: %+v", what, checks)
		}
	}
	views := (market{estate: s.estate(t)}).views()
	var kept []projections.KeptNotice
	eventually(t, "the notices are shown", func() bool {
		var err error
		kept, err = views.KeptNotices(t.Context(), 10)
		ok(t, err)
		return len(kept) == 2
	})
	for _, n := range kept {
		if history, err := facts.Read(t.Context(), n.Stream, 0); err != nil || len(history) != 1 || n.Kind != events.NoticeTest || n.Product != "" {
			t.Errorf("the journal has %+v of %+v, %v", history, n, err)
		}
	}
	if licences, err := views.Licences(t.Context()); err != nil || len(licences) != 0 {
		t.Errorf("there are licences: %+v, %v", licences, err)
	}
}

func TestNoticesOfATestThatDoNotArriveSayWhereTheyWere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm       func(*sellingInstallation)
		what, says string
	}{
		"no worker runs":               {func(*sellingInstallation) {}, "test notice by the event bus", "no worker has recorded it within 1s (bus, rule gatehouse-marketplace, queue, worker). Is a worker running"},
		"the rule lets no tests in":    {func(s *sellingInstallation) { s.pattern(`{"source":["aws.agreement-marketplace"]}`) }, "test notice by the event bus", "skipped: the pattern of the rule gatehouse-marketplace lets no test notices through"},
		"the seller may send no event": {func(s *sellingInstallation) { s.refuse("PutEvents", "AccessDeniedException") }, "test notice by the event bus", "lacks the permission events:PutEvents"},
		"nobody may send":              {func(s *sellingInstallation) { s.refuse("SendMessage", "AccessDenied") }, "test notice by the queue", "These credentials lack the permission sqs:SendMessage"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := connected(t)
			c.harm(s)
			for _, check := range ExamineMarketplace(t.Context(), s.Process, time.Second) {
				said := check.Problem + " " + check.Advice
				if check.Skipped != "" {
					said = "skipped: " + check.Skipped
				}
				if check.What == c.what && strings.Contains(said, c.says) {
					return
				}
			}
			t.Errorf("it does not say %q", c.says)
		})
	}
}

func TestADoctorOfAPortalThatSellsNothingSaysSo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.publish()
	checks := ExamineMarketplace(t.Context(), s.Process, 0)
	if len(checks) != 2 || checks[0].Note != "none is sold on AWS Marketplace" || checks[1].Skipped == "" {
		t.Errorf("it says %+v", checks)
	}
	for _, check := range Examine(t.Context(), s.Process) {
		if check.What == "AWS Marketplace" && check.Note != "not used" {
			t.Errorf("the general doctor says %+v", check)
		}
	}
	other := connected(t)
	for _, check := range Examine(t.Context(), other.Process) {
		if check.What == "AWS Marketplace" && !strings.Contains(check.Note, "plans sold there: 2; `gatehouse marketplace doctor`") {
			t.Errorf("the general doctor says %+v", check)
		}
	}
}

func targetOf(queue string) []bustypes.Target {
	return []bustypes.Target{{Id: aws.String("t"), Arn: &queue}}
}

func TestTheLedgerKnowsWhatAPIGatewayMeters(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	fleet, pro := s.plan("Fleet", olderCode, catalog.Listing{Product: olderCode, Meter: catalog.MeterGateway}), s.plan("Pro", "", catalog.Listing{Product: "newer1", Meter: catalog.MeterPortal, MeterDimension: "requests"})
	s.publish(fleet, pro)
	desk, err := OpenDesk(s.Process)
	ok(t, err)
	for stream, plan := range map[portal.Stream]catalog.Plan{"legacy/older1/cust": fleet, "licence/l-1": pro} {
		s.happens(stream, events.LicenceClaimed{Account: "ann", Plan: plan.ID, Name: plan.Name})
		ledger, err := desk.Ledger(t.Context(), string(stream), 5)
		ok(t, err)
		if len(ledger.Licences) != 1 || ledger.Licences[0].ByGateway != (plan.Name == "Fleet") {
			t.Errorf("the ledger of %s is %+v", stream, ledger.Licences)
		}
	}
}
