package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// TestTime is how long a test notice may take from the event bus to the journal.
const TestTime = 30 * time.Second

const testPause = 200 * time.Millisecond

// testNotice is a notice that was sent to see whether it arrives.
type testNotice struct {
	// id is in the text of the notice, and source is the id that AWS gave it.
	id, source string
	check      Check
	// way is how it went, for the note.
	way string
}

// sendTests sends a test notice on each way that this account may use: by the event bus, or by the
// seller's own topic, and straight into the queue. Nobody but AWS can publish to the topics of a
// listing.
func (m market) sendTests(ctx context.Context, asSeller bool, patience time.Duration) []Check {
	var sent []testNotice
	if asSeller && len(m.origins.Accounts) > 0 {
		sent = append(sent, m.testBus(ctx))
	}
	sent = append(sent, m.testQueue(ctx))
	m.await(ctx, sent, patience)
	var checks []Check
	for _, one := range sent {
		checks = append(checks, one.check)
	}
	return checks
}

func newTest(what string) testNotice {
	id := rand.Text()
	return testNotice{id: id, source: id, check: Check{What: "test notice " + what}}
}

// testBus begins at the event bus if its rule lets test notices through, and otherwise at a topic.
func (m market) testBus(ctx context.Context) testNotice {
	test := newTest("by the event bus")
	all, err := m.routes(ctx)
	if err != nil {
		test.check.Problem = inWords(m.inSellersWords(err))
		return test
	}
	if len(all) == 0 {
		test.check.Skipped = "no rule sends to the queue"
		return test
	}
	lets, err := m.lets(ctx, best(all), notice.TestSource, notice.TestType)
	switch {
	case err != nil:
		test.check.Problem = inWords(m.inSellersWords(err))
	case best(all).disabled:
		test.check.Skipped = "the rule " + best(all).name + " is disabled"
	case lets:
		test.way = fmt.Sprintf("bus, rule %s, %s", best(all).name, m.rest(best(all)))
		test.source, err = m.putTest(ctx, test)
	case best(all).target != m.queue:
		test.way = fmt.Sprintf("%s; not through the rule %s, whose pattern lets no test notices through", m.rest(best(all)), best(all).name)
		err = m.publishTest(ctx, test, best(all).target)
	default:
		test.check.Skipped = "the pattern of the rule " + best(all).name + " lets no test notices through"
	}
	if err != nil {
		test.check.Problem, test.way = inWords(m.inSellersWords(err)), ""
	}
	return test
}

// rest is the way after the rule.
func (m market) rest(r route) string {
	if r.target == m.queue {
		return "queue, worker"
	}
	return "topic " + nameOf(r.target) + ", queue, worker"
}

// putTest returns the id that the event bus gave the event.
func (m market) putTest(ctx context.Context, test testNotice) (source string, err error) {
	detail, err := json.Marshal(map[string]string{"test": test.id})
	if err != nil {
		return "", err
	}
	out, err := m.bus().PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		Source: aws.String(notice.TestSource), DetailType: aws.String(notice.TestType), Detail: aws.String(string(detail)),
	}}})
	switch {
	case err != nil:
		return "", err
	case out.FailedEntryCount > 0:
		return "", portal.Fail(portal.Unavailable, fmt.Sprintf("The event bus does not take the test notice (%s).", aws.ToString(out.Entries[0].ErrorCode)))
	}
	return aws.ToString(out.Entries[0].EventId), nil
}

func (m market) publishTest(ctx context.Context, test testNotice, topic string) error {
	event, err := m.event(test.id, notice.TestSource, notice.TestType, map[string]any{"test": test.id})
	if err != nil {
		return err
	}
	_, err = m.topics(topic).Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: &event})
	return err
}

// testQueue begins at the queue, as a message of a listed topic, or else as an event.
func (m market) testQueue(ctx context.Context) testNotice {
	test := newTest("by the queue")
	body, err := m.event(test.id, notice.TestSource, notice.TestType, map[string]any{"test": test.id})
	if i := slices.IndexFunc(m.origins.Topics, func(topic string) bool { return notice.ProductOf(topic) != "" }); i >= 0 {
		body, err = m.enveloped(test, m.origins.Topics[i])
	} else if len(m.origins.Accounts) == 0 {
		test.check.Skipped = "no origin of notices is set"
		return test
	}
	if err == nil {
		var at *sqs.GetQueueUrlOutput
		if at, err = m.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &m.names.Marketplace}); err == nil {
			_, err = m.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: at.QueueUrl, MessageBody: &body})
		}
	}
	if err != nil {
		test.check.Problem = inWords(err)
		return test
	}
	test.way = "queue, worker"
	return test
}

// enveloped is the test as the topic would send it.
func (m market) enveloped(test testNotice, topic string) (string, error) {
	message, err := json.Marshal(map[string]string{"action": notice.TestAction, "test": test.id})
	if err != nil {
		return "", err
	}
	body, err := notice.Enveloped(test.id, topic, string(message), m.process.now()())
	return string(body), err
}

// await waits until the journal has the notices that were sent.
func (m market) await(ctx context.Context, sent []testNotice, patience time.Duration) {
	began := time.Now()
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for m.look(within, sent, began) > 0 {
		if wait(within, testPause) != nil {
			break
		}
	}
	for i := range sent {
		if sent[i].waits() {
			sent[i].check.Problem = fmt.Sprintf("It was sent, and no worker has recorded it within %s (%s).", patience, sent[i].way)
			sent[i].check.Advice = "Is a worker running, with the same settings? The other checks say whether queue, topics and rule are right. `gatehouse dlq list` shows notices that a worker could not handle."
		}
	}
}

// waits reports whether the notice was sent and has not arrived.
func (n testNotice) waits() bool { return n.way != "" && n.check.Note == "" && n.check.Problem == "" }

// look notes the notices that have arrived, and counts those that have not.
func (m market) look(ctx context.Context, sent []testNotice, began time.Time) (missing int) {
	for i := range sent {
		one := &sent[i]
		if !one.waits() {
			continue
		}
		kept, err := m.journal().Read(ctx, notice.TestStream(one.source), 0)
		switch {
		case err != nil && ctx.Err() == nil:
			one.check.Problem = inWords(err)
		case len(kept) > 0:
			one.check.Note = fmt.Sprintf("arrived after %s (%s)", time.Since(began).Round(100*time.Millisecond), one.way)
		default:
			missing++
		}
	}
	return missing
}
