package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/backup"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// watched counts the uploads that are under way, and can lose the answer of the call that makes the object.
type watched struct {
	*s3.Client
	uploads, parts int
	// lose makes the object, and then answers as S3 answers a repeat of the call.
	lose int
}

func (w *watched) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, o ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	w.uploads++
	return w.Client.CreateMultipartUpload(ctx, in, o...)
}

func (w *watched) UploadPart(ctx context.Context, in *s3.UploadPartInput, o ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	w.parts++
	return w.Client.UploadPart(ctx, in, o...)
}

func (w *watched) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, o ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	out, err := w.Client.CompleteMultipartUpload(ctx, in, o...)
	if err == nil {
		w.uploads--
		err = w.lost()
	}
	return out, err
}

func (w *watched) PutObject(ctx context.Context, in *s3.PutObjectInput, o ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	out, err := w.Client.PutObject(ctx, in, o...)
	if err == nil {
		err = w.lost()
	}
	return out, err
}

func (w *watched) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, o ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	out, err := w.Client.AbortMultipartUpload(ctx, in, o...)
	if err == nil {
		w.uploads--
	}
	return out, err
}

func (w *watched) lost() error {
	if w.lose == 0 {
		return nil
	}
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: w.lose}}, Err: errors.New("the answer was lost, and this one is for the repeat"),
	}
}

func bucket(t *testing.T) *watched {
	t.Helper()
	client := s3.NewFromConfig(localawstest.Start(t).AWSConfig(), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("kept")}); err != nil {
		t.Fatal(err)
	}
	return &watched{Client: client}
}

// noise is what a compressed backup looks like.
func noise(bytes int) []byte {
	all := make([]byte, bytes)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(all)
	return all
}

// inPieces writes as a compressor does, with pieces of no even size.
func inPieces(content []byte) func(io.Writer) error {
	return func(to io.Writer) error {
		for len(content) > 0 {
			n := min(len(content), 70001)
			if _, err := to.Write(content[:n]); err != nil {
				return err
			}
			content = content[n:]
		}
		return nil
	}
}

func place(t *testing.T, w *watched) backup.Place {
	t.Helper()
	p, err := backup.ParsePlace("s3://kept/b.gz", w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestALargeBackupIsUploadedInParts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ size, parts int }{
		"nothing":                  {0, 0},
		"one part":                 {16 << 20, 0},
		"one byte more":            {16<<20 + 1, 2},
		"two parts to the end":     {32 << 20, 2},
		"a third part of a little": {32<<20 + 5, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, want := bucket(t), noise(c.size)
			p := place(t, w)
			if err := p.Write(t.Context(), inPieces(want)); err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, p); !bytes.Equal([]byte(got), want) || w.parts != c.parts || w.uploads != 0 {
				t.Errorf("S3 has %d bytes in %d parts, and %d uploads under way", len(got), w.parts, w.uploads)
			}
		})
	}
}

func TestAnUploadThatFailsLeavesNoParts(t *testing.T) {
	t.Parallel()
	w, content := bucket(t), noise(20<<20)
	p, wrong := place(t, w), errors.New("stopped")
	ctx, stop := context.WithCancel(t.Context())
	err := p.Write(ctx, func(to io.Writer) error {
		defer stop()
		return errors.Join(inPieces(content)(to), wrong)
	})
	if !errors.Is(err, wrong) || w.parts != 1 || w.uploads != 0 {
		t.Errorf("it ends with %v after %d parts, and %d uploads are under way", err, w.parts, w.uploads)
	}
	if _, err := p.Open(t.Context()); portal.CodeOf(err) != portal.NotFound {
		t.Errorf("there is half a backup: %v", err)
	}
}

func TestAnUploadOverwritesNoObjectThatCameMeanwhile(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, 20 << 20} {
		w, content := bucket(t), noise(size)
		p := place(t, w)
		err := p.Write(t.Context(), func(to io.Writer) error {
			_, err := w.Client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("kept"), Key: aws.String("b.gz"), Body: bytes.NewReader([]byte("theirs"))})
			return errors.Join(err, inPieces(content)(to))
		})
		if got := readAll(t, p); portal.CodeOf(err) != portal.Conflict || got != "theirs" || w.uploads != 0 {
			t.Errorf("it ends with %v, S3 has %d bytes, and %d uploads are under way", err, len(got), w.uploads)
		}
	}
}

func TestAnUploadWhoseLastAnswerWasLostIsABackup(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ size, answer int }{
		"one call":              {10, http.StatusPreconditionFailed},
		"parts":                 {20 << 20, http.StatusPreconditionFailed},
		"parts, no such upload": {20 << 20, http.StatusNotFound},
	} {
		w, content := bucket(t), noise(c.size)
		w.lose = c.answer
		if err := place(t, w).Write(t.Context(), inPieces(content)); err != nil {
			t.Errorf("%s: it ends with %v", name, err)
		}
	}
}
