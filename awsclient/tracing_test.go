package awsclient

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-portal/gatehouse/traces"
)

// answers answers every request alike.
type answers struct {
	status int
	body   string
}

func (a answers) Do(req *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set("X-Amzn-RequestId", "request-7")
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body)), Request: req}, nil
}

func tracedClient(a answers) *dynamodb.Client {
	return dynamodb.NewFromConfig(aws.Config{
		Region: "eu-west-1", HTTPClient: a, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		APIOptions: []func(*middleware.Stack) error{Traced}, RetryMaxAttempts: 1,
	})
}

func put(ctx context.Context, client *dynamodb.Client) error {
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("gatehouse-records"), Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "ada@example.com"},
	}})
	return err
}

func TestACallIsASpanWithoutWhatItSends(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers
		status, errorType, code string
	}{
		"done":                {answers{http.StatusOK, "{}"}, "200", "", "Unset"},
		"another was first":   {answers{http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"ada@example.com"}`}, "400", "ConditionalCheckFailedException", "Unset"},
		"refused":             {answers{http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"ada@example.com"}`}, "400", "ResourceNotFoundException", "Error"},
		"an answer of no AWS": {answers{http.StatusBadGateway, "<html>ada@example.com</html>"}, "502", "no_answer", "Error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := tracetest.NewSpanRecorder()
			tracer := traces.NewTracer(sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)))
			ctx, root := tracer.Begin(t.Context(), traces.Server, "GET", "", traces.Remote{})
			err := put(ctx, tracedClient(test.answers))
			if (err == nil) != (test.errorType == "") {
				t.Errorf("the error is %v", err)
			}
			span := spans.Ended()[0]
			root.End()
			if span.Name() != "DynamoDB/PutItem" || span.Parent().SpanID() != spans.Ended()[1].SpanContext().SpanID() || span.Status().Code.String() != test.code || span.Status().Description != "" {
				t.Errorf("the span is %s with %+v", span.Name(), span.Status())
			}
			got := map[string]string{}
			for _, pair := range span.Attributes() {
				got[string(pair.Key)] = pair.Value.String()
				if strings.Contains(pair.Value.String(), "ada@") {
					t.Errorf("%s is %s", pair.Key, pair.Value.String())
				}
			}
			if got["http.response.status_code"] != test.status || got["error.type"] != test.errorType || got["cloud.region"] != "eu-west-1" ||
				got["aws.request_id"] != "request-7" || got["aws.dynamodb.table_names"] != `["gatehouse-records"]` {
				t.Errorf("the attributes are %v", got)
			}
		})
	}
}

// It is not parallel, since it counts the allocations of the whole process.
func TestACallWithoutATraceAllocatesNothingForTraces(t *testing.T) {
	ctx, in := context.Background(), middleware.InitializeInput{}
	called := 0
	next := middleware.InitializeHandlerFunc(func(context.Context, middleware.InitializeInput) (middleware.InitializeOutput, middleware.Metadata, error) {
		called++
		return middleware.InitializeOutput{}, middleware.Metadata{}, nil
	})
	allocations := testing.AllocsPerRun(100, func() {
		if _, _, err := traced(ctx, in, next); err != nil {
			t.Error(err)
		}
	})
	if allocations > 0 || called == 0 {
		t.Errorf("%v allocations in %d calls", allocations, called)
	}
}
