package journal

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func (j *Journal) StreamsOf(ctx context.Context, shard int, visit func(portal.Stream) error) error {
	return j.streamsOf(ctx, shard, visit)
}
