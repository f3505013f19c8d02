package local

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
)

const catalogFolder = "catalog"

// installCatalog copies the demo's catalog folder if there is none yet, by way of a folder beside
// it, so that an interrupted copy is repeated.
func installCatalog(dir string, from fs.FS) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	unfinished := dir + ".new"
	err := os.RemoveAll(unfinished)
	if err == nil {
		err = os.CopyFS(unfinished, from)
	}
	if err == nil {
		err = os.Rename(unfinished, dir)
	}
	if err != nil {
		return fmt.Errorf("writing the demo's catalog folder: %w", err)
	}
	return nil
}

const (
	lookEvery = time.Second
	// readingTime is how long catalogWatch waits for the problems of a changed folder.
	readingTime = time.Minute
)

// catalogWatch has the workers read the catalog after a file in its folder changes, and prints
// its problems.
type catalogWatch struct {
	dir    string
	out    io.Writer
	now    func() time.Time
	sync   func(context.Context) error
	report func(context.Context) (catalog.Report, bool, error)

	state uint64
	asked time.Time
	told  []string
}

func watchCatalog(ctx context.Context, p app.Process, out io.Writer) error {
	if p.Config.Catalog == "" || strings.HasPrefix(p.Config.Catalog, "s3://") {
		return nil
	}
	w := newCatalogWatch(p, out)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := w.look(ctx); err != nil && ctx.Err() == nil {
				zerolog.Ctx(ctx).Warn().Err(err).Msg("cannot follow the catalog folder")
			}
		}
	}
}

func newCatalogWatch(p app.Process, out io.Writer) *catalogWatch {
	now := p.Now
	if now == nil {
		now = time.Now
	}
	if out == nil {
		out = io.Discard
	}
	return &catalogWatch{
		dir: p.Config.Catalog, out: out, now: now, state: stateOf(p.Config.Catalog), asked: now(),
		sync:   func(ctx context.Context) error { return app.RequestCatalog(ctx, p) },
		report: func(ctx context.Context) (catalog.Report, bool, error) { return app.LastCatalogReport(ctx, p) },
	}
}

func (w *catalogWatch) look(ctx context.Context) error {
	if state := stateOf(w.dir); state != w.state {
		asked := w.now()
		if err := w.sync(ctx); err != nil {
			return err // the next look asks again
		}
		w.state, w.asked = state, asked
		return nil
	}
	if w.asked.IsZero() {
		return nil
	}
	report, ok, err := w.report(ctx)
	if err != nil {
		return err
	}
	if ok && !report.Began.Before(w.asked) {
		w.asked = time.Time{}
		w.print(report)
	} else if w.now().Sub(w.asked) > readingTime {
		w.asked = time.Time{}
	}
	return nil
}

func (w *catalogWatch) print(report catalog.Report) {
	var texts []string
	for _, problem := range report.Problems {
		text := problem.String()
		if problem.Warning {
			text = "warning: " + text
		}
		texts = append(texts, printable(text))
	}
	switch {
	case slices.Equal(texts, w.told):
	case len(texts) == 0:
		fmt.Fprint(w.out, "\n  The catalog has no problems any more.\n\n")
	default:
		fmt.Fprintf(w.out, "\n  The catalog has problems:\n    %s\n\n", strings.Join(texts, "\n    "))
	}
	w.told = texts
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}

// stateOf is a hash of the names, sizes and modification times of a folder's files. An unreadable
// folder has one, too.
func stateOf(dir string) uint64 {
	h := fnv.New64a()
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			fmt.Fprintln(h, path, err)
			return nil
		}
		if info, err := entry.Info(); err == nil && !entry.IsDir() {
			fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	return h.Sum64()
}
