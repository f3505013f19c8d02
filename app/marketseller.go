package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// eventsRegion is where AWS Marketplace emits its events (Marketplace Seller Guide, "Amazon EventBridge
// events").
const eventsRegion = "us-east-1"

// market is an installation together with the seller's AWS account, whose topics and event bus feed
// the queue.
type market struct {
	estate
	process Process
	// sellers has the seller's credentials, and seller who they belong to.
	sellers aws.Config
	seller  owner
	// queue is the ARN of the queue for notices.
	queue   string
	origins notice.Allowed
}

// openMarket finds out who the portal's and the seller's AWS accounts are. The error about the seller
// is separate, since much can be checked without.
func openMarket(ctx context.Context, p Process) (m market, sellerErr, err error) {
	ctx, cancel := context.WithTimeout(ctx, examineTime)
	defer cancel()
	e, err := openEstate(ctx, p.AWS, p.Config)
	if err != nil {
		return market{}, nil, explained("", err)
	}
	m = market{
		estate: e, process: p, sellers: seller.Config(p.AWS, p.Config.seller()), seller: e.owner,
		queue: e.arn("sqs", e.names.Marketplace), origins: p.Config.MarketplaceOrigins(),
	}
	if p.Config.MarketplaceRole == "" {
		return m, nil, nil
	}
	if m.seller, err = (clients{sts: sts.NewFromConfig(m.sellers)}).caller(ctx); err != nil {
		m.seller = owner{}
		return m, m.inSellersWords(err), nil
	}
	return m, nil, nil
}

// topics calls SNS as the seller, in the Region of a topic.
func (m market) topics(topic string) *sns.Client {
	return sns.NewFromConfig(m.sellers, func(o *sns.Options) { o.Region = regionOf(topic) })
}

// bus calls EventBridge as the seller, where AWS Marketplace emits events.
func (m market) bus() *eventbridge.Client {
	return eventbridge.NewFromConfig(m.sellers, func(o *eventbridge.Options) { o.Region = eventsRegion })
}

func regionOf(arn string) string  { return partOf(arn, 3) }
func accountOf(arn string) string { return partOf(arn, 4) }
func nameOf(arn string) string    { return partOf(arn, 5) }

func partOf(arn string, i int) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return ""
	}
	return parts[i]
}

// inSellersWords explains an error of a call as the seller. It keeps nothing of AWS's error.
func (m market) inSellersWords(err error) error {
	var named smithy.APIError
	role := m.cfg.MarketplaceRole
	switch {
	case err == nil:
		return nil
	case role != "" && isAssuming(err) && errors.As(err, &named) && isDenied(named):
		return portal.Fail(portal.Unavailable, fmt.Sprintf("The role %s cannot be assumed. Check that it exists, that its trust policy lets %s assume it, and that %[2]s has sts:AssumeRole on it. "+
			"Portal and worker need the same for their roles.", role, m.owner.principal))
	case errors.As(err, &named) && isDenied(named):
		return portal.Fail(portal.Unavailable, fmt.Sprintf("The seller (%s) lacks the permission %s. See docs/marketplace.md#permissions.", m.sellersName(), permissionNamed(err)))
	}
	return portal.Fail(portal.Unavailable, inWords(err))
}

func (m market) sellersName() string {
	if m.seller.principal != "" {
		return m.seller.principal
	}
	return m.cfg.MarketplaceRole
}

func permissionNamed(err error) string {
	var call *smithy.OperationError
	if errors.As(err, &call) {
		return permission(call)
	}
	return "for this"
}

// isAssuming reports whether the error is that of assuming a role, before the call itself.
func isAssuming(err error) bool {
	for err != nil {
		//nolint:errorlint // errors.As finds the outer call only; this looks at each.
		if call, ok := err.(*smithy.OperationError); ok && call.OperationName == "AssumeRole" {
			return true
		}
		err = errors.Unwrap(err)
	}
	return false
}

// ownTopic is the topic that takes events of the bus to a queue of another Region or AWS account.
func (m market) ownTopic() string {
	return fmt.Sprintf("arn:%s:sns:%s:%s:%s", m.seller.partition, eventsRegion, m.seller.account, m.names.Marketplace)
}

// direct reports whether a rule of the bus can send to the queue itself. EventBridge takes queues of its
// own Region as targets, and those of its own account without a role.
func (m market) direct() bool {
	return regionOf(m.queue) == eventsRegion && accountOf(m.queue) == m.seller.account
}

// target is where the rule of the bus sends events.
func (m market) target() string {
	if m.direct() {
		return m.queue
	}
	return m.ownTopic()
}

// forwards lists the topics through which events may come: those of the list that are the seller's own.
func (m market) forwards() []string {
	var all []string
	for _, topic := range m.origins.Topics {
		if notice.ProductOf(topic) == "" && accountOf(topic) == m.seller.account {
			all = append(all, topic)
		}
	}
	if own := m.ownTopic(); !m.direct() && !slices.Contains(all, own) {
		all = append(all, own)
	}
	return all
}
