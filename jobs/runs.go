package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

var errTakenOver = errors.New("another worker has the run")

type runTable interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Runs stores the row of each job.
type Runs struct {
	tables  runTable
	records string
}

// NewRuns returns the Runs of that records table.
func NewRuns(tables runTable, records string) *Runs { return &Runs{tables: tables, records: records} }

// Load reads a job's row, empty for a job that never ran.
func (r *Runs) Load(ctx context.Context, job string) (Run, error) {
	out, err := r.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.records, ConsistentRead: aws.Bool(true), Key: runKey(job)})
	if err != nil {
		return Run{}, portal.Postpone("the records do not answer", fmt.Errorf("reading the run of job %s: %w", job, err))
	}
	var run Run
	if err := attributevalue.UnmarshalMap(out.Item, &run); err != nil {
		return Run{}, fmt.Errorf("decoding the run of job %s: %w", job, err)
	}
	return run, nil
}

// Save writes a job's row if it still has the version before; otherwise it returns errTakenOver.
func (r *Runs) Save(ctx context.Context, job string, run Run) error {
	item, err := attributevalue.MarshalMap(run)
	if err != nil {
		return fmt.Errorf("encoding the run of job %s: %w", job, err)
	}
	maps.Copy(item, runKey(job))
	_, err = r.tables.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &r.records, Item: item,
		ConditionExpression: aws.String("attribute_not_exists(pk) OR version = :before"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":before": schema.Number(run.Version - 1),
		},
	})
	switch {
	case err == nil:
		return nil
	case journal.LostRace(err):
		return errTakenOver
	}
	return portal.Postpone("the records do not answer", fmt.Errorf("writing the run of job %s: %w", job, err))
}

func runKey(job string) map[string]types.AttributeValue {
	return schema.JobRun(job).Attributes()
}
