package projections

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// KeptNotice is a notice of AWS Marketplace that names no licence.
type KeptNotice struct {
	Stream portal.Stream     `dynamodbav:"stream"`
	Kind   events.NoticeKind `dynamodbav:"kind"`
	// At is the source's own time.
	At        time.Time          `dynamodbav:"at"`
	Source    string             `dynamodbav:"source"`
	Product   portal.ProductCode `dynamodbav:"product,omitempty"`
	Buyer     portal.AWSAccount  `dynamodbav:"buyer,omitempty"`
	Agreement string             `dynamodbav:"agreement,omitempty"`
	// Text is the notice as it came, if its kind is unknown.
	Text string `dynamodbav:"text,omitempty"`
}

// keptRows writes a state row, guarded by sequence; only the notice's stream writes it.
func keptRows(changed rows, fact events.Event) {
	kept, ok := fact.Data.(events.MarketplaceNoticeKept)
	if !ok {
		return
	}
	n := kept.Notice
	changed.view(changed.KeptNotice(fact.Subject, n.At), fact.Sequence, KeptNotice{
		Stream: fact.Subject, Kind: n.Kind, At: n.At, Source: n.Source, Product: n.Purchase.Product, Buyer: n.Purchase.Buyer,
		Agreement: n.Purchase.Agreement, Text: n.Text,
	})
}

// KeptNotices returns the newest notices that name no licence, at most limit, the newest first.
func (v *Views) KeptNotices(ctx context.Context, limit int) ([]KeptNotice, error) {
	live, err := v.store.live(ctx)
	if err != nil {
		return nil, asUnavailable(err)
	}
	shards := make([][]KeptNotice, schema.AccountShards)
	group, within := errgroup.WithContext(ctx)
	for shard := range shards {
		group.Go(portal.Guard(func() error {
			return v.store.latest(within, v.store.tables.Views, live.KeptNotices(shard), "", int32(min(limit, 1000)), func(item map[string]types.AttributeValue) error {
				return appendRow(&shards[shard], item)
			})
		}))
	}
	if err := group.Wait(); err != nil {
		return nil, asUnavailable(err)
	}
	all := slices.Concat(shards...)
	slices.SortFunc(all, func(a, b KeptNotice) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Stream, b.Stream)) })
	return all[:min(limit, len(all))], nil
}
