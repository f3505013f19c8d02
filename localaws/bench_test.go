package localaws_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// The benchmarks measure the server's cost of a request. The client is cheap: a bare
// connection that writes requests as the SDK signs them, and reads the responses. Commits
// are synced.

func BenchmarkDynamoDB(b *testing.B) {
	const target = "DynamoDB_20120810."
	benchmarkCalls(b, "PutItem", target+"PutItem", func(n int64) string {
		return fmt.Sprintf(`{"TableName":"journal","Item":%s,"ConditionExpression":"attribute_not_exists(pk)"}`, journalItem("put", n))
	})
	benchmarkCalls(b, "UpdateItem", target+"UpdateItem", func(n int64) string {
		return fmt.Sprintf(`{"TableName":"journal","Key":{"pk":{"S":"counter"},"sk":{"N":"%d"}},"UpdateExpression":"SET #c = if_not_exists(#c, :zero) + :one",
			"ExpressionAttributeNames":{"#c":"count"},"ExpressionAttributeValues":{":zero":{"N":"0"},":one":{"N":"1"}}}`, n%100)
	})
	benchmarkCalls(b, "TransactWriteItems", target+"TransactWriteItems", func(n int64) string {
		var puts []string
		for i := range 8 {
			puts = append(puts, fmt.Sprintf(`{"Put":{"TableName":"journal","Item":%s,"ConditionExpression":"attribute_not_exists(pk)"}}`, journalItem(fmt.Sprint("written", i), n)))
		}
		return fmt.Sprintf(`{"ClientRequestToken":"token-%d","TransactItems":[%s]}`, n, strings.Join(puts, ","))
	})
	benchmarkCalls(b, "GetItem", target+"GetItem", func(n int64) string {
		return fmt.Sprintf(`{"TableName":"journal","ConsistentRead":true,"Key":{"pk":{"S":"read"},"sk":{"N":"%d"}}}`, n%100)
	})
	benchmarkCalls(b, "Query", target+"Query", func(int64) string {
		return `{"TableName":"journal","ConsistentRead":true,"KeyConditionExpression":"pk = :p AND sk > :k",
			"ExpressionAttributeValues":{":p":{"S":"read"},":k":{"N":"79"}}}`
	})
}

func BenchmarkSQS(b *testing.B) {
	body := strings.Repeat("x", 1024)
	send := func(n int64) string {
		var entries []string
		for i := range 10 {
			entries = append(entries, fmt.Sprintf(`{"Id":"%d","MessageBody":%q,"MessageAttributes":{"id":{"DataType":"String","StringValue":"%d"}}}`, i, body, n))
		}
		return fmt.Sprintf(`{"QueueUrl":"http://localhost/000000000000/work","Entries":[%s]}`, strings.Join(entries, ","))
	}
	benchmarkCalls(b, "SendMessageBatch", "AmazonSQS.SendMessageBatch", send)
	benchmarkCalls(b, "ReceiveMessage", "AmazonSQS.ReceiveMessage", func(int64) string {
		return `{"QueueUrl":"http://localhost/000000000000/work","MaxNumberOfMessages":10,"VisibilityTimeout":0,"MessageAttributeNames":["All"],"MessageSystemAttributeNames":["All"]}`
	})
}

// benchmarkCalls makes calls over eight connections per core. n counts the calls from 1.
func benchmarkCalls(b *testing.B, name, target string, body func(n int64) string) {
	b.Run(name, func(b *testing.B) {
		server := localawstest.Start(b, func(o *localaws.Options) { o.NoSync = false })
		prepare(b, server)
		var n atomic.Int64
		b.ReportAllocs()
		b.SetParallelism(8)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			l, err := dial(b, server)
			if err != nil {
				b.Error(err)
				return
			}
			for pb.Next() {
				l.call(target, body(n.Add(1)))
			}
		})
	})
}

// prepare creates a table with a hundred items in one partition, and a queue with a hundred
// messages.
func prepare(b *testing.B, server *localaws.Server) {
	b.Helper()
	l, err := dial(b, server)
	if err != nil {
		b.Fatal(err)
	}
	l.call("DynamoDB_20120810.CreateTable", `{"TableName":"journal","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}`)
	l.call("AmazonSQS.CreateQueue", `{"QueueName":"work"}`)
	for n := range int64(100) {
		l.call("DynamoDB_20120810.PutItem", fmt.Sprintf(`{"TableName":"journal","Item":%s}`, journalItem("read", n)))
		l.call("AmazonSQS.SendMessage", `{"QueueUrl":"http://localhost/000000000000/work","MessageBody":"hello"}`)
	}
}

func journalItem(stream string, n int64) string {
	return fmt.Sprintf(`{"pk":{"S":%q},"sk":{"N":"%d"},"type":{"S":"KeyCreated"},"data":{"B":%q},"at":{"M":{"time":{"S":"2026-01-01T00:00:00Z"},"by":{"S":"worker"}}}}`,
		stream, n, strings.Repeat("eHh4", 100))
}

// line is one connection to the server.
type line struct {
	b       *testing.B
	conn    net.Conn
	answers *bufio.Reader
	content bytes.Buffer
}

func dial(b *testing.B, server *localaws.Server) (*line, error) {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.Endpoint(), "http://"))
	if err != nil {
		return nil, err
	}
	b.Cleanup(func() { _ = conn.Close() })
	return &line{b: b, conn: conn, answers: bufio.NewReader(conn)}, nil
}

// call makes one call, which must succeed.
func (l *line) call(target, body string) {
	_, err := fmt.Fprintf(l.conn, "POST / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: aws-sdk-go-v2/1.40.0 ua/2.1 os/linux lang/go#1.26\r\n"+
		"Accept-Encoding: identity\r\nAmz-Sdk-Invocation-Id: 00000000-0000-4000-8000-000000000000\r\nAmz-Sdk-Request: attempt=1; max=3\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/any/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=00\r\n"+
		"X-Amz-Date: 20260101T000000Z\r\nX-Amz-Target: %s\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%s", target, len(body), body)
	if err != nil {
		l.b.Error(err)
		return
	}
	answer, err := http.ReadResponse(l.answers, nil)
	if err != nil {
		l.b.Error(err)
		return
	}
	l.content.Reset()
	if _, err := l.content.ReadFrom(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		l.b.Errorf("%s was answered %d %s, %v", target, answer.StatusCode, l.content.String(), err)
	}
}
