package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/schema"
)

const tableTimeout = 3 * time.Minute

// guarded: losing the table would be final.
func (e estate) guarded(table string) bool {
	return table == e.names.Journal || table == e.names.Records || table == e.names.Usage
}

func (e estate) expires(table string) bool {
	return table == e.names.Records || table == e.names.Sessions
}

func (e estate) table(name string) resource {
	return resource{what: "table " + name, inspect: func(ctx context.Context) (finding, error) {
		out, err := e.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		var none *types.ResourceNotFoundException
		if errors.As(err, &none) {
			return e.missingTable(ctx, name)
		}
		if err != nil {
			return finding{}, err
		}
		if unfit := unfitTable(out.Table); unfit != nil {
			return found(*unfit)
		}
		var all []fault
		if e.guarded(name) && !aws.ToBool(out.Table.DeletionProtectionEnabled) {
			all = append(all, fault{
				says: "Deletion protection is off.", mending: "turn on deletion protection",
				mend: func(ctx context.Context) error { return e.protect(ctx, name) },
			})
		}
		for _, look := range []func(context.Context, string) (*fault, error){e.recovery, e.timeToLive} {
			one, err := look(ctx, name)
			if err != nil {
				return finding{}, err
			}
			if one != nil {
				all = append(all, *one)
			}
		}
		return found(all...)
	}}
}

// missingTable has set-up create the table. But if of the journal and records tables only the
// other one holds data, this one was lost and must be restored.
func (e estate) missingTable(ctx context.Context, name string) (finding, error) {
	if name == e.names.Usage {
		f, err := missing(func(ctx context.Context) error { return e.createTable(ctx, name) })
		f.faults[0].advice = "After an upgrade to a version that collects usage, run `gatehouse setup`. If it was deleted, restore it first, see docs/runbook.md#restoring."
		return f, err
	}
	if !e.guarded(name) {
		return missing(func(ctx context.Context) error { return e.createTable(ctx, name) })
	}
	other := e.names.Records
	if name == other {
		other = e.names.Journal
	}
	out, err := e.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &other})
	var none *types.ResourceNotFoundException
	switch {
	case errors.As(err, &none):
	case err != nil:
		return finding{}, err
	case aws.ToInt64(out.Table.ItemCount) > 0:
		return found(fault{
			says:   fmt.Sprintf("It does not exist. Table %s holds data, so it was deleted.", other),
			advice: "Restore it, see docs/runbook.md#restoring. Set-up does not create it, since accounts, keys and subscriptions would be lost.",
		})
	}
	f, err := missing(func(ctx context.Context) error { return e.createTable(ctx, name) })
	f.faults[0].advice = "In a new installation, run `gatehouse setup`. Otherwise it was deleted: do not run set-up yet, but restore it, see docs/runbook.md#restoring."
	return f, err
}

func unfitTable(t *types.TableDescription) *fault {
	switch t.TableStatus {
	case types.TableStatusActive, types.TableStatusUpdating:
	case types.TableStatusCreating:
		return &fault{says: "It is still being created.", advice: "Wait a minute and look again."}
	case types.TableStatusDeleting:
		return &fault{says: "It is being deleted.", advice: "Wait until it is gone, then run `gatehouse setup`. If it held the journal or the records, see docs/runbook.md#restoring."}
	default:
		return &fault{says: fmt.Sprintf("DynamoDB does not serve it: it is %s.", t.TableStatus), advice: "See the table in the DynamoDB console; it says why."}
	}
	var keys []string
	for _, key := range t.KeySchema {
		for _, a := range t.AttributeDefinitions {
			if aws.ToString(a.AttributeName) == aws.ToString(key.AttributeName) {
				keys = append(keys, fmt.Sprintf("%s %s (%s)", key.KeyType, aws.ToString(key.AttributeName), a.AttributeType))
			}
		}
	}
	if is, want := strings.Join(keys, ", "), "HASH pk (S), RANGE sk (S)"; is != want {
		return &fault{
			says:   fmt.Sprintf("Its keys are %s and must be %s.", is, want),
			advice: "Gatehouse did not create this table. Choose another GATEHOUSE_PREFIX.",
		}
	}
	return nil
}

func (e estate) createTable(ctx context.Context, name string) error {
	attributes, primaryKey := schema.PrimaryKey()
	_, err := e.dynamodb.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: attributes, KeySchema: primaryKey,
		DeletionProtectionEnabled: aws.Bool(e.guarded(name)),
	})
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("creating table %s: %w", name, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(e.dynamodb)
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, tableTimeout); err != nil {
		return fmt.Errorf("waiting for table %s: %w", name, err)
	}
	return nil
}

func (e estate) protect(ctx context.Context, name string) error {
	_, err := e.dynamodb.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(true)})
	if err != nil {
		return fmt.Errorf("protecting table %s: %w", name, err)
	}
	return nil
}

func (e estate) recovery(ctx context.Context, name string) (*fault, error) {
	if !e.guarded(name) {
		return nil, nil
	}
	out, err := e.dynamodb.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
	if err != nil {
		return nil, err
	}
	d := out.ContinuousBackupsDescription
	if d != nil && d.PointInTimeRecoveryDescription != nil && d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled {
		return nil, nil
	}
	return &fault{
		says: "Point-in-time recovery is off.", mending: "turn on point-in-time recovery",
		mend: func(ctx context.Context) error { return e.recoverable(ctx, name) },
	}, nil
}

// recoverable turns on point-in-time recovery. It retries, since DynamoDB refuses for some time
// after creating a table.
func (e estate) recoverable(ctx context.Context, name string) error {
	return e.patiently(ctx, func(ctx context.Context) (again bool, err error) {
		_, err = e.dynamodb.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName:                        &name,
			PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
		})
		var notYet *types.ContinuousBackupsUnavailableException
		if err != nil {
			err = fmt.Errorf("turning on point-in-time recovery of table %s: %w", name, err)
		}
		return errors.As(err, &notYet), err
	})
}

func (e estate) timeToLive(ctx context.Context, name string) (*fault, error) {
	if !e.expires(name) {
		return nil, nil
	}
	out, err := e.dynamodb.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		return nil, err
	}
	var (
		attribute string
		status    types.TimeToLiveStatus
	)
	if d := out.TimeToLiveDescription; d != nil {
		attribute, status = aws.ToString(d.AttributeName), d.TimeToLiveStatus
	}
	on := status == types.TimeToLiveStatusEnabled || status == types.TimeToLiveStatusEnabling
	switch {
	case on && attribute == schema.TTL:
		return nil, nil
	case on:
		return &fault{
			says: fmt.Sprintf("Its time to live goes by %q and must go by %q.", attribute, schema.TTL),
			advice: fmt.Sprintf("Turn it off, wait an hour, then run `gatehouse setup`:\naws dynamodb update-time-to-live --table-name %s "+
				"--time-to-live-specification Enabled=false,AttributeName=%s", name, attribute),
		}, nil
	case status == types.TimeToLiveStatusDisabling:
		return &fault{says: "Its time to live is being turned off.", advice: "Wait until that is done, up to an hour, then run `gatehouse setup`."}, nil
	}
	return &fault{
		says: "Time to live is off, so old rows stay for ever.", mending: "turn on time to live",
		mend: func(ctx context.Context) error {
			_, err := e.dynamodb.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
				TableName:               &name,
				TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(schema.TTL), Enabled: aws.Bool(true)},
			})
			if err != nil {
				return fmt.Errorf("setting the time to live of table %s: %w", name, err)
			}
			return nil
		},
	}, nil
}
