package branding

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

const between = time.Second

// Source is a branding folder that may change while the portal runs. It is safe for concurrent
// use.
type Source struct {
	dir string
	own Palette
	log zerolog.Logger
	now func() time.Time

	current atomic.Pointer[Branding]

	mu sync.Mutex
	// looked is when the folder was last checked, stamp what it looked like then.
	looked time.Time
	stamp  string
}

// Open loads a folder, with the errors of Load. now is the clock, time.Now if nil.
func Open(dir string, own Palette, log zerolog.Logger, now func() time.Time) (*Source, error) {
	if now == nil {
		now = time.Now
	}
	s := &Source{dir: dir, own: own, log: log, now: now, looked: now(), stamp: stampOf(dir)}
	loaded, err := Load(dir, own)
	if err != nil {
		return nil, err
	}
	s.current.Store(loaded)
	return s, nil
}

// Current returns the branding. It looks for changes at most once a second. If a change makes the
// folder unusable, it is logged and the earlier branding stays.
func (s *Source) Current() *Branding {
	if s.mu.TryLock() {
		defer s.mu.Unlock()
		s.refresh()
	}
	return s.current.Load()
}

func (s *Source) refresh() {
	now := s.now()
	if now.Sub(s.looked) < between {
		return
	}
	s.looked = now
	stamp := stampOf(s.dir)
	if stamp == s.stamp {
		return
	}
	s.stamp = stamp
	loaded, err := Load(s.dir, s.own)
	if err != nil {
		s.log.Error().Err(err).Str("folder", s.dir).Msg("the branding was changed and is not usable; the portal keeps the one before")
		return
	}
	s.current.Store(loaded)
	s.log.Info().Str("folder", s.dir).Msg("the branding was changed")
}

func stampOf(dir string) string {
	var b strings.Builder
	for _, name := range fileNames() {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}
