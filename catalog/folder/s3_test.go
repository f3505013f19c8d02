package folder_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog/folder"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// bucket is a bucket "catalogs" in the local AWS that records which objects are read.
type bucket struct {
	*s3.Client
	t    *testing.T
	mu   sync.Mutex
	read []string
	fail error
	// only is the one object that cannot be read while fail is set, "" for all.
	only string
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	client := s3.NewFromConfig(localawstest.Start(t).AWSConfig(), func(o *s3.Options) { o.UsePathStyle, o.RetryMaxAttempts = true, 1 })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("catalogs")}); err != nil {
		t.Fatal(err)
	}
	return &bucket{Client: client, t: t}
}

func (b *bucket) put(key, content string) {
	b.t.Helper()
	if _, err := b.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: aws.String("catalogs"), Key: &key, Body: strings.NewReader(content)}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bucket) GetObject(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	b.mu.Lock()
	b.read = append(b.read, *in.Key)
	fail := b.fail
	if b.only != "" && b.only != *in.Key {
		fail = nil
	}
	b.mu.Unlock()
	if fail != nil {
		return nil, fail
	}
	return b.Client.GetObject(ctx, in, options...)
}

func (b *bucket) taken() []string {
	read := slices.Sorted(slices.Values(b.read))
	b.read = nil
	return read
}

func TestAFolderInS3IsReadLikeALocalOne(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	fsys := folderOf("tides/product.yaml", "name: Tides\nplans: [{id: x}]\nimage: {file: images/a.svg, alt: ''}\napis: [{openapi: o.json}]\n", "tides/o.json", openAPI,
		"tides/images/a.svg", picture, "tides/pages/a.md", "# A\n\nText\n", "bad/product.yaml", "name: [", "pages/b.md", "[x](nothing.md)")
	for name, file := range fsys {
		b.put("team/catalog/"+name, string(file.Data))
	}
	b.put("team/catalog/tides/images/", "") // what consoles create for a folder
	b.put("team/catalog/tides/not-shown", "x")
	b.put("team/catalog-of-others/x/product.yaml", "x")
	b.put("team/catalog/../x/product.yaml", "x")
	b.put("team/catalog//y/product.yaml", "x")
	for _, location := range []string{"s3://catalogs/team/catalog", "s3://catalogs/team/catalog/"} {
		source, err := folder.Open(location, b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := source.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(mustRead(t, fsys), got); diff != "" {
			t.Error(diff)
		}
		if len(got.Products) != 1 || len(got.Pages) != 1 || len(got.Problems) != 2 {
			t.Errorf("it has %+v", got)
		}
		if slices.Contains(b.taken(), "team/catalog/tides/not-shown") {
			t.Error("a file that the portal does not show was read")
		}
	}
}

func TestOnlyChangedObjectsAreReadAgain(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.put("tides/product.yaml", tidesYAML)
	b.put("tides/overview.md", "One.")
	source := folder.S3(b, "catalogs", "")
	read := func(want ...string) {
		t.Helper()
		f, err := source.Read(t.Context())
		if err != nil || len(f.Products) != 1 {
			t.Fatalf("%+v, %v", f, err)
		}
		if diff := cmp.Diff(want, b.taken()); diff != "" {
			t.Error(diff)
		}
	}
	read("tides/overview.md", "tides/product.yaml")
	read()
	b.put("tides/overview.md", "Two.")
	read("tides/overview.md")
	read()
	if _, err := b.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("catalogs"), Key: aws.String("tides/overview.md")}); err != nil {
		t.Fatal(err)
	}
	read()
	b.put("tides/overview.md", "Two.")
	read("tides/overview.md") // what a reading did not use is forgotten
}

func TestAReadingOfS3ThatFailsHalfwayIsAnError(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.put("tides/product.yaml", tidesYAML)
	b.fail = errors.New("connection reset")
	if f, err := folder.S3(b, "catalogs", "").Read(t.Context()); err == nil || len(f.Products)+len(f.Problems) > 0 {
		t.Errorf("it has %+v, error %v", f, err)
	}
}

func TestAReadingOfS3ThatFailedGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.put("a/product.yaml", tidesYAML)
	b.put("b/product.yaml", tidesYAML)
	b.put("c/product.yaml", tidesYAML)
	source := folder.S3(b, "catalogs", "")
	b.fail, b.only = errors.New("connection reset"), "b/product.yaml"
	for _, want := range [][]string{{"a/product.yaml", "b/product.yaml"}, {"b/product.yaml"}} {
		if _, err := source.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "S3 does not answer, so s3://catalogs cannot be read (connection reset). Check the network") {
			t.Errorf("the error is %v", err)
		}
		if diff := cmp.Diff(want, b.taken()); diff != "" {
			t.Error(diff)
		}
	}
	b.fail = nil
	if _, err := source.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b/product.yaml", "c/product.yaml"}, b.taken()); diff != "" {
		t.Error(diff)
	}
}

func TestAnObjectThatIsTooLargeIsNotFetched(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.put("tides/product.yaml", tidesYAML)
	b.put("tides/overview.md", strings.Repeat("a", 2<<20))
	f, err := folder.S3(b, "catalogs", "").Read(t.Context())
	if err != nil || len(f.Problems) == 0 || !strings.Contains(f.Problems[0].Text, "larger than 1 MB") {
		t.Errorf("%+v, %v", f.Problems, err)
	}
	if diff := cmp.Diff([]string{"tides/product.yaml"}, b.taken()); diff != "" {
		t.Error(diff)
	}
}

func TestAnObjectThatVanishesWhileItIsReadBreaksItsProductOnly(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.put("a/product.yaml", tidesYAML)
	b.put("a/overview.md", "One.")
	b.put("b/product.yaml", strings.Replace(tidesYAML, "Tides", "Lights", 1))
	b.fail, b.only = &types.NoSuchKey{}, "a/overview.md"
	f, err := folder.S3(b, "catalogs", "").Read(t.Context())
	if err != nil || len(f.Products) != 1 || f.Products[0].Path != "b" || !slices.Equal(f.Broken, []string{"a"}) || !strings.Contains(f.Problems[0].Text, "disappeared while it was read") {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestErrorsOfS3SayWhatToChange(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	for name, c := range map[string]struct{ bucket, prefix, want string }{
		"no such bucket": {"nothing", "a", "there is no bucket nothing. Create it, or correct the location s3://nothing/a"},
		"no objects":     {"catalogs", "a", "there are no objects in s3://catalogs/a. Correct the prefix, or upload the catalog folder. If it is meant to have no products, upload an empty object named .empty"},
	} {
		if _, err := folder.S3(b, c.bucket, c.prefix).Read(t.Context()); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		status             int
		code, region, want string
	}{
		"forbidden": {403, "AccessDenied", "", "AWS does not let this program read s3://catalogs/a. Allow its role s3:ListBucket on arn:aws:s3:::catalogs"},
		"another Region": {301, "PermanentRedirect", "eu-west-1",
			"the bucket catalogs is in eu-west-1. Use a bucket in the Region of the APIs (AWS_REGION)"},
		"a Region that is not named": {400, "AuthorizationHeaderMalformed", "", "the bucket catalogs is in another Region. Use a bucket in the Region of the APIs (AWS_REGION)"},
		"a throttle":                 {503, "SlowDown", "", "S3 cannot answer right now (SlowDown). Try again later"},
		"something else":             {400, "InvalidRequest", "", "S3 refuses to read s3://catalogs/a (InvalidRequest). Check the location"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.region != "" {
				w.Header().Set("X-Amz-Bucket-Region", c.region)
			}
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte("<Error><Code>" + c.code + "</Code><Message>AWS says so</Message></Error>"))
		}))
		t.Cleanup(server.Close)
		client := s3.New(s3.Options{
			Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
		})
		if _, err := folder.S3(client, "catalogs", "a").Read(t.Context()); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnObjectSaysThatAPrefixIsMeantToHaveNoProducts(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.put("catalog/.empty", "")
	source, err := folder.Open("s3://catalogs/catalog", b)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := source.Read(t.Context()); err != nil || !f.MeantEmpty || len(f.Products) != 0 || len(f.Problems) != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}
