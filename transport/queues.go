package transport

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	wasqs "github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// queueFinder is the part of the SQS client that Queues needs.
type queueFinder interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
}

// Queues knows the URLs of queues by name. Each is asked for once, however many ask
// at the same time, and kept: a queue that is made anew keeps its URL. Share one
// among publishers and subscribers. It never creates a queue.
type Queues struct {
	client queueFinder
	asking singleflight.Group

	mu   sync.RWMutex
	urls map[string]string
}

var _ wasqs.QueueUrlResolver = (*Queues)(nil)

// NewQueues returns a Queues that knows none yet.
func NewQueues(client queueFinder) *Queues {
	return &Queues{client: client, urls: map[string]string{}}
}

// URL is the URL of the queue of that name. A queue that does not exist is an error
// (types.QueueDoesNotExist), which is not kept.
func (q *Queues) URL(ctx context.Context, name string) (string, error) {
	q.mu.RLock()
	url, ok := q.urls[name]
	q.mu.RUnlock()
	if ok {
		return url, nil
	}
	// Whoever comes first asks for all, so its giving up must not be theirs.
	answer := q.asking.DoChan(name, func() (url any, err error) {
		defer portal.Recover(&err)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return q.find(ctx, name)
	})
	select {
	case result := <-answer:
		if result.Err != nil {
			return "", fmt.Errorf("finding queue %s: %w", name, result.Err)
		}
		return result.Val.(string), nil
	case <-ctx.Done():
		return "", fmt.Errorf("finding queue %s: %w", name, context.Cause(ctx))
	}
}

func (q *Queues) find(ctx context.Context, name string) (string, error) {
	out, err := q.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(name)})
	if err != nil {
		return "", err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.urls[name] = aws.ToString(out.QueueUrl)
	return q.urls[name], nil
}

// ResolveQueueUrl lets watermill-aws's own publisher and subscriber use the same
// URLs. It says that the queue exists: unsaid, they would create it on each send.
func (q *Queues) ResolveQueueUrl(ctx context.Context, params wasqs.ResolveQueueUrlParams) (wasqs.QueueUrlResolverResult, error) {
	url, err := q.URL(ctx, params.Topic)
	if err != nil {
		return wasqs.QueueUrlResolverResult{}, err
	}
	queueURL := wasqs.QueueURL(url)
	return wasqs.QueueUrlResolverResult{
		QueueName: wasqs.QueueName(params.Topic), QueueURL: &queueURL, Exists: aws.Bool(true),
	}, nil
}

// isFIFO goes by the name: those of FIFO queues and topics, and no others, end so.
func isFIFO(name string) bool { return strings.HasSuffix(name, ".fifo") }
