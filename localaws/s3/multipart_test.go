package s3_test

import (
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (l *local) begin(key string) *string {
	l.t.Helper()
	out, err := l.CreateMultipartUpload(l.t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String("bucket"), Key: &key, ContentType: aws.String("text/plain"), Metadata: map[string]string{"by": "me"},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return out.UploadId
}

func (l *local) part(key string, upload *string, number int32, content string) (types.CompletedPart, error) {
	out, err := l.UploadPart(l.t.Context(), &s3.UploadPartInput{
		Bucket: aws.String("bucket"), Key: &key, UploadId: upload, PartNumber: &number, Body: strings.NewReader(content),
	})
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}, nil
}

func (l *local) complete(key string, upload *string, ifNoneMatch *string, parts ...types.CompletedPart) error {
	_, err := l.CompleteMultipartUpload(l.t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: aws.String("bucket"), Key: &key, UploadId: upload, IfNoneMatch: ifNoneMatch, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

func TestPartsBecomeAnObjectOnceTheUploadIsCompleted(t *testing.T) {
	t.Parallel()
	l := start(t)
	upload, first := l.begin("big"), strings.Repeat("a", 5<<20)
	var parts []types.CompletedPart
	for i, content := range []string{first, "b"} {
		one, err := l.part("big", upload, int32(i+1), content)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, one)
	}
	get := &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("big")}
	_, err := l.GetObject(t.Context(), get)
	wantCode(t, err, "NoSuchKey")
	wantCode(t, l.complete("big", upload, nil, parts[1], parts[0]), "InvalidPartOrder")
	if err := l.complete("big", upload, aws.String("*"), parts...); err != nil {
		t.Fatal(err)
	}
	out, err := l.GetObject(t.Context(), get)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(out.Body)
	if err != nil || string(content) != first+"b" || aws.ToString(out.ContentType) != "text/plain" || out.Metadata["by"] != "me" || !strings.HasSuffix(aws.ToString(out.ETag), `-2"`) {
		t.Errorf("the object has %d bytes, %s, %v, %v: %v", len(content), aws.ToString(out.ContentType), out.Metadata, aws.ToString(out.ETag), err)
	}
	wantCode(t, l.complete("big", upload, nil, parts...), "NoSuchUpload")
}

func TestAnUploadIsRefusedAsS3Does(t *testing.T) {
	t.Parallel()
	l := start(t)
	upload := l.begin("k")
	one, err := l.part("k", upload, 1, "short")
	if err != nil {
		t.Fatal(err)
	}
	two, err := l.part("k", upload, 2, "end")
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, l.complete("k", upload, nil, one, two), "EntityTooSmall")
	wantCode(t, l.complete("k", upload, nil, types.CompletedPart{PartNumber: aws.Int32(1), ETag: two.ETag}), "InvalidPart")
	wantCode(t, l.complete("other", upload, nil, one), "NoSuchUpload")
	_, err = l.part("k", upload, 10001, "x")
	wantCode(t, err, "InvalidArgument")
	if _, err := l.put("k", "taken"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, l.complete("k", upload, aws.String("*"), one), "PreconditionFailed")
	if _, err := l.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: aws.String("bucket"), Key: aws.String("k"), UploadId: upload}); err != nil {
		t.Fatal(err)
	}
	_, err = l.part("k", upload, 1, "late")
	wantCode(t, err, "NoSuchUpload")
}
