package stacks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Destruction is what Destroy would delete.
type Destruction struct {
	Name    string   `json:"name"`
	Account string   `json:"account"`
	Region  string   `json:"region"`
	Stacks  []string `json:"stacks"`
	// KeepsData means that tables, queues, KMS key and user pool stay, with their stacks.
	KeepsData bool `json:"keeps_data"`
}

// Destroy deletes a portal. It stops the workers, waits until no message is in flight, deletes the stack that runs
// them and the portal, then the API keys, the other stacks, the programs in the bucket, and the data. With keepData
// the stacks with data stay, and Deploy brings the portal back. confirm decides before anything changes; nil
// means yes. Before that, Destroy fails if AWS does not accept the credentials, if there is no such portal, or,
// unless d.Unchecked, if IAM says that permissions are missing.
func (d Deployer) Destroy(ctx context.Context, name string, keepData bool, confirm func(Destruction) (bool, error)) error {
	if err := CheckName(name); err != nil {
		return err
	}
	me, err := d.caller(ctx)
	if err != nil {
		return err
	}
	all, err := d.look(ctx, name)
	if err != nil {
		return err
	}
	what := Destruction{Name: name, Account: me.account, Region: d.AWS.Region, KeepsData: keepData}
	for _, one := range all {
		if one.id != "" && one.status != string(types.StackStatusDeleteComplete) && !(keepData && one.holdsData) {
			what.Stacks = append(what.Stacks, one.name)
		}
	}
	if len(what.Stacks) == 0 {
		return &NotFound{name, d.AWS.Region}
	}
	if err := d.checkDestruction(ctx, me, all, keepData); err != nil {
		return err
	}
	if confirm != nil {
		yes, err := confirm(what)
		if err != nil {
			return err
		}
		if !yes {
			return ErrDeclined
		}
	}
	for i, one := range all {
		if all[i], err = d.awaitOthers(ctx, one); err != nil {
			return err
		}
	}
	return d.destroy(ctx, name, keepData, me.account, all)
}

// checkDestruction names all permissions that the caller lacks to destroy a portal.
func (d Deployer) checkDestruction(ctx context.Context, me caller, all []stack, keepData bool) error {
	actions := destroying
	if !keepData {
		actions = slices.Concat(actions, destroyingData)
	}
	for _, one := range all {
		if one.runs() && one.exists() {
			actions = slices.Concat(actions, destroyingRun[runModeOf(one)])
		}
		if one.exists() {
			actions = slices.Concat(actions, destroyingLayer[one.template])
		}
	}
	_, err := d.simulate(ctx, me, distinct(actions))
	return err
}

// destroy deletes the data stack last: as long as it exists, another run finds what is left.
func (d Deployer) destroy(ctx context.Context, name string, keepData bool, account string, all []stack) error {
	comeback, err := d.comeback(name, all)
	if err != nil {
		return err
	}
	if err := d.quiesce(ctx, all, keepData); err != nil {
		return err
	}
	first := func(l layer) bool { return l.runs() || l.template == "cdn" }
	if err := d.deleteLayers(ctx, all, first); err != nil {
		return err
	}
	if err := d.purge(ctx, name, all[0]); err != nil {
		return err
	}
	if err := d.deleteLayers(ctx, all, func(l layer) bool { return !l.holdsData && !first(l) }); err != nil {
		return err
	}
	if err := d.emptyBucket(ctx, name, account); err != nil {
		return err
	}
	if keepData {
		if comeback == "" {
			comeback = "gatehouse deploy, with the settings that it had,"
		}
		d.say("The stacks with tables, queues, KMS key and user pool stay. This brings the portal back:\n" + comeback)
		return nil
	}
	for _, one := range slices.Backward(all) {
		if !one.holdsData || !one.exists() {
			continue
		}
		d.say("Deleting what the stack " + one.name + " holds.")
		held, err := d.holds(ctx, one)
		if err != nil {
			return err
		}
		if err := d.removeAll(ctx, held); err != nil {
			return err
		}
		if err := d.deleteLayer(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// deleteMarketplace deletes the stack and its queue of undelivered notices. A queue that holds notices stays.
func (d Deployer) deleteMarketplace(ctx context.Context, one stack) error {
	queues, err := d.queues(ctx, one)
	if err != nil {
		return err
	}
	urls, err := d.resourceIDs(ctx, one, "AWS::SQS::Queue")
	if err != nil {
		return err
	}
	// Otherwise the stack's events would say that the queue is kept, but it is deleted already.
	keep := busy(queues, false)
	if keep {
		d.say("This queue stays, since it has notices of AWS Marketplace that could not be delivered: " + queues[0].Name + " in " + one.region + ".")
		urls = nil
	}
	for _, url := range urls {
		if _, err := d.in(one.layer).removeQueue(ctx, url); err != nil {
			return fmt.Errorf("deleting the queue %s: %w", url, err)
		}
	}
	d.say("Deleting the stack " + one.name + ".")
	return d.delete(ctx, one, keep)
}

// quiesce stops the workers, and waits until no message is in flight.
func (d Deployer) quiesce(ctx context.Context, all []stack, keepData bool) error {
	data, works, stopped := all[0], false, true
	for i, one := range all {
		if !one.runs() || !one.usable() {
			continue
		}
		now, err := d.stopWorkers(ctx, one)
		if err != nil {
			return err
		}
		all[i], works, stopped = now, true, stopped && !now.workersMayRun()
	}
	if !works || !data.usable() {
		return nil
	}
	return d.drain(ctx, data, stopped, keepData)
}

// holds lists the resources that outlive a stack.
func (d Deployer) holds(ctx context.Context, s stack) (all []held, err error) {
	if s.neverCreated() {
		// It may name resources that are not its own.
		return d.made(ctx, s)
	}
	for _, r := range removals {
		ids, err := d.resourceIDs(ctx, s, r.kind)
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(ids)) {
			all = append(all, held{name, r.kind, ids[name]})
		}
	}
	return all, nil
}

func (d Deployer) deleteLayers(ctx context.Context, all []stack, which func(layer) bool) error {
	for _, one := range slices.Backward(all) {
		if which(one.layer) {
			if err := d.deleteLayer(ctx, one); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d Deployer) deleteLayer(ctx context.Context, one stack) error {
	if one.id == "" || one.status == string(types.StackStatusDeleteComplete) {
		return nil
	}
	if one.template == marketplaceLayer.template {
		return d.deleteMarketplace(ctx, one)
	}
	d.say("Deleting the stack " + one.name + ".")
	// The events of a stack with data are not reported: they would say that its resources are kept, but those
	// are deleted already.
	return d.delete(ctx, one, !one.holdsData)
}

// purge deletes the API keys. The workers must have stopped, since they would create the keys again. A missing
// table means that an earlier run has purged the keys.
func (d Deployer) purge(ctx context.Context, name string, data stack) error {
	whole, err := d.hasTables(ctx, data)
	if err != nil || !whole {
		return err
	}
	if d.Purge == nil {
		d.say("API Gateway keeps the API keys whose names begin with " + name + "/. They go on working.")
		return nil
	}
	d.say("Deleting the API keys, at most five a second.")
	told := time.Time{}
	err = d.Purge(ctx, name, func(done, total int) {
		if done == total || time.Since(told) > 5*time.Second {
			told = time.Now()
			d.say(fmt.Sprintf("  %d of %d API keys are deleted", done, total))
		}
	})
	if err != nil {
		return fmt.Errorf("deleting the API keys: %w", err)
	}
	return nil
}

func (d Deployer) hasTables(ctx context.Context, data stack) (bool, error) {
	if !data.usable() {
		return false, nil
	}
	ids, err := d.resourceIDs(ctx, data, "AWS::DynamoDB::Table")
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		there, err := d.hasTable(ctx, ids[name])
		if err != nil || !there {
			return false, err
		}
	}
	return err == nil, err
}

// emptyBucket deletes the portal's programs, and the bucket if no other portal uses it.
func (d Deployer) emptyBucket(ctx context.Context, name, account string) error {
	bucket := BucketName(account, d.AWS.Region)
	for {
		out, err := d.objects().ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String(name + "/"), ExpectedBucketOwner: &account})
		if isCode(err, "NoSuchBucket", "NotFound") {
			return nil
		}
		if err != nil {
			return bucketError(bucket, err)
		}
		if len(out.Contents) == 0 {
			break
		}
		var ids []s3types.ObjectIdentifier
		for _, o := range out.Contents {
			ids = append(ids, s3types.ObjectIdentifier{Key: o.Key})
		}
		deleted, err := d.objects().DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &s3types.Delete{Objects: ids}, ExpectedBucketOwner: &account})
		if err != nil {
			return bucketError(bucket, err)
		}
		if len(deleted.Errors) > 0 {
			return fmt.Errorf("deleting %s from the bucket %s: AWS says %s", aws.ToString(deleted.Errors[0].Key), bucket, aws.ToString(deleted.Errors[0].Message))
		}
	}
	_, err := d.objects().DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket, ExpectedBucketOwner: &account})
	switch {
	case isCode(err, "BucketNotEmpty", "NoSuchBucket", "NotFound"):
		return nil
	case err != nil:
		return bucketError(bucket, err)
	}
	d.say("Deleted the bucket " + bucket + ".")
	return nil
}
