package banners

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

const (
	// MaxAge is how old the banners in memory may be: a change is on every page within that time.
	MaxAge = 5 * time.Second
	// readTime bounds a reading, since a page waits for it.
	readTime = 2 * time.Second
)

type lister interface {
	List(ctx context.Context) ([]Banner, error)
}

// Board is what one portal process holds of the banners in memory. It is safe for concurrent use.
type Board struct {
	store lister
	now   func() time.Time

	// refreshing is held by the request that reads the banners.
	refreshing sync.Mutex
	known      atomic.Pointer[cachedBanners]
}

type cachedBanners struct {
	banners []Banner
	at      time.Time
}

// NewBoard returns a Board over the store. It reads nothing yet.
func NewBoard(store lister, now func() time.Time) *Board { return &Board{store: store, now: now} }

// Refresh reads the banners if those in memory are older than MaxAge. Only the first reading makes other requests
// wait. If the banners cannot be read, the ones in memory stay, and the next reading is tried after MaxAge.
func (b *Board) Refresh(ctx context.Context) {
	known := b.known.Load()
	if known != nil && b.fresh(known) {
		return
	}
	if known == nil {
		b.refreshing.Lock()
	} else if !b.refreshing.TryLock() {
		return
	}
	defer b.refreshing.Unlock()
	if known = b.known.Load(); known != nil && b.fresh(known) {
		return
	}
	next := &cachedBanners{at: b.now()}
	within, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	found, err := b.store.List(within)
	switch {
	case err == nil:
		next.banners = found
	case ctx.Err() != nil:
		return // the person has left
	default:
		zerolog.Ctx(ctx).Warn().Err(err).Msg("the banners cannot be read; pages keep those that this process read last, or show none")
		if known != nil {
			next.banners = known.banners
		}
	}
	b.known.Store(next)
}

// fresh reports whether known was read less than MaxAge ago. A time that is less than MaxAge in the future counts,
// too, since the clock may have been set back.
func (b *Board) fresh(known *cachedBanners) bool {
	age := b.now().Sub(known.at)
	return age < MaxAge && age > -MaxAge
}

// Shown returns the banners in memory that people see now, warnings first.
func (b *Board) Shown(signedIn bool) (shown []Banner) {
	known := b.known.Load()
	if known == nil {
		return nil
	}
	now := b.now()
	for _, one := range sorted(known.banners, now) {
		if one.State(now) == Shown && (signedIn || one.Audience == Everybody) {
			shown = append(shown, one)
		}
	}
	return shown
}
