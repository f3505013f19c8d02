package app

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/members"
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
	// Rows are the rows of all generations, as DynamoDB counted them in the last six hours; -1 if this
	// role may not ask.
	Rows int64
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
	status := ViewsStatus{GenerationsStatus: generations, Rows: rowsOf(ctx, c, names.Views)}
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

func rowsOf(ctx context.Context, c clients, table string) int64 {
	out, err := c.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return -1
	}
	return aws.ToInt64(out.Table.ItemCount)
}

// ViewsVerifier compares the views with the journal. tell is called with the number of streams so far,
// and the number of all.
type ViewsVerifier struct{ verifier *projections.Verifier }

// OpenViewsVerifier returns a ViewsVerifier. It makes no call.
func OpenViewsVerifier(p Process) ViewsVerifier {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	facts := journal.New(c.dynamodb, names.Journal, names.Records)
	return ViewsVerifier{projections.NewVerifier(facts, c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records}, p.now(), wait)}
}

// Streams counts the streams of the journal.
func (v ViewsVerifier) Streams(ctx context.Context) (int, error) {
	n, err := v.verifier.Streams(ctx)
	return n, InWords(err)
}

// Lag says how far the views are behind.
func (v ViewsVerifier) Lag(ctx context.Context, tell func(streams int)) (projections.Lag, error) {
	lag, err := v.verifier.Lag(ctx, tell)
	return lag, InWords(err)
}

// Verify compares the views row by row; see projections.Verifier.
func (v ViewsVerifier) Verify(ctx context.Context, tell func(streams int)) (projections.Verification, error) {
	found, err := v.verifier.Verify(ctx, tell)
	return found, InWords(err)
}

// LastRebuild returns the last rebuild's result; ok is false if there was none within three
// months.
func LastRebuild(ctx context.Context, p Process) (result projections.Rebuilt, ok bool, err error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	return projections.LastRebuild(ctx, jobs.NewScratch(c.dynamodb, names.Records, p.now()))
}

// RebuildViews asks a worker to rebuild the views with at most rate streams in a second (0 is as many as
// it can), and returns the result. It calls tell with the progress. If a rebuild is under way, the new one begins
// after it. See Sweep for warn and the end of ctx.
func RebuildViews(ctx context.Context, p Process, rate int, warn func(text string), tell func(projections.Rebuilding)) (projections.Rebuilt, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	if err := projections.LimitRebuild(ctx, jobs.NewScratch(c.dynamodb, names.Records, p.now()), rate); err != nil {
		return projections.Rebuilt{}, InWords(err)
	}
	if err := auditOperator(ctx, c, names, p.now(), members.AuditEntry{What: members.AuditRebuilt}); err != nil {
		return projections.Rebuilt{}, err
	}
	id, err := demandRun(ctx, p, rebuildJob)
	if err != nil {
		return projections.Rebuilt{}, err
	}
	rebuild := jobWait{what: rebuildJob, job: rebuildJob, demand: id, warn: warn, now: p.now()}
	err = rebuild.run(ctx, jobs.NewRuns(c.dynamodb, names.Records), func(run jobs.Run) {
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
