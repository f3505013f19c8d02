package main

import (
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestsAreBilledAsAWSDoes(t *testing.T) {
	t.Parallel()
	kilobyte := strings.Repeat("x", 1<<10)
	for _, c := range []struct {
		name, target, path, body string
		answered                 int
		want                     counts
	}{
		{"a consistent read", "DynamoDB_20120810.GetItem", "/", `{"ConsistentRead": true}`, 300, counts{"dynamodb_read": 1}},
		{"an eventually consistent one", "DynamoDB_20120810.GetItem", "/", `{}`, 300, counts{"dynamodb_read": 0.5}},
		{"a query with 9 KB of answer", "DynamoDB_20120810.Query", "/", `{"ConsistentRead": true}`, 9 << 10, counts{"dynamodb_read": 3}},
		{"a small row", "DynamoDB_20120810.PutItem", "/", `{"Item": {"pk": {"S": "a"}}}`, 2, counts{"dynamodb_write": 1}},
		{"a row of more than a kilobyte", "DynamoDB_20120810.PutItem", "/", `{"Item": {"pk": {"S": "` + kilobyte + `"}}}`, 2, counts{"dynamodb_write": 2}},
		{"a transaction of two", "DynamoDB_20120810.TransactWriteItems", "/", `{"TransactItems": [{"Put": {"Item": {}}}, {"Update": {}}]}`, 2, counts{"dynamodb_write": 4}},
		{"a message of a FIFO queue", "AmazonSQS.SendMessage", "/", `{"QueueUrl": "http://a/commands.fifo"}`, 2, counts{"sqs_fifo": 1}},
		{"a batch of 65 KB", "AmazonSQS.SendMessageBatch", "/", `{"QueueUrl": "http://a/provisioning", "x": "` + strings.Repeat(kilobyte, 65) + `"}`, 2, counts{"sqs_standard": 2}},
		{"two facts", "", "/", url.Values{"Action": {"PublishBatch"}, "PublishBatchRequestEntries.member.1.Id": {"1"}, "PublishBatchRequestEntries.member.2.Id": {"2"}}.Encode(), 2, counts{"sns_fifo": 1, "sns_fifo_delivery": 4}},
		{"a key's value", "TrentService.GenerateMac", "/", `{}`, 2, counts{"kms_request": 1}},
		{"a key in API Gateway", "", "/apikeys", `{}`, 2, counts{controlPlane: 1}},
	} {
		r, err := http.NewRequest(http.MethodPost, "http://localhost"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.target != "" {
			r.Header.Set("X-Amz-Target", c.target)
		}
		if diff := cmp.Diff(c.want, billed(r, []byte(c.body), c.answered)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestFreeUnitsAreNotBilled(t *testing.T) {
	t.Parallel()
	p, err := readPrices()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		n    float64
		want float64
	}{
		{"alarm", 10, 0}, {"alarm", 24, 1.40}, {"kms_key", 1, 1}, {"cognito", 10_001, 0.015}, {"sns_fifo", 2_000_000, 0.60},
	} {
		if got := p.of(c.name, c.n); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v of %s cost %v, want %v", c.n, c.name, got, c.want)
		}
	}
	if !math.IsNaN(p.of("gold", 1)) {
		t.Error("what has no price costs something")
	}
	// The free million of SQS is for all queues together.
	b, err := p.bill(counts{"sqs_fifo": 900_000, "sqs_standard": 1_100_000})
	if err != nil || math.Abs(b.total()-0.40) > 1e-9 {
		t.Errorf("two million requests cost %v, %v", b.total(), err)
	}
}

func TestEveryPriceHasASource(t *testing.T) {
	t.Parallel()
	p, err := readPrices()
	if err != nil || p.Checked == "" {
		t.Fatalf("%+v, %v", p, err)
	}
	for name, one := range p.Prices {
		if one.Of == "" || one.Per <= 0 || !strings.HasPrefix(one.Source, "https://aws.amazon.com/") {
			t.Errorf("%s is %+v", name, one)
		}
	}
}

func TestEachDesignHasItsFixedParts(t *testing.T) {
	t.Parallel()
	lambda, err := lambdaHour()
	if err != nil {
		t.Fatal(err)
	}
	// Five queues have a limit, nine sources have none; three of the limited queues are FIFO.
	if want := (counts{"sqs_fifo": (3*5 + 5*2) * 180, "sqs_standard": (2*5 + 4*2) * 180}); !cmp.Equal(want, lambda) {
		t.Errorf("an hour of polls is %v, want %v", lambda, want)
	}
	small, err := containersHour("small")
	if err != nil || small["ipv4"] != 1 || small["fargate_cpu"] != 0.25 || small["load_balancer"] != 0 {
		t.Errorf("an hour of the small size is %v, %v", small, err)
	}
	standard, err := containersHour("standard")
	if err != nil || standard["ipv4"] != 5 || standard["fargate_cpu"] != 0.75 || standard["load_balancer"] != 1 {
		t.Errorf("an hour of the standard size is %v, %v", standard, err)
	}
}
