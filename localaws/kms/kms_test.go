package kms_test

import (
	"bytes"
	"crypto/hmac"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func start(t *testing.T, adjust ...func(*localaws.Options)) *kms.Client {
	t.Helper()
	return clientOf(localawstest.Start(t, adjust...))
}

func clientOf(srv *localaws.Server) *kms.Client {
	return kms.NewFromConfig(srv.AWSConfig(), func(o *kms.Options) { o.RetryMaxAttempts = 1 })
}

func createKey(t *testing.T, client *kms.Client, spec types.KeySpec) *types.KeyMetadata {
	t.Helper()
	out, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: types.KeyUsageTypeGenerateVerifyMac})
	if err != nil {
		t.Fatal(err)
	}
	return out.KeyMetadata
}

func generate(t *testing.T, client *kms.Client, key, message string) ([]byte, error) {
	t.Helper()
	out, err := client.GenerateMac(t.Context(), &kms.GenerateMacInput{
		KeyId: &key, Message: []byte(message), MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
	})
	if err != nil {
		return nil, err
	}
	return out.Mac, nil
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var refused smithy.APIError
	switch {
	case err == nil:
		t.Errorf("got no error, want %s", code)
	case !errors.As(err, &refused):
		t.Errorf("got %v, want %s", err, code)
	case refused.ErrorCode() != code:
		t.Errorf("got %s (%s), want %s", refused.ErrorCode(), refused.ErrorMessage(), code)
	}
}

func TestAMacIsAsLongAsItsDigestAndVerifies(t *testing.T) {
	t.Parallel()
	client := start(t)
	for _, c := range []struct {
		spec      types.KeySpec
		algorithm types.MacAlgorithmSpec
		bytes     int
	}{
		{types.KeySpecHmac224, types.MacAlgorithmSpecHmacSha224, 28},
		{types.KeySpecHmac256, types.MacAlgorithmSpecHmacSha256, 32},
		{types.KeySpecHmac384, types.MacAlgorithmSpecHmacSha384, 48},
		{types.KeySpecHmac512, types.MacAlgorithmSpecHmacSha512, 64},
	} {
		key := createKey(t, client, c.spec)
		made, err := client.GenerateMac(t.Context(), &kms.GenerateMacInput{
			KeyId: key.KeyId, Message: []byte("a message"), MacAlgorithm: c.algorithm,
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(made.Mac) != c.bytes {
			t.Errorf("%s: the MAC has %d bytes, want %d", c.spec, len(made.Mac), c.bytes)
		}
		if aws.ToString(made.KeyId) != aws.ToString(key.Arn) {
			t.Errorf("%s: the answer's key is %s, want %s", c.spec, *made.KeyId, *key.Arn)
		}
		checked, err := client.VerifyMac(t.Context(), &kms.VerifyMacInput{
			KeyId: key.KeyId, Message: []byte("a message"), MacAlgorithm: c.algorithm, Mac: made.Mac,
		})
		if err != nil || !checked.MacValid {
			t.Errorf("%s: the MAC does not verify: %v", c.spec, err)
		}
	}
}

func TestAMacOfAnotherMessageOrAnotherKeyDoesNotVerify(t *testing.T) {
	t.Parallel()
	client := start(t)
	one, other := createKey(t, client, types.KeySpecHmac256), createKey(t, client, types.KeySpecHmac256)
	mac, err := generate(t, client, *one.KeyId, "a message")
	if err != nil {
		t.Fatal(err)
	}
	verify := func(key *string, message string) error {
		_, err := client.VerifyMac(t.Context(), &kms.VerifyMacInput{
			KeyId: key, Message: []byte(message), MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Mac: mac,
		})
		return err
	}
	wantCode(t, verify(one.KeyId, "another message"), "KMSInvalidMacException")
	wantCode(t, verify(other.KeyId, "a message"), "KMSInvalidMacException")
	if err := verify(one.KeyId, "a message"); err != nil {
		t.Error(err)
	}
}

func TestAKeyIsFoundByIDAndARNAndAliasAndAliasARN(t *testing.T) {
	t.Parallel()
	client := start(t)
	key := createKey(t, client, types.KeySpecHmac256)
	_, err := client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/keys/main"), TargetKeyId: key.KeyId})
	if err != nil {
		t.Fatal(err)
	}
	aliasARN := fmt.Sprintf("arn:aws:kms:%s:%s:alias/keys/main", localaws.Region, localaws.Account)
	want, err := generate(t, client, *key.KeyId, "a message")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{*key.KeyId, *key.Arn, "alias/keys/main", aliasARN} {
		found, err := client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if *found.KeyMetadata.Arn != *key.Arn {
			t.Errorf("%s is %s, want %s", name, *found.KeyMetadata.Arn, *key.Arn)
		}
		if mac, err := generate(t, client, name, "a message"); err != nil || !hmac.Equal(mac, want) {
			t.Errorf("%s makes a different MAC (%v)", name, err)
		}
	}
}

func TestUnknownKeysAreNotFound(t *testing.T) {
	t.Parallel()
	client := start(t)
	for name, code := range map[string]string{
		"1234abcd-12ab-34cd-56ef-1234567890ab":          "NotFoundException",
		"alias/none":                                    "NotFoundException",
		"arn:aws:kms:us-east-1:000000000000:key/none":   "NotFoundException",
		"arn:aws:kms:us-east-1:111111111111:key/none":   "NotFoundException",
		"arn:aws:kms:eu-west-1:000000000000:key/none":   "InvalidArnException",
		"arn:aws:sqs:us-east-1:000000000000:key/none":   "InvalidArnException",
		"arn:aws:kms:us-east-1:000000000000:grant/none": "InvalidArnException",
	} {
		_, err := client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &name})
		wantCode(t, err, code)
	}
}

func TestAMultiRegionKeyIsDescribedAsOne(t *testing.T) {
	t.Parallel()
	client := start(t)
	out, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{
		KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac, MultiRegion: aws.Bool(true),
		Description: aws.String("for API keys"), Policy: aws.String(open),
	})
	if err != nil {
		t.Fatal(err)
	}
	key := out.KeyMetadata
	if !strings.HasPrefix(*key.KeyId, "mrk-") || len(*key.KeyId) != 36 {
		t.Errorf("the id %q is not mrk- and 32 hexadecimal digits", *key.KeyId)
	}
	if !aws.ToBool(key.MultiRegion) || key.MultiRegionConfiguration.MultiRegionKeyType != types.MultiRegionKeyTypePrimary {
		t.Errorf("the metadata do not show a multi-Region primary: %+v", key)
	}
	if *key.Description != "for API keys" || key.KeyState != types.KeyStateEnabled || !key.Enabled {
		t.Errorf("unexpected metadata: %+v", key)
	}
}

func TestOtherKindsOfKeysAreRefused(t *testing.T) {
	t.Parallel()
	client := start(t)
	for name, c := range map[string]struct {
		in   kms.CreateKeyInput
		code string
	}{
		"the default, an encryption key": {kms.CreateKeyInput{}, "NotImplementedException"},
		"a signing key":                  {kms.CreateKeyInput{KeySpec: types.KeySpecRsa2048, KeyUsage: types.KeyUsageTypeSignVerify}, "NotImplementedException"},
		"an HMAC key for encryption":     {kms.CreateKeyInput{KeySpec: types.KeySpecHmac256}, "ValidationException"},
		"imported material":              {kms.CreateKeyInput{KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac, Origin: types.OriginTypeExternal}, "NotImplementedException"},
		"a broken policy":                {kms.CreateKeyInput{KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac, Policy: aws.String("{")}, "MalformedPolicyDocumentException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.CreateKey(t.Context(), &c.in)
			wantCode(t, err, c.code)
		})
	}
}

func TestMacRequestsAreChecked(t *testing.T) {
	t.Parallel()
	client := start(t)
	key := createKey(t, client, types.KeySpecHmac256)
	request := func(change func(*kms.GenerateMacInput)) error {
		in := &kms.GenerateMacInput{KeyId: key.KeyId, Message: []byte("m"), MacAlgorithm: types.MacAlgorithmSpecHmacSha256}
		change(in)
		_, err := client.GenerateMac(t.Context(), in)
		return err
	}
	if err := request(func(in *kms.GenerateMacInput) { in.Message = bytes.Repeat([]byte("m"), 4096) }); err != nil {
		t.Errorf("4096 bytes: %v", err)
	}
	wantCode(t, request(func(in *kms.GenerateMacInput) { in.Message = bytes.Repeat([]byte("m"), 4097) }), "ValidationException")
	wantCode(t, request(func(in *kms.GenerateMacInput) { in.Message = []byte{} }), "ValidationException")
	wantCode(t, request(func(in *kms.GenerateMacInput) { in.MacAlgorithm = "HMAC_MD5" }), "ValidationException")
	wantCode(t, request(func(in *kms.GenerateMacInput) { in.MacAlgorithm = types.MacAlgorithmSpecHmacSha512 }), "InvalidKeyUsageException")
	wantCode(t, request(func(in *kms.GenerateMacInput) { in.DryRun = aws.Bool(true) }), "DryRunOperationException")
	wantCode(t, request(func(in *kms.GenerateMacInput) { in.GrantTokens = []string{"g"} }), "NotImplementedException")
}

func TestADisabledKeyMakesNoMacUntilItIsEnabled(t *testing.T) {
	t.Parallel()
	client := start(t)
	key := createKey(t, client, types.KeySpecHmac256)
	if _, err := client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: key.KeyId}); err != nil {
		t.Fatal(err)
	}
	_, err := generate(t, client, *key.KeyId, "m")
	wantCode(t, err, "DisabledException")
	if _, err := client.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: key.Arn}); err != nil {
		t.Fatal(err)
	}
	if _, err := generate(t, client, *key.KeyId, "m"); err != nil {
		t.Error(err)
	}
}

func TestAKeyScheduledForDeletionIsUnusableUntilItIsRestoredDisabledOrDeleted(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	client := start(t, func(o *localaws.Options) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	key := createKey(t, client, types.KeySpecHmac256)
	schedule := func(days int32) error {
		_, err := client.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: key.KeyId, PendingWindowInDays: &days})
		return err
	}
	wantCode(t, schedule(6), "ValidationException")
	wantCode(t, schedule(31), "ValidationException")
	_, err := client.CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: key.KeyId})
	wantCode(t, err, "KMSInvalidStateException")
	if err := schedule(7); err != nil {
		t.Fatal(err)
	}
	wantCode(t, schedule(7), "KMSInvalidStateException")
	_, err = generate(t, client, *key.KeyId, "m")
	wantCode(t, err, "KMSInvalidStateException")
	_, err = client.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: key.KeyId})
	wantCode(t, err, "KMSInvalidStateException")
	_, err = client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/late"), TargetKeyId: key.KeyId})
	wantCode(t, err, "KMSInvalidStateException")

	if _, err := client.CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: key.KeyId}); err != nil {
		t.Fatal(err)
	}
	_, err = generate(t, client, *key.KeyId, "m")
	wantCode(t, err, "DisabledException")
	if _, err := client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/mine"), TargetKeyId: key.KeyId}); err != nil {
		t.Fatal(err)
	}

	if err := schedule(7); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(7*24*time.Hour + time.Minute))
	_, err = client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key.KeyId})
	wantCode(t, err, "NotFoundException")
	_, err = generate(t, client, "alias/mine", "m")
	wantCode(t, err, "NotFoundException")
	next := createKey(t, client, types.KeySpecHmac256)
	if _, err := client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/mine"), TargetKeyId: next.KeyId}); err != nil {
		t.Errorf("the alias of a deleted key is not free: %v", err)
	}
}

func TestKeysAndMacsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() (*localaws.Server, *kms.Client) {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		return srv, clientOf(srv)
	}
	srv, client := open()
	key := createKey(t, client, types.KeySpecHmac256)
	if _, err := client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/kept"), TargetKeyId: key.KeyId}); err != nil {
		t.Fatal(err)
	}
	before, err := generate(t, client, "alias/kept", "m")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "localaws.db")); err != nil {
		t.Fatal(err)
	}
	srv, client = open()
	defer func() { _ = srv.Close() }()
	after, err := generate(t, client, "alias/kept", "m")
	if err != nil || !hmac.Equal(before, after) {
		t.Errorf("the MAC of the same message differs after a restart (%v)", err)
	}
}
