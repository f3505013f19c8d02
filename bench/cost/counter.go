package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// counts are what AWS bills, by name of a price, and calls of API Gateway's control plane, which are free.
type counts map[string]float64

const controlPlane = "control plane"

func (c counts) plus(more counts, times float64) counts {
	sum := maps.Clone(c)
	if sum == nil {
		sum = counts{}
	}
	for name, n := range more {
		sum[name] += n * times
	}
	return sum
}

// counter is a proxy in front of the local AWS. It works out what AWS would bill for each request.
type counter struct {
	aws func() http.Handler

	mu       sync.Mutex
	counts   counts
	requests int
}

const countedPath = "/counted/site"

type measured struct {
	http.ResponseWriter
	bytes int
}

func (m *measured) Write(p []byte) (int, error) {
	m.bytes += len(p)
	return m.ResponseWriter.Write(p)
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.URL.Path, r.URL.RawPath = "/"+strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, countedPath), "/"), strings.TrimPrefix(r.URL.RawPath, countedPath)
	answer := &measured{ResponseWriter: w}
	c.aws().ServeHTTP(answer, r)
	c.note(billed(r, body, answer.bytes))
}

func (c *counter) note(n counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts = c.counts.plus(n, 1)
	c.requests++
}

func (c *counter) take() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.counts
	c.counts = counts{}
	return taken
}

func (c *counter) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

func billed(r *http.Request, body []byte, answered int) counts {
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case strings.HasPrefix(service, "DynamoDB"):
		return tables(operation, body, answered)
	case service == "AmazonSQS":
		return queues(operation, body)
	case service == "TrentService":
		return counts{"kms_request": 1}
	case service == "":
		form, _ := url.ParseQuery(string(body))
		if action := form.Get("Action"); action == "Publish" || action == "PublishBatch" {
			return counts{"sns_fifo": 1, "sns_fifo_delivery": 2 * float64(messagesIn(form))}
		}
		if strings.HasPrefix(r.URL.Path, "/apikeys") || strings.HasPrefix(r.URL.Path, "/usageplans") || strings.HasPrefix(r.URL.Path, "/restapis") {
			return counts{controlPlane: 1}
		}
	}
	return nil
}

// messagesIn counts the messages of a PublishBatch. Each goes to the two queues that subscribe.
func messagesIn(form url.Values) int {
	n := 0
	for name := range form {
		if strings.HasPrefix(name, "PublishBatchRequestEntries.") && strings.HasSuffix(name, ".Id") {
			n++
		}
	}
	return max(n, 1)
}

// unit is how many bytes a request of SQS may have.
const unit = 64 << 10

func queues(operation string, body []byte) counts {
	name := "sqs_standard"
	if bytes.Contains(body, []byte(".fifo")) {
		name = "sqs_fifo"
	}
	if operation == "GetQueueUrl" || operation == "GetQueueAttributes" {
		return counts{name: 1}
	}
	return counts{name: units(len(body), unit)}
}

func units(size, each int) float64 { return max(1, math.Ceil(float64(size)/float64(each))) }

// The sizes of request units: Amazon DynamoDB Developer Guide, "Read and write operations". DynamoDB counts
// fewer bytes than this program, which measures JSON.
const (
	readUnit  = 4 << 10
	writeUnit = 1 << 10
)

func tables(operation string, body []byte, answered int) counts {
	var in struct {
		ConsistentRead bool
		TransactItems  []map[string]json.RawMessage
		RequestItems   map[string]json.RawMessage
		Item           json.RawMessage
	}
	if json.Unmarshal(body, &in) != nil {
		return nil
	}
	switch operation {
	case "GetItem", "Query", "Scan":
		n := units(answered, readUnit)
		if !in.ConsistentRead {
			n /= 2
		}
		return counts{"dynamodb_read": n}
	case "BatchGetItem":
		return counts{"dynamodb_read": units(answered, readUnit)}
	case "TransactGetItems":
		return counts{"dynamodb_read": 2 * max(float64(len(in.TransactItems)), units(answered, readUnit))}
	case "TransactWriteItems":
		n := 0.0
		for _, item := range in.TransactItems {
			for _, text := range item {
				n += 2 * units(len(text), writeUnit)
			}
		}
		return counts{"dynamodb_write": n}
	case "BatchWriteItem":
		n := 0.0
		for _, text := range in.RequestItems {
			var puts []json.RawMessage
			if json.Unmarshal(text, &puts) == nil {
				for _, put := range puts {
					n += units(len(put), writeUnit)
				}
			}
		}
		return counts{"dynamodb_write": n}
	case "PutItem":
		return counts{"dynamodb_write": units(len(in.Item), writeUnit)}
	case "UpdateItem", "DeleteItem":
		return counts{"dynamodb_write": units(len(body), writeUnit)}
	}
	return nil
}
