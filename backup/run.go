package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/clock"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// restoreLease is how long a run counts as running after it last showed progress.
const restoreLease = 2 * time.Minute

// storeTimeout bounds one write of a restoreRow, which an interruption does not stop.
const storeTimeout = 5 * time.Second

// restoreRow is how far a restore has come. Done counts the rows of the file that are written.
type restoreRow struct {
	SHA256 string    `dynamodbav:"sha256"`
	Rows   int       `dynamodbav:"rows"`
	Done   int       `dynamodbav:"done"`
	Began  time.Time `dynamodbav:"began"`
	Ended  time.Time `dynamodbav:"ended"`
	// Holder names the run that restores now, or is "". Its lease ends at Until, in epoch milliseconds.
	// Every write raises Version by one, on condition that it has not changed.
	Holder  string `dynamodbav:"holder"`
	Until   int64  `dynamodbav:"until"`
	Version int64  `dynamodbav:"version"`
}

func (r restoreRow) alive(now time.Time) bool {
	return r.Holder != "" && clock.Believed(time.UnixMilli(r.Until), now, restoreLease).After(now)
}

func (r *Restore) load(ctx context.Context) (run restoreRow, found bool, err error) {
	err = retry(ctx, r.Wait, func() (err error) {
		run, found, err = readRun(ctx, r.Destination, r.Names.Records)
		return err
	})
	return run, found, err
}

type getter interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// readRun reads the row of the last restore. records is the name of its table.
func readRun(ctx context.Context, from getter, records string) (run restoreRow, found bool, err error) {
	out, err := from.GetItem(ctx, &dynamodb.GetItemInput{TableName: &records, Key: schema.RestoreRun().Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return run, false, fmt.Errorf("reading how far the restore has come: %w", err)
	}
	return run, out.Item != nil, attributevalue.UnmarshalMap(out.Item, &run)
}

// Unfinished is a restore that has begun and not ended: Done of the Rows of its file are written. It may be
// running. The zero value stands for none.
type Unfinished struct{ Done, Rows int }

// UnfinishedRestore finds a restore that has not ended. records is the name of the records table.
func UnfinishedRestore(ctx context.Context, from getter, records string) (Unfinished, error) {
	run, found, err := readRun(ctx, from, records)
	if err != nil || !found || !run.Ended.IsZero() {
		return Unfinished{}, err
	}
	return Unfinished{Done: run.Done, Rows: run.Rows}, nil
}

func (r *Restore) store(ctx context.Context, run *restoreRow) error {
	before := run.Version
	run.Version++
	run.Until = r.Now().Add(restoreLease).UnixMilli()
	row, err := attributevalue.MarshalMap(run)
	if err != nil {
		return fmt.Errorf("encoding how far the restore has come: %w", err)
	}
	maps.Copy(row, schema.RestoreRun().Attributes())
	in := &dynamodb.PutItemInput{
		TableName: &r.Names.Records, Item: row,
		// The condition also holds if this write was done and its answer was lost.
		ConditionExpression:      aws.String("attribute_not_exists(pk) OR version = :before OR (version = :now AND #holder = :holder)"),
		ExpressionAttributeNames: map[string]string{"#holder": "holder"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":before": schema.Number(before), ":now": schema.Number(run.Version), ":holder": schema.Text(run.Holder),
		},
	}
	err = retry(ctx, r.Wait, func() error {
		// An interrupted call would leave open which version the row has, and giveUp could not end the lease.
		finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		_, err := r.Destination.PutItem(finish, in)
		return err
	})
	var lost *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &lost):
		return portal.Fail(portal.Conflict, "Another restore has begun meanwhile, and this one stops.")
	case err != nil:
		return fmt.Errorf("writing how far the restore has come: %w", err)
	}
	return nil
}
