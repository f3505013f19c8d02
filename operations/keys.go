package operations

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// NewKey is a key to create.
type NewKey struct {
	Name string
	// Plan says whose keys it joins, where each plan has keys of its own. "" is enough for an
	// account with one ring.
	Plan portal.PlanID
	// Licence is the purchase that pays for it. It is needed if several purchases are for the plan.
	Licence portal.Stream
	// Ends is when the key expires, nil for never.
	Ends *time.Time
}

// Rotation says how a new key replaces a key.
type Rotation struct {
	// Overlap is how long the old key works from now, in whole seconds.
	Overlap time.Duration
	// Leaked ends the old key first.
	Leaked bool
}

// End is when a key ends: at the time At, never with Keep, otherwise now.
type End struct {
	At   *time.Time
	Keep bool
}

// CreateKey submits a request for another key. An unusable name or expiry is Invalid. The worker
// decides the rest.
func (o *Operations) CreateKey(ctx context.Context, caller Caller, key NewKey) (Operation, error) {
	return o.acceptAbout(ctx, caller, true, func(held projections.Account) (events.Request, error) {
		if err := inGoodStanding(held.Profile); err != nil {
			return nil, err
		}
		name, err := portal.KeyName(key.Name)
		if err != nil {
			return nil, portal.At("name", err)
		}
		if key.Ends != nil {
			if err := portal.KeyEnd(*key.Ends, o.now(), portal.MaxKeyExpiry); err != nil {
				return nil, portal.At("expires", err)
			}
		}
		ring, err := ringOf(held, key.Plan, key.Licence)
		return events.KeyRequested{Ring: ring, Name: name, Ends: inUTC(key.Ends)}, err
	})
}

// ringOf finds the ring of the subscription to the plan that the licence pays for. Without one of them, or both,
// there must be only one ring to choose.
func ringOf(held projections.Account, plan portal.PlanID, licence portal.Stream) (portal.Ring, error) {
	rings := map[portal.Ring]bool{}
	var only portal.Ring
	for _, s := range held.Subscriptions {
		if s.State != projections.SubscriptionEnded && (plan == "" || s.Plan == plan) && (licence == "" || s.Ring == portal.LicenceRing(licence)) {
			rings[s.Ring], only = true, s.Ring
		}
	}
	switch {
	case len(rings) > 1 && plan != "":
		return "", portal.At("licence", portal.Fail(portal.Invalid, "You have bought this plan more than once, and each purchase has keys of its own. Say which purchase the new key is for."))
	case len(rings) > 1:
		return "", portal.At("plan", portal.Fail(portal.Invalid, "Your plans have keys of their own. Say which plan the new key is for."))
	case len(rings) == 0 && licence != "":
		return "", noKeyFor(held, plan, licence)
	case len(rings) == 0 && plan != "":
		return "", portal.Fail(portal.NotFound, "There is no subscription to this plan.")
	}
	return only, nil
}

// noKeyFor says why the purchase can have no key of the plan.
func noKeyFor(held projections.Account, plan portal.PlanID, licence portal.Stream) error {
	i := slices.IndexFunc(held.Licences, func(l projections.Licence) bool { return l.Stream == licence })
	switch {
	case i < 0:
		return portal.Fail(portal.NotFound, "Your account has no such purchase. Name one of those that /api/v1/marketplace-subscriptions lists.")
	case plan != "" && held.Licences[i].Plan != plan:
		return portal.At("licence", portal.Fail(portal.Invalid, "This purchase is for another plan. Name its plan, or leave the plan out."))
	}
	return portal.Fail(portal.Conflict, "This purchase is not active, so it can have no new key.")
}

// RenameKey submits a request to rename one of the account's keys.
func (o *Operations) RenameKey(ctx context.Context, caller Caller, id portal.KeyID, name string) (Operation, error) {
	return o.acceptAboutKey(ctx, caller, id, false, func(held projections.Account) (events.Request, error) {
		if err := inGoodStanding(held.Profile); err != nil {
			return nil, err
		}
		name, err := portal.KeyName(name)
		return events.KeyRenameRequested{Key: id, Name: name}, portal.At("name", err)
	})
}

// RotateKey submits a request to replace one of the account's keys. A negative overlap or one of
// more than portal.MaxKeyOverlap is Invalid, and so is any for a key that has leaked.
func (o *Operations) RotateKey(ctx context.Context, caller Caller, id portal.KeyID, rotation Rotation) (Operation, error) {
	// The limit of changes must not keep a leaked key working.
	return o.acceptAboutKey(ctx, caller, id, !rotation.Leaked, func(held projections.Account) (events.Request, error) {
		if err := inGoodStanding(held.Profile); err != nil {
			return nil, err
		}
		err := portal.KeyOverlap(rotation.Overlap)
		if err == nil && rotation.Leaked && rotation.Overlap > 0 {
			err = portal.LeakedOverlap()
		}
		return events.KeyRotationRequested{Key: id, Overlap: int64(rotation.Overlap / time.Second), Leaked: rotation.Leaked}, portal.At("overlap", err)
	})
}

// EndKey submits a request to end one of the account's keys, or to change when it ends. A time in
// the past, or too far in the future, is Invalid. A suspended account may only end a key now.
func (o *Operations) EndKey(ctx context.Context, caller Caller, id portal.KeyID, end End) (Operation, error) {
	return o.acceptAboutKey(ctx, caller, id, false, func(held projections.Account) (events.Request, error) {
		if err := inGoodStanding(held.Profile); err != nil && (end.At != nil || end.Keep) {
			return nil, err
		}
		if end.At != nil && end.Keep {
			return nil, portal.At("keep", portal.Fail(portal.Invalid, "Choose either a time or no end, not both."))
		}
		if end.At != nil {
			if err := portal.KeyEnd(*end.At, o.now(), portal.MaxKeyExpiry); err != nil {
				return nil, portal.At("at", err)
			}
		}
		return events.KeyEndRequested{Key: id, At: inUTC(end.At), Keep: end.Keep}, nil
	})
}

// acceptAbout accepts a request that depends on what the account has. change is as in preparation.
func (o *Operations) acceptAbout(ctx context.Context, caller Caller, change bool, request func(projections.Account) (events.Request, error)) (Operation, error) {
	return o.accept(ctx, caller.submission(nil), preparation{change: change, likely: true, make: func(ctx context.Context) (events.Request, error) {
		held, err := o.views.Account(ctx, caller.Account)
		if err != nil {
			return nil, err
		}
		return request(held)
	}})
}

// acceptAboutKey is acceptAbout for a key; one that is not the account's is NotFound.
func (o *Operations) acceptAboutKey(ctx context.Context, caller Caller, id portal.KeyID, change bool, request func(projections.Account) (events.Request, error)) (Operation, error) {
	return o.acceptAbout(ctx, caller, change, func(held projections.Account) (events.Request, error) {
		if _, ok := findKey(held.Keys, id); !ok {
			return nil, portal.Fail(portal.NotFound, "There is no such key.")
		}
		return request(held)
	})
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	utc := t.UTC().Round(0)
	return &utc
}

// ParseOverlap reads how long an old key works after a rotation: "0", "1h", "24h", "90m" or "7d".
func ParseOverlap(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	bad := portal.At("overlap", portal.Fail(portal.Invalid, "The overlap is not a length of time. Write 0, or a number with a unit, such as 1h, 90m or 7d."))
	number, inDays := strings.CutSuffix(text, "d")
	if !inDays {
		overlap, err := time.ParseDuration(text)
		if err != nil {
			return 0, bad
		}
		return overlap, portal.At("overlap", portal.KeyOverlap(overlap))
	}
	days, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return 0, bad
	}
	overlap := time.Duration(days) * 24 * time.Hour
	return overlap, portal.At("overlap", portal.KeyOverlap(overlap))
}
