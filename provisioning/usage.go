package provisioning

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// readUsage records a key's usage of a plan before the key leaves the plan, as it should have
// done at since. If there is no token or a table does not answer, the task comes up again until
// it is readable old. After that, and after any other error, the key leaves all the same: calls
// since the last collection may be missing from the usage, and the next key may begin with a
// whole quota.
func (c *convergence) readUsage(ctx context.Context, pair portal.Pair, since time.Time) error {
	err := c.readAndNote(ctx, pair)
	var postponed *portal.Postponed
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, errors.As(err, &postponed) && c.Now().Sub(since) < readable:
		return err
	}
	zerolog.Ctx(ctx).Warn().Err(err).Str("plan", string(pair.Plan)).Str("key", string(pair.Key)).
		Msg("a key leaves a plan before its usage could be read; the calls since the last collection may not be counted")
	return nil
}

func (c *convergence) readAndNote(ctx context.Context, pair portal.Pair) error {
	if c.Usage == nil {
		return nil
	}
	key := c.account.Keys[pair.Key].GatewayID
	quota, known, err := c.Usage.Final(ctx, c.urgency(task{key: pair.Key, plan: pair.Plan}), c.leased(ctx), c.account.ID, pair, key)
	if err == nil && !known && c.CarryUsage {
		quota, err = c.plane.QuotaOf(ctx, pair.Plan, key)
	}
	if err != nil {
		return err
	}
	return c.noteUsed(ctx, pair, quota)
}
