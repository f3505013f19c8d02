package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// A buyer of the newer listing makes AWS send six notices, one of the older listing seven. One notice of 33 comes twice,
// and one of 50 cannot be read.
const (
	perNewer, perOlder        = 6, 7
	repeatEvery, unknownEvery = 33, 50
	atOnce                    = 8
	seats                     = "seats"
)

// sell has buyers of both listings come and go, while no worker runs.
func (b *bench) sell(ctx context.Context, tell func(string, ...any)) error {
	extra := b.notices/repeatEvery + b.notices/unknownEvery
	each := (b.notices - extra) / (perNewer + perOlder)
	tell("selling     to %d buyers of each listing, while no worker runs", each)
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for range each {
		group.Go(func() error { return b.comeAndGo(within, newer) })
		group.Go(func() error { return b.comeAndGo(within, older) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	sent, err := b.market.Notices(ctx)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range b.notices / repeatEvery {
		if _, err := b.market.Resend(ctx, sent[random.IntN(len(sent))].ID); err != nil {
			return err
		}
		b.repeats++
	}
	return b.sendUnknown(ctx, b.notices/unknownEvery)
}

func (b *bench) comeAndGo(ctx context.Context, product string) error {
	order := marketplace.Order{Product: product, Paid: true}
	if product == older {
		order.Quantities = map[string]int{seats: 1}
	}
	bought, err := b.market.Subscribe(ctx, order)
	if err != nil {
		return err
	}
	if _, err := b.market.Amend(ctx, bought.Agreement, marketplace.Amendment{Offer: "offer-next"}); err != nil {
		return err
	}
	if product == older {
		_, err := b.market.End(ctx, bought.Agreement, marketplace.Ending{})
		return err
	}
	if _, err := b.market.Cancel(ctx, bought.Agreement); err != nil {
		return err
	}
	_, err = b.market.Deprovision(ctx, bought.Agreement)
	return err
}

// sendUnknown sends events of a kind that this version does not know.
func (b *bench) sendUnknown(ctx context.Context, n int) error {
	url, err := b.queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &b.names.Marketplace})
	if err != nil {
		return fmt.Errorf("finding the queue: %w", err)
	}
	for i := range n {
		body := fmt.Sprintf(`{"id":"unknown-%d","source":"aws.agreement-marketplace","detail-type":"Purchase Agreement Reviewed - Proposer",`+
			`"time":"2026-11-27T16:00:00Z","account":%q,"region":"us-east-1","detail":{"agreement":{"id":"agmt-%d"}}}`, i, localaws.Account, i)
		if _, err := b.queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: &body}); err != nil {
			return fmt.Errorf("sending an unknown notice: %w", err)
		}
		b.unknown = append(b.unknown, body)
	}
	return nil
}
