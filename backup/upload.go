package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// S3 takes at most 10,000 parts, each of 5 MiB at least ("Amazon S3 multipart upload limits"). One part is in memory
// at a time. Early parts are small, so that a usual backup needs little memory. All together hold 700 GiB.
const (
	mostParts  = 10000
	smallParts = 5000
	smallPart  = 16 << 20
	largePart  = 128 << 20
)

// partTimeout bounds one call that sends a part, with the SDK's own repeats.
const partTimeout = 10 * time.Minute

// abortTimeout bounds the call that gives an upload up, which an interruption does not stop.
const abortTimeout = 10 * time.Second

func partSize(number int) int {
	if number <= smallParts {
		return smallPart
	}
	return largePart
}

// upload writes an object. If everything fits into one part, it is a single call. Otherwise it is a multipart upload,
// of which S3 shows nothing until it is completed.
type upload struct {
	ctx context.Context //nolint:containedctx // io.Writer has none
	o   *object
	// mark is stored with the object, and tells it from one that somebody else wrote.
	mark  string
	part  bytes.Buffer
	id    *string // nil before the first part was sent
	parts []types.CompletedPart
}

const markName = "gatehouse-backup"

func (u *upload) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		room := partSize(len(u.parts)+1) - u.part.Len()
		if room == 0 {
			if err := u.sendPart(); err != nil {
				return n, err
			}
			continue
		}
		took, _ := u.part.Write(p[:min(room, len(p))])
		n, p = n+took, p[took:]
	}
	return n, nil
}

func (u *upload) sendPart() error {
	if u.id == nil {
		if err := u.begin(); err != nil {
			return err
		}
	}
	if len(u.parts) == mostParts {
		return portal.Fail(portal.Invalid, "The backup is larger than S3 takes in 10,000 parts. Write it to a file.")
	}
	in := s3.UploadPartInput{Bucket: &u.o.bucket, Key: &u.o.key, UploadId: u.id, PartNumber: aws.Int32(int32(len(u.parts) + 1))}
	var out *s3.UploadPartOutput
	err := u.try(func(ctx context.Context) (err error) {
		in.Body = bytes.NewReader(u.part.Bytes())
		out, err = u.o.client.UploadPart(ctx, &in)
		return err
	})
	if err != nil {
		return u.failed(err)
	}
	u.parts = append(u.parts, types.CompletedPart{
		PartNumber: in.PartNumber, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
		ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256,
	})
	u.part.Reset()
	return nil
}

func (u *upload) begin() error {
	var out *s3.CreateMultipartUploadOutput
	err := u.try(func(ctx context.Context) (err error) {
		out, err = u.o.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: &u.o.bucket, Key: &u.o.key, ContentType: aws.String(contentType), Metadata: map[string]string{markName: u.mark},
		})
		return err
	})
	if err != nil {
		return u.failed(err)
	}
	u.id = out.UploadId
	return nil
}

// finish makes the object, unless one of its name exists.
func (u *upload) finish() error {
	if u.id == nil {
		return u.finished(u.try(func(ctx context.Context) error {
			_, err := u.o.client.PutObject(ctx, &s3.PutObjectInput{
				Bucket: &u.o.bucket, Key: &u.o.key, Body: bytes.NewReader(u.part.Bytes()), ContentType: aws.String(contentType),
				Metadata: map[string]string{markName: u.mark}, IfNoneMatch: aws.String("*"),
			})
			return err
		}))
	}
	if u.part.Len() > 0 {
		if err := u.sendPart(); err != nil {
			return err
		}
	}
	return u.finished(u.try(func(ctx context.Context) error {
		_, err := u.o.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &u.o.bucket, Key: &u.o.key, UploadId: u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts}, IfNoneMatch: aws.String("*"),
		})
		return err
	}))
}

// finished explains the error of the call that makes the object. If its answer was lost, a repeat finds the
// object there, which is no error.
func (u *upload) finished(err error) error {
	status := statusOf(err)
	if status != http.StatusPreconditionFailed && (status != http.StatusNotFound || u.id == nil) {
		return u.failed(err)
	}
	head, headErr := u.o.client.HeadObject(u.ctx, &s3.HeadObjectInput{Bucket: &u.o.bucket, Key: &u.o.key})
	switch {
	case headErr == nil && head.Metadata[markName] == u.mark:
		return nil
	case status == http.StatusPreconditionFailed:
		return errExists(u.o.name())
	}
	return u.failed(err)
}

func (u *upload) failed(err error) error {
	var missing *types.NoSuchUpload
	switch {
	case err == nil:
		return nil
	case errors.As(err, &missing):
		return portal.Fail(portal.Conflict, "Somebody ended the upload of "+u.o.name()+", or a lifecycle rule of the bucket did. Run the command again.")
	case statusOf(err) == http.StatusNotFound: // only a missing bucket: an object need not exist before
		return portal.Fail(portal.NotFound, fmt.Sprintf("There is no bucket %s. Create it, or give another one.", u.o.bucket))
	}
	return fmt.Errorf("writing %s: %w", u.o.name(), err)
}

// abort removes the parts that S3 has, which cost as much as an object.
func (u *upload) abort() error {
	if u.id == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), abortTimeout)
	defer cancel()
	_, err := u.o.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.o.bucket, Key: &u.o.key, UploadId: u.id})
	var missing *types.NoSuchUpload
	if err == nil || errors.As(err, &missing) {
		return nil
	}
	return fmt.Errorf("the parts that were uploaded stay in the bucket until a lifecycle rule or `aws s3api abort-multipart-upload --bucket %s --key %s --upload-id %s` removes them: %w",
		u.o.bucket, u.o.key, aws.ToString(u.id), err)
}

func (u *upload) try(call func(context.Context) error) error {
	return retry(u.ctx, sleep, func() error {
		ctx, cancel := context.WithTimeout(u.ctx, partTimeout)
		defer cancel()
		err := call(ctx)
		if err != nil && ctx.Err() != nil && u.ctx.Err() == nil {
			return fmt.Errorf("S3 has not taken a part of the backup within %s. Check the network", partTimeout)
		}
		return err
	})
}
