package localaws_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func TestASnapshotOfARunningLocalAWSCanBeOpened(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	queues := sqs.NewFromConfig(srv.AWSConfig())
	made, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: made.QueueUrl, MessageBody: aws.String("m")}); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(srv.Endpoint() + localaws.SnapshotPath)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	copied, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || res.ContentLength != int64(len(copied)) {
		t.Fatalf("answered %s with %d bytes of %d, %v", res.Status, len(copied), res.ContentLength, err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, localaws.DataFile), copied, 0o600); err != nil {
		t.Fatal(err)
	}
	again := localawstest.Start(t, func(o *localaws.Options) { o.Dir = dir })
	queues = sqs.NewFromConfig(again.AWSConfig())
	out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String("q")})
	if err != nil || len(out.Messages) != 1 || *out.Messages[0].Body != "m" {
		t.Errorf("the queue in the copy holds %v, %v", out, err)
	}
}

func TestASnapshotMustBeRequestedWithGET(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	res, err := http.Post(srv.Endpoint()+localaws.SnapshotPath, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET" {
		t.Errorf("a POST is answered %s, allowing %q", res.Status, res.Header.Get("Allow"))
	}
}
