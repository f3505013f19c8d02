package localaws_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bustypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement"
	agreementtypes "github.com/aws/aws-sdk-go-v2/service/marketplaceagreement/types"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

const (
	sellers   = "111122223333"
	strangers = "999988887777"
)

// side is an AWS account with the services that have several.
type side struct {
	account string
	cfg     aws.Config
	queues  *sqs.Client
	topics  *sns.Client
	bus     *eventbridge.Client
}

// startAccounts returns the portal's account, and that of the seller as a role that the portal assumed.
func startAccounts(t *testing.T) (srv *localaws.Server, portals, sellersSide, third side) {
	t.Helper()
	srv = localawstest.Start(t, func(o *localaws.Options) { o.Accounts, o.Seller = []string{sellers, strangers}, sellers })
	as := func(account string) side {
		cfg := srv.AWSConfig()
		cfg.RetryMaxAttempts = 1
		if account != localaws.Account {
			cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(srv.AWSConfig()), "arn:aws:iam::"+account+":role/seller"))
		}
		return side{account, cfg, sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)}
	}
	return srv, as(localaws.Account), as(sellers), as(strangers)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantRefused(t *testing.T, what string, err error, code string) {
	t.Helper()
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != code {
		t.Errorf("%s: got %v, want %s", what, err, code)
	}
}

// queue makes a queue with that policy.
func (s side) queue(t *testing.T, name, policy string) (url, arn string) {
	t.Helper()
	out, err := s.queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"Policy": policy}})
	must(t, err)
	return *out.QueueUrl, "arn:aws:sqs:us-east-1:" + s.account + ":" + name
}

func (s side) received(t *testing.T, url string) (bodies []string) {
	t.Helper()
	out, err := s.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	must(t, err)
	for _, m := range out.Messages {
		bodies = append(bodies, *m.Body)
	}
	return bodies
}

// confirm confirms a subscription with the token of the request.
func (s side) confirm(t *testing.T, topic, request string) {
	t.Helper()
	var asked struct{ Token string }
	must(t, json.Unmarshal([]byte(request), &asked))
	_, err := s.topics.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: &topic, Token: &asked.Token})
	must(t, err)
}

func allow(principal, condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sqs:SendMessage","Resource":"*"` + condition + `}]}`
}

func TestARoleActsInItsOwnAccount(t *testing.T) {
	t.Parallel()
	_, portals, seller, _ := startAccounts(t)
	who, err := sts.NewFromConfig(seller.cfg).GetCallerIdentity(t.Context(), nil)
	must(t, err)
	if got := aws.ToString(who.Account) + " " + aws.ToString(who.Arn); !strings.HasPrefix(got, sellers+" arn:aws:sts::"+sellers+":assumed-role/seller/") {
		t.Errorf("the role is %s", got)
	}
	mine, _ := portals.queue(t, "q", "")
	theirs, _ := seller.queue(t, "q", "")
	if mine == theirs {
		t.Errorf("both accounts have the queue %s", mine)
	}
	listed, err := seller.queues.ListQueues(t.Context(), nil)
	must(t, err)
	if len(listed.QueueUrls) != 1 || listed.QueueUrls[0] != theirs {
		t.Errorf("the seller has the queues %v", listed.QueueUrls)
	}
	_, err = dynamodb.NewFromConfig(seller.cfg).ListTables(t.Context(), nil)
	wantRefused(t, "DynamoDB, which the role may not use", err, "AccessDeniedException")
}

func TestAQueueOfAnotherAccountNeedsItsPolicy(t *testing.T) {
	t.Parallel()
	_, portals, seller, third := startAccounts(t)
	url, _ := portals.queue(t, "q", allow(`{"AWS":"`+sellers+`"}`, ""))
	send := func(s side) error {
		_, err := s.queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")})
		return err
	}
	must(t, send(seller))
	must(t, send(portals))
	wantRefused(t, "a stranger", send(third), "AccessDenied")
	_, err := seller.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
	wantRefused(t, "an action that the policy does not have", err, "AccessDenied")
	_, err = seller.queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
	wantRefused(t, "a name of another account", err, "AWS.SimpleQueueService.NonExistentQueue")
}

func TestATopicOfAnotherAccountNeedsThePolicyOfTheQueue(t *testing.T) {
	t.Parallel()
	_, portals, seller, third := startAccounts(t)
	made, err := seller.topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("t")})
	must(t, err)
	for name, c := range map[string]struct {
		policy string
		want   int
	}{
		"of-the-topic":          {allow(`{"Service":"sns.amazonaws.com"}`, `,"Condition":{"ArnEquals":{"aws:SourceArn":"`+*made.TopicArn+`"}}`), 2},
		"of-the-sellers":        {allow(`{"Service":"sns.amazonaws.com"}`, `,"Condition":{"StringEquals":{"aws:SourceAccount":"`+sellers+`"}}`), 2},
		"of-the-portals-topics": {allow(`{"Service":"sns.amazonaws.com"}`, `,"Condition":{"StringEquals":{"aws:SourceAccount":"`+localaws.Account+`"}}`), 0},
		"none":                  {"", 0},
	} {
		url, arn := portals.queue(t, name, c.policy)
		in := &sns.SubscribeInput{TopicArn: made.TopicArn, Protocol: aws.String("sqs"), Endpoint: &arn}
		subscribed, err := seller.topics.Subscribe(t.Context(), in)
		must(t, err)
		if got := aws.ToString(subscribed.SubscriptionArn); got != "pending confirmation" {
			t.Errorf("%s: the subscription is %s, and its queue belongs to nobody who subscribed", name, got)
		}
		_, err = third.topics.Subscribe(t.Context(), in)
		wantRefused(t, "a stranger subscribes", err, "AuthorizationError")
		_, err = portals.topics.Publish(t.Context(), &sns.PublishInput{TopicArn: made.TopicArn, Message: aws.String("x")})
		wantRefused(t, "the portal publishes", err, "AuthorizationError")
		got := portals.received(t, url) // the request for a confirmation
		if len(got) == 1 {
			portals.confirm(t, *made.TopicArn, got[0])
			_, err = seller.topics.Publish(t.Context(), &sns.PublishInput{TopicArn: made.TopicArn, Message: aws.String("x")})
			must(t, err)
			got = append(got, portals.received(t, url)...)
		}
		if len(got) != c.want {
			t.Errorf("%s: the queue got %d messages, want %d", name, len(got), c.want)
		}
	}
}

// A rule reaches a target of another account with a role that the target's policy lets in, and not otherwise.
func TestARuleNeedsARoleForATargetOfAnotherAccount(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::" + sellers + ":role/sends"
	for name, c := range map[string]struct {
		policy, role string
		arrives      bool
	}{
		"a role that the policy lets in":               {allow(`{"AWS":"`+role+`"}`, ""), role, true},
		"a role of an account that the policy lets in": {allow(`{"AWS":"arn:aws:iam::`+sellers+`:root"}`, ""), role, true},
		"another role": {allow(`{"AWS":"`+role+`"}`, ""), role + "2", false},
		"a role, and a policy that only lets in the bus": {allow(`{"Service":"events.amazonaws.com"}`, ""), role, false},
		"no role, and a policy that lets in the bus":     {allow(`{"Service":"events.amazonaws.com"}`, ""), "", false},
		"no policy": {"", role, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, portals, seller, _ := startAccounts(t)
			url, arn := portals.queue(t, "q", c.policy)
			dead, deadARN := seller.queue(t, "dead", allow(`{"Service":"events.amazonaws.com"}`, ""))
			for _, of := range []side{portals, seller} { // each has a rule of its own with that name
				_, err := of.bus.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["shop"]}`)})
				must(t, err)
			}
			target := bustypes.Target{Id: aws.String("t"), Arn: &arn, DeadLetterConfig: &bustypes.DeadLetterConfig{Arn: &deadARN}}
			if c.role != "" {
				target.RoleArn = &c.role
			}
			_, err := seller.bus.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []bustypes.Target{target}})
			must(t, err)
			_, err = seller.bus.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []bustypes.PutEventsRequestEntry{{Source: aws.String("shop"), DetailType: aws.String("sold"), Detail: aws.String(`{}`)}}})
			must(t, err)
			got, kept := portals.received(t, url), seller.received(t, dead)
			if (len(got) == 1) != c.arrives || len(got)+len(kept) != 1 {
				t.Errorf("the queue got %v, and the dead-letter queue %v", got, kept)
			}
			if c.arrives && !strings.Contains(got[0], `"account":"`+sellers+`"`) {
				t.Errorf("the event is %s", got[0])
			}
		})
	}
}

func TestOnlyTheSellerCanUseAWSMarketplace(t *testing.T) {
	t.Parallel()
	srv, portals, seller, _ := startAccounts(t)
	older, err := srv.Marketplace().PutProduct(marketplace.Product{Code: "older", Kind: marketplace.SNS, Dimensions: []string{"requests"}, ContractDimensions: []string{"small"}})
	must(t, err)
	bought, err := srv.Marketplace().Subscribe(marketplace.Order{Product: older.Code})
	must(t, err)
	bought, err = srv.Marketplace().IssueToken(bought.Agreement)
	must(t, err)
	_, arn := portals.queue(t, "q", "")
	calls := func(s side) map[string]error {
		meters, agreements := marketplacemetering.NewFromConfig(s.cfg), marketplaceagreement.NewFromConfig(s.cfg)
		errs := map[string]error{}
		_, errs["ResolveCustomer"] = meters.ResolveCustomer(t.Context(), &marketplacemetering.ResolveCustomerInput{RegistrationToken: &bought.Token})
		_, errs["DescribeAgreement"] = agreements.DescribeAgreement(t.Context(), &marketplaceagreement.DescribeAgreementInput{AgreementId: &bought.Agreement})
		topic := older.SubscriptionTopic()
		_, errs["Subscribe"] = s.topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &arn})
		return errs
	}
	found := func(s side) int {
		out, err := marketplaceagreement.NewFromConfig(s.cfg).SearchAgreements(t.Context(), &marketplaceagreement.SearchAgreementsInput{Filters: []agreementtypes.Filter{
			{Name: aws.String("PartyType"), Values: []string{"Proposer"}}, {Name: aws.String("AgreementType"), Values: []string{"PurchaseAgreement"}},
		}})
		must(t, err)
		return len(out.AgreementViewSummaries)
	}
	for call, err := range calls(seller) {
		if err != nil {
			t.Errorf("the seller's %s: %v", call, err)
		}
	}
	for call, code := range map[string]string{"ResolveCustomer": "InvalidTokenException", "DescribeAgreement": "ResourceNotFoundException", "Subscribe": "AuthorizationError"} {
		wantRefused(t, call, calls(portals)[call], code)
	}
	if mine, theirs := found(seller), found(portals); mine != 1 || theirs != 0 {
		t.Errorf("the seller finds %d agreements, and the portal %d", mine, theirs)
	}
}

func TestAccountsMustMakeSense(t *testing.T) {
	t.Parallel()
	for _, opts := range []localaws.Options{
		{Accounts: []string{"seller"}}, {Accounts: []string{localaws.Account}}, {Seller: sellers},
	} {
		opts.Dir, opts.Addr = t.TempDir(), "127.0.0.1:0"
		if srv, err := localaws.Open(opts); err == nil {
			_ = srv.Close()
			t.Errorf("it opens with %+v", opts)
		}
	}
}

func TestARestartKeepsTheQueuesAndRulesOfEachAccount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 2 {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true, Accounts: []string{sellers}})
		must(t, err)
		cfg := srv.AWSConfigOf(sellers)
		queues, bus := sqs.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
		if i == 0 {
			_, err = queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
			must(t, err)
			_, err = bus.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["shop"]}`)})
			must(t, err)
		} else {
			at, err := queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
			must(t, err)
			rule, err := bus.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: aws.String("r")})
			must(t, err)
			if !strings.Contains(*at.QueueUrl, sellers) || !strings.Contains(*rule.Arn, sellers) {
				t.Errorf("after the restart there are %s and %s", *at.QueueUrl, *rule.Arn)
			}
			_, err = sqs.NewFromConfig(srv.AWSConfig()).GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
			wantRefused(t, "the queue in the other account", err, "AWS.SimpleQueueService.NonExistentQueue")
		}
		must(t, srv.Close())
	}
}
