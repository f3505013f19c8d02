package eventbridge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

var now = time.Date(2026, 8, 20, 14, 23, 22, 0, time.UTC)

// local is a client of EventBridge and SQS with its own server.
type local struct {
	t testing.TB
	*eventbridge.Client
	queues *sqs.Client
}

func start(t testing.TB, adjust ...func(*localaws.Options)) *local {
	t.Helper()
	adjust = append(adjust, func(o *localaws.Options) { o.Now = func() time.Time { return now } })
	return on(t, localawstest.Start(t, adjust...))
}

func on(t testing.TB, srv *localaws.Server) *local {
	return &local{t, eventbridge.NewFromConfig(srv.AWSConfig()), sqs.NewFromConfig(srv.AWSConfig())}
}

// queue creates a queue to which the rules of the account may send.
func (l *local) queue(name string) (url, arn string) {
	return l.queueWith(name, map[string]string{"Policy": allowing("*")})
}

func allowing(rule string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage",` +
		`"Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/` + rule + `"},` +
		`"StringEquals":{"aws:SourceAccount":"000000000000"}}}]}`
}

func (l *local) queueWith(name string, attributes map[string]string) (url, arn string) {
	l.t.Helper()
	out, err := l.queues.CreateQueue(l.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		l.t.Fatal(err)
	}
	return *out.QueueUrl, "arn:aws:sqs:us-east-1:000000000000:" + name
}

func (l *local) rule(name, pattern string, targets ...types.Target) string {
	l.t.Helper()
	out, err := l.PutRule(l.t.Context(), &eventbridge.PutRuleInput{Name: &name, EventPattern: &pattern})
	if err != nil {
		l.t.Fatal(err)
	}
	if len(targets) > 0 {
		if err := l.putTargets(name, targets...); err != nil {
			l.t.Fatal(err)
		}
	}
	return *out.RuleArn
}

func (l *local) putTargets(rule string, targets ...types.Target) error {
	_, err := l.PutTargets(l.t.Context(), &eventbridge.PutTargetsInput{Rule: &rule, Targets: targets})
	return err
}

func to(queue string) types.Target { return types.Target{Id: aws.String("queue"), Arn: &queue} }

func (l *local) put(entries ...types.PutEventsRequestEntry) *eventbridge.PutEventsOutput {
	l.t.Helper()
	out, err := l.PutEvents(l.t.Context(), &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

func event(source string, adjust ...func(*types.PutEventsRequestEntry)) types.PutEventsRequestEntry {
	e := types.PutEventsRequestEntry{Source: &source, DetailType: aws.String("Test Notice"), Detail: aws.String(`{"a": "<b>"}`)}
	for _, f := range adjust {
		f(&e)
	}
	return e
}

func (l *local) receive(url string) (bodies []string) {
	l.t.Helper()
	out, err := l.queues.ReceiveMessage(l.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, m := range out.Messages {
		bodies = append(bodies, *m.Body)
	}
	return bodies
}

func wantCode(t testing.TB, err error, want string) {
	t.Helper()
	got := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		got = api.ErrorCode()
	}
	if got != want {
		t.Errorf("error code is %q (%v), want %q", got, err, want)
	}
}

func TestATargetGetsTheWholeEvent(t *testing.T) {
	t.Parallel()
	l := start(t)
	url, queue := l.queue("q")
	l.rule("r", `{"source":["portal.test"]}`, to(queue))
	out := l.put(event("portal.test", func(e *types.PutEventsRequestEntry) { e.Resources = []string{"arn:aws:x"} }), event("other.test"))
	got := l.receive(url)
	if len(got) != 1 {
		t.Fatalf("received %q, want the one event that the pattern selects", got)
	}
	want := fmt.Sprintf(`{"version":"0","id":%q,"detail-type":"Test Notice","source":"portal.test","account":"000000000000",`+
		`"time":"2026-08-20T14:23:22Z","region":"us-east-1","resources":["arn:aws:x"],"detail":{"a":"<b>"}}`, *out.Entries[0].EventId)
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestAnEventHasTheTimeItWasGiven(t *testing.T) {
	t.Parallel()
	l := start(t)
	url, queue := l.queue("q")
	l.rule("r", `{"source":["portal.test"]}`, to(queue))
	l.put(event("portal.test", func(e *types.PutEventsRequestEntry) { e.Time = aws.Time(now.Add(-time.Hour)) }))
	var got struct{ Time time.Time }
	if err := json.Unmarshal([]byte(l.receive(url)[0]), &got); err != nil || !got.Time.Equal(now.Add(-time.Hour)) {
		t.Errorf("the event's time is %v (%v), want an hour ago", got.Time, err)
	}
}

func TestOnlyAWSSendsEventsOfAWS(t *testing.T) {
	t.Parallel()
	l := start(t)
	url, queue := l.queue("q")
	l.rule("r", `{"account":["000000000000"]}`, to(queue))
	set := func(f func(*types.PutEventsRequestEntry)) types.PutEventsRequestEntry { return event("portal.test", f) }
	out := l.put(
		event("aws.agreement-marketplace"),
		set(func(e *types.PutEventsRequestEntry) { e.Source = nil }),
		set(func(e *types.PutEventsRequestEntry) { e.DetailType = nil }),
		set(func(e *types.PutEventsRequestEntry) { e.Detail = aws.String("[]") }),
		set(func(e *types.PutEventsRequestEntry) { e.EventBusName = aws.String("other") }),
		event("portal.test"),
	)
	var codes []string
	for _, e := range out.Entries {
		codes = append(codes, aws.ToString(e.ErrorCode))
	}
	want := []string{"NotAuthorizedForSourceException", "InvalidArgument", "InvalidArgument", "MalformedDetail", "InvalidArgument", ""}
	if diff := cmp.Diff(want, codes); diff != "" || out.FailedEntryCount != 5 {
		t.Errorf("%d failed (-want +got):\n%s", out.FailedEntryCount, diff)
	}
	if got := l.receive(url); len(got) != 1 {
		t.Errorf("received %d events, want the accepted one alone", len(got))
	}
}

func TestARequestHasUpToTenEventsOfAMegabyte(t *testing.T) {
	t.Parallel()
	l := start(t)
	_, err := l.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: make([]types.PutEventsRequestEntry, 11)})
	wantCode(t, err, "ValidationException")
	large := event("portal.test", func(e *types.PutEventsRequestEntry) {
		e.Detail = aws.String(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)
	})
	_, err = l.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{large}})
	wantCode(t, err, "ValidationException")
}

func TestEveryMatchingRuleSendsToEachOfItsTargets(t *testing.T) {
	t.Parallel()
	l := start(t)
	a, arnA := l.queue("a")
	b, arnB := l.queue("b")
	fifo, arnFIFO := l.queueWith("c.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true", "Policy": allowing("*")})
	l.rule("first", `{"source":["portal.test"]}`, types.Target{Id: aws.String("1"), Arn: &arnA}, types.Target{Id: aws.String("2"), Arn: &arnB})
	l.rule("second", `{"source":[{"prefix":"portal."}]}`, to(arnA),
		types.Target{Id: aws.String("f"), Arn: &arnFIFO, SqsParameters: &types.SqsParameters{MessageGroupId: aws.String("g")}})
	l.rule("other", `{"source":["other.test"]}`, to(arnB))
	l.put(event("portal.test"))
	if n, m, f := len(l.receive(a)), len(l.receive(b)), len(l.receive(fifo)); n != 2 || m != 1 || f != 1 {
		t.Errorf("the queues have %d, %d and %d events, want 2, 1 and 1", n, m, f)
	}
}

func TestADisabledRuleSendsNothing(t *testing.T) {
	t.Parallel()
	l := start(t)
	url, queue := l.queue("q")
	l.rule("r", `{"source":["portal.test"]}`, to(queue))
	if _, err := l.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String("r")}); err != nil {
		t.Fatal(err)
	}
	l.put(event("portal.test"))
	if got := l.receive(url); len(got) > 0 {
		t.Errorf("a disabled rule sent %q", got)
	}
	if _, err := l.EnableRule(t.Context(), &eventbridge.EnableRuleInput{Name: aws.String("r")}); err != nil {
		t.Fatal(err)
	}
	l.put(event("portal.test"))
	if got := l.receive(url); len(got) != 1 {
		t.Errorf("an enabled rule sent %d events, want 1", len(got))
	}
}

func TestAQueueThatDoesNotAllowTheRuleGetsNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	l := start(t, func(o *localaws.Options) { o.Log = zerolog.New(&log) })
	without, arnWithout := l.queueWith("without", nil)
	other, arnOther := l.queueWith("other", map[string]string{"Policy": allowing("other")})
	letters, arnLetters := l.queue("letters")
	l.rule("r", `{"source":["portal.test"]}`, types.Target{Id: aws.String("1"), Arn: &arnWithout},
		types.Target{Id: aws.String("2"), Arn: &arnOther, DeadLetterConfig: &types.DeadLetterConfig{Arn: &arnLetters}})
	l.put(event("portal.test"))
	if n, m := len(l.receive(without)), len(l.receive(other)); n+m > 0 {
		t.Errorf("queues whose policies do not allow the rule got %d and %d events", n, m)
	}
	if !strings.Contains(log.String(), "without: the queue's policy does not allow it") {
		t.Errorf("the log does not say why: %s", log.String())
	}
	out, err := l.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &letters, MessageAttributeNames: []string{"All"}})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("the dead-letter queue has %v (%v), want the event", out, err)
	}
	if got := aws.ToString(out.Messages[0].MessageAttributes["TARGET_ARN"].StringValue); got != arnOther {
		t.Errorf("the dead letter names the target %s, want %s", got, arnOther)
	}
}

func TestRulesAreListedDescribedReplacedAndDeleted(t *testing.T) {
	t.Parallel()
	l := start(t)
	arn := l.rule("a-1", `{"source":["x"]}`)
	l.rule("a-2", `{"source":["x"]}`)
	l.rule("b", `{"source":["x"]}`)
	if want := "arn:aws:events:us-east-1:000000000000:rule/a-1"; arn != want {
		t.Errorf("the ARN is %s, want %s", arn, want)
	}
	var names []string
	for token := (*string)(nil); ; {
		page, err := l.ListRules(t.Context(), &eventbridge.ListRulesInput{NamePrefix: aws.String("a"), Limit: aws.Int32(1), NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Rules {
			names = append(names, *r.Name)
		}
		if token = page.NextToken; token == nil {
			break
		}
	}
	if diff := cmp.Diff([]string{"a-1", "a-2"}, names); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if _, err := l.PutRule(t.Context(), &eventbridge.PutRuleInput{
		Name: aws.String("a-1"), EventPattern: aws.String(`{"source":["y"]}`), State: types.RuleStateDisabled, Description: aws.String("Notices"),
	}); err != nil {
		t.Fatal(err)
	}
	out, err := l.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: aws.String("a-1"), EventBusName: aws.String("default")})
	if err != nil {
		t.Fatal(err)
	}
	if *out.Arn != arn || *out.EventPattern != `{"source":["y"]}` || out.State != types.RuleStateDisabled || *out.Description != "Notices" || *out.EventBusName != "default" {
		t.Errorf("the rule is %+v", out)
	}
	for range 2 { // a missing rule counts as deleted
		if _, err := l.DeleteRule(t.Context(), &eventbridge.DeleteRuleInput{Name: aws.String("a-1")}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = l.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: aws.String("a-1")})
	wantCode(t, err, "ResourceNotFoundException")
}

func TestTargetsAreListedReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	l := start(t)
	_, a := l.queue("a")
	_, b := l.queue("b")
	l.rule("r", `{"source":["x"]}`, types.Target{Id: aws.String("1"), Arn: &a}, types.Target{Id: aws.String("2"), Arn: &a})
	if err := l.putTargets("r", types.Target{Id: aws.String("1"), Arn: &b, RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(3)}}); err != nil {
		t.Fatal(err)
	}
	list := func() (got []string) {
		out, err := l.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: aws.String("r")})
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range out.Targets {
			got = append(got, *target.Id+" "+*target.Arn)
		}
		return got
	}
	if diff := cmp.Diff([]string{"1 " + b, "2 " + a}, list()); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	_, err := l.DeleteRule(t.Context(), &eventbridge.DeleteRuleInput{Name: aws.String("r")})
	wantCode(t, err, "ValidationException")
	if _, err := l.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String("r"), Ids: []string{"1", "unknown"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2 " + a}, list()); diff != "" {
		t.Errorf("targets that are left (-want +got):\n%s", diff)
	}
}

func TestWhatIsNotSupportedIsRefused(t *testing.T) {
	t.Parallel()
	l := start(t)
	_, queue := l.queue("q")
	l.rule("r", `{"source":["x"]}`)
	putRule := func(adjust func(*eventbridge.PutRuleInput)) error {
		in := &eventbridge.PutRuleInput{Name: aws.String("n"), EventPattern: aws.String(`{"source":["x"]}`)}
		adjust(in)
		_, err := l.PutRule(t.Context(), in)
		return err
	}
	target := func(adjust func(*types.Target)) error {
		target := to(queue)
		adjust(&target)
		return l.putTargets("r", target)
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a schedule": {putRule(func(in *eventbridge.PutRuleInput) { in.ScheduleExpression = aws.String("rate(1 hour)") }), "NotImplementedException"},
		"tags": {putRule(func(in *eventbridge.PutRuleInput) {
			in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
		}), "NotImplementedException"},
		"an operator":                  {putRule(func(in *eventbridge.PutRuleInput) { in.EventPattern = aws.String(`{"source":[{"suffix":"x"}]}`) }), "NotImplementedException"},
		"a pattern of text":            {putRule(func(in *eventbridge.PutRuleInput) { in.EventPattern = aws.String(`{"source":"x"}`) }), "InvalidEventPatternException"},
		"no pattern":                   {putRule(func(in *eventbridge.PutRuleInput) { in.EventPattern = nil }), "ValidationException"},
		"a name with a slash":          {putRule(func(in *eventbridge.PutRuleInput) { in.Name = aws.String("a/b") }), "ValidationException"},
		"another bus":                  {putRule(func(in *eventbridge.PutRuleInput) { in.EventBusName = aws.String("other") }), "ResourceNotFoundException"},
		"input":                        {target(func(t *types.Target) { t.Input = aws.String("{}") }), "NotImplementedException"},
		"a part of the event":          {target(func(t *types.Target) { t.InputPath = aws.String("$.detail") }), "NotImplementedException"},
		"a function":                   {target(func(t *types.Target) { t.Arn = aws.String("arn:aws:lambda:us-east-1:000000000000:function:f") }), "NotImplementedException"},
		"no ARN at all":                {target(func(t *types.Target) { t.Arn = aws.String("queue") }), "ValidationException"},
		"a FIFO queue without a group": {target(func(t *types.Target) { t.Arn = aws.String(queue + ".fifo") }), "ValidationException"},
		"a sixth target": {l.putTargets("r", func() (all []types.Target) {
			for i := range 6 {
				all = append(all, types.Target{Id: aws.String(fmt.Sprint(i)), Arn: &queue})
			}
			return all
		}()...), "LimitExceededException"},
		"a target of an unknown rule": {l.putTargets("unknown", to(queue)), "ResourceNotFoundException"},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, c.err, c.want) })
	}
}

func TestARestartKeepsTheRules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 2 {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		l := on(t, srv)
		url, queue := l.queue("q")
		if i == 0 {
			l.rule("r", `{"source":["portal.test"]}`, to(queue))
		} else {
			l.put(event("portal.test"))
			if got := l.receive(url); len(got) != 1 {
				t.Errorf("the rule sent %d events after the restart, want 1", len(got))
			}
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// topicWith creates a topic with that policy, to which the queue is subscribed.
func (l *local) topicWith(topics *sns.Client, name, policy, queue string) (arn string) {
	l.t.Helper()
	made, err := topics.CreateTopic(l.t.Context(), &sns.CreateTopicInput{Name: &name})
	if err != nil {
		l.t.Fatal(err)
	}
	if policy != "" {
		_, err := topics.SetTopicAttributes(l.t.Context(), &sns.SetTopicAttributesInput{TopicArn: made.TopicArn, AttributeName: aws.String("Policy"), AttributeValue: &policy})
		if err != nil {
			l.t.Fatal(err)
		}
	}
	if _, err := topics.Subscribe(l.t.Context(), &sns.SubscribeInput{TopicArn: made.TopicArn, Protocol: aws.String("sqs"), Endpoint: &queue}); err != nil {
		l.t.Fatal(err)
	}
	return *made.TopicArn
}

func TestAnEventReachesTheQueuesOfATopicWhosePolicyLetsTheBusPublish(t *testing.T) {
	t.Parallel()
	statement := func(effect, service, action string) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Principal":{"Service":%q},"Action":%q,"Resource":"*"}]}`, effect, service, action)
	}
	for name, c := range map[string]struct {
		policy string
		want   string
	}{
		"its policy lets the bus publish":  {statement("Allow", "events.amazonaws.com", "sns:Publish"), "1"},
		"its policy denies it":             {statement("Deny", "events.amazonaws.com", "sns:Publish"), "0"},
		"its policy lets others publish":   {statement("Allow", "s3.amazonaws.com", "sns:Publish"), "0"},
		"its policy lets the bus do other": {statement("Allow", "events.amazonaws.com", "sns:Subscribe"), "0"},
		"it has no policy":                 {"", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := localawstest.Start(t)
			l, topics := on(t, srv), sns.NewFromConfig(srv.AWSConfig())
			url, queue := l.queueWith("q", map[string]string{"Policy": strings.ReplaceAll(allowingTopics, "TOPIC", "*")})
			arn := l.topicWith(topics, "forwards", c.policy, queue)
			_, err := l.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["shop"]}`)})
			if err == nil {
				_, err = l.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{{Id: aws.String("t"), Arn: &arn}}})
			}
			if err == nil {
				_, err = l.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Source: aws.String("shop"), DetailType: aws.String("sold"), Detail: aws.String(`{"n":1}`)}}})
			}
			if err != nil {
				t.Fatal(err)
			}
			out, err := l.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(len(out.Messages)); got != c.want {
				t.Fatalf("%s messages arrived, want %s", got, c.want)
			}
			if c.want == "1" {
				var envelope struct{ Type, TopicArn, Message string }
				if err := json.Unmarshal([]byte(*out.Messages[0].Body), &envelope); err != nil || envelope.TopicArn != arn || !strings.Contains(envelope.Message, `"source":"shop"`) {
					t.Errorf("the message is %s", *out.Messages[0].Body)
				}
			}
		})
	}
}

const allowingTopics = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`

func TestAPatternIsTestedWithoutARule(t *testing.T) {
	t.Parallel()
	l := start(t)
	const event = `{"id":"1","account":"000000000000","source":"shop","time":"2026-08-20T14:23:22Z","region":"us-east-1","resources":[],"detail-type":"sold","detail":{}}`
	for name, c := range map[string]struct {
		pattern, event string
		want           bool
		code           string
	}{
		"it matches":               {`{"source":["shop"]}`, event, true, ""},
		"it does not match":        {`{"source":["bank"]}`, event, false, ""},
		"the pattern is no JSON":   {`source`, event, false, "InvalidEventPatternException"},
		"the event is no JSON":     {`{"source":["shop"]}`, `shop`, false, "ValidationException"},
		"the event has no account": {`{"source":["shop"]}`, strings.Replace(event, "account", "nobody", 1), false, "ValidationException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := l.TestEventPattern(t.Context(), &eventbridge.TestEventPatternInput{EventPattern: &c.pattern, Event: &c.event})
			var refused smithy.APIError
			switch {
			case c.code != "":
				if !errors.As(err, &refused) || refused.ErrorCode() != c.code {
					t.Errorf("got %v, want %s", err, c.code)
				}
			case err != nil || out.Result != c.want:
				t.Errorf("got %+v, %v; want %t", out, err, c.want)
			}
		})
	}
}
