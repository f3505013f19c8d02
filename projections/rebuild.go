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
	// rebuildPage is how many streams one step shows, rebuildReaders how many it reads at once.
	rebuildPage, rebuildReaders = 100, 16
	// settled is how long after a change every process goes by the new pointer: twice as long
	// as a process may go by the one that it has read.
	settled = 2 * refreshed
	// rebuildKept is how long the result is kept.
	rebuildKept = 90 * 24 * time.Hour
	// firstUnreadable bounds how many streams the result names.
	firstUnreadable = 20
)

// Demanded is the cursor at which a rebuild begins that an operator asked for. At "" one
// begins only if the live views have an older shape than this version's.
const Demanded = "demanded"

// Phase is what the next step of a rebuild does.
type Phase string

// The phases, in their order.
const (
	// PhaseAnnounced waits until every process writes the next generation, too.
	PhaseAnnounced Phase = "announced"
	// PhaseShowing shows every stream in the next generation.
	PhaseShowing Phase = "showing"
	// PhaseMoving makes the next generation the live one.
	PhaseMoving Phase = "moving"
	// PhaseMoved waits until every process reads the new generation.
	PhaseMoved Phase = "moved"
	// PhaseChecking goes through every stream once more.
	PhaseChecking Phase = "checking"
	// PhaseDeleting deletes the rows of older generations.
	PhaseDeleting Phase = "deleting"
)

// rebuildFormat is that of the cursor. It changes with it, so that a rebuild that another
// version of the worker began is begun again.
const rebuildFormat = 1

// Rebuilding is how far a rebuild has come, and its cursor.
type Rebuilding struct {
	Format int   `json:"format"`
	Phase  Phase `json:"phase"`
	// Generation is the one that is built, Build the pointer's.
	Generation schema.Generation `json:"generation"`
	Build      string            `json:"build"`
	// Position is in the list that the phase reads.
	Position string `json:"position,omitempty"`
	// Seen is how many streams this pass has come to. Behind says whether readers of the live
	// generation saw more of one of them.
	Seen   int     `json:"seen"`
	Behind bool    `json:"behind,omitempty"`
	Result Rebuilt `json:"result"`
}

// Rebuilt is what a rebuild did.
type Rebuilt struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// Generation is the one that was built. Passes is how many times its streams were gone
	// through before it became the live one.
	Generation schema.Generation `json:"generation"`
	Passes     int               `json:"passes"`
	// Streams is how many the last pass came to. Unreadable of them could not be shown; First
	// names the first 20.
	Streams    int             `json:"streams"`
	Unreadable int             `json:"unreadable"`
	First      []portal.Stream `json:"first_unreadable,omitempty"`
	// Deleted is how many rows of older generations were deleted.
	Deleted int `json:"deleted"`
}

func (r Rebuilding) to(phase Phase) Rebuilding {
	r.Phase, r.Position, r.Seen, r.Behind = phase, "", 0, false
	if phase == PhaseShowing || phase == PhaseChecking {
		r.Result.Unreadable, r.Result.First = 0, nil
	}
	return r
}

// ParseRebuilding decodes the cursor of a rebuild; ok is false if it is none, or of another
// version.
func ParseRebuilding(cursor string) (r Rebuilding, ok bool) {
	err := json.Unmarshal([]byte(cursor), &r)
	return r, err == nil && r.Format == rebuildFormat
}

type streamPages interface {
	StreamPage(ctx context.Context, position string, limit int) (streams []portal.Stream, next string, err error)
	Head(ctx context.Context, stream portal.Stream) (int64, error)
}

// scratch keeps the result of the last rebuild.
type scratch interface {
	Put(ctx context.Context, set, name string, value any, keep time.Duration) error
	Get(ctx context.Context, set, name string, value any) (found bool, err error)
}

// Rebuild writes all views anew beside the live ones, then makes them the live ones, then
// deletes the old ones.
//
//	announced ──▶ showing ──▶ moving ──▶ moved ──▶ checking ──▶ deleting
//	                │  ▲
//	                └──┘ until readers see nothing that the next generation lacks
//
// It is a job. Every step looks at the pointer first, and may happen twice, also at the same
// time: showing is guarded by sequence, the pointer moves by a conditional write and never
// backwards, and rows are deleted only if their generation is older than the live one.
type Rebuild struct {
	Projector *Projector
	Journal   streamPages
	Rows      deleter
	Scratch   scratch
	Now       func() time.Time
	// Wait returns after that time, or with an error when ctx ends. It must not go by the
	// clock of another process.
	Wait func(ctx context.Context, d time.Duration) error
}

// Step does one step of a rebuild from the cursor on ("" is a tick, Demanded an operator's
// request), and returns where the next goes on, "" when there is nothing more to do.
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
		at, err = r.announce(ctx, now, Rebuilt{Began: r.Now()})
	}
	if err != nil || at.Phase == "" {
		return "", err
	}
	body, err := json.Marshal(at)
	return string(body), err
}

func (r *Rebuild) generations() *generations { return r.Projector.store.generations }

// announce sets the next generation, unless one is being built: then it goes on with that
// one. A next generation of a newer shape, which only a version that was rolled back could
// finish, is given up for another.
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

// movedMeanwhile has the step done again if another worker moved the pointer.
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
			zerolog.Ctx(ctx).Warn().Int64("generation", int64(at.Generation)).Msg("the views that were being built are gone; building them again")
			return r.announce(ctx, now, Rebuilt{Began: at.Result.Began})
		case now.NextShape > shape:
			return at, &portal.Postponed{After: 30 * time.Second, Reason: "a newer version of the worker is rebuilding the views"}
		}
	}
	switch at.Phase {
	case PhaseAnnounced:
		return at.to(PhaseShowing), r.Wait(ctx, settled)
	case PhaseShowing:
		return r.showPage(ctx, now, at.Generation, at)
	case PhaseMoving:
		built := pointer{Live: now.Next, Shape: now.NextShape, Build: now.Build}
		return at.to(PhaseMoved), movedMeanwhile(r.generations().move(ctx, now, built))
	case PhaseMoved:
		return at.to(PhaseChecking), r.Wait(ctx, settled)
	case PhaseChecking:
		return r.showPage(ctx, now, now.Live, at)
	case PhaseDeleting:
		return r.deletePage(ctx, at)
	}
	return at, portal.Fail(portal.Invalid, "A rebuild has no phase "+strconv.Quote(string(at.Phase))+".")
}

// conclude logs and stores the result.
func (r *Rebuild) conclude(ctx context.Context, at Rebuilding) (Rebuilding, error) {
	result := at.Result
	result.Ended = r.Now()
	zerolog.Ctx(ctx).Info().Int64("generation", int64(result.Generation)).Int("streams", result.Streams).Int("passes", result.Passes).
		Int("unreadable", result.Unreadable).Int("deleted", result.Deleted).Dur("took", result.Ended.Sub(result.Began)).Msg("rebuilt the views")
	return Rebuilding{}, r.Scratch.Put(ctx, schema.RebuildResult(), "last", result, rebuildKept)
}

// LastRebuild is what the last rebuild that came to its end did; ok is false if there was none
// within three months.
func LastRebuild(ctx context.Context, from scratch) (result Rebuilt, ok bool, err error) {
	ok, err = from.Get(ctx, schema.RebuildResult(), "last", &result)
	return result, ok, err
}

// Generations says which views there are.
type Generations struct {
	// Live is what readers see, in that Shape. Next is being built, in the shape NextShape; 0
	// if none is.
	Live      schema.Generation `json:"live"`
	Shape     int               `json:"shape"`
	Next      schema.Generation `json:"next,omitempty"`
	NextShape int               `json:"next_shape,omitempty"`
	// Current is the shape that this version writes.
	Current int `json:"current_shape"`
}

// Generations reads which views there are.
func (v *Views) Generations(ctx context.Context) (Generations, error) {
	now, err := v.store.generations.read(ctx)
	return Generations{Live: now.Live, Shape: now.Shape, Next: now.Next, NextShape: now.NextShape, Current: shape}, asUnavailable(err)
}
