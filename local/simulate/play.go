package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type play struct {
	*Simulator
	on     listing
	played *Scenario
}

// holding is a purchase and the person who claimed it.
type holding struct {
	marketplace.Purchase
	owner *person
	// key is the value of the licence's key, "" until the account has one.
	key   string
	calls int64
}

func (h *holding) stream() string {
	if h.Customer != "" {
		return string(portal.LegacyStream(portal.ProductCode(h.Product), h.Customer))
	}
	return string(portal.LicenceStream(portal.LicenceID(h.Licence)))
}

func (p *play) buy(ctx context.Context) (*holding, error) {
	order := marketplace.Order{Product: p.on.product}
	if p.on.contract {
		order.Quantities = map[string]int{Small: 1}
	}
	bought, err := p.market.Subscribe(ctx, order)
	return &holding{Purchase: bought}, err
}

// claim claims the purchase with a new registration token and checks the access.
func (p *play) claim(ctx context.Context, h *holding, who *person) error {
	issued, err := p.market.IssueToken(ctx, h.Agreement)
	if err != nil {
		return err
	}
	status, err := who.claim(ctx, p.on, issued.Token)
	if err != nil {
		return err
	}
	if status == "rejected" {
		return fmt.Errorf("the portal rejected the claim of %s", h.stream())
	}
	h.owner = who
	p.called = append(p.called, h)
	return p.check(ctx, "claim", h)
}

// take takes a step and checks the access.
func (p *play) take(ctx context.Context, name string, h *holding, step func(context.Context, string) (marketplace.Purchase, error)) error {
	if _, err := step(ctx, h.Agreement); err != nil {
		return err
	}
	return p.check(ctx, name, h)
}

func (p *play) end(ctx context.Context, agreement string) (marketplace.Purchase, error) {
	return p.market.End(ctx, agreement, marketplace.Ending{})
}

func (p *play) endForGood(ctx context.Context, h *holding) error {
	if err := p.take(ctx, "cancel", h, p.market.Cancel); err != nil {
		return err
	}
	if p.on.kind == marketplace.SNS {
		return p.take(ctx, "end", h, p.end)
	}
	return p.take(ctx, "deprovision", h, p.market.Deprovision)
}

// check waits until the workers have handled everything, then compares the portal and the API
// with AWS's last notice. It retries until p.patience ends, since API Gateway and the views may
// lag behind.
func (p *play) check(ctx context.Context, name string, h *holding) error {
	if err := p.quiet(ctx); err != nil {
		return err
	}
	said, err := p.lastWord(ctx, h)
	if err != nil {
		return err
	}
	agreed, err := p.agreed(ctx, h)
	if err != nil {
		return err
	}
	step := Step{Step: name, Licence: h.stream(), AWS: said, Claimed: h.owner != nil}
	if agreed != said {
		step.Agreement = agreed
	}
	err = p.until(ctx, "the access to equal what AWS said", func() (bool, error) {
		if err := p.look(ctx, h, &step); err != nil {
			return false, err
		}
		return step.right(), nil
	})
	p.played.Steps = append(p.played.Steps, step)
	var late lateError
	if errors.As(err, &late) {
		p.played.Result = Differs
		return fmt.Errorf("after %q, AWS says %s, the portal says %q, and the API lets the key in: %t", name, said, step.State, step.Access)
	}
	return err
}

// look updates the step's state and access.
func (p *play) look(ctx context.Context, h *holding, step *Step) (err error) {
	step.State, step.Access = "", false
	if h.owner == nil {
		return nil
	}
	if step.State, err = h.owner.state(ctx, h.stream()); err != nil {
		return err
	}
	if h.key == "" {
		if h.key, err = h.owner.newKey(ctx); err != nil || h.key == "" {
			return err
		}
	}
	if step.Access, err = p.admits(ctx, h.key); step.Access {
		h.calls++
	}
	return err
}

func (p *play) admits(ctx context.Context, key string) (bool, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.on.endpoint+"/harbours", nil)
	if err != nil {
		return false, fmt.Errorf("calling the API: %w", err)
	}
	r.Header.Set("x-api-key", key)
	res, err := p.http.Do(r)
	if err != nil {
		return false, fmt.Errorf("calling the API: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	switch res.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusForbidden:
		return false, nil
	}
	return false, fmt.Errorf("calling the API: it answered %s", res.Status)
}

// says maps a notice to the licence's state.
var says = map[string]string{
	marketplace.SubscribeSuccess: "active", marketplace.LicenceUpdated: "active", marketplace.SubscribeFail: "failed",
	marketplace.UnsubscribePending: "ending", marketplace.UnsubscribeSuccess: "ended", marketplace.LicenceDeprovisioned: "ended",
}

// lastWord is the state by AWS's newest notice about the licence: waiting before the first.
func (p *play) lastWord(ctx context.Context, h *holding) (string, error) {
	notices, err := p.market.Notices(ctx)
	state := "waiting"
	for _, n := range notices {
		about := n.Licence == h.Licence || h.Customer != "" && n.Product == h.Product && n.Account == h.Account
		if said := says[n.Type]; about && said != "" && n.Sent > 0 {
			state = said
		}
	}
	return state, err
}

// agreed is the Agreement API's state. It is "" if that says nothing about access, and for older
// listings, whose licences belong to customers.
func (p *play) agreed(ctx context.Context, h *holding) (string, error) {
	if p.on.kind == marketplace.SNS {
		return "", nil
	}
	now, err := p.market.Purchase(ctx, h.Agreement)
	switch {
	case now.Entitlement == marketplace.Provisioned:
		return "active", err
	case now.Entitlement == marketplace.Deprovisioned, now.Entitlement == marketplace.Failed:
		return "ended", err
	}
	return "", err
}

func (p *play) notice(ctx context.Context, h *holding, kind string) (found marketplace.Notice, err error) {
	notices, err := p.market.Notices(ctx)
	for _, n := range notices {
		if n.Licence == h.Licence && n.Type == kind {
			found = n
		}
	}
	if err == nil && found.ID == 0 {
		err = fmt.Errorf("AWS sent no notice %s about %s", kind, h.stream())
	}
	return found, err
}

// quiet waits until no message is on its way to a worker. It reads the queues in the order in
// which messages pass through them, which is enough because workers send on before they delete.
func (p *play) quiet(ctx context.Context) error {
	return p.until(ctx, "the workers to handle all messages", func() (bool, error) {
		for _, queue := range []string{p.names.Marketplace, p.names.Commands, p.names.Provisioning, p.names.Projections} {
			if empty, err := p.empty(ctx, queue); !empty || err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func (s *Simulator) empty(ctx context.Context, queue string) (bool, error) {
	if s.urls[queue] == "" {
		found, err := s.queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
		if err != nil {
			return false, fmt.Errorf("finding the queue %s: %w", queue, err)
		}
		s.urls[queue] = *found.QueueUrl
	}
	url := s.urls[queue]
	out, err := s.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}})
	if err != nil {
		return false, fmt.Errorf("reading how many messages the queue %s has: %w", queue, err)
	}
	for _, text := range out.Attributes {
		if n, err := strconv.Atoi(text); err != nil || n > 0 {
			return false, err
		}
	}
	return true, nil
}
