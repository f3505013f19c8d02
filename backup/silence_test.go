package backup_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/gatehouse-portal/gatehouse/backup"
)

// mute is an S3 that sends only the beginning of an object, or nothing at all.
func mute(t *testing.T, beginning string) backup.Place {
	t.Helper()
	end := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if beginning != "" && r.Method == http.MethodGet {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, beginning)
			w.(http.Flusher).Flush()
		}
		<-end
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(end) }) // first
	client := s3.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")},
		func(o *s3.Options) { o.UsePathStyle = true })
	p, err := backup.ParsePlace("s3://kept/b.gz", client)
	if err != nil {
		t.Fatal(err)
	}
	backup.SetSilence(p, 50*time.Millisecond)
	return p
}

func TestAnS3ThatDoesNotAnswerIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	const want = "S3 does not answer within 50ms"
	err := mute(t, "").Write(t.Context(), inPieces([]byte("whole")))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("writing ends with %v", err)
	}
	if _, err := mute(t, "").Open(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("opening ends with %v", err)
	}
	in, err := mute(t, "begin").Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	if got, err := io.ReadAll(in); string(got) != "begin" || err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("reading ends with %q, %v", got, err)
	}
}
