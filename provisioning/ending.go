package provisioning

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// end disables a key for ever, after looking for it if it may exist unrecorded.
func (c *convergence) end(ctx context.Context, id portal.KeyID) error {
	key := c.account.Keys[id]
	if found, err := c.adoptUnrecorded(ctx, key); found || err != nil {
		return err // the task comes up again
	}
	if key.Created() {
		if err := c.plane.SetEnabled(ctx, key.GatewayID, false); err != nil && !isRefused(err, gateway.KeyGone) {
			return fmt.Errorf("disabling key %s: %w", id, err)
		}
	}
	_, err := c.record(ctx, c.msg.Correlation, watchEnd(id), func() []events.Fact {
		now := c.account.Keys[id]
		if now.Ending == 0 {
			return nil
		}
		link := events.Link{Wish: now.Ending}
		if now.Ending == c.account.Standing.Deleting {
			link = events.Link{} // the wish is to delete the account
		}
		return []events.Fact{events.KeyEnded{Link: link, Key: id}}
	})
	return err
}

// lose ends an adopted key that API Gateway no longer has. Nobody can make it again with its value.
func (c *convergence) lose(ctx context.Context, key state.Key) error {
	zerolog.Ctx(ctx).Warn().Str("key", string(key.ID)).Str("id", string(key.GatewayID)).
		Msg("somebody has deleted an adopted key in API Gateway; the key ends")
	_, err := c.record(ctx, c.msg.Correlation, watchEnd(key.ID), func() []events.Fact {
		if !c.account.Keys[key.ID].Live() {
			return nil
		}
		return []events.Fact{events.KeyEnding{Key: key.ID, Reason: events.EndLost}}
	})
	return err
}

// refused ends a key that API Gateway does not accept, with its owner's wish. A key that it was
// to replace stays.
func (c *convergence) refused(key state.Key, code portal.Code, message string) []events.Fact {
	facts := []events.Fact{
		events.RequestRejected{Link: events.Link{Wish: key.Readying}, Code: code, Message: message},
		events.KeyEnding{Key: key.ID, Reason: events.EndRefused},
	}
	if old := c.account.Keys[key.Replaces]; old.Live() && old.EndsFor == events.EndRotated {
		facts = append(facts, events.KeyEndScheduled{Key: old.ID, Reason: events.EndRotated})
	}
	return facts
}

// endsOverdue asks to end keys whose time passed while their replacements were not ready. If the
// messages are lost, the keys' due rows repeat them.
func (c *convergence) endsOverdue(facts []events.Event) []events.Event {
	var asked []events.Event
	for _, fact := range facts {
		ready, ok := fact.Data.(events.KeyReady)
		old := c.account.Keys[c.account.Keys[ready.Key].Replaces]
		if !ok || !old.Live() || old.Ends.IsZero() || old.Ends.After(c.Now()) {
			continue
		}
		asked = append(asked, events.Event{
			ID: portal.DeriveID("overdue", fact.ID), Source: "/gatehouse/provisioning", Subject: fact.Subject, Time: fact.Time,
			Causation: fact.ID, Correlation: fact.Correlation, TraceParent: fact.TraceParent, TraceState: fact.TraceState,
			Data: events.KeyEndRequested{Key: old.ID, Due: &old.Ends},
		})
	}
	return asked
}
