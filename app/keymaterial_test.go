package app

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/gatehouse-portal/gatehouse/keys"
)

// anotherKey creates a KMS key that API key values could follow from.
func anotherKey(t *testing.T, p Process) (arn string) {
	t.Helper()
	key, err := newClients(p.AWS).kms.CreateKey(t.Context(), &kms.CreateKeyInput{
		KeySpec: kmstypes.KeySpecHmac256, KeyUsage: kmstypes.KeyUsageTypeGenerateVerifyMac,
	})
	ok(t, err)
	return aws.ToString(key.KeyMetadata.Arn)
}

func TestAWorkerStartsWithTheKeyThatWasSetUp(t *testing.T) {
	t.Parallel()
	p := patient(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	worker, err := NewWorker(t.Context(), p)
	ok(t, err)
	ok(t, worker.messaging.close())
}

func TestAnotherKeysMaterialUnderTheSameNameIsRefused(t *testing.T) {
	t.Parallel()
	p := patient(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	arn, err := c.kmsKeyARN(t.Context(), p.Config)
	ok(t, err)
	deriver, err := keys.New(c.kms, p.Config.KeyPrefix)
	ok(t, err)
	// As if what set-up saw under this ARN had been the other key.
	tag, err := deriver.CheckTag(t.Context(), anotherKey(t, p))
	ok(t, err)
	item, err := attributevalue.MarshalMap(keyCheck{KMSKey: arn, Tag: tag})
	ok(t, err)
	for name, value := range keyCheckKey(arn) {
		item[name] = value
	}
	_, err = c.dynamodb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &names.Records, Item: item})
	ok(t, err)

	_, starting := NewWorker(t.Context(), p)
	for what, err := range map[string]error{"a worker": starting, "set-up": Setup(t.Context(), p.AWS, p.Config)} {
		if err == nil || !strings.Contains(err.Error(), arn) || !strings.Contains(err.Error(), "its material differs") {
			t.Errorf("%s says: %v", what, err)
		}
	}
	if problem := wrongs(Examine(t.Context(), p))["KMS key"]; !strings.Contains(problem, "its material differs") {
		t.Errorf("the doctor says: %q", problem)
	}
}

func TestAConfiguredKeyIsUsedOnceItWasSetUp(t *testing.T) {
	t.Parallel()
	p := patient(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	p.Config.KMSKey = anotherKey(t, p)
	if _, err := NewWorker(t.Context(), p); err == nil || !strings.Contains(err.Error(), p.Config.KMSKey+" was never set up here: run `gatehouse setup`") {
		t.Errorf("before set-up it says: %v", err)
	}
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	worker, err := NewWorker(t.Context(), p)
	ok(t, err)
	ok(t, worker.messaging.close())
}

func TestSetUpCreatesNoKeyWhereOneIsConfigured(t *testing.T) {
	t.Parallel()
	p := patient(t)
	p.Config.KMSKey = anotherKey(t, p)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	listed, err := newClients(p.AWS).kms.ListKeys(t.Context(), &kms.ListKeysInput{})
	ok(t, err)
	if len(listed.Keys) != 1 {
		t.Errorf("there are %d keys", len(listed.Keys))
	}
}

func TestAWorkerWithoutSetUpSaysSo(t *testing.T) {
	t.Parallel()
	p := patient(t, "GATEHOUSE_PREFIX=acme")
	if _, err := NewWorker(t.Context(), p); err == nil || !strings.Contains(err.Error(), "alias/acme-keys") || !strings.Contains(err.Error(), "`gatehouse setup`") {
		t.Errorf("it says: %v", err)
	}
}
