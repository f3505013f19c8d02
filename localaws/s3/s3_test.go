package s3_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// local is a client with a bucket "b" and a clock that stands still.
type local struct {
	t testing.TB
	*s3.Client
	srv *localaws.Server
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)

func start(t testing.TB) *local {
	t.Helper()
	srv := localawstest.Start(t, func(o *localaws.Options) { o.Now = func() time.Time { return noon } })
	l := on(t, srv)
	l.createBucket("bucket")
	return l
}

func on(t testing.TB, srv *localaws.Server) *local {
	return &local{t, s3.NewFromConfig(srv.AWSConfig(), func(o *s3.Options) {
		o.UsePathStyle, o.RetryMaxAttempts = true, 1
	}), srv}
}

func (l *local) createBucket(name string) {
	l.t.Helper()
	if _, err := l.CreateBucket(l.t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *local) put(key, content string, adjust ...func(*s3.PutObjectInput)) (*s3.PutObjectOutput, error) {
	in := &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: &key, Body: strings.NewReader(content)}
	for _, f := range adjust {
		f(in)
	}
	return l.PutObject(l.t.Context(), in)
}

func (l *local) mustPut(keys ...string) {
	l.t.Helper()
	for _, key := range keys {
		if _, err := l.put(key, "content of "+key); err != nil {
			l.t.Fatalf("putting %s: %v", key, err)
		}
	}
}

func (l *local) get(key string, adjust ...func(*s3.GetObjectInput)) (string, *s3.GetObjectOutput, error) {
	in := &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: &key}
	for _, f := range adjust {
		f(in)
	}
	out, err := l.GetObject(l.t.Context(), in)
	if err != nil {
		return "", nil, err
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	return string(content), out, err
}

func wantCode(t testing.TB, err error, want string) {
	t.Helper()
	got := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		got = api.ErrorCode()
	}
	if got != want {
		t.Errorf("error code is %q (%v), want %q", got, err, want)
	}
}

func TestAnObjectIsReadBackAsPut(t *testing.T) {
	t.Parallel()
	l := start(t)
	big := string(bytes.Repeat([]byte("0123456789"), 400_000))
	for _, c := range []struct{ key, content string }{
		{"plain.txt", "hello"},
		{"deep/er/ä b+c%2F&.json", `{"a":1}`},
		{"//", "slashes"},
		{"empty", ""},
		{"big", big},
		{"as big as the zip with the programs", strings.Repeat(big, 8)},
	} {
		put, err := l.put(c.key, c.content, func(in *s3.PutObjectInput) {
			in.ContentType, in.CacheControl, in.ContentEncoding = aws.String("text/x"), aws.String("max-age=1"), aws.String("br")
			in.Metadata = map[string]string{"version": "7"}
		})
		if err != nil {
			t.Fatalf("%s: %v", c.key, err)
		}
		content, got, err := l.get(c.key)
		if err != nil {
			t.Fatalf("%s: %v", c.key, err)
		}
		if content != c.content {
			t.Errorf("%s: got %d bytes, want %d", c.key, len(content), len(c.content))
		}
		want := map[string]string{
			"ETag": *put.ETag, "ContentType": "text/x", "CacheControl": "max-age=1", "ContentEncoding": "br", "version": "7",
			"LastModified": "2026-03-01T12:00:00Z", "ContentLength": fmt.Sprint(len(c.content)),
		}
		have := map[string]string{
			"ETag": *got.ETag, "ContentType": *got.ContentType, "CacheControl": *got.CacheControl, "ContentEncoding": *got.ContentEncoding,
			"version": got.Metadata["version"], "LastModified": got.LastModified.Format(time.RFC3339), "ContentLength": fmt.Sprint(*got.ContentLength),
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.key, diff)
		}
		head, err := l.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("bucket"), Key: aws.String(c.key)})
		if err != nil || *head.ContentLength != int64(len(c.content)) || *head.ETag != *put.ETag {
			t.Errorf("%s: head answers %v, %v", c.key, head, err)
		}
	}
	const md5OfHello = `"5d41402abc4b2a76b9719d911017c592"`
	if _, out, err := l.get("plain.txt"); err != nil || *out.ETag != md5OfHello {
		t.Errorf("the ETag is %v (%v), want the quoted MD5", out.ETag, err)
	}
}

func TestEveryChecksumIsVerifiedAndReturned(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, algorithm := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
		if _, err := l.put("k", "hello", func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = algorithm }); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		_, out, err := l.get("k", func(in *s3.GetObjectInput) { in.ChecksumMode = types.ChecksumModeEnabled })
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		sums := map[types.ChecksumAlgorithm]*string{
			"CRC32": out.ChecksumCRC32, "CRC32C": out.ChecksumCRC32C, "CRC64NVME": out.ChecksumCRC64NVME,
			"SHA1": out.ChecksumSHA1, "SHA256": out.ChecksumSHA256,
		}
		if sums[algorithm] == nil {
			t.Errorf("%s is not returned", algorithm)
		}
	}
	wrong := map[string]func(*s3.PutObjectInput){
		"BadDigest":      func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") },
		"InvalidRequest": func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("short") },
		"InvalidDigest":  func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String("short") },
	}
	for code, adjust := range wrong {
		_, err := l.put("k", "hello", adjust)
		wantCode(t, err, code)
	}
	_, err := l.put("k", "hello", func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String("1B2M2Y8AsgTpgAmY7PhCfg==") })
	wantCode(t, err, "BadDigest")
}

func TestConditionalWritesDependOnTheExistingObject(t *testing.T) {
	t.Parallel()
	l := start(t)
	onlyNew := func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }
	onlyOver := func(etag string) func(*s3.PutObjectInput) {
		return func(in *s3.PutObjectInput) { in.IfMatch = &etag }
	}
	_, err := l.put("k", "zero", onlyOver("abc"))
	wantCode(t, err, "NoSuchKey")
	first, err := l.put("k", "one", onlyNew)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.put("k", "two", onlyNew)
	wantCode(t, err, "PreconditionFailed")
	if _, err = l.put("k", "three", onlyOver(*first.ETag)); err != nil {
		t.Fatal(err)
	}
	_, err = l.put("k", "four", onlyOver(*first.ETag))
	wantCode(t, err, "PreconditionFailed")
	_, err = l.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k"), IfMatch: first.ETag})
	wantCode(t, err, "PreconditionFailed")
	if content, _, err := l.get("k"); content != "three" {
		t.Errorf("the object is %q (%v), want three", content, err)
	}
}

func TestOneOfManyWritersOfANewObjectWins(t *testing.T) {
	t.Parallel()
	l := start(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = l.put("k", fmt.Sprint(i), func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
		})
	}
	wg.Wait()
	won := ""
	for i, err := range errs {
		switch {
		case err == nil && won != "":
			t.Errorf("both %s and %d won", won, i)
		case err == nil:
			won = fmt.Sprint(i)
		default:
			wantCode(t, err, "PreconditionFailed")
		}
	}
	if content, _, _ := l.get("k"); content != won {
		t.Errorf("the object is %q, want the winner's %q", content, won)
	}
}

func TestConditionalReadsDependOnETagAndTime(t *testing.T) {
	t.Parallel()
	l := start(t)
	put, err := l.put("k", "hello")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		adjust func(*s3.GetObjectInput)
		want   string
	}{
		{"its ETag", func(in *s3.GetObjectInput) { in.IfMatch = put.ETag }, ""},
		{"another ETag", func(in *s3.GetObjectInput) { in.IfMatch = aws.String(`"x"`) }, "PreconditionFailed"},
		{"not its ETag", func(in *s3.GetObjectInput) { in.IfNoneMatch = put.ETag }, "NotModified"},
		{"not another ETag", func(in *s3.GetObjectInput) { in.IfNoneMatch = aws.String(`"x"`) }, ""},
		{"modified since then", func(in *s3.GetObjectInput) { in.IfModifiedSince = &noon }, "NotModified"},
		{"modified since a future time", func(in *s3.GetObjectInput) { in.IfModifiedSince = aws.Time(noon.Add(time.Hour)) }, ""},
		{"modified since before", func(in *s3.GetObjectInput) { in.IfModifiedSince = aws.Time(noon.Add(-time.Second)) }, ""},
		{"unmodified since before", func(in *s3.GetObjectInput) { in.IfUnmodifiedSince = aws.Time(noon.Add(-time.Second)) }, "PreconditionFailed"},
		{"the ETag has precedence over the time", func(in *s3.GetObjectInput) {
			in.IfMatch, in.IfUnmodifiedSince = put.ETag, aws.Time(noon.Add(-time.Hour))
		}, ""},
	} {
		_, _, err := l.get("k", c.adjust)
		if got := codeOf(err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

// codeOf returns the error's code. An answer with status 304 has no body, and so no code.
func codeOf(err error) string {
	var api smithy.APIError
	var response interface{ HTTPStatusCode() int }
	switch {
	case errors.As(err, &response) && response.HTTPStatusCode() == 304:
		return "NotModified"
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return ""
}

func TestARangeIsServedUpToTheEndOfTheObject(t *testing.T) {
	t.Parallel()
	l := start(t)
	if _, err := l.put("k", "0123456789"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ asked, content, served, code string }{
		{"bytes=2-4", "234", "bytes 2-4/10", ""},
		{"bytes=7-", "789", "bytes 7-9/10", ""},
		{"bytes=8-99", "89", "bytes 8-9/10", ""},
		{"bytes=-3", "789", "bytes 7-9/10", ""},
		{"bytes=-30", "0123456789", "bytes 0-9/10", ""},
		{"bytes=10-", "", "", "InvalidRange"},
		{"bytes=-0", "", "", "InvalidRange"},
		{"bytes=5-2", "0123456789", "", ""},
		{"lines=1-2", "0123456789", "", ""},
		{"bytes=0-1,3-4", "0123456789", "", ""},
	} {
		content, out, err := l.get("k", func(in *s3.GetObjectInput) { in.Range = &c.asked })
		wantCode(t, err, c.code)
		if err == nil && (content != c.content || aws.ToString(out.ContentRange) != c.served) {
			t.Errorf("%s: got %q as %q, want %q as %q", c.asked, content, aws.ToString(out.ContentRange), c.content, c.served)
		}
	}
}

func TestUnknownBucketsAndKeysAreReportedAsSuch(t *testing.T) {
	t.Parallel()
	l := start(t)
	none := aws.String("no-bucket")
	_, _, err := l.get("none")
	var noKey *types.NoSuchKey
	if !errors.As(err, &noKey) {
		t.Errorf("the error for an unknown object is %v", err)
	}
	_, err = l.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("bucket"), Key: aws.String("none")})
	wantCode(t, err, "NotFound")
	_, err = l.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: none})
	wantCode(t, err, "NotFound")
	for _, call := range []func() error{
		func() error {
			_, err := l.GetObject(t.Context(), &s3.GetObjectInput{Bucket: none, Key: aws.String("k")})
			return err
		},
		func() error {
			_, err := l.PutObject(t.Context(), &s3.PutObjectInput{Bucket: none, Key: aws.String("k"), Body: strings.NewReader("")})
			return err
		},
		func() error {
			_, err := l.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: none, Key: aws.String("k")})
			return err
		},
		func() error {
			_, err := l.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: none})
			return err
		},
		func() error {
			_, err := l.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: none})
			return err
		},
	} {
		wantCode(t, call(), "NoSuchBucket")
	}
}

func TestDeletingAnObjectIsIdempotent(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.mustPut("a", "b", "c", "d")
	for range 2 {
		if _, err := l.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("bucket"), Key: aws.String("a")}); err != nil {
			t.Fatal(err)
		}
	}
	ids := []types.ObjectIdentifier{{Key: aws.String("b")}, {Key: aws.String("c")}, {Key: aws.String("never")}}
	out, err := l.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("bucket"), Delete: &types.Delete{Objects: ids}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Deleted) != 3 || len(out.Errors) != 0 {
		t.Errorf("deleted %v with errors %v, want all three", out.Deleted, out.Errors)
	}
	keys, _ := l.list()
	if diff := cmp.Diff([]string{"d"}, keys); diff != "" {
		t.Errorf("the remaining objects (-want +got):\n%s", diff)
	}
}
