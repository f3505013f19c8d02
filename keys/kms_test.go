package keys

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func newHMACKey(t *testing.T, client *kms.Client) string {
	t.Helper()
	out, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{
		KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac,
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.KeyMetadata.Arn)
}

func TestKMSGivesTheSameValueTwiceAndAnotherTagForAnotherKey(t *testing.T) {
	t.Parallel()
	client := kms.NewFromConfig(localawstest.Start(t).AWSConfig())
	d := deriver(t, client, "")
	first, second := newHMACKey(t, client), newHMACKey(t, client)

	a, err := d.Value(t.Context(), Scheme, first, "a", "k")
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.Value(t.Context(), Scheme, first, "a", "k")
	if err != nil {
		t.Fatal(err)
	}
	if a != again || !Check(a, DefaultPrefix) {
		t.Errorf("values %q and %q", a, again)
	}
	tags := map[string]bool{}
	for _, key := range []string{first, first, second} {
		tag, err := d.CheckTag(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		tags[tag] = true
	}
	if len(tags) != 2 {
		t.Errorf("%d tags of two KMS keys", len(tags))
	}
}

func TestAReplicaInAnotherRegionGivesTheSameValues(t *testing.T) {
	t.Parallel()
	cfg := localawstest.Start(t).AWSConfig()
	home := kms.NewFromConfig(cfg)
	cfg.Region = "eu-west-1"
	abroad := kms.NewFromConfig(cfg)
	created, err := home.CreateKey(t.Context(), &kms.CreateKeyInput{
		KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac, MultiRegion: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := home.ReplicateKey(t.Context(), &kms.ReplicateKeyInput{KeyId: created.KeyMetadata.KeyId, ReplicaRegion: aws.String("eu-west-1")}); err != nil {
		t.Fatal(err)
	}
	arn := *created.KeyMetadata.Arn
	values := map[string]bool{}
	for _, client := range []*kms.Client{home, abroad} {
		for _, recorded := range []string{arn, Recorded(arn)} {
			v, err := deriver(t, client, "").Value(t.Context(), Scheme, recorded, "a", "k")
			if err != nil {
				t.Fatal(err)
			}
			values[v] = true
		}
	}
	if len(values) != 1 {
		t.Errorf("one key has %d values", len(values))
	}
}
