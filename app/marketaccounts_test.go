package app

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bustypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

const (
	sellersAccount = "111122223333"
	thirdAccount   = "999988887777"
	otherSeller    = "GATEHOUSE_MARKETPLACE_ROLE_ARN=arn:aws:iam::" + sellersAccount + ":role/seller"
)

// newShopOfAnother is an installation whose seller is another AWS account. The shop's clients of SNS and EventBridge
// are the seller's.
func newShopOfAnother(t *testing.T, vars ...string) *sellingInstallation {
	t.Helper()
	local := localawstest.Start(t, func(o *localaws.Options) {
		o.Accounts, o.Seller = []string{sellersAccount, thirdAccount}, sellersAccount
	})
	s := newShopAt(t, local, append([]string{otherSeller}, vars...)...)
	sellers := local.AWSConfigOf(sellersAccount)
	s.bus, s.sns = eventbridge.NewFromConfig(sellers), sns.NewFromConfig(sellers)
	return s
}

// connectedToAnother is a shop to which all notices of a seller in another AWS account come, set up as the manual says.
func connectedToAnother(t *testing.T) *sellingInstallation {
	t.Helper()
	s := newShopOfAnother(t)
	s.publish(s.plan("Pro", "", catalog.Listing{Product: "newer1", Meter: catalog.MeterPortal, MeterDimension: "requests", Notices: "eventbridge"}), s.plan("Fleet", olderCode, catalog.Listing{Product: olderCode, Meter: catalog.MeterGateway, Notices: "sns"}))
	listings := []Subscription{{Product: olderCode}, {Product: "newer1"}}
	for _, to := range listings {
		did, err := s.subscribe(to, true)
		ok(t, err)
		if !did.Missing || len(did.Left) == 0 || !strings.Contains(did.Left[0].Advice, "Set GATEHOUSE_MARKETPLACE_TOPICS as printed") {
			t.Fatalf("at first it says %+v", did)
		}
		for _, setting := range did.Settings {
			name, value, _ := strings.Cut(setting, "=")
			switch name {
			case "GATEHOUSE_MARKETPLACE_TOPICS":
				s.Config.MarketplaceTopics = strings.Split(value, ",")
			case "GATEHOUSE_MARKETPLACE_ACCOUNTS":
				s.Config.MarketplaceAccounts = strings.Split(value, ",")
			}
		}
	}
	ok(t, Setup(t.Context(), s.AWS, s.Config))
	s.confirmAll()
	for _, to := range listings {
		if again, err := s.subscribe(to, true); err != nil || again.Missing || len(again.Changes)+len(again.Left) != 0 {
			t.Fatalf("after all that it says %+v, %v", again, err)
		}
	}
	return s
}

// confirmAll gives SNS the tokens that it has sent to the queue.
func (s *sellingInstallation) confirmAll() {
	s.t.Helper()
	client, confirmed := sns.NewFromConfig(s.AWS), 0
	for _, body := range s.bodies(s.names.Marketplace) {
		var asked struct{ Type, TopicArn, Token string }
		ok(s.t, json.Unmarshal([]byte(body), &asked))
		if asked.Type != "SubscriptionConfirmation" {
			continue
		}
		_, err := client.ConfirmSubscription(s.t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: &asked.TopicArn, Token: &asked.Token})
		ok(s.t, err)
		confirmed++
	}
	if confirmed != 3 {
		s.t.Fatalf("SNS asked %d times for a confirmation, want once for each topic", confirmed)
	}
}

func TestNoticesOfASellerInAnotherAccountArrive(t *testing.T) {
	t.Parallel()
	s := connectedToAnother(t)
	working(t, s.Process)
	for _, product := range []string{"newer1", olderCode} {
		s.buy(product)
	}
	views := (market{estate: s.estate(t)}).views()
	eventually(t, "both purchases are known", func() bool {
		all, err := views.Licences(t.Context())
		ok(t, err)
		return len(all) == 2
	})
	checks := ExamineMarketplace(t.Context(), s.Process, time.Minute)
	if wrong := wrongs(checks); len(wrong) > 0 {
		t.Errorf("these are wrong: %v", wrong)
	}
	notes := map[string]string{}
	for _, check := range checks {
		notes[check.What] = check.Note
	}
	for what, want := range map[string]string{
		"seller's account":             sellersAccount + ", as arn:aws:sts::" + sellersAccount + ":assumed-role/seller/gatehouse; topics and event bus are there, and the portal's queue is in " + localaws.Account,
		"test notice by the event bus": "(bus, rule gatehouse-marketplace, topic gatehouse-marketplace, queue, worker)",
		"test notice by the queue":     "(queue, worker)",
	} {
		if !strings.Contains(notes[what], want) {
			t.Errorf("%s: %q, want %q", what, notes[what], want)
		}
	}
}

// ruleTo has the rule of the seller's bus send to the portal's queue itself.
func (s *sellingInstallation) ruleTo(name, role string) {
	s.t.Helper()
	pattern, target := NoticePattern(), bustypes.Target{Id: aws.String("gatehouse"), Arn: aws.String(ownQueue)}
	if role != "" {
		target.RoleArn = &role
	}
	_, err := s.bus.PutRule(s.t.Context(), &eventbridge.PutRuleInput{Name: &name, EventPattern: &pattern})
	ok(s.t, err)
	_, err = s.bus.PutTargets(s.t.Context(), &eventbridge.PutTargetsInput{Rule: &name, Targets: []bustypes.Target{target}})
	ok(s.t, err)
}

func TestMarketplaceDoctorFindsEachFaultBetweenTwoAccounts(t *testing.T) {
	t.Parallel()
	const rule, queue, role = "rule of the event bus", "queue gatehouse-marketplace", "arn:aws:iam::" + sellersAccount + ":role/sends"
	for name, c := range map[string]struct {
		harm       func(*sellingInstallation)
		what, says string
	}{
		"the queue lets the topics not in": {func(s *sellingInstallation) { s.setQueue(s.t, s.names.Marketplace, "Policy", "") }, queue, "does not let in the topics of GATEHOUSE_MARKETPLACE_TOPICS"},
		"the role cannot be assumed":       {func(s *sellingInstallation) { s.Config.MarketplaceRole = "arn:aws:iam::222233334444:role/seller" }, "seller's account", "The role arn:aws:iam::222233334444:role/seller cannot be assumed."},
		"the role is in the wrong account": {func(s *sellingInstallation) {
			s.Config.MarketplaceRole = "arn:aws:iam::" + thirdAccount + ":role/seller"
		}, "seller's account", "The seller is the AWS account " + thirdAccount + ", and GATEHOUSE_MARKETPLACE_ACCOUNTS lists other accounts only."},
		"the rule sends to the queue without a role": {func(s *sellingInstallation) { s.ruleTo(ownRule, "") }, rule, "of AWS account " + sellersAccount + " sends to the queue of AWS account " + localaws.Account + " without a role, so EventBridge delivers nothing."},
		"the queue lets the role of the rule not in": {func(s *sellingInstallation) { s.ruleTo(ownRule, role) }, rule, `as the role ` + role + `, which the queue's access policy does not let in. So EventBridge delivers nothing.`},
		"the seller's dead-letter queue is gone": {func(s *sellingInstallation) {
			_, err := sqs.NewFromConfig(s.local.AWSConfigOf(sellersAccount)).DeleteQueue(s.t.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String("gatehouse-marketplace-undelivered")})
			ok(s.t, err)
		}, "notices that could not be delivered", "gatehouse-marketplace-undelivered does not exist, so notices that cannot be delivered are lost"},
		"the portal's dead-letter queue is gone": {func(s *sellingInstallation) { s.deleteQueue(DeadLetterQueue(s.names.Marketplace)) }, "queue " + DeadLetterQueue("gatehouse-marketplace"), "It does not exist. Run `gatehouse setup`."},
		"a notice could not be delivered": {func(s *sellingInstallation) {
			s.setQueue(s.t, s.names.Marketplace, "Policy", "")
			s.buy("newer1")
		}, "notices that could not be delivered", "About 2 in the queue gatehouse-marketplace-undelivered could not be delivered."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := connectedToAnother(t)
			c.harm(s)
			wrong := wrongs(ExamineMarketplace(t.Context(), s.Process, 0))
			for what, says := range wrong {
				if what == c.what && strings.Contains(says, c.says) && !strings.Contains(says, "operation error") {
					return
				}
			}
			t.Errorf("it says %q; want %s: %s", wrong, c.what, c.says)
		})
	}
}
