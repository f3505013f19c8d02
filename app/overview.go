package app

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/alarms"
	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

// overviews gathers what admins see of the installation.
type overviews struct {
	estate
	letters   deadletters.Admin
	approvals *approvals.List
	members   *members.Store
	views     *projections.Views
	budget    *gateway.Budget
	urls      sync.Map
	now       func() time.Time
}

// maxNumber bounds what an overview counts.
const maxNumber = 100

// overview reads all parts side by side. A part that cannot be read is named, and the others are shown.
func (o *overviews) overview(ctx context.Context) (administration.Overview, error) {
	shown := administration.Overview{At: o.now().UTC()}
	var mu sync.Mutex
	group, within := errgroup.WithContext(ctx)
	for _, part := range []struct {
		name string
		read func(context.Context, *administration.Overview) error
	}{
		{"approvals", o.readApprovals},
		{"registrations", o.readRegistrations},
		{"dead letters", o.readLetters},
		{"licences", o.readLicences},
		{"queues", o.readQueues},
		{"the last sweep", o.readSweep},
		{"the catalog", o.readCatalog},
		{"the budget of control-plane calls", o.readBudget},
		{"the alarms", o.readAlarms},
		{"the workers", o.readWorker},
	} {
		group.Go(portal.Guard(func() error {
			var read administration.Overview
			err := part.read(within, &read)
			mu.Lock()
			defer mu.Unlock()
			merge(&shown, read)
			if err != nil {
				zerolog.Ctx(ctx).Warn().Err(err).Str("part", part.name).Msg("a part of the overview could not be read")
				shown.Unread = append(shown.Unread, administration.Unread{Part: part.name, Why: Explain(err)})
			}
			return nil
		}))
	}
	return shown, group.Wait()
}

// merge adds the parts that were read.
func merge(into *administration.Overview, read administration.Overview) {
	if read.Approvals != nil {
		into.Approvals = read.Approvals
	}
	if read.Registrations != nil {
		into.Registrations = read.Registrations
	}
	if read.Letters != nil {
		into.Letters, into.FailedOperations = read.Letters, read.FailedOperations
	}
	if read.Licences != nil {
		into.Licences = read.Licences
	}
	if read.Queues != nil {
		into.Queues = read.Queues
	}
	if read.Sweep != nil {
		into.Sweep = read.Sweep
	}
	if read.Catalog != nil {
		into.Catalog = read.Catalog
	}
	if read.Budget != nil {
		into.Budget = read.Budget
	}
	if read.Alarms != nil {
		into.Alarms = read.Alarms
	}
	if !read.Worker.IsZero() {
		into.Worker = read.Worker
	}
}

func (o *overviews) readApprovals(ctx context.Context, into *administration.Overview) error {
	page, err := o.approvals.Page(ctx, "", maxNumber)
	if err != nil {
		return err
	}
	into.Approvals = &administration.Number{N: len(page.Rows), More: page.Next != ""}
	return nil
}

func (o *overviews) readRegistrations(ctx context.Context, into *administration.Overview) error {
	page, next, err := o.members.PendingRegistrations(ctx, "", maxNumber)
	if err != nil {
		return err
	}
	into.Registrations = &administration.Number{N: len(page), More: next != ""}
	return nil
}

func (o *overviews) readLetters(ctx context.Context, into *administration.Overview) error {
	found, err := o.letters.List(ctx, deadletters.Choice{}, "", 1)
	if err != nil {
		return err
	}
	into.Letters, into.FailedOperations = &found, found.Operations
	return nil
}

func (o *overviews) readLicences(ctx context.Context, into *administration.Overview) error {
	all, err := o.views.Licences(ctx)
	if err != nil {
		return err
	}
	into.Licences = map[string]int{}
	for _, l := range all {
		switch {
		case l.State == projections.LicenceUnclaimed, l.State == projections.LicenceFailed:
			into.Licences[l.State]++
		case l.Unsold:
			into.Licences["unsold"]++
		}
	}
	return nil
}

func (o *overviews) readQueues(ctx context.Context, into *administration.Overview) error {
	queues := make([]administration.Queue, len(o.names.Queues()))
	group, within := errgroup.WithContext(ctx)
	for i, name := range o.names.Queues() {
		group.Go(portal.Guard(func() error {
			depth, err := o.depth(within, name)
			if err != nil {
				return err
			}
			dead, err := o.depth(within, DeadLetterQueue(name))
			queues[i] = administration.Queue{Name: name, Waiting: depth[0], InFlight: depth[1], Delayed: depth[2], GivenUp: dead[0] + dead[1] + dead[2]}
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return err
	}
	into.Queues = queues
	return nil
}

var depths = []sqstypes.QueueAttributeName{
	sqstypes.QueueAttributeNameApproximateNumberOfMessages, sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed,
}

func (o *overviews) depth(ctx context.Context, queue string) (depth [3]int, err error) {
	url, known := o.urls.Load(queue)
	if !known {
		found, err := o.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
		if err != nil {
			return depth, err
		}
		url = *found.QueueUrl
		o.urls.Store(queue, url)
	}
	at := url.(string)
	out, err := o.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &at, AttributeNames: depths})
	if err != nil {
		return depth, err
	}
	for i, name := range depths {
		n, broken := strconv.Atoi(out.Attributes[string(name)])
		depth[i], err = n, errors.Join(err, broken)
	}
	return depth, err
}

func (o *overviews) scratch() *jobs.Scratch {
	return jobs.NewScratch(o.dynamodb, o.names.Records, o.now)
}

func (o *overviews) readSweep(ctx context.Context, into *administration.Overview) error {
	found, ok, err := provisioning.LastSweep(ctx, o.scratch())
	if err != nil || !ok {
		return err
	}
	into.Sweep = &administration.Sweep{
		Ended: found.Ended, Streams: found.Streams, Drifted: found.Drifted, Unshown: found.Unshown, Unreadable: found.Unreadable, Strays: found.Strays,
	}
	return nil
}

func (o *overviews) readCatalog(ctx context.Context, into *administration.Overview) error {
	report, ok, err := catalog.LastReport(ctx, o.scratch())
	if err != nil || !ok {
		return err
	}
	shown := administration.Catalog{
		Ended: report.Ended, Failed: report.Failed, Products: report.Products, Plans: report.Plans,
		Errors: report.Errors(), Warnings: report.ProblemCount - report.Errors(),
	}
	for _, problem := range report.Problems {
		if !problem.Warning && len(shown.First) < maxListed {
			shown.First = append(shown.First, problem.String())
		}
	}
	into.Catalog = &shown
	return nil
}

func (o *overviews) readBudget(ctx context.Context, into *administration.Overview) error {
	state, err := o.budget.State(ctx)
	if err != nil {
		return err
	}
	into.Budget = &administration.Budget{Left: state.Left, Burst: state.Burst, PerSecond: state.PerSecond, Throttled: state.ThrottledAt, SlowUntil: state.SlowUntil}
	return nil
}

// shownAnyway are alarms about what the overview counts itself.
var shownAnyway = map[alarms.Name]bool{alarms.DeadLetters: true, alarms.Drift: true}

func (o *overviews) readAlarms(ctx context.Context, into *administration.Overview) error {
	rows, err := alarms.NewStore(o.dynamodb, o.names.Records).All(ctx)
	if err != nil {
		return err
	}
	for _, alarm := range describedAlarms(conditions{}) {
		for _, row := range rows {
			if row.Alarm == alarm.Name && row.IsRaised() && !shownAnyway[row.Alarm] {
				into.Alarms = append(into.Alarms, administration.Alarm{Title: alarm.Title, Text: row.Text, Runbook: alarms.RunbookURL + "#" + alarm.Runbook, Since: row.Since})
			}
		}
	}
	return nil
}

func (o *overviews) readWorker(ctx context.Context, into *administration.Overview) (err error) {
	into.Worker, err = o.lastSignOfLife(ctx)
	return err
}
