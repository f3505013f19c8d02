package wire_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type findQueue struct {
	QueueName string
	Nested    struct{ Known string }
}

type foundQueue struct {
	QueueUrl string
}

// queues is a service whose one operation gives the given answer.
func queues(find func(context.Context, *findQueue) (*foundQueue, error)) wire.JSONService {
	return wire.JSONService{
		Target: "AmazonSQS", Shape: "com.amazonaws.sqs",
		Operations: map[string]wire.Operation{
			"GetQueueUrl": wire.Op(find),
			"Unspeakable": func(context.Context, []byte) (any, error) { return make(chan int), nil },
		},
	}
}

func fails(err error) func(context.Context, *findQueue) (*foundQueue, error) {
	return func(context.Context, *findQueue) (*foundQueue, error) { return nil, err }
}

// answer is an HTTP response.
type answer struct {
	status int
	header http.Header
	body   string
	fields map[string]any
}

// call posts the body as an SDK would, and checks what all responses have in common.
func call(t *testing.T, service http.Handler, operation string, body io.Reader) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body)
	r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), body: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &a.fields); err != nil {
		t.Fatalf("the answer is not JSON: %v: %s", err, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/x-amz-json-1.0" || len(a.header.Get("X-Amzn-Requestid")) != 36 {
		t.Errorf("the answer's type is %q, its request id %q", got, a.header.Get("X-Amzn-Requestid"))
	}
	if want := strconv.FormatUint(uint64(crc32.ChecksumIEEE(w.Body.Bytes())), 10); a.header.Get("X-Amz-Crc32") != want {
		t.Errorf("the answer's checksum is %s, want %s", a.header.Get("X-Amz-Crc32"), want)
	}
	return a
}

// refusedAs checks an error response.
func (a answer) refusedAs(t *testing.T, status int, code, message string) {
	t.Helper()
	text, _ := a.fields["message"].(string)
	if a.status != status || a.fields["__type"] != "com.amazonaws.sqs#"+code || !strings.Contains(text, message) {
		t.Errorf("answered %d %s, want %d %s with %q", a.status, a.body, status, code, message)
	}
}

func TestAnOperationIsAnsweredWithItsResult(t *testing.T) {
	t.Parallel()
	service := queues(func(ctx context.Context, in *findQueue) (*foundQueue, error) {
		return &foundQueue{QueueUrl: wire.RequestFrom(ctx).Host + "/" + in.QueueName}, nil
	})
	for body, want := range map[string]string{`{"QueueName":"q"}`: "example.com/q", "": "example.com/", " \n": "example.com/", "{}": "example.com/"} {
		a := call(t, service, "GetQueueUrl", strings.NewReader(body))
		if a.status != http.StatusOK || a.fields["QueueUrl"] != want {
			t.Errorf("%q was answered %d %s, want %s", body, a.status, a.body, want)
		}
	}
}

func TestErrorsHaveAWSsShape(t *testing.T) {
	t.Parallel()
	full := &wire.Error{
		Code: "QueueDoesNotExist", Message: "The specified queue does not exist.", Status: http.StatusNotFound,
		QueryCode: "AWS.SimpleQueueService.NonExistentQueue", Fields: map[string]any{"Reasons": []string{"None"}},
		Header: http.Header{"Retry-After": {"3"}},
	}
	a := call(t, queues(fails(fmt.Errorf("finding it: %w", full))), "GetQueueUrl", strings.NewReader("{}"))
	a.refusedAs(t, http.StatusNotFound, "QueueDoesNotExist", "The specified queue does not exist.")
	if a.header.Get("X-Amzn-Query-Error") != "AWS.SimpleQueueService.NonExistentQueue;Sender" || a.header.Get("Retry-After") != "3" {
		t.Errorf("the headers are %v", a.header)
	}
	if diff := cmp.Diff([]any{"None"}, a.fields["Reasons"]); diff != "" {
		t.Errorf("the error's own members (-want +got):\n%s", diff)
	}
	a = call(t, queues(fails(wire.Errorf("Throttled", "%d too many", 3))), "GetQueueUrl", strings.NewReader("{}"))
	a.refusedAs(t, http.StatusBadRequest, "Throttled", "3 too many")
	if len(a.header.Values("X-Amzn-Query-Error")) > 0 {
		t.Errorf("an error without an older code has %v", a.header)
	}
}

func TestWhatIsNotImplementedIsRefusedAndNotExecuted(t *testing.T) {
	t.Parallel()
	service := queues(func(context.Context, *findQueue) (*foundQueue, error) {
		t.Error("the operation was executed")
		return &foundQueue{}, nil
	})
	for _, c := range []struct{ operation, body, named string }{
		{"ListQueues", "{}", "AmazonSQS.ListQueues"},
		{"", "{}", "AmazonSQS"},
		{"GetQueueUrl", `{"QueueName":"q","QueueOwner":"1"}`, "QueueOwner"},
		{"GetQueueUrl", `{"Nested":{"Unheard":1}}`, "Unheard"},
	} {
		call(t, service, c.operation, strings.NewReader(c.body)).refusedAs(t, http.StatusNotImplemented, "NotImplementedException", c.named)
	}
	for body, text := range map[string]string{
		"{": "is not valid JSON", "<xml/>": "is not valid JSON", `"text"`: "must be a JSON object", "null": "must be a JSON object", "[]": "must be a JSON object",
		`{"QueueName":1}`: "member QueueName can not be read from a JSON number", `{"Nested":{"Known":[]}}`: "member Nested.Known can not be read from a JSON array",
	} {
		a := call(t, service, "GetQueueUrl", strings.NewReader(body))
		a.refusedAs(t, http.StatusBadRequest, "SerializationException", text)
		if strings.Contains(a.body, "wire_test.") || strings.Contains(a.body, "Go ") {
			t.Errorf("%s: the error shows the server's internals: %s", body, a.body)
		}
	}
}

func TestABodyMayBeGzipped(t *testing.T) {
	t.Parallel()
	service := queues(func(_ context.Context, in *findQueue) (*foundQueue, error) {
		return &foundQueue{QueueUrl: in.QueueName}, nil
	})
	post := func(encoded []byte) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(encoded))
		r.Header.Set("X-Amz-Target", "AmazonSQS.GetQueueUrl")
		r.Header.Set("Content-Encoding", "gzip")
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		return w
	}
	zip := func(body []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(body)
		_ = w.Close()
		return b.Bytes()
	}
	if w := post(zip([]byte(`{"QueueName":"q"}`))); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"q"`) {
		t.Errorf("a zipped body is answered %d %s", w.Code, w.Body)
	}
	if w := post([]byte(`{"QueueName":"q"}`)); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "SerializationException") {
		t.Errorf("a body that is not zipped is answered %d %s", w.Code, w.Body)
	}
	if w := post(zip(make([]byte, wire.MaxBody+1))); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that is too large when unzipped is answered %d", w.Code)
	}
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	called := 0
	service := queues(func(context.Context, *findQueue) (*foundQueue, error) { called++; return &foundQueue{}, nil })
	of := func(size int) io.Reader {
		return io.MultiReader(strings.NewReader("{}"), bytes.NewReader(bytes.Repeat([]byte(" "), size-2)))
	}
	call(t, service, "GetQueueUrl", of(wire.MaxBody+1)).refusedAs(t, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "too large")
	if a := call(t, service, "GetQueueUrl", of(wire.MaxBody)); a.status != http.StatusOK || called != 1 {
		t.Errorf("a body of the largest size was answered %d %s, and %d calls were executed", a.status, a.body, called)
	}
}

// logging gives the requests' context a logger.
func logging(log io.Writer, next http.Handler) http.Handler {
	logger := zerolog.New(log)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(logger.WithContext(r.Context())))
	})
}

func TestAnInternalFailureIsLoggedAndNotShownToTheClient(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	service := logging(&log, queues(fails(errors.New("the disk is full"))))
	a := call(t, service, "GetQueueUrl", strings.NewReader("{}"))
	a.refusedAs(t, http.StatusInternalServerError, "InternalFailure", "its log says why")
	if strings.Contains(a.body, "disk") || !strings.Contains(log.String(), "the disk is full") {
		t.Errorf("the client reads %s, the log %s", a.body, log.String())
	}
	call(t, service, "Unspeakable", strings.NewReader("{}")).refusedAs(t, http.StatusInternalServerError, "InternalFailure", "its log says why")
}

func TestATruncatedBodyIsNotExecuted(t *testing.T) {
	t.Parallel()
	service := queues(func(context.Context, *findQueue) (*foundQueue, error) {
		t.Error("half a request was executed")
		return &foundQueue{}, nil
	})
	half := io.MultiReader(strings.NewReader("{}"), broken{})
	call(t, service, "GetQueueUrl", half).refusedAs(t, http.StatusInternalServerError, "InternalFailure", "")
}

func TestDataAfterOneBodyIsNotReadAsTheNext(t *testing.T) {
	t.Parallel()
	service := queues(func(_ context.Context, in *findQueue) (*foundQueue, error) {
		return &foundQueue{QueueUrl: in.QueueName}, nil
	})
	for range 50 {
		for body, want := range map[string]string{`{"QueueName":"q"} {"QueueName":"other"}`: "q", "{}": ""} {
			if a := call(t, service, "GetQueueUrl", strings.NewReader(body)); a.status != http.StatusOK || a.fields["QueueUrl"] != want {
				t.Fatalf("%q was answered %d %s, want %q", body, a.status, a.body, want)
			}
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestTheSDKUnderstandsAnswersAndErrors(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(queues(func(_ context.Context, in *findQueue) (*foundQueue, error) {
		switch in.QueueName {
		case "there":
			return &foundQueue{QueueUrl: "http://localhost/there"}, nil
		case "absent":
			return nil, &wire.Error{Code: "QueueDoesNotExist", Message: "It is not there.", QueryCode: "AWS.SimpleQueueService.NonExistentQueue"}
		}
		return nil, errors.New("broken")
	}))
	t.Cleanup(server.Close)
	client := sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	find := func(name string) (string, error) {
		out, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.QueueUrl), nil
	}
	if url, err := find("there"); url != "http://localhost/there" || err != nil {
		t.Errorf("found %q, %v", url, err)
	}
	var missing *types.QueueDoesNotExist
	if _, err := find("absent"); !errors.As(err, &missing) || missing.ErrorMessage() != "It is not there." {
		t.Errorf("%v, want QueueDoesNotExist with its text", err)
	}
	var api smithy.APIError
	if _, err := find("broken"); !errors.As(err, &api) || api.ErrorCode() != "InternalFailure" {
		t.Errorf("%v, want InternalFailure", err)
	}
	_, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if !errors.As(err, &api) || api.ErrorCode() != "NotImplementedException" {
		t.Errorf("%v, want NotImplementedException", err)
	}
	_, err = client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("q"), QueueOwnerAWSAccountId: aws.String("1")})
	if !errors.As(err, &api) || api.ErrorCode() != "NotImplementedException" || !strings.Contains(api.ErrorMessage(), "QueueOwnerAWSAccountId") {
		t.Errorf("%v, want NotImplementedException that names the member", err)
	}
}
