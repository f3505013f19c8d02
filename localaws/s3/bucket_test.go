package s3_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

func TestBucketsAreCreatedListedAndDeletedWhenEmpty(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.createBucket("another.bucket-1")
	l.createBucket("bucket") // again, which us-east-1 accepts
	out, err := l.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range out.Buckets {
		names = append(names, *b.Name)
	}
	if diff := cmp.Diff([]string{"another.bucket-1", "bucket"}, names); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
	head, err := l.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("bucket")})
	if err != nil || aws.ToString(head.BucketRegion) != "us-east-1" {
		t.Errorf("HeadBucket answers %v, %v", head, err)
	}
	l.mustPut("k")
	_, err = l.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("bucket")})
	wantCode(t, err, "BucketNotEmpty")
	if _, err := l.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("bucket")}); err != nil {
		t.Errorf("deleting the empty bucket: %v", err)
	}
}

func TestInvalidBucketNamesAndRegionsAreRefused(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, name := range []string{"ab", "Upper", "under_score", "-dash", "192.168.0.1", "two..dots", "xn--a", strings.Repeat("a", 64)} {
		_, err := l.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name})
		wantCode(t, err, "InvalidBucketName")
	}
	abroad := func(o *s3.Options) { o.Region = "eu-west-1" }
	in := func(region types.BucketLocationConstraint) *s3.CreateBucketInput {
		return &s3.CreateBucketInput{
			Bucket: aws.String("abroad"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: region},
		}
	}
	_, err := l.CreateBucket(t.Context(), in("eu-west-1"))
	wantCode(t, err, "IllegalLocationConstraintException")
	_, err = l.CreateBucket(t.Context(), in("us-east-1"))
	wantCode(t, err, "InvalidLocationConstraint")
	_, err = l.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("abroad")}, abroad)
	wantCode(t, err, "IllegalLocationConstraintException")
	if _, err := l.CreateBucket(t.Context(), in("eu-west-1"), abroad); err != nil {
		t.Fatal(err)
	}
	_, err = l.CreateBucket(t.Context(), in("eu-west-1"), abroad)
	wantCode(t, err, "BucketAlreadyOwnedByYou")
	location, err := l.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: aws.String("abroad")})
	if err != nil || location.LocationConstraint != "eu-west-1" {
		t.Errorf("the location is %v, %v", location, err)
	}
}

// signed sends a handmade request with only those parts of a signature that the server reads.
func (l *local) signed(method, path, body string, headers map[string]string) (*http.Response, string) {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), method, l.srv.Endpoint()+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260301/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return resp, string(answer)
}

func TestAChunkedBodyWithATrailingChecksumIsDecoded(t *testing.T) {
	t.Parallel()
	l := start(t)
	const content = "hello, world"
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(content))))
	chunked := "5\r\nhello\r\n7;chunk-signature=0f\r\n, world\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n"
	headers := func(length int) map[string]string {
		return map[string]string{
			"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "Content-Encoding": "aws-chunked,gzip",
			"X-Amz-Decoded-Content-Length": fmt.Sprint(length), "X-Amz-Trailer": "x-amz-checksum-crc32",
		}
	}
	if resp, body := l.signed("PUT", "/bucket/k", chunked, headers(len(content))); resp.StatusCode != http.StatusOK {
		t.Fatalf("putting answers %s: %s", resp.Status, body)
	}
	got, out, err := l.get("k", func(in *s3.GetObjectInput) { in.ChecksumMode = types.ChecksumModeEnabled })
	if err != nil {
		t.Fatal(err)
	}
	if got != content || *out.ContentEncoding != "gzip" || aws.ToString(out.ChecksumCRC32) != sum {
		t.Errorf("got %q in %q with CRC32 %v", got, *out.ContentEncoding, out.ChecksumCRC32)
	}
	for name, c := range map[string]struct {
		body   string
		length int
		want   string
	}{
		"a wrong checksum":    {strings.Replace(chunked, sum, "AAAAAA==", 1), len(content), "<Code>BadDigest</Code>"},
		"another length":      {chunked, len(content) + 1, "<Code>IncompleteBody</Code>"},
		"no last chunk":       {"5\r\nhello\r\n", 5, "<Code>IncompleteBody</Code>"},
		"a truncated chunk":   {"9\r\nhello", 9, "<Code>IncompleteBody</Code>"},
		"a malformed trailer": {"0\r\nnonsense\r\n\r\n", 0, "<Code>MalformedTrailerError</Code>"},
	} {
		if _, body := l.signed("PUT", "/bucket/bad", c.body, headers(c.length)); !strings.Contains(body, c.want) {
			t.Errorf("%s: answers %s, want %s", name, body, c.want)
		}
	}
}

func TestUnsignedAndUnimplementedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.mustPut("k")
	resp, err := http.Get(l.srv.Endpoint() + "/bucket/k")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 400 {
		t.Errorf("an unsigned GET answers %s", resp.Status)
	}
	for _, c := range []struct{ method, path, header, value string }{
		{"GET", "/bucket?acl", "", ""},
		{"GET", "/bucket", "", ""},
		{"GET", "/bucket?uploads", "", ""},
		{"GET", "/bucket/k?versionId=1", "", ""},
		{"PUT", "/bucket/copy", "X-Amz-Copy-Source", "/bucket/k"},
		{"PUT", "/bucket/k", "X-Amz-Storage-Class", "GLACIER"},
	} {
		headers := map[string]string{}
		if c.header != "" {
			headers[c.header] = c.value
		}
		resp, body := l.signed(c.method, c.path, "", headers)
		if resp.StatusCode != http.StatusNotImplemented || !strings.Contains(body, "<Code>NotImplemented</Code>") {
			t.Errorf("%s %s answers %s: %s", c.method, c.path, resp.Status, body)
		}
	}
	resp2, body := l.signed("POST", "/bucket?delete", "<Delete><Object><Key>k</Key></Object></Delete>", nil)
	if resp2.StatusCode != http.StatusBadRequest || !strings.Contains(body, "Content-MD5") {
		t.Errorf("a deletion without a digest answers %s: %s", resp2.Status, body)
	}
	_, err = l.put("k", "x", func(in *s3.PutObjectInput) { in.ExpectedBucketOwner = aws.String("111122223333") })
	wantCode(t, err, "AccessDenied")
	_, err = l.put(strings.Repeat("k", 1025), "x")
	wantCode(t, err, "KeyTooLongError")
}

func TestObjectsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	content := string(bytes.Repeat([]byte{0, 1, 2, 255}, 1000))
	var etag string
	for i := range 2 {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		l := on(t, srv)
		if i == 0 {
			l.createBucket("bucket")
			out, err := l.put("k", content)
			if err != nil {
				t.Fatal(err)
			}
			etag = *out.ETag
		} else if got, out, err := l.get("k"); err != nil || got != content || *out.ETag != etag {
			t.Errorf("got %d bytes with %v, %v", len(got), out, err)
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestABucketCanBeCreatedPrivateButNotPublic(t *testing.T) {
	t.Parallel()
	l := start(t)
	create := func(acl types.BucketCannedACL) error {
		_, err := l.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("another"), ACL: acl})
		return err
	}
	wantCode(t, create(types.BucketCannedACLPublicRead), "AccessControlListNotSupported")
	if err := create(types.BucketCannedACLPrivate); err != nil {
		t.Error(err)
	}
}

func TestABucketCanBeNamedInTheHost(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.mustPut("a/key")
	var hosts []string
	client := s3.NewFromConfig(l.srv.AWSConfig(), func(o *s3.Options) {
		o.RetryMaxAttempts = 1
		o.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			hosts = append(hosts, r.URL.Hostname())
			r.Host, r.URL.Host = r.URL.Host, "127.0.0.1:"+r.URL.Port() // the address of *.localhost
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("a/key")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if content, err := io.ReadAll(out.Body); err != nil || string(content) != "content of a/key" {
		t.Errorf("the object holds %q, %v", content, err)
	}
	if diff := cmp.Diff([]string{"bucket.localhost"}, hosts); diff != "" {
		t.Errorf("requested hosts (-want +got):\n%s", diff)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }
