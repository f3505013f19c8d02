package localaws_test

import (
	"net"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

func TestAServerThatCannotListenEmptiesNoFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func(opts localaws.Options) *localaws.Server {
		t.Helper()
		opts.Dir, opts.NoSync = dir, true
		s, err := localaws.Open(opts)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open(localaws.Options{Addr: "127.0.0.1:0"})
	if _, err := sqs.NewFromConfig(first.AWSConfig()).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("kept")}); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := localaws.Open(localaws.Options{Dir: dir, NoSync: true, Fresh: true, Addr: taken.Addr().String()}); err == nil {
		t.Fatal("it listens at an address that is taken")
	}
	again := open(localaws.Options{Addr: "127.0.0.1:0"})
	defer again.Close()
	if _, err := sqs.NewFromConfig(again.AWSConfig()).GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("kept")}); err != nil {
		t.Errorf("what the folder held is gone: %v", err)
	}
}
