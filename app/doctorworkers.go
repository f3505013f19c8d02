package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/jobs"
)

// The catalog's job shows a sign of life every five minutes, the one for due rows more often.
const quietTime = 15 * time.Minute

// workersOf looks in the jobs' rows for a worker's last sign of life. In a new installation none
// is needed yet.
func workersOf(e estate, p Process) resource {
	const advice = "Start a worker (bin/worker). If one is running, its log says why no job gets on."
	return resource{what: "workers", inspect: func(ctx context.Context) (finding, error) {
		last, err := e.lastSignOfLife(ctx)
		var noTable *ddbtypes.ResourceNotFoundException
		switch {
		case errors.As(err, &noTable):
			return finding{}, blocked("the table " + e.names.Records + " does not exist")
		case err != nil:
			return finding{}, err
		}
		now := p.now()()
		if last.IsZero() {
			if since := e.setUpAt(ctx); !since.IsZero() && now.Sub(since) >= quietTime {
				return found(fault{says: fmt.Sprintf("No worker has run here yet, and set-up created the records on %s.", dateAndTime(since)), advice: advice})
			}
			return finding{note: "no worker has run here yet; start one"}, nil
		}
		if now.Sub(last) >= quietTime {
			return found(fault{says: fmt.Sprintf("The last sign of life of a worker is from %s.", dateAndTime(last)), advice: advice})
		}
		return finding{note: "the last sign of life is from " + dateAndTime(last)}, nil
	}}
}

func (e estate) lastSignOfLife(ctx context.Context) (last time.Time, err error) {
	runs := jobs.NewRuns(e.dynamodb, e.names.Records)
	for _, job := range []string{dueJob, catalogJob, sweepJob, rebuildJob} {
		run, err := runs.Load(ctx, job)
		if err != nil {
			return time.Time{}, err
		}
		for _, at := range []time.Time{run.Started, run.Heartbeat, run.Ended} {
			if at.After(last) {
				last = at
			}
		}
	}
	return last, nil
}

func (e estate) setUpAt(ctx context.Context) time.Time {
	out, err := e.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &e.names.Records})
	if err != nil {
		return time.Time{} // another check reports it
	}
	return aws.ToTime(out.Table.CreationDateTime)
}

func dateAndTime(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }
