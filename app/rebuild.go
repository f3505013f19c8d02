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
	projections.GenerationsStatus
	// Rebuilding is the rebuild under way, nil without one. It began at Since.
	Rebuilding *projections.Rebuilding
	Since      time.Time
	// Last is the last rebuild's result, nil if there was none within three months.
	Last *projections.Rebuilt
}

// StatusOfViews returns which generation is live, and the state of the current and the last
// rebuild.
func StatusOfViews(ctx context.Context, p Process) (ViewsStatus, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	views := projections.NewViews(c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records}, nil)
	generations, err := views.Generations(ctx)
	if err != nil {
		return ViewsStatus{}, explained("", err)
	}
	status := ViewsStatus{GenerationsStatus: generations}
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

// LastRebuild returns the last rebuild's result; ok is false if there was none within three
// months.
func LastRebuild(ctx context.Context, p Process) (result projections.Rebuilt, ok bool, err error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	return projections.LastRebuild(ctx, jobs.NewScratch(c.dynamodb, names.Records, p.now()))
}

// RebuildViews asks a worker to rebuild the views, and returns the result. It calls tell with
// the progress. If a rebuild is under way, the new one begins after it. See Sweep for untaken
// and the end of ctx.
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
