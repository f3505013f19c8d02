package stacks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	pooltypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	keytypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// held is a resource that outlives its stack.
type held struct{ name, kind, id string }

// removals says how to remove each type, in the order in which the types can be removed. AWS removes
// subscriptions, policies, clients and people with their topic, queue or pool.
var removals = []struct {
	kind   string
	remove func(Deployer, context.Context, string) (did string, err error)
}{
	{"AWS::SNS::Topic", Deployer.removeTopic},
	{"AWS::SQS::Queue", Deployer.removeQueue},
	{"AWS::DynamoDB::Table", Deployer.removeTable},
	{"AWS::Cognito::UserPool", Deployer.removePool},
	{"AWS::KMS::Alias", Deployer.removeAlias},
	{"AWS::KMS::Key", Deployer.removeKey},
}

// made returns the resources that the stack itself has created and not deleted. A resource that existed
// before, and so could not be created, is not among them.
func (d Deployer) made(ctx context.Context, s stack) ([]held, error) {
	all, err := d.events(ctx, s, "")
	if err != nil {
		return nil, err
	}
	var there []held
	for _, e := range all {
		one := held{aws.ToString(e.LogicalResourceId), aws.ToString(e.ResourceType), aws.ToString(e.PhysicalResourceId)}
		switch e.ResourceStatus {
		case types.ResourceStatusCreateComplete:
			there = append(there, one)
		case types.ResourceStatusDeleteComplete:
			there = slices.DeleteFunc(there, func(other held) bool { return other == one })
		}
	}
	return there, nil
}

// removeLeftovers removes what the failed creation of a stack has left. A table with rows is not
// removed: something has used it.
func (d Deployer) removeLeftovers(ctx context.Context, s stack) error {
	left, err := d.made(ctx, s)
	if err != nil {
		return err
	}
	for _, one := range left {
		if one.kind != "AWS::DynamoDB::Table" {
			continue
		}
		used, err := d.hasRows(ctx, one.id)
		if err != nil {
			return err
		}
		if used {
			return fmt.Errorf("the stack %s was never created, but its table %s has rows. Look into it, and delete both by hand if nobody needs them", s.name, one.id)
		}
	}
	if err := d.removeAll(ctx, left); err != nil {
		return err
	}
	if slices.ContainsFunc(left, func(one held) bool { return one.kind == "AWS::SQS::Queue" }) {
		return d.awaitQueueNames(ctx)
	}
	return nil
}

// awaitQueueNames waits until SQS accepts the names of deleted queues (Amazon SQS API Reference, "DeleteQueue").
func (d Deployer) awaitQueueNames(ctx context.Context) error {
	delay := d.QueueNameDelay
	if delay == 0 {
		delay = time.Minute
	}
	d.say("  Waiting " + delay.String() + ", since SQS refuses the names of deleted queues for so long.")
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(delay):
		return nil
	}
}

func (d Deployer) removeAll(ctx context.Context, all []held) error {
	for _, r := range removals {
		for _, one := range all {
			if one.kind != r.kind {
				continue
			}
			did, err := r.remove(d, ctx, one.id)
			if err != nil {
				return fmt.Errorf("deleting %s: %w", one.id, err)
			}
			if did != "" {
				d.say("  " + one.name + " " + did)
			}
		}
	}
	return nil
}

func (d Deployer) tables() *dynamodb.Client { return dynamodb.NewFromConfig(d.AWS) }

func (d Deployer) hasRows(ctx context.Context, table string) (bool, error) {
	out, err := d.tables().Scan(ctx, &dynamodb.ScanInput{TableName: &table, Limit: aws.Int32(1), ConsistentRead: aws.Bool(true)})
	var missing *tabletypes.ResourceNotFoundException
	if errors.As(err, &missing) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the table %s: %w", table, err)
	}
	return len(out.Items) > 0, nil
}

func (d Deployer) hasTable(ctx context.Context, name string) (bool, error) {
	out, err := d.tables().DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var missing *tabletypes.ResourceNotFoundException
	if errors.As(err, &missing) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at the table %s: %w", name, err)
	}
	return out.Table.TableStatus != tabletypes.TableStatusDeleting, nil
}

// removeTable turns the protection off, waits for that, and deletes the table.
func (d Deployer) removeTable(ctx context.Context, name string) (string, error) {
	var missing *tabletypes.ResourceNotFoundException
	for looks := 0; ; looks++ {
		out, err := d.tables().DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if errors.As(err, &missing) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		table := out.Table
		switch {
		case table.TableStatus == tabletypes.TableStatusDeleting:
			return "deleted", nil
		case table.TableStatus != tabletypes.TableStatusActive:
			if err := d.wait(ctx, looks); err != nil {
				return "", err
			}
			continue
		case aws.ToBool(table.DeletionProtectionEnabled):
			if _, err := d.tables().UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
				return "", err
			}
			continue
		}
		_, err = d.tables().DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
		if errors.As(err, &missing) {
			err = nil
		}
		return "deleted", err
	}
}

func (d Deployer) removeQueue(ctx context.Context, url string) (string, error) {
	_, err := sqs.NewFromConfig(d.AWS).DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
	if isCode(err, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue") {
		return "", nil
	}
	return "deleted", err
}

// removeTopic succeeds if there is no such topic, as SNS does. Its subscriptions go with it.
func (d Deployer) removeTopic(ctx context.Context, arn string) (string, error) {
	_, err := sns.NewFromConfig(d.AWS).DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &arn})
	return "deleted", err
}

func (d Deployer) removeAlias(ctx context.Context, name string) (string, error) {
	_, err := kms.NewFromConfig(d.AWS).DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: &name})
	var missing *keytypes.NotFoundException
	if errors.As(err, &missing) {
		return "", nil
	}
	return "deleted", err
}

// keyWindow is how many days KMS waits before it deletes a key, the longest that it offers.
const keyWindow = 30

func (d Deployer) removeKey(ctx context.Context, id string) (string, error) {
	out, err := kms.NewFromConfig(d.AWS).ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(keyWindow)})
	var missing *keytypes.NotFoundException
	var pending *keytypes.KMSInvalidStateException
	if errors.As(err, &missing) || errors.As(err, &pending) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	when := ""
	if out.DeletionDate != nil {
		when = " on " + out.DeletionDate.UTC().Format("2 January 2006")
	}
	return "will be deleted by KMS" + when + ". Until then `aws kms cancel-key-deletion --region " + d.AWS.Region + " --key-id " + id + "` keeps it", nil
}

// removePool turns the protection off, deletes the domain and then the pool with its people.
func (d Deployer) removePool(ctx context.Context, id string) (string, error) {
	out, err := d.pools().DescribeUserPool(ctx, &cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: &id})
	var missing *pooltypes.ResourceNotFoundException
	if errors.As(err, &missing) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if domain := aws.ToString(out.UserPool.Domain); domain != "" {
		if _, err := d.pools().DeleteUserPoolDomain(ctx, &cognitoidentityprovider.DeleteUserPoolDomainInput{UserPoolId: &id, Domain: &domain}); err != nil {
			return "", err
		}
	}
	if out.UserPool.DeletionProtection == pooltypes.DeletionProtectionTypeActive {
		_, err := d.pools().UpdateUserPool(ctx, &cognitoidentityprovider.UpdateUserPoolInput{UserPoolId: &id, DeletionProtection: pooltypes.DeletionProtectionTypeInactive})
		if err != nil {
			return "", err
		}
	}
	_, err = d.pools().DeleteUserPool(ctx, &cognitoidentityprovider.DeleteUserPoolInput{UserPoolId: &id})
	if errors.As(err, &missing) {
		err = nil
	}
	return "deleted", err
}
