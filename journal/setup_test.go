package journal_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	ann = portal.Stream("account/ann")
	bob = portal.Stream("account/bob")
)

var at = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func say(stream portal.Stream, after int64, facts ...events.Fact) []events.Event {
	cause := events.Event{ID: "request", Subject: stream, Operation: "op", Actor: "account/asker", Intent: 7, Correlation: "corr", TraceParent: "trace"}
	return journal.Stamp(cause, "/test", at, after, facts)
}

func grow(t *testing.T, j *journal.Journal, stream portal.Stream, after int64, facts ...events.Fact) {
	t.Helper()
	if err := j.Append(t.Context(), stream, after, say(stream, after, facts...)); err != nil {
		t.Fatalf("appending to %s: %v", stream, err)
	}
}

func read(t *testing.T, j *journal.Journal, stream portal.Stream, after int64) []events.Event {
	t.Helper()
	facts, err := j.Read(t.Context(), stream, after)
	if err != nil {
		t.Fatalf("reading %s: %v", stream, err)
	}
	return facts
}

type note struct {
	Text string `dynamodbav:"text"`
}

// network is the transport between the SDK and the local AWS.
type network struct {
	next http.RoundTripper
	// answer may return a response or an error; the request then does not arrive.
	answer func(operation string) (*http.Response, error)
	// lose reports whether the answer to a request that was carried out is lost.
	lose func(operation string) bool
}

var errLost = errors.New("the connection was reset")

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if n.answer != nil {
		if resp, err := n.answer(operation); resp != nil || err != nil {
			return resp, err
		}
	}
	resp, err := n.next.RoundTrip(r)
	if err == nil && n.lose != nil && n.lose(operation) {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return nil, errLost
	}
	return resp, err
}

// through returns a journal on the same tables that uses the network. The SDK makes that many
// attempts without waiting in between.
func through(t *testing.T, tables journaltest.Tables, attempts int, n network) *journal.Journal {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	n.next = transport
	client := dynamodb.NewFromConfig(tables.Config, func(o *dynamodb.Options) {
		o.HTTPClient = &http.Client{Transport: &n}
		o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
			so.MaxAttempts = attempts
			so.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	})
	return journal.New(client, tables.Journal, tables.Records)
}

// refusal is an error response in DynamoDB's format.
func refusal(exception, more string) *http.Response {
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#` + exception + `","message":"refused by the test"` + more + `}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:          io.NopCloser(bytes.NewReader([]byte(body))),
		ContentLength: int64(len(body)),
	}
}

// once returns a function that is true for the first call of the operation.
func once(operation string) func(string) bool {
	done := false
	return func(name string) bool {
		first := name == operation && !done
		done = done || first
		return first
	}
}

func isPostponed(err error) bool {
	var postponed *portal.Postponed
	return errors.As(err, &postponed)
}
