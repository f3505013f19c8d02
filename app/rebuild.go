package app

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// ViewsStatus is what operators see of the views.
type ViewsStatus struct {
	projections.Generations
	// Rebuilding is set while a worker rebuilds them, since Since.
	Rebuilding *projections.Rebuilding
	Since      time.Time
	// Last is what the last rebuild did, nil if there was none within three months.
	Last *projections.Rebuilt
}

// StatusOfViews says which generation of the views is live, whether they are being rebuilt
// and how far, and what the last rebuild did.
func StatusOfViews(ctx context.Context, p Process) (ViewsStatus, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	views := projections.NewViews(c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records}, nil)
	generations, err := views.Generations(ctx)
	if err != nil {
		return ViewsStatus{}, told("", err)
	}
	status := ViewsStatus{Generations: generations}
	run, err := jobs.NewRuns(c.dynamodb, names.Records).Load(ctx, rebuildJob)
	if err != nil {
		return status, InWords(err)
	}
	if at, ok := projections.ParseRebuilding(run.Cursor); ok && run.UnderWay {
		status.Rebuilding, status.Since = &at, run.Started
	}
	last, ok, err := LastRebuild(ctx, p)
	if ok {
		status.Last = &last
	}
	return status, InWords(err)
}

// LastRebuild is what the last rebuild of the views did; ok is false if there was none within
// three months.
func LastRebuild(ctx context.Context, p Process) (result projections.Rebuilt, ok bool, err error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	return projections.LastRebuild(ctx, jobs.NewScratch(c.dynamodb, names.Records, p.now()))
}

// RebuildViews has a worker rebuild the views, and returns what the rebuild did when it is
// over. Meanwhile it tells how far it has come, each time that it looks. If a rebuild is under
// way, another one begins when that one ends. untaken and the end of ctx are as with Sweep.
func RebuildViews(ctx context.Context, p Process, untaken func(), tell func(projections.Rebuilding)) (projections.Rebuilt, error) {
	id, err := demandRun(ctx, p, rebuildJob)
	if err != nil {
		return projections.Rebuilt{}, err
	}
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	rebuild := jobWait{what: rebuildJob, demand: id, untaken: untaken, now: p.now()}
	err = rebuild.run(ctx, jobs.NewRuns(c.dynamodb, names.Records), rebuildJob, func(run jobs.Run) {
		if at, ok := projections.ParseRebuilding(run.Cursor); ok && run.UnderWay {
			tell(at)
		}
	})
	if err != nil {
		return projections.Rebuilt{}, err
	}
	result, ok, err := LastRebuild(ctx, p)
	if err == nil && !ok {
		err = errors.New("the rebuild has left no result: the workers' log says why")
	}
	return result, err
}
