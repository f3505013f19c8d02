package kms_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// inRegions are clients of the same server in two Regions.
func inRegions(t *testing.T) (home, abroad *kms.Client) {
	t.Helper()
	srv := localawstest.Start(t)
	cfg := srv.AWSConfig()
	cfg.Region = "eu-west-1"
	return clientOf(srv), kms.NewFromConfig(cfg, func(o *kms.Options) { o.RetryMaxAttempts = 1 })
}

func createMultiRegionKey(t *testing.T, client *kms.Client) *types.KeyMetadata {
	t.Helper()
	out, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{
		KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac, MultiRegion: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.KeyMetadata
}

func replicate(t *testing.T, client *kms.Client, key *string, region string) (*types.KeyMetadata, error) {
	t.Helper()
	out, err := client.ReplicateKey(t.Context(), &kms.ReplicateKeyInput{KeyId: key, ReplicaRegion: &region})
	if err != nil {
		return nil, err
	}
	return out.ReplicaKeyMetadata, nil
}

func TestAReplicaMakesTheMacsOfItsPrimaryInAnotherRegion(t *testing.T) {
	t.Parallel()
	home, abroad := inRegions(t)
	key := createMultiRegionKey(t, home)
	_, err := generate(t, abroad, *key.KeyId, "m")
	wantCode(t, err, "NotFoundException")

	replica, err := replicate(t, home, key.KeyId, "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(*key.Arn, "us-east-1", "eu-west-1", 1)
	if *replica.KeyId != *key.KeyId || *replica.Arn != want || replica.MultiRegionConfiguration.MultiRegionKeyType != types.MultiRegionKeyTypeReplica {
		t.Errorf("the replica is %s, %s, want %s", *replica.Arn, replica.MultiRegionConfiguration.MultiRegionKeyType, want)
	}
	made, err := generate(t, home, *key.Arn, "m")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{*key.KeyId, *replica.Arn} {
		again, err := generate(t, abroad, name, "m")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, again) {
			t.Errorf("the replica, by the name %s, makes a different MAC than the primary", name)
		}
	}
	_, err = generate(t, abroad, *key.Arn, "m")
	wantCode(t, err, "InvalidArnException")

	described, err := home.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key.KeyId})
	if err != nil {
		t.Fatal(err)
	}
	config := described.KeyMetadata.MultiRegionConfiguration
	if *config.PrimaryKey.Arn != *key.Arn || len(config.ReplicaKeys) != 1 || *config.ReplicaKeys[0].Arn != want {
		t.Errorf("the primary describes %+v and %+v", config.PrimaryKey, config.ReplicaKeys)
	}
}

func TestEachReplicaHasItsOwnState(t *testing.T) {
	t.Parallel()
	home, abroad := inRegions(t)
	key := createMultiRegionKey(t, home)
	if _, err := replicate(t, home, key.KeyId, "eu-west-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := abroad.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: key.KeyId}); err != nil {
		t.Fatal(err)
	}
	_, err := generate(t, abroad, *key.KeyId, "m")
	wantCode(t, err, "DisabledException")
	if _, err := generate(t, home, *key.KeyId, "m"); err != nil {
		t.Errorf("the primary makes no MACs while its replica is disabled: %v", err)
	}
	if _, err := abroad.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/a"), TargetKeyId: key.KeyId}); err != nil {
		t.Fatal(err)
	}
	_, err = generate(t, home, "alias/a", "m")
	wantCode(t, err, "NotFoundException")
	for region, client := range map[string]*kms.Client{"us-east-1": home, "eu-west-1": abroad} {
		out, err := client.ListKeys(t.Context(), &kms.ListKeysInput{})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Keys) != 1 || !strings.Contains(*out.Keys[0].KeyArn, region) {
			t.Errorf("%s lists %v, want its own key", region, out.Keys)
		}
	}
}

func TestOnlyAPrimaryIsReplicatedAndOnlyOnceToARegion(t *testing.T) {
	t.Parallel()
	home, abroad := inRegions(t)
	_, err := replicate(t, home, createKey(t, home, types.KeySpecHmac256).KeyId, "eu-west-1")
	wantCode(t, err, "UnsupportedOperationException")
	key := createMultiRegionKey(t, home)
	_, err = replicate(t, home, key.KeyId, "us-east-1")
	wantCode(t, err, "AlreadyExistsException")
	if _, err := replicate(t, home, key.KeyId, "eu-west-1"); err != nil {
		t.Fatal(err)
	}
	_, err = replicate(t, home, key.KeyId, "eu-west-1")
	wantCode(t, err, "AlreadyExistsException")
	_, err = replicate(t, abroad, key.KeyId, "eu-north-1")
	wantCode(t, err, "UnsupportedOperationException")
	_, err = home.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: key.KeyId})
	wantCode(t, err, "NotImplementedException")
	if _, err := abroad.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: key.KeyId}); err != nil {
		t.Errorf("deleting the replica: %v", err)
	}
}
