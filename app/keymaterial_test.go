package app

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/gatehouse-portal/gatehouse/keys"
)

func anotherKey(t *testing.T, p Process) (arn string) {
	t.Helper()
	key, err := newClients(p.AWS).kms.CreateKey(t.Context(), &kms.CreateKeyInput{
		KeySpec: kmstypes.KeySpecHmac256, KeyUsage: kmstypes.KeyUsageTypeGenerateVerifyMac,
	})
	ok(t, err)
	return aws.ToString(key.KeyMetadata.Arn)
}

func TestWorkerStartsWithTheKeyThatSetupCreated(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	worker, err := NewWorker(t.Context(), p)
	ok(t, err)
	ok(t, worker.messaging.close())
}

func TestOtherKeyMaterialUnderTheSameNameIsRefused(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	key, err := c.findKMSKey(t.Context(), p.Config)
	ok(t, err)
	deriver, err := keys.New(c.kms, p.Config.KeyPrefix)
	ok(t, err)
	// The row then says that set-up saw the other key under this name.
	tag, err := deriver.CheckTag(t.Context(), anotherKey(t, p))
	ok(t, err)
	item, err := attributevalue.MarshalMap(keyCheck{KMSKey: key.Recorded, Tag: tag})
	ok(t, err)
	for name, value := range keyCheckKey(key.Recorded) {
		item[name] = value
	}
	_, err = c.dynamodb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &names.Records, Item: item})
	ok(t, err)

	_, starting := NewWorker(t.Context(), p)
	for what, err := range map[string]error{"a worker": starting, "set-up": Setup(t.Context(), p.AWS, p.Config)} {
		if err == nil || !strings.Contains(err.Error(), "its material differs") {
			t.Errorf("%s says: %v", what, err)
		}
	}
	if problem := wrongs(Examine(t.Context(), p))["KMS key material"]; !strings.Contains(problem, "its material differs") {
		t.Errorf("the doctor says: %q", problem)
	}
}

func TestConfiguredKeyIsUsedAfterSetup(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	p.Config.KMSKey = anotherKey(t, p)
	if _, err := NewWorker(t.Context(), p); err == nil || !strings.Contains(err.Error(), p.Config.KMSKey+": the KMS key was never set up here: run `gatehouse setup`") {
		t.Errorf("before set-up it says: %v", err)
	}
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	worker, err := NewWorker(t.Context(), p)
	ok(t, err)
	ok(t, worker.messaging.close())
}

func TestSetupCreatesNoKeyIfOneIsConfigured(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	p.Config.KMSKey = anotherKey(t, p)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	listed, err := newClients(p.AWS).kms.ListKeys(t.Context(), &kms.ListKeysInput{})
	ok(t, err)
	if len(listed.Keys) != 1 {
		t.Errorf("there are %d keys", len(listed.Keys))
	}
}

func TestWorkerWithoutSetupFails(t *testing.T) {
	t.Parallel()
	p := testProcess(t, "GATEHOUSE_PREFIX=acme")
	if _, err := NewWorker(t.Context(), p); err == nil || !strings.Contains(err.Error(), "`gatehouse setup`") {
		t.Errorf("it says: %v", err)
	}
}

func TestFactsNameMultiRegionKeysByIDAndOthersByARN(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	c := newClients(p.AWS)
	created, err := c.findKMSKey(t.Context(), p.Config)
	ok(t, err)
	if !strings.HasPrefix(created.Recorded, "mrk-") || !strings.HasSuffix(created.ARN, ":key/"+created.Recorded) {
		t.Errorf("the key of set-up is recorded as %s, and is %s", created.Recorded, created.ARN)
	}
	p.Config.KMSKey = created.ARN
	if byARN, err := c.findKMSKey(t.Context(), p.Config); err != nil || byARN.Recorded != created.Recorded {
		t.Errorf("configured by its ARN it is recorded as %s (%v)", byARN.Recorded, err)
	}
	p.Config.KMSKey = anotherKey(t, p)
	if single, err := c.findKMSKey(t.Context(), p.Config); err != nil || single.Recorded != p.Config.KMSKey {
		t.Errorf("the key of one Region is recorded as %s (%v)", single.Recorded, err)
	}
	_, recorded, err := c.keyMaterial(t.Context(), Config{Prefix: p.Config.Prefix, KeyPrefix: p.Config.KeyPrefix})
	if err != nil || recorded != created.Recorded {
		t.Errorf("workers record %s (%v)", recorded, err)
	}
}

func TestKeyRememberedByARNIsStillKnown(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	key, err := c.findKMSKey(t.Context(), p.Config)
	ok(t, err)
	out, err := c.dynamodb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &names.Records, Key: keyCheckKey(key.Recorded)})
	ok(t, err)
	_, err = c.dynamodb.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &names.Records, Key: keyCheckKey(key.Recorded)})
	ok(t, err)
	for name, value := range keyCheckKey(key.ARN) {
		out.Item[name] = value
	}
	_, err = c.dynamodb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &names.Records, Item: out.Item})
	ok(t, err)
	if wrong := wrongs(Examine(t.Context(), p)); len(wrong) > 0 {
		t.Errorf("wrong are %v", wrong)
	}
}

func TestWorkerExplainsWhyItCannotUseTheKMSKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm func(t *testing.T, c clients, id *string)
		want string
	}{
		"it is disabled": {func(t *testing.T, c clients, id *string) {
			t.Helper()
			_, err := c.kms.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: id})
			ok(t, err)
		}, "is disabled. Enable it: aws kms enable-key --key-id mrk-"},
		"it is to be deleted": {func(t *testing.T, c clients, id *string) {
			t.Helper()
			_, err := c.kms.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: id})
			ok(t, err)
		}, "is scheduled for deletion. Cancel the deletion before it is too late: aws kms cancel-key-deletion --key-id mrk-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testProcess(t)
			ok(t, Setup(t.Context(), p.AWS, p.Config))
			client := newClients(p.AWS)
			key, err := client.findKMSKey(t.Context(), p.Config)
			ok(t, err)
			c.harm(t, client, &key.Recorded)
			_, err = NewWorker(t.Context(), p)
			var failed *keys.KMSError
			if !errors.As(err, &failed) || !strings.Contains(Explain(err), c.want) || strings.Contains(Explain(err), "operation error") {
				t.Errorf("it says: %v", err)
			}
		})
	}
}
