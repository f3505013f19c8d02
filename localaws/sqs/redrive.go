package sqs

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type redrivePolicy struct {
	DeadLetterTargetARN string `json:"deadLetterTargetArn"`
	MaxReceiveCount     int64  `json:"maxReceiveCount"`
}

func (p *redrivePolicy) String() string { return mustJSON(p) }

func parseRedrivePolicy(value string) (*redrivePolicy, error) {
	if value == "" {
		return nil, nil
	}
	refuse := func(reason string) (*redrivePolicy, error) {
		return nil, invalidValue(value, "RedrivePolicy", reason)
	}
	var given struct {
		Target *string         `json:"deadLetterTargetArn"`
		Count  json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(value), &given); err != nil {
		return refuse("Amazon SQS can't create the redrive policy, as it's in an unsupported format.")
	}
	if given.Target == nil {
		return refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if given.Count == nil {
		return refuse("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	// AWS accepts 5 and "5".
	text := strings.Trim(string(given.Count), `"`)
	count, err := strconv.ParseInt(text, 10, 64)
	if err != nil || count < 1 || count > 1000 {
		return refuse("Invalid value for maxReceiveCount: " + text + ", valid values are from 1 to 1000 both inclusive.")
	}
	return &redrivePolicy{DeadLetterTargetARN: *given.Target, MaxReceiveCount: count}, nil
}

// redriveAllowPolicy says for which queues this may be the dead-letter queue.
type redriveAllowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

func (p *redriveAllowPolicy) String() string { return mustJSON(p) }

func (p *redriveAllowPolicy) allows(arn string) bool {
	switch {
	case p == nil || p.Permission == "allowAll":
		return true
	case p.Permission == "byQueue":
		return slices.Contains(p.Sources, arn)
	}
	return false
}

func parseRedriveAllowPolicy(value string) (*redriveAllowPolicy, error) {
	if value == "" {
		return nil, nil
	}
	refuse := func(reason string) (*redriveAllowPolicy, error) {
		return nil, invalidValue(value, "RedriveAllowPolicy", reason)
	}
	p := &redriveAllowPolicy{}
	if err := json.Unmarshal([]byte(value), p); err != nil {
		return refuse("Amazon SQS can't create the redrive allow policy, as it's in an unsupported format.")
	}
	byQueue := p.Permission == "byQueue"
	switch {
	case !byQueue && p.Permission != "allowAll" && p.Permission != "denyAll":
		return refuse("Amazon SQS can't create the redrive allow policy, as it's in an unsupported format.")
	case byQueue && (len(p.Sources) == 0 || len(p.Sources) > 10):
		return refuse("The redrive allow policy must name 1 to 10 source queues when redrivePermission is byQueue.")
	case !byQueue && len(p.Sources) > 0:
		return refuse("The redrive allow policy can name source queues only when redrivePermission is byQueue.")
	}
	return p, nil
}

func mustJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers cannot fail
	}
	return string(raw)
}

// checkRedrive checks the dead-letter queue in s, for the queue with that ARN.
func (all *queues) checkRedrive(s settings, arn string) error {
	if s.Redrive == nil {
		return nil
	}
	refuse := func(reason string) error { return invalidValue(s.Redrive.String(), "RedrivePolicy", reason) }
	target, ok := all.byARN(s.Redrive.DeadLetterTargetARN)
	switch {
	case !ok, wire.AccountIn(target.arn) != wire.AccountIn(arn):
		return refuse("Dead letter target does not exist.")
	case target.FIFO != s.FIFO:
		return refuse("Dead-letter queue must be same type of queue as the source.")
	case target.arn == arn:
		return refuse("A queue can not be its own dead-letter queue.")
	case !target.RedriveAllow.allows(arn):
		return refuse("Queue does not have permissions to use the dead-letter queue specified.")
	}
	return nil
}

// deadLetterQueue returns nil if it was deleted. Messages are then received without limit.
func (all *queues) deadLetterQueue(q *queue) *queue {
	if q.Redrive == nil {
		return nil
	}
	target, _ := all.byARN(q.Redrive.DeadLetterTargetARN)
	return target
}

func (q *queue) exhausted(m *message) bool { return m.Count >= q.Redrive.MaxReceiveCount }

// giveUp moves the message to the dead-letter queue. It keeps id, group and receive count. A
// standard queue keeps the time of sending. A FIFO queue sets it to now, and the id becomes the
// deduplication id, so that the message is not dropped as a duplicate (SQS Developer Guide,
// "Using dead-letter queues").
func (r *round) giveUp(from, to *queue, m *message) {
	r.remove(from, m)
	moved := &message{sent: m.sent, receipt: m.receipt}
	moved.Source = from.arn
	moved.Until = r.now
	moved.Nonce = 0
	if to.FIFO {
		moved.At = r.now
		moved.Dedup = moved.ID
	}
	r.insert(r.open(to), moved)
}

type listSourcesIn struct {
	QueueURL   string `json:"QueueUrl"`
	MaxResults *int
	NextToken  string
}

type listSourcesOut struct {
	QueueURLs []string `json:"queueUrls"`
	NextToken string   `json:",omitempty"`
}

func (s *Service) listDeadLetterSourceQueues(ctx context.Context, in *listSourcesIn) (*listSourcesOut, error) {
	out := &listSourcesOut{QueueURLs: []string{}}
	return out, s.engine.do(func(r *round) error {
		target, err := r.queues.byURL(s.by(ctx, "ListDeadLetterSourceQueues"), in.QueueURL)
		if err != nil {
			return err
		}
		out.QueueURLs, out.NextToken, err = r.queues.page(caller{account: wire.AccountIn(target.arn)}, in.MaxResults, in.NextToken, func(q *queue) bool {
			return r.queues.deadLetterQueue(q) == target
		})
		return err
	})
}
