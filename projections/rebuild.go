package projections

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	// A step shows rebuildPage streams, rebuildReaders at a time.
	rebuildPage, rebuildReaders = 100, 16
	// Every process uses a changed pointer within pointerKnown.
	pointerKnown    = 2 * pointerMaxAge
	rebuildKept     = 90 * 24 * time.Hour
	firstUnreadable = 20
)

// Demanded is the cursor that starts a rebuild for an operator. The cursor "" starts one only
// if the live views have an older shape than this version's or a rebuild is unfinished, and not
// while a newer version builds the next generation.
const Demanded = "demanded"

// Phase is what the next step of a rebuild does.
type Phase string

// The phases, in their order.
const (
	PhaseAnnounced Phase = "announced" // waits until every process writes the next generation, too
	PhaseShowing   Phase = "showing"   // shows every stream in the next generation
	PhaseMoving    Phase = "moving"    // makes the next generation live
	PhaseMoved     Phase = "moved"     // waits until every process reads the new generation
	PhaseChecking  Phase = "checking"  // goes through every stream again
	PhaseDeleting  Phase = "deleting"  // deletes the rows of older generations
)

// rebuildFormat is the cursor's format. Raise it with any change of Rebuilding or the phases;
// then another version's rebuild starts over.
const rebuildFormat = 1

// Rebuilding is a rebuild's progress, and its cursor.
type Rebuilding struct {
	Format int   `json:"format"`
	Phase  Phase `json:"phase"`
	// Generation and Build are the pointer's Next and Build.
	Generation schema.Generation `json:"generation"`
	Build      string            `json:"build"`
	Position   string            `json:"position,omitempty"`
	// Rate is how many streams are shown in a second at most, 0 without a limit.
	Rate int `json:"rate,omitempty"`
	// Seen counts this pass's streams. Behind: of one of them, readers saw more than the next
	// generation had.
	Seen   int     `json:"seen"`
	Behind bool    `json:"behind,omitempty"`
	Result Rebuilt `json:"result"`
}

// Rebuilt is the result of a rebuild.
type Rebuilt struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// Passes counts those before the generation became live.
	Generation schema.Generation `json:"generation"`
	Passes     int               `json:"passes"`
	// Streams counts those of the last pass, Unreadable those that could not be shown; First
	// names the first 20.
	Streams    int             `json:"streams"`
	Unreadable int             `json:"unreadable"`
	First      []portal.Stream `json:"first_unreadable,omitempty"`
	Deleted    int             `json:"deleted"`
}

func (r Rebuilding) to(phase Phase) Rebuilding {
	r.Phase, r.Position, r.Seen, r.Behind = phase, "", 0, false
	if phase == PhaseShowing || phase == PhaseChecking {
		r.Result.Unreadable, r.Result.First = 0, nil
	}
	return r
}

// ParseRebuilding decodes a rebuild's cursor; ok is false for anything else and for other
// formats.
func ParseRebuilding(cursor string) (r Rebuilding, ok bool) {
	err := json.Unmarshal([]byte(cursor), &r)
	return r, err == nil && r.Format == rebuildFormat
}

type streamPages interface {
	StreamPage(ctx context.Context, position string, limit int) (streams []portal.Stream, next string, err error)
	Head(ctx context.Context, stream portal.Stream) (int64, error)
}

type scratch interface {
	Put(ctx context.Context, set, name string, value any, keep time.Duration) error
	Get(ctx context.Context, set, name string, value any) (found bool, err error)
}

// Rebuild writes all views again beside the live ones, makes the new ones live, then deletes the
// old ones.
//
//	announced ──▶ showing ──▶ moving ──▶ moved ──▶ checking ──▶ deleting
//	                │  ▲
//	                └──┘ until the next generation has everything that readers see
//
// Each step of the job reads the pointer first. It may run twice, even at the same time: showing
// is guarded by sequence, the pointer moves by a conditional write and never backwards, and only
// rows of generations older than the live one are deleted.
type Rebuild struct {
	Projector *Projector
	Journal   streamPages
	Rows      deleter
	Scratch   scratch
	Now       func() time.Time
	// Wait returns after d by this process's own clock, or with an error when ctx ends.
	Wait func(ctx context.Context, d time.Duration) error
}

// Step does one step from the cursor ("" for a tick, Demanded for an operator) and returns the
// next cursor, "" at the end.
func (r *Rebuild) Step(ctx context.Context, cursor string) (next string, err error) {
	now, err := r.generations().read(ctx)
	if err != nil {
		return "", err
	}
	at, ok := ParseRebuilding(cursor)
	switch {
	case ok:
		at, err = r.step(ctx, now, at)
	case cursor == "" && (now.NextShape > shape || now.Next == 0 && now.Shape >= shape):
		return "", nil
	default:
		if at, err = r.announce(ctx, now, Rebuilt{Began: r.Now()}); err == nil && cursor == Demanded {
			at.Rate, err = r.rate(ctx)
		}
	}
	if err != nil || at.Phase == "" {
		return "", err
	}
	body, err := json.Marshal(at)
	return string(body), err
}

// MinRate is the least rate of a rebuild. A step shows up to 100 streams, and takes less than a
// minute.
const MinRate = 5

type rebuildRate struct {
	Rate int `json:"rate"`
}

// LimitRebuild has the rebuild that an operator demands next show at most so many streams in a second,
// or as many as it can if rate is 0.
func LimitRebuild(ctx context.Context, to scratch, rate int) error {
	return to.Put(ctx, schema.RebuildResult(), "rate", rebuildRate{rate}, rebuildKept)
}

func (r *Rebuild) rate(ctx context.Context) (int, error) {
	var limit rebuildRate
	_, err := r.Scratch.Get(ctx, schema.RebuildResult(), "rate", &limit)
	if limit.Rate > 0 {
		limit.Rate = max(limit.Rate, MinRate)
	}
	return limit.Rate, err
}

// keepTo waits until showing so many streams since that time has kept to the rate.
func (r *Rebuild) keepTo(ctx context.Context, rate, streams int, since time.Time) error {
	if rate == 0 {
		return nil
	}
	early := time.Duration(streams)*time.Second/time.Duration(rate) - r.Now().Sub(since)
	if early <= 0 {
		return nil
	}
	return r.Wait(ctx, early)
}

func (r *Rebuild) generations() *generations { return r.Projector.store.generations }

// announce sets the next generation, or continues the one that is set. It replaces one of a newer
// shape, which only a version that was rolled back could finish.
func (r *Rebuild) announce(ctx context.Context, now pointer, result Rebuilt) (Rebuilding, error) {
	if now.Next == 0 || now.NextShape > shape {
		next := now
		next.Next, next.NextShape = max(now.Live, now.Next)+1, shape
		next.Build = portal.DeriveID("rebuild", strconv.FormatInt(int64(next.Next), 10), strconv.FormatInt(r.Now().UnixNano(), 10))
		if err := r.generations().move(ctx, now, next); err != nil {
			return Rebuilding{}, movedMeanwhile(err)
		}
		now = next
	}
	result.Generation = now.Next
	zerolog.Ctx(ctx).Info().Int64("generation", int64(now.Next)).Int("shape", now.NextShape).Msg("rebuilding the views")
	return Rebuilding{Format: rebuildFormat, Phase: PhaseAnnounced, Generation: now.Next, Build: now.Build, Result: result}, nil
}

func movedMeanwhile(err error) error {
	if errors.Is(err, errMoved) {
		return &portal.Postponed{After: time.Second, Reason: "another worker has moved the pointer of the views", Err: err}
	}
	return err
}

func (r *Rebuild) step(ctx context.Context, now pointer, at Rebuilding) (Rebuilding, error) {
	if slices.Contains([]Phase{PhaseAnnounced, PhaseShowing, PhaseMoving}, at.Phase) {
		switch {
		case now.Live >= at.Generation:
			return at.to(PhaseMoved), nil // another worker moved the pointer
		case now.Next != at.Generation || now.Build != at.Build:
			zerolog.Ctx(ctx).Warn().Int64("generation", int64(at.Generation)).Msg("the views that were being built are gone; starting the rebuild again")
			again, err := r.announce(ctx, now, Rebuilt{Began: at.Result.Began})
			again.Rate = at.Rate
			return again, err
		case now.NextShape > shape:
			return at, &portal.Postponed{After: 30 * time.Second, Reason: "a newer version of the worker is rebuilding the views"}
		}
	}
	switch at.Phase {
	case PhaseAnnounced:
		return at.to(PhaseShowing), r.Wait(ctx, pointerKnown)
	case PhaseShowing:
		return r.showPage(ctx, now, at.Generation, at)
	case PhaseMoving:
		built := pointer{Live: now.Next, Shape: now.NextShape, Build: now.Build}
		return at.to(PhaseMoved), movedMeanwhile(r.generations().move(ctx, now, built))
	case PhaseMoved:
		return at.to(PhaseChecking), r.Wait(ctx, pointerKnown)
	case PhaseChecking:
		return r.showPage(ctx, now, now.Live, at)
	case PhaseDeleting:
		return r.deletePage(ctx, at)
	}
	return at, portal.Fail(portal.Invalid, "A rebuild has no phase "+strconv.Quote(string(at.Phase))+".")
}

func (r *Rebuild) conclude(ctx context.Context, at Rebuilding) (Rebuilding, error) {
	result := at.Result
	result.Ended = r.Now()
	zerolog.Ctx(ctx).Info().Int64("generation", int64(result.Generation)).Int("streams", result.Streams).Int("passes", result.Passes).
		Int("unreadable", result.Unreadable).Int("deleted", result.Deleted).Dur("took", result.Ended.Sub(result.Began)).Msg("rebuilt the views")
	return Rebuilding{}, r.Scratch.Put(ctx, schema.RebuildResult(), "last", result, rebuildKept)
}

// LastRebuild returns the last complete rebuild's result; ok is false if there was none in 90
// days.
func LastRebuild(ctx context.Context, from scratch) (result Rebuilt, ok bool, err error) {
	ok, err = from.Get(ctx, schema.RebuildResult(), "last", &result)
	return result, ok, err
}

// GenerationsStatus tells the generations of the views and their shapes.
type GenerationsStatus struct {
	// Next is 0 if none is being built.
	Live      schema.Generation `json:"live"`
	Shape     int               `json:"shape"`
	Next      schema.Generation `json:"next,omitempty"`
	NextShape int               `json:"next_shape,omitempty"`
	// Current is this version's shape.
	Current int `json:"current_shape"`
}

// Generations reads the pointer.
func (v *Views) Generations(ctx context.Context) (GenerationsStatus, error) {
	now, err := v.store.generations.read(ctx)
	return GenerationsStatus{Live: now.Live, Shape: now.Shape, Next: now.Next, NextShape: now.NextShape, Current: shape}, asUnavailable(err)
}
