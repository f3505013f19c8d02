package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

type s3Client interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

const maxObjects = 20_000

// S3 returns the folder below a prefix of a bucket, "" for the whole bucket. The client must be
// for the bucket's Region. An object is read again only if its ETag has changed.
func S3(client s3Client, bucket, prefix string) *Source {
	prefix = strings.Trim(prefix, "/")
	b := &bucketFolder{client: client, bucket: bucket, location: strings.TrimSuffix("s3://"+bucket+"/"+prefix, "/")}
	if prefix != "" {
		b.prefix = prefix + "/"
	}
	return &Source{location: b.location, open: b.open}
}

type bucketFolder struct {
	client         s3Client
	bucket, prefix string
	location       string
	mu             sync.Mutex
	contents       map[string]object // by key
}

type object struct {
	etag string
	body []byte
}

func (b *bucketFolder) open(ctx context.Context) (fs.FS, func() error, error) {
	listing := &bucketFS{ctx: ctx, folder: b, tree: newTree(), used: map[string]object{}}
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: aws.String(b.prefix)})
	count := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, b.explain(err, "s3:ListBucket", "arn:aws:s3:::"+b.bucket)
		}
		for _, o := range page.Contents {
			key := aws.ToString(o.Key)
			name := strings.TrimPrefix(key, b.prefix)
			if name == "" || strings.HasSuffix(name, "/") || !fs.ValidPath(name) {
				continue
			}
			if count++; count > maxObjects {
				return nil, nil, fmt.Errorf("there are more than %d objects in %s. Give the catalog a prefix of its own", maxObjects, b.location)
			}
			listing.tree.add(name, entry{name: path.Base(name), size: aws.ToInt64(o.Size), etag: aws.ToString(o.ETag)})
		}
	}
	if count == 0 {
		return nil, nil, fmt.Errorf("there are no objects in %s. Correct the prefix, or upload the catalog folder. If it is meant to have no products, upload an empty object named %s", b.location, catalog.EmptyMark)
	}
	return listing, listing.close, nil
}

type bucketFS struct {
	// ctx is that of the current reading; fs.FS has no place for it.
	ctx    context.Context
	folder *bucketFolder
	tree   *tree
	used   map[string]object
	failed error
}

func (l *bucketFS) Open(name string) (fs.File, error) {
	node, ok := l.tree.find(name)
	switch {
	case !ok:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case node.IsDir():
		return &openDir{entry: node, rest: l.tree.in(name)}, nil
	}
	body, err := l.folder.content(l.ctx, name, node, l.used)
	if err != nil {
		if l.failed == nil && !errors.Is(err, fs.ErrNotExist) {
			l.failed = err
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{entry: node, Reader: strings.NewReader(string(body))}, nil
}

// Stat implements fs.StatFS. It fetches nothing.
func (l *bucketFS) Stat(name string) (fs.FileInfo, error) {
	node, ok := l.tree.find(name)
	if !ok {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return node, nil
}

// close keeps the contents that were used for the next reading, which goes on from there if this
// one failed. It returns the first error of S3, since a folder with unread files must not count as
// read.
func (l *bucketFS) close() error {
	l.folder.mu.Lock()
	defer l.folder.mu.Unlock()
	if l.failed != nil {
		for key, content := range l.folder.contents {
			if _, again := l.used[key]; !again {
				l.used[key] = content
			}
		}
	}
	l.folder.contents = l.used
	return l.failed
}

func (b *bucketFolder) content(ctx context.Context, name string, node entry, used map[string]object) ([]byte, error) {
	key := b.prefix + name
	b.mu.Lock()
	known, ok := b.contents[key]
	b.mu.Unlock()
	if !ok || known.etag != node.etag {
		var err error
		if known, err = b.fetch(ctx, key); err != nil {
			return nil, err
		}
	}
	used[key] = known
	return known.body, nil
}

// fetch reads an object, at most a byte more than any file may have.
func (b *bucketFolder) fetch(ctx context.Context, key string) (object, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil {
		return object{}, b.explain(err, "s3:GetObject", "arn:aws:s3:::"+b.bucket+"/"+b.prefix+"*")
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxOpenAPI+1))
	if err != nil {
		return object{}, &unreadable{fmt.Sprintf("the object %s of the bucket %s did not arrive whole (%s). Try again later", key, b.bucket, cause(err)), err}
	}
	return object{etag: aws.ToString(out.ETag), body: body}, nil
}

func (b *bucketFolder) explain(err error, permission, resource string) error {
	var (
		named    smithy.APIError
		response *smithyhttp.ResponseError
	)
	code, status, region := "", 0, ""
	if errors.As(err, &named) {
		code = named.ErrorCode()
	}
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
		region = response.Response.Header.Get("X-Amz-Bucket-Region")
	}
	say := func(format string, args ...any) error { return &unreadable{fmt.Sprintf(format, args...), err} }
	switch {
	case code == "NoSuchBucket":
		return say("there is no bucket %s. Create it, or correct the location %s", b.bucket, b.location)
	case code == "NoSuchKey":
		return fs.ErrNotExist
	case code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" || status == http.StatusMovedPermanently:
		return say("the bucket %s is in %s. Use a bucket in the Region of the APIs (AWS_REGION)", b.bucket, cmp.Or(region, "another Region"))
	case code == "AccessDenied" || code == "AllAccessDisabled" || status == http.StatusForbidden:
		return say("AWS does not let this program read %s. Allow its role %s on %s", b.location, permission, resource)
	case code == "SlowDown" || status >= http.StatusInternalServerError:
		return say("S3 cannot answer right now (%s). Try again later", cmp.Or(code, http.StatusText(status)))
	case code != "":
		return say("S3 refuses to read %s (%s). Check the location", b.location, code)
	}
	return say("S3 does not answer, so %s cannot be read (%s). Check the network of this program, or try again later", b.location, cause(err))
}

// cause is the innermost error's text, without the SDK's wrapping.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

type unreadable struct {
	text string
	err  error
}

func (u *unreadable) Error() string { return u.text }
func (u *unreadable) Unwrap() error { return u.err }
