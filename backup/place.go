package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Place is where a backup is kept.
type Place interface {
	// Write calls write, and keeps the backup if write succeeds. It overwrites nothing: if the place is
	// taken, the error is a Conflict.
	Write(ctx context.Context, write func(io.Writer) error) error
	// Open reads the backup. Every Open after the first reads the same bytes, or fails.
	Open(ctx context.Context) (io.ReadCloser, error)
}

type s3Client interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
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
	return &object{client: client, bucket: bucket, key: key}, nil
}

type localFile string

func taken(name string) error {
	return portal.Fail(portal.Conflict, name+" exists. A backup overwrites nothing: give another name, or delete it first.")
}

// Write writes to a temporary file beside the named one, so that there is never half a backup under the name.
func (f localFile) Write(_ context.Context, write func(io.Writer) error) (err error) {
	name := string(f)
	if _, err := os.Lstat(name); err == nil {
		return taken(name)
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
		return taken(name)
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
}

func (o *object) name() string { return "s3://" + o.bucket + "/" + o.key }

// Write gathers the backup in a temporary file, since S3 needs to know the size first.
func (o *object) Write(ctx context.Context, write func(io.Writer) error) (err error) {
	_, err = o.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &o.bucket, Key: &o.key})
	status := statusOf(err)
	switch {
	case err == nil:
		return taken(o.name())
	case status != http.StatusNotFound && status != http.StatusForbidden: // without s3:ListBucket, S3 answers 403 where there is no object
		return fmt.Errorf("looking for %s: %w", o.name(), err)
	}
	gathered, err := os.CreateTemp("", "gatehouse-backup-")
	if err != nil {
		return fmt.Errorf("creating a temporary file: %w", err)
	}
	defer func() { err = errors.Join(err, gathered.Close(), os.Remove(gathered.Name())) }()
	if err := write(gathered); err != nil {
		return err
	}
	if _, err := gathered.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading the temporary file: %w", err)
	}
	_, err = o.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &o.bucket, Key: &o.key, Body: gathered, ContentType: aws.String("application/gzip"), IfNoneMatch: aws.String("*"),
	})
	switch {
	case statusOf(err) == http.StatusPreconditionFailed:
		return taken(o.name())
	case statusOf(err) == http.StatusNotFound: // only a missing bucket: an object need not exist before
		return portal.Fail(portal.NotFound, fmt.Sprintf("There is no bucket %s. Create it, or give another one.", o.bucket))
	case err != nil:
		return fmt.Errorf("writing %s: %w", o.name(), err)
	}
	return nil
}

func (o *object) Open(ctx context.Context) (io.ReadCloser, error) {
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key, IfMatch: o.etag})
	switch {
	case statusOf(err) == http.StatusPreconditionFailed:
		return nil, portal.Fail(portal.Conflict, o.name()+" was changed meanwhile. Run the command again.")
	case statusOf(err) == http.StatusNotFound:
		return nil, portal.Fail(portal.NotFound, o.name()+" does not exist.")
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", o.name(), err)
	}
	o.etag = out.ETag
	return out.Body, nil
}

func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}
