package awsclient

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
)

// keepingBody answers at once and keeps the request's body, as net/http may while it looks for
// the body's end.
type keepingBody struct {
	body   io.ReadCloser
	length int64
	sent   string
}

func (k *keepingBody) Do(req *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(io.LimitReader(req.Body, req.ContentLength))
	k.body, k.length, k.sent = req.Body, req.ContentLength, string(sent)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")),
	}, err
}

func TestReadingABodyToItsEndAfterTheResponseSucceeds(t *testing.T) {
	t.Parallel()
	http := &keepingBody{}
	client := sqs.NewFromConfig(aws.Config{
		Region: "us-east-1", HTTPClient: http, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		APIOptions: []func(*middleware.Stack) error{PlainBodies},
	})
	if _, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String("http://localhost/q")}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(http.sent, "http://localhost/q") || http.length != int64(len(http.sent)) {
		t.Errorf("%q was sent as %d bytes", http.sent, http.length)
	}
	if n, err := io.Copy(io.Discard, http.body); n != 0 || err != nil {
		t.Errorf("reading to the end returned %d bytes, %v", n, err)
	}
}
