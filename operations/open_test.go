package operations_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func mayHaveOpen(t *testing.T, most int) (*fixture, operations.Config) {
	t.Helper()
	d := newFixture(t)
	cfg := d.config()
	cfg.MaxOpen = most
	d.Operations = operations.New(cfg)
	return d, cfg
}

func (d *fixture) end(ops ...operations.Operation) {
	d.t.Helper()
	for _, op := range ops {
		d.happen(op.Subject, op.ID, events.RequestUnchanged{})
	}
}

func (d *fixture) loses(op operations.Operation) {
	d.t.Helper()
	_, err := d.tables.Client.DeleteItem(d.t.Context(), &dynamodb.DeleteItemInput{TableName: &d.tables.Records, Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "operation#" + string(op.ID)}, "sk": &types.AttributeValueMemberS{Value: "operation"},
	}})
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestTheOpenRequestsOfAnAccountAreLimited(t *testing.T) {
	t.Parallel()
	d, _ := mayHaveOpen(t, 3)
	first := d.accepts(ask(ann, "k", register))
	d.accepts(ask(ann, "", leaveFree))
	d.accepts(ask(ann, "", leaveFree))
	d.outbox.empty()
	_, err := d.Accept(t.Context(), ask(ann, "", register))
	refused(t, "one more", err, "3 requests that have not ended yet")
	_, err = d.Accept(t.Context(), ask(ann, "another key", register))
	refused(t, "one more with a key", err, "3 requests that have not ended yet")
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("a refused request was handed on: %v %v", sent, repeated)
	}
	if again := d.accepts(ask(ann, "k", register)); again.ID != first.ID {
		t.Error("what was accepted before cannot be sent again")
	}
	d.accepts(ask(bob, "", register))

	d.end(first)
	d.pass(10 * time.Second) // for so long nobody looks again
	d.accepts(ask(ann, "", register))
	_, err = d.Accept(t.Context(), ask(ann, "", register))
	refused(t, "one more, again", err, "3 requests that have not ended yet")
}

func TestRequestsThatHaveEndedMakeRoomAtOnce(t *testing.T) {
	t.Parallel()
	d, _ := mayHaveOpen(t, 20)
	for round := range 3 {
		var ops []operations.Operation
		for range 20 {
			ops = append(ops, d.accepts(ask(ann, "", register)))
		}
		d.end(ops...)
		if round == 1 { // some who come at the same time
			d.pass(time.Minute)
			var group sync.WaitGroup
			for range 10 {
				group.Go(func() {
					op, err := d.Accept(t.Context(), ask(ann, "", register))
					if err != nil {
						t.Error(err)
					}
					d.mu.Lock()
					defer d.mu.Unlock()
					ops = append(ops, op)
				})
			}
			group.Wait()
			d.end(ops[20:]...)
		}
		d.pass(time.Minute)
	}
}

func TestConcurrentRequestsDoNotExceedTheLimitOfOpenOnes(t *testing.T) {
	t.Parallel()
	d, _ := mayHaveOpen(t, 5)
	var mu sync.Mutex
	var group sync.WaitGroup
	accepted := 0
	for range 30 {
		group.Go(func() {
			_, err := d.Accept(t.Context(), ask(ann, "", register))
			mu.Lock()
			defer mu.Unlock()
			switch portal.CodeOf(err) {
			case "":
				accepted++
			case portal.TooManyRequests, portal.Unavailable:
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if sent, _ := d.outbox.empty(); accepted > 5 || len(sent) != accepted {
		t.Errorf("%d were accepted and %d handed on, want 5 at most", accepted, len(sent))
	}
}

func TestRequestsThatNeverEndDoNotLockAnAccountOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lose  func(*fixture, operations.Operation)
		after time.Duration
	}{
		"they are open for ever": {func(*fixture, operations.Operation) {}, 24 * time.Hour},
		"their rows are lost":    {(*fixture).loses, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := mayHaveOpen(t, 3)
			for range 3 {
				c.lose(d, d.accepts(ask(ann, "", register)))
			}
			_, err := d.Accept(t.Context(), ask(ann, "", register))
			refused(t, "at first", err, "have not ended yet")
			d.pass(c.after)
			for range 3 {
				d.accepts(ask(ann, "", register))
			}
		})
	}
}

func TestARefusalForOpenRequestsCostsLittle(t *testing.T) {
	t.Parallel()
	d, cfg := mayHaveOpen(t, 3)
	tables := &counted{Client: d.tables.Client}
	looked := &lookedAt{Views: d.views}
	cfg.Tables, cfg.Views = tables, looked
	ops := operations.New(cfg)
	for i := range 3 {
		if _, err := ops.Accept(t.Context(), ask(ann, fmt.Sprint(i), register)); err != nil {
			t.Fatal(err)
		}
	}
	if looked.times != 0 {
		t.Errorf("while there was room, %d operations were looked at", looked.times)
	}
	_, err := ops.Accept(t.Context(), ask(ann, "", register))
	refused(t, "the first", err, "have not ended yet")
	if looked.times != 3 {
		t.Errorf("%d operations were looked at, want the three that are open", looked.times)
	}
	for range 5 {
		tables.calls = nil
		_, err := ops.Accept(t.Context(), ask(ann, "", register))
		refused(t, "the next", err, "have not ended yet")
		same(t, "requests", []string{"UpdateItem"}, tables.calls)
	}
	if looked.times != 3 {
		t.Errorf("later ones looked at %d operations", looked.times-3)
	}
}

func TestWithoutTheViewsNoRequestIsRefusedForOpenOnes(t *testing.T) {
	t.Parallel()
	d, cfg := mayHaveOpen(t, 1)
	d.accepts(ask(ann, "", register))
	cfg.Views = projections.NewViews(d.tables.Client, projections.Tables{Views: "not-there", Records: d.tables.Records}, d.documents)
	_, err := operations.New(cfg).Accept(t.Context(), ask(ann, "", register))
	refuses(t, err, portal.Unavailable)
	d.outbox.empty()
}

type lookedAt struct {
	*projections.Views
	mu    sync.Mutex
	times int
}

func (l *lookedAt) Progress(ctx context.Context, op portal.OperationID) (projections.Progress, error) {
	l.mu.Lock()
	l.times++
	l.mu.Unlock()
	return l.Views.Progress(ctx, op)
}

func TestAnOperationWithoutARowStopsCountingAsOpenEvenIfOthersEndMeanwhile(t *testing.T) {
	t.Parallel()
	d, _ := mayHaveOpen(t, 3)
	d.loses(d.accepts(ask(ann, "", register)))
	second, third := d.accepts(ask(ann, "", register)), d.accepts(ask(ann, "", register))
	d.end(second)
	d.accepts(ask(ann, "", register)) // its check finds an operation without a row
	d.pass(10 * time.Second)
	d.end(third)
	for range 2 {
		d.accepts(ask(ann, "", register)) // in place of the third, then of the one without a row
	}
	_, err := d.Accept(t.Context(), ask(ann, "", register))
	refused(t, "one more", err, "have not ended yet")
}

func TestAnOperationWhoseRowIsAboutToBeWrittenCountsAsOpen(t *testing.T) {
	t.Parallel()
	d, _ := mayHaveOpen(t, 2)
	d.loses(d.accepts(ask(ann, "", register)))
	for range 3 {
		d.end(d.accepts(ask(ann, "", register)))
	}
	d.accepts(ask(ann, "", register))
	_, err := d.Accept(t.Context(), ask(ann, "", register))
	refused(t, "one more", err, "have not ended yet")
}
