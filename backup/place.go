package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Place is where a backup is kept.
type Place interface {
	// Write calls write, and keeps the backup if write succeeds. If there is a file or object of the name
	// already, the error is a Conflict. On a file system without hard links, a file that is created under the
	// name meanwhile is replaced.
	Write(ctx context.Context, write func(io.Writer) error) error
	// Open reads the backup. A second Open of an object in S3 fails with Conflict if the object has changed
	// since the first. A second Open of a file reads what is there then.
	Open(ctx context.Context) (io.ReadCloser, error)
}

type s3Client interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
}

// ParsePlace returns the place of a file's name, or of s3://bucket/key.
func ParsePlace(text string, client s3Client) (Place, error) {
	rest, ok := strings.CutPrefix(text, "s3://")
	if !ok {
		return localFile(text), nil
	}
	bucket, key, _ := strings.Cut(rest, "/")
	if bucket == "" || key == "" || strings.HasSuffix(key, "/") {
		return nil, portal.Fail(portal.Invalid, fmt.Sprintf("%s names no object: want s3://BUCKET/KEY.", text))
	}
	return &object{client: client, bucket: bucket, key: key, silence: silence}, nil
}

type localFile string

func errExists(name string) error {
	return portal.Fail(portal.Conflict, name+" exists. A backup overwrites nothing: give another name, or delete it first.")
}

// Write writes to a temporary file beside the named one, so that there is never half a backup under the name.
func (f localFile) Write(_ context.Context, write func(io.Writer) error) (err error) {
	name := string(f)
	if _, err := os.Lstat(name); err == nil {
		return errExists(name)
	}
	out, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".partial-")
	if errors.Is(err, os.ErrNotExist) {
		return portal.Fail(portal.NotFound, fmt.Sprintf("There is no folder %s. Create it, or give another file.", filepath.Dir(name)))
	}
	if err != nil {
		return fmt.Errorf("creating the backup: %w", err)
	}
	beside := out.Name()
	defer func() {
		if gone := os.Remove(beside); !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}()
	if err := errors.Join(write(out), out.Sync(), out.Close()); err != nil {
		return err
	}
	// Unlike a rename, a link never replaces a file. Some file systems have none.
	switch err := os.Link(beside, name); {
	case errors.Is(err, os.ErrExist):
		return errExists(name)
	case err != nil:
		return os.Rename(beside, name)
	}
	return nil
}

func (f localFile) Open(context.Context) (io.ReadCloser, error) {
	in, err := os.Open(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return nil, portal.Fail(portal.NotFound, string(f)+" does not exist.")
	}
	if err != nil {
		return nil, fmt.Errorf("opening the backup: %w", err)
	}
	if is, err := in.Stat(); err == nil && is.IsDir() {
		_ = in.Close()
		return nil, portal.Fail(portal.Invalid, string(f)+" is a folder. Give the file of a backup.")
	}
	return in, nil
}

type object struct {
	client      s3Client
	bucket, key string
	etag        *string
	// silence is how long S3 may send nothing.
	silence time.Duration
}

const silence = 30 * time.Second

// silent explains that S3 sent nothing for a time.
func (o *object) silent() error {
	return fmt.Errorf("S3 does not answer within %s. Check AWS_REGION, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 and the network", o.silence)
}

func (o *object) name() string { return "s3://" + o.bucket + "/" + o.key }

const contentType = "application/gzip"

// Write sends the backup to S3 while write makes it. S3 shows no object before the end.
func (o *object) Write(ctx context.Context, write func(io.Writer) error) error {
	quick, cancel := context.WithTimeout(ctx, o.silence)
	_, err := o.client.HeadObject(quick, &s3.HeadObjectInput{Bucket: &o.bucket, Key: &o.key})
	quiet := quick.Err() != nil && ctx.Err() == nil
	cancel()
	status := statusOf(err)
	switch {
	case err == nil:
		return errExists(o.name())
	case quiet:
		return o.silent()
	case status != http.StatusNotFound && status != http.StatusForbidden: // without s3:ListBucket, S3 answers 403 where there is no object
		return fmt.Errorf("looking for %s: %w", o.name(), err)
	}
	u := &upload{ctx: ctx, o: o, mark: rand.Text()}
	if err = write(u); err == nil {
		err = u.finish()
	}
	if err != nil {
		return errors.Join(err, u.abort())
	}
	return nil
}

func (o *object) Open(ctx context.Context) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	quiet := time.AfterFunc(o.silence, func() { cancel(o.silent()) })
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key, IfMatch: o.etag})
	if err != nil {
		defer cancel(nil)
	}
	switch {
	case !quiet.Stop() && context.Cause(ctx) != nil && err != nil:
		return nil, context.Cause(ctx)
	case statusOf(err) == http.StatusPreconditionFailed:
		return nil, portal.Fail(portal.Conflict, o.name()+" was changed meanwhile. Run the command again.")
	case statusOf(err) == http.StatusNotFound:
		return nil, portal.Fail(portal.NotFound, o.name()+" does not exist.")
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", o.name(), err)
	}
	o.etag = out.ETag
	return &heard{ctx, cancel, out.Body, o}, nil
}

// heard is an object's content. It fails if S3 sends nothing for too long.
type heard struct {
	ctx    context.Context //nolint:containedctx // of the request that the content answers
	cancel context.CancelCauseFunc
	body   io.ReadCloser
	from   *object
}

func (h *heard) Read(p []byte) (int, error) {
	quiet := time.AfterFunc(h.from.silence, func() { h.cancel(h.from.silent()) })
	n, err := h.body.Read(p)
	if quiet.Stop() || err == nil || errors.Is(err, io.EOF) {
		return n, err //nolint:wrapcheck // a reader's error is passed on as it is
	}
	return n, context.Cause(h.ctx)
}

func (h *heard) Close() error {
	h.cancel(nil)
	return h.body.Close()
}

func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}
