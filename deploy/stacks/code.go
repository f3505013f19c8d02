package stacks

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// code is a zip for AWS Lambda.
type code struct {
	bytes        []byte
	bucket, key  string
	architecture string
}

// BucketName is the name of the bucket with the programs of all portals in an account and Region.
func BucketName(account, region string) string { return "gatehouse-" + account + "-" + region }

// CheckZip says why AWS Lambda cannot run a zip, if so.
func CheckZip(path string) error {
	_, err := Deployer{}.readCode(path, "", "")
	return err
}

// readCode reads the zip and checks that AWS Lambda can run it.
func (d Deployer) readCode(path, name, account string) (code, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return code{}, fmt.Errorf("there is no zip %s with the programs. Build it with `make lambda`, or name another one with --zip", path)
	}
	if err != nil {
		return code{}, fmt.Errorf("reading the zip with the programs: %w", err)
	}
	sum := sha256.Sum256(text)
	c := code{bytes: text, bucket: BucketName(account, d.AWS.Region), key: name + "/" + d.Version + "-" + hex.EncodeToString(sum[:8]) + ".zip"}
	if c.architecture, err = architectureOf(text); err != nil {
		return code{}, fmt.Errorf("%s is not a zip of Gatehouse's programs for AWS Lambda (%w). Build it with `make lambda`", path, err)
	}
	return c, nil
}

// bootstrap is the program that AWS Lambda starts.
const bootstrap = "bootstrap"

func architectureOf(text []byte) (string, error) {
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return "", err
	}
	file, err := archive.Open(bootstrap)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	program, err := io.ReadAll(file)
	if err != nil {
		return "", err
	}
	header, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return "", err
	}
	switch header.Machine {
	case elf.EM_AARCH64:
		return "arm64", nil
	case elf.EM_X86_64:
		return "x86_64", nil
	}
	return "", fmt.Errorf("it is for the processor %s", header.Machine)
}

func (d Deployer) objects() *s3.Client {
	// Another AWS than AWS's own may have no host name for each bucket.
	return s3.NewFromConfig(d.AWS, func(o *s3.Options) { o.UsePathStyle = d.AWS.BaseEndpoint != nil })
}

func isCode(err error, codes ...string) bool {
	var named smithy.APIError
	if !errors.As(err, &named) {
		return false
	}
	for _, c := range codes {
		if named.ErrorCode() == c {
			return true
		}
	}
	return false
}

// uploaded reports whether the zip is in its bucket. Buckets have names that everybody shares, so each
// call says whose the bucket must be.
func (d Deployer) uploaded(ctx context.Context, c code, account string) (bool, error) {
	_, err := d.objects().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &c.bucket, Key: &c.key, ExpectedBucketOwner: &account})
	if isCode(err, "NotFound", "NoSuchKey", "NoSuchBucket") {
		return false, nil
	}
	if err != nil {
		return false, bucketError(c.bucket, err)
	}
	return true, nil
}

func bucketError(bucket string, err error) error {
	if isCode(err, "Forbidden", "AccessDenied", "BucketAlreadyExists") {
		return fmt.Errorf("the bucket %s cannot be used: it belongs to another AWS account, or your credentials may not use it. Ask an administrator for s3:CreateBucket, s3:PutObject and s3:GetObject on it", bucket)
	}
	return fmt.Errorf("using the bucket %s: %w", bucket, err)
}

// upload makes the bucket and puts the zip there. AWS keeps new buckets private and encrypts what is
// in them.
func (d Deployer) upload(ctx context.Context, c code, account string) error {
	in := s3.CreateBucketInput{Bucket: &c.bucket}
	if d.AWS.Region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(d.AWS.Region)}
	}
	if _, err := d.objects().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &c.bucket, ExpectedBucketOwner: &account}); isCode(err, "NotFound", "NoSuchBucket") {
		if _, err := d.objects().CreateBucket(ctx, &in); err != nil && !isCode(err, "BucketAlreadyOwnedByYou") {
			return bucketError(c.bucket, err)
		}
	} else if err != nil {
		return bucketError(c.bucket, err)
	}
	_, err := d.objects().PutObject(ctx, &s3.PutObjectInput{
		Bucket: &c.bucket, Key: &c.key, Body: bytes.NewReader(c.bytes), ContentType: aws.String("application/zip"), ExpectedBucketOwner: &account,
	})
	if err != nil {
		return bucketError(c.bucket, err)
	}
	return nil
}
