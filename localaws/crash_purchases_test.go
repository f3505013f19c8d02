package localaws_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// purchases are buyers who subscribe and pay. Each step and its notice must survive together,
// or be gone together.
type purchases struct {
	t testing.TB

	mu sync.Mutex
	// answered are the purchases that clients know of, and whether they were told that the
	// payment succeeded.
	answered map[string]bool
}

func newPurchases(t testing.TB) *purchases { return &purchases{t: t, answered: map[string]bool{}} }

func (w *purchases) setUp(s *session) error {
	ctx := context.Background()
	if _, err := s.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("market"), Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`,
	}}); err != nil {
		return err
	}
	bus := eventbridge.NewFromConfig(s.cfg)
	if _, err := bus.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("market"), EventPattern: aws.String(`{"source":["aws.agreement-marketplace"]}`)}); err != nil {
		return err
	}
	if _, err := bus.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("market"), Targets: []ebtypes.Target{
		{Id: aws.String("q"), Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:market")},
	}}); err != nil {
		return err
	}
	_, err := w.buyers(s).PutProduct(ctx, marketplace.Product{Code: "crash", Kind: marketplace.EventBridge, Dimensions: []string{"requests"}})
	return err
}

func (w *purchases) buyers(s *session) *buyers.Client { return buyers.New(*s.cfg.BaseEndpoint) }

func (w *purchases) run(s *session) {
	var clients sync.WaitGroup
	for range 2 {
		client := w.buyers(s)
		clients.Go(func() {
			for w.buy(s, client) {
			}
		})
	}
	clients.Wait()
}

func (w *purchases) buy(s *session, client *buyers.Client) bool {
	p, err := client.Subscribe(context.Background(), marketplace.Order{Product: "crash"})
	if !w.was(s, err) {
		return false
	}
	w.know(p.Agreement, false)
	if _, err = client.Pay(context.Background(), p.Agreement); !w.was(s, err) {
		return false
	}
	w.know(p.Agreement, true)
	return true
}

// was reports whether a step was answered.
func (w *purchases) was(s *session, err error) bool {
	var refusal *buyers.Refusal
	switch {
	case errors.As(err, &refusal):
		w.t.Errorf("a step is refused: %v", err)
	case err == nil:
		s.answered.Add(1)
		return true
	}
	return false
}

func (w *purchases) know(agreement string, paid bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered[agreement] = paid
}

func (w *purchases) check(s *session) {
	all, err := w.buyers(s).Purchases(context.Background())
	s.must("listing purchases", err)
	notices := w.notices(s)
	found := map[string]marketplace.Purchase{}
	for _, p := range all {
		found[p.Agreement] = p
		want := []string{marketplace.AgreementCreated}
		if p.Entitlement == marketplace.Provisioned {
			want = append(want, marketplace.LicenceUpdated)
		}
		if got := notices[p.Agreement]; len(got) != len(want) || got[0].Type != want[0] || got[len(got)-1].Type != want[len(want)-1] {
			w.t.Errorf("purchase %s is %s and has the notices %v", p.Agreement, p.Entitlement, got)
		}
	}
	for agreement, paid := range w.answered {
		if p, ok := found[agreement]; !ok || paid && p.Entitlement != marketplace.Provisioned {
			w.t.Errorf("purchase %s, paid: %v, is now %+v", agreement, paid, p)
		}
	}
	if len(notices) != len(all) {
		w.t.Errorf("%d purchases have notices, but there are %d", len(notices), len(all))
	}
	w.countMessages(s, notices)
}

func (w *purchases) notices(s *session) map[string][]marketplace.Notice {
	all, err := w.buyers(s).Notices(context.Background())
	s.must("listing notices", err)
	byAgreement := map[string][]marketplace.Notice{}
	for _, n := range all {
		byAgreement[n.Agreement] = append(byAgreement[n.Agreement], n)
	}
	return byAgreement
}

// countMessages wants a message in the queue for every notice.
func (w *purchases) countMessages(s *session, notices map[string][]marketplace.Notice) {
	out, err := s.queues.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(s.queueURL("market")), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
	})
	s.must("counting messages", err)
	want := 0
	for _, all := range notices {
		want += len(all)
	}
	if got := out.Attributes["ApproximateNumberOfMessages"]; got != strconv.Itoa(want) {
		w.t.Errorf("the queue has %s messages for %d notices", got, want)
	}
}

// finish receives every message once, and no other.
func (w *purchases) finish(s *session) {
	url := s.queueURL("market")
	got := map[string]int{}
	for {
		out, err := s.queues.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: 3600})
		s.must("receiving", err)
		if len(out.Messages) == 0 {
			break
		}
		for _, m := range out.Messages {
			var event struct{ ID string }
			s.must("decoding an event", json.Unmarshal([]byte(*m.Body), &event))
			got[event.ID]++
		}
	}
	for _, all := range w.notices(s) {
		for _, n := range all {
			if got[n.MessageID] != 1 {
				w.t.Errorf("notice %d arrived %d times", n.ID, got[n.MessageID])
			}
			delete(got, n.MessageID)
		}
	}
	if len(got) > 0 {
		w.t.Errorf("%d messages are of no notice", len(got))
	}
}
