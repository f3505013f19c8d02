// Helpers that play AWS Lambda and what invokes its functions.

package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/outputtest"
)

// emulator returns the path of AWS's Lambda Runtime Interface Emulator. Without it the test is
// skipped, or fails if GATEHOUSE_REQUIRE lists it.
func emulator(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../bin/aws-lambda-rie")
	if err == nil {
		_, err = os.Stat(path)
	}
	if err == nil {
		return path
	}
	if slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), "rie") {
		t.Fatalf("aws-lambda-rie is required and not installed: %v", err)
	}
	t.Skip("NOT RUN: aws-lambda-rie is not installed")
	return ""
}

// function is a function of AWS Lambda: some sandboxes, each with one invocation at a time.
type function struct {
	t       *testing.T
	handler string
	env     []string
	timeout time.Duration
	idle    chan *sandbox

	mu      sync.Mutex
	working map[*sandbox]bool
	all     []*sandbox
	killed  int
	late    int
}

// functionOf starts a function of the template lambda.yaml.
func functionOf(t *testing.T, r *template.Resolved, name string, env []string, sandboxes int) *function {
	t.Helper()
	properties := deploytest.Properties(t, r, name)
	seconds, _ := properties["Timeout"].(float64)
	return startFunction(t, fmt.Sprint(properties["Handler"]), env, time.Duration(seconds)*time.Second, sandboxes)
}

// sourcesOf are the event sources of the template lambda.yaml, for queues of the data stack.
func sourcesOf(t *testing.T, r *template.Resolved) []eventSource {
	t.Helper()
	var all []eventSource
	for _, name := range r.Named("AWS::Lambda::EventSourceMapping") {
		properties := deploytest.Properties(t, r, name)
		arn := fmt.Sprint(properties["EventSourceArn"])
		batch, _ := properties["BatchSize"].(float64)
		all = append(all, eventSource{queue: arn[strings.LastIndex(arn, ":")+1:], batch: int(batch), visibility: 30 * time.Second})
	}
	return all
}

type sandbox struct {
	address string
	cmd     *exec.Cmd
	logs    *outputtest.Buffer
	done    chan struct{}
}

func startFunction(t *testing.T, handler string, env []string, timeout time.Duration, sandboxes int) *function {
	t.Helper()
	f := &function{t: t, handler: handler, timeout: timeout, idle: make(chan *sandbox, sandboxes), working: map[*sandbox]bool{}, env: slices.Concat(env, []string{
		"GATEHOUSE_LOG_LEVEL=info", "GATEHOUSE_LOG_FORMAT=json", fmt.Sprintf("AWS_LAMBDA_FUNCTION_TIMEOUT=%d", int(timeout.Seconds())),
	})}
	for range sandboxes {
		f.idle <- f.start()
	}
	return f
}

// freeAddress is below the ports that Linux gives to listeners that ask for any, so no other test gets
// it before the sandbox listens there.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

func (f *function) start() *sandbox {
	f.t.Helper()
	dir, err := programs()
	if err != nil {
		f.t.Fatal(err)
	}
	s := &sandbox{address: freeAddress(f.t), logs: &outputtest.Buffer{}, done: make(chan struct{})}
	s.cmd = exec.Command(emulator(f.t), "--runtime-interface-emulator-address", s.address, "--runtime-api-address", freeAddress(f.t),
		"--log-level", "error", filepath.Join(dir, "lambda"), f.handler)
	s.cmd.Env = slices.Concat([]string{"HOME=" + f.t.TempDir(), "AWS_EC2_METADATA_DISABLED=true", "PATH=" + os.Getenv("PATH")}, f.env)
	s.cmd.Stdout, s.cmd.Stderr = s.logs, s.logs
	if err := s.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() { defer close(s.done); _ = s.cmd.Wait() }()
	f.mu.Lock()
	f.all = append(f.all, s)
	f.mu.Unlock()
	f.t.Cleanup(func() {
		s.kill()
		if f.t.Failed() {
			f.t.Logf("the log of a sandbox of %s:\n%s", f.handler, s.logs.Tail(20))
		}
	})
	return s
}

func (s *sandbox) kill() {
	hanging := children(s.cmd.Process.Pid)
	_ = s.cmd.Process.Kill()
	for _, pid := range hanging {
		_ = syscall.Kill(pid, syscall.SIGKILL) // a frozen one would stay
	}
	<-s.done
}

// invoke waits for a sandbox that is idle. It returns the function's answer, or an error as AWS
// Lambda does if the function fails or its sandbox dies, which a new one then replaces.
func (f *function) invoke(ctx context.Context, event any) ([]byte, error) {
	body, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	var s *sandbox
	select {
	case s = <-f.idle:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f.note(s, true)
	answer, err := s.invoke(ctx, body)
	f.note(s, false)
	if errors.Is(err, errTimedOut) {
		f.mu.Lock()
		f.late++
		f.mu.Unlock()
	}
	select {
	case <-s.done:
		if ctx.Err() == nil {
			s = f.start()
		}
	default:
	}
	f.idle <- s
	return answer, err
}

func (s *sandbox) invoke(ctx context.Context, body []byte) ([]byte, error) {
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+"/2015-03-31/functions/function/invocations", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		out, err := http.DefaultClient.Do(r)
		if err == nil {
			return read(out)
		}
		select {
		case <-s.done:
			return nil, fmt.Errorf("the sandbox died: %w", err)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond): // it does not listen yet
		}
		if !strings.Contains(err.Error(), "refused") {
			return nil, err
		}
	}
}

// errTimedOut: AWS Lambda stopped the function, since it did not answer in time.
var errTimedOut = errors.New("the function timed out")

func read(out *http.Response) ([]byte, error) {
	defer out.Body.Close()
	answer, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(answer, []byte("Task timed out after")) {
		return nil, errTimedOut
	}
	var failure struct{ ErrorMessage, ErrorType string }
	if json.Unmarshal(answer, &failure) == nil && failure.ErrorType != "" || out.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the function failed with %d: %s", out.StatusCode, answer)
	}
	return answer, nil
}

// killSome kills so many sandboxes, each in the middle of an invocation, until ctx ends.
func (f *function) killSome(ctx context.Context, n int) { often(ctx, n, f.killWorking) }

func (f *function) killWorking() (killed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.working {
		_ = s.cmd.Process.Kill()
		f.killed++
		return true
	}
	return false
}

// freezeSome makes so many sandboxes hang, each in the middle of an invocation, until ctx ends. The
// emulator stops them when their time is over.
func (f *function) freezeSome(ctx context.Context, n int) { often(ctx, n, f.freezeWorking) }

// often tries every 50 ms until it has been done n times, or ctx ends.
func often(ctx context.Context, n int, do func() bool) {
	for n > 0 {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return
		}
		if do() {
			n--
		}
	}
}

func (f *function) freezeWorking() (frozen bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.working {
		for _, pid := range children(s.cmd.Process.Pid) {
			if syscall.Kill(pid, syscall.SIGSTOP) == nil {
				return true
			}
		}
	}
	return false
}

// children are the processes that the process has started, on Linux.
func children(pid int) (all []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// stopped counts the invocations that took too long.
func (f *function) stopped() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.late
}

func (f *function) sandboxes() []*sandbox {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.all)
}

func (f *function) note(s *sandbox, works bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if works {
		f.working[s] = true
		return
	}
	delete(f.working, s)
}

// httpAPI plays an HTTP API of API Gateway in front of a function. It returns its address.
func httpAPI(t *testing.T, f *function) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		in := events.APIGatewayV2HTTPRequest{
			Version: "2.0", RouteKey: "$default", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{"host": r.Host},
			Body: base64.StdEncoding.EncodeToString(body), IsBase64Encoded: true,
			RequestContext: events.APIGatewayV2HTTPRequestContext{
				Stage: "$default", DomainName: r.Host,
				HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: r.Method, Path: r.URL.Path, SourceIP: "198.51.100.7"},
			},
		}
		for name, values := range r.Header {
			if name == "Cookie" {
				in.Cookies = strings.Split(strings.Join(values, "; "), "; ")
				continue
			}
			in.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
		answer, err := f.invoke(r.Context(), in)
		var out events.APIGatewayV2HTTPResponse
		if err == nil {
			err = json.Unmarshal(answer, &out)
		}
		if err != nil {
			http.Error(w, `{"message":"Internal Server Error"}`, http.StatusInternalServerError)
			return
		}
		for name, value := range out.Headers {
			w.Header().Set(name, value)
		}
		for _, cookie := range out.Cookies {
			w.Header().Add("Set-Cookie", cookie)
		}
		body = []byte(out.Body)
		if out.IsBase64Encoded {
			if body, err = base64.StdEncoding.DecodeString(out.Body); err != nil {
				t.Error(err)
			}
		}
		w.WriteHeader(out.StatusCode)
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// eventSource plays the event source mapping of a queue until ctx ends.
type eventSource struct {
	queue      string
	batch      int
	visibility time.Duration
}

func (e eventSource) run(ctx context.Context, t *testing.T, client *sqs.Client, f *function) {
	url, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &e.queue})
	if err != nil {
		if ctx.Err() == nil {
			t.Error(err)
		}
		return
	}
	var invocations sync.WaitGroup
	defer invocations.Wait()
	for ctx.Err() == nil {
		messages := e.receive(ctx, client, *url.QueueUrl)
		if len(messages) == 0 {
			continue
		}
		invocations.Go(func() { e.deliver(ctx, client, *url.QueueUrl, f, messages) })
	}
}

// receive fills the batch for at most a second after the first message.
func (e eventSource) receive(ctx context.Context, client *sqs.Client, url string) []types.Message {
	var messages []types.Message
	for wait := int32(2); len(messages) < e.batch; wait = 1 { // the SDK leaves out 0, which would mean the queue's 20
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: int32(min(10, e.batch-len(messages))), WaitTimeSeconds: wait, VisibilityTimeout: int32(e.visibility.Seconds()),
			MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil || len(out.Messages) == 0 {
			break
		}
		messages = append(messages, out.Messages...)
	}
	return messages
}

func (e eventSource) deliver(ctx context.Context, client *sqs.Client, url string, f *function, messages []types.Message) {
	var in events.SQSEvent
	for _, m := range messages {
		record := events.SQSMessage{
			MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body), Attributes: m.Attributes,
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource:       "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:" + e.queue,
		}
		for name, a := range m.MessageAttributes {
			record.MessageAttributes[name] = events.SQSMessageAttribute{DataType: aws.ToString(a.DataType), StringValue: a.StringValue}
		}
		in.Records = append(in.Records, record)
	}
	answer, err := f.invoke(ctx, in)
	var out events.SQSEventResponse
	if err != nil || json.Unmarshal(answer, &out) != nil {
		return // all of them come again
	}
	failed := map[string]bool{}
	for _, item := range out.BatchItemFailures {
		failed[item.ItemIdentifier] = true
	}
	for _, m := range messages {
		if !failed[aws.ToString(m.MessageId)] {
			_, _ = client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}) // it may come again
		}
	}
}
