package stacks_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

// left lists what there is in the account: stacks, tables, queues, topics, pools, aliases, and KMS keys that
// stay.
func (a *account) left() (all []string) {
	a.t.Helper()
	ctx, cfg := a.t.Context(), a.AWSConfig()
	described, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
	ok(a.t, err)
	for _, s := range described.Stacks {
		all = append(all, "stack "+*s.StackName)
	}
	tables, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{})
	ok(a.t, err)
	queues, err := sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{})
	ok(a.t, err)
	all = slices.Concat(all, tables.TableNames, queues.QueueUrls)
	topics, err := sns.NewFromConfig(cfg).ListTopics(ctx, &sns.ListTopicsInput{})
	ok(a.t, err)
	for _, topic := range topics.Topics {
		all = append(all, *topic.TopicArn)
	}
	pools, err := cognitoidentityprovider.NewFromConfig(cfg).ListUserPools(ctx, &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(60)})
	ok(a.t, err)
	for _, pool := range pools.UserPools {
		all = append(all, "pool "+*pool.Name)
	}
	keys := kms.NewFromConfig(cfg)
	aliases, err := keys.ListAliases(ctx, &kms.ListAliasesInput{})
	ok(a.t, err)
	for _, alias := range aliases.Aliases {
		all = append(all, *alias.AliasName)
	}
	listed, err := keys.ListKeys(ctx, &kms.ListKeysInput{})
	ok(a.t, err)
	for _, key := range listed.Keys {
		meta, err := keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyId})
		ok(a.t, err)
		if meta.KeyMetadata.KeyState != "PendingDeletion" {
			all = append(all, "key "+*key.KeyId)
		}
	}
	buckets, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).ListBuckets(ctx, &s3.ListBucketsInput{})
	ok(a.t, err)
	for _, bucket := range buckets.Buckets {
		all = append(all, "bucket "+*bucket.Name)
	}
	return all
}

func TestAPortalIsDestroyedWithEverythingThatItHas(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deployer().Deploy(t.Context(), a.settings("acme"))
	ok(t, err)
	d := a.deployer()
	var purged []string
	d.Purge = func(_ context.Context, name string, progress func(done, total int)) error {
		if left := a.left(); slices.Contains(left, "stack acme-lambda") || !slices.Contains(left, "stack acme") {
			t.Errorf("while keys are deleted, there is %q", left)
		}
		purged = append(purged, name)
		progress(12, 12)
		return nil
	}
	var asked stacks.Destruction
	ok(t, d.Destroy(t.Context(), "acme", false, func(what stacks.Destruction) (bool, error) { asked = what; return true, nil }))
	if left := a.left(); len(left) > 0 {
		t.Errorf("there is still %q", left)
	}
	if len(asked.Stacks) != 5 || asked.Account != "000000000000" || !slices.Equal(purged, []string{"acme"}) {
		t.Errorf("it asked %+v, and deleted the keys of %q", asked, purged)
	}
	for _, line := range []string{"12 of 12 API keys", "will be deleted by KMS", "Deleted the bucket"} {
		if !a.hasTold(line) {
			t.Errorf("it did not tell %q:\n%s", line, strings.Join(a.told, "\n"))
		}
	}
	var none *stacks.NotFound
	if err := d.Destroy(t.Context(), "acme", false, nil); !errors.As(err, &none) {
		t.Errorf("a second time it says %v", err)
	}
}

func TestNothingIsDestroyedWithoutConsent(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deployer().Deploy(t.Context(), a.settings("acme"))
	ok(t, err)
	before := a.left()
	err = a.deployer().Destroy(t.Context(), "acme", false, func(stacks.Destruction) (bool, error) { return false, nil })
	if after := a.left(); !errors.Is(err, stacks.ErrDeclined) || !slices.Equal(before, after) {
		t.Errorf("it says %v, and there was %q and is %q", err, before, after)
	}
}

func TestDataCanBeKeptAndThePortalComesBack(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deployer().Deploy(t.Context(), a.settings("acme"))
	ok(t, err)
	before := a.left()
	ok(t, a.deployer().Destroy(t.Context(), "acme", true, nil))
	left := a.left()
	if !slices.Contains(left, "stack acme") || !slices.Contains(left, "stack acme-identity") || !slices.Contains(left, "acme-journal") || slices.Contains(left, "stack acme-lambda") {
		t.Errorf("there is %q", left)
	}
	result, err := a.deployer().Deploy(t.Context(), a.settings("acme"))
	ok(t, err)
	if after := a.left(); len(after) != len(before) || !result.Changed {
		t.Errorf("there was %q and is %q", before, after)
	}
}

func TestADestructionThatIsInterruptedAtAnyCallGoesOn(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for nth := 1; ; nth += stride() {
		name, late := fmt.Sprintf("acme%d", nth), nth%2 == 0
		d, _ := a.cut(0, false)
		_, err := d.Deploy(t.Context(), a.settings(name))
		ok(t, err)
		purge := func(ctx context.Context, name string, _ func(done, total int)) error {
			_, err := dynamodb.NewFromConfig(a.AWSConfig()).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name + "-records")})
			return err
		}
		d, c := a.cut(nth, late)
		d.Purge = purge
		err = d.Destroy(t.Context(), name, false, nil)
		if c.cutOff == "" {
			ok(t, err)
			if nth < 40 {
				t.Errorf("a destruction makes %d calls", nth)
			}
			break
		}
		if !errors.Is(err, errCut) {
			t.Fatalf("call %d (%s) was cut, and the destruction says %v", nth, c.cutOff, err)
		}
		// The last calls only look whether the last stack is gone.
		d, _ = a.cut(0, false)
		d.Purge = purge
		var none *stacks.NotFound
		if err := d.Destroy(t.Context(), name, false, nil); err != nil && !errors.As(err, &none) {
			t.Fatalf("after call %d (%s) was cut, the next run says %v", nth, c.cutOff, err)
		}
		if left := a.left(); len(left) > 0 {
			t.Fatalf("after call %d (%s) was cut, there is still %q", nth, c.cutOff, left)
		}
	}
}

func TestTwoPortalsSideBySideShareOnlyTheBucket(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deployer().Deploy(t.Context(), a.settings("one"))
	ok(t, err)
	first := a.left()
	second := a.settings("two")
	second.Host = "two.example.com"
	_, err = a.deployer().Deploy(t.Context(), second)
	ok(t, err)
	ok(t, a.deployer().Destroy(t.Context(), "two", false, nil))
	if left := a.left(); !slices.Equal(left, first) {
		t.Errorf("there was %q and is %q", first, left)
	}
	again, err := a.deployer().Deploy(t.Context(), a.settings("one"))
	if err != nil || again.Changed {
		t.Errorf("the first portal was changed: %v, %+v", err, again)
	}
}
