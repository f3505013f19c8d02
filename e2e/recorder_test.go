// A proxy that records which IAM permissions the calls to AWS need.

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-portal/gatehouse/deploy/policy"
)

// permitted is an IAM action on a kind of resource, such as dynamodb:GetItem on "records".
type permitted struct{ action, on string }

// recorder keeps the permissions by the access key that signed the call.
type recorder struct {
	t     *testing.T
	proxy *httputil.ReverseProxy

	mu       sync.Mutex
	calls    map[string]map[permitted]bool
	requests map[string]map[string]policy.Request
}

func startRecorder(t *testing.T, endpoint string) (r *recorder, at string) {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	r = &recorder{t: t, calls: map[string]map[permitted]bool{}, requests: map[string]map[string]policy.Request{}, proxy: &httputil.ReverseProxy{
		Rewrite:  func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = target.Host },
		ErrorLog: log.New(io.Discard, "", 0), // a stopping process cuts connections
	}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return r, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	if _, rest, ok := strings.Cut(req.Header.Get("Authorization"), "Credential="); ok {
		scope := strings.Split(strings.SplitN(rest, ",", 2)[0], "/")
		who := scope[0]
		if strings.HasPrefix(who, "ASIA") {
			who = asSeller
		}
		r.note(who, permissionsFor(scope[3], req, body)...)
		r.noteRequests(who, requestsFor(scope[3], req, body))
	}
	r.proxy.ServeHTTP(w, req)
}

// asSeller is the caller with the credentials of a role: only the seller's is assumed.
const asSeller = "the seller's role"

// made reports whether the caller has made calls that need the action.
func (r *recorder) made(who, action string) bool {
	for p := range r.of(who) {
		if p.action == action {
			return true
		}
	}
	return false
}

func (r *recorder) note(who string, all ...permitted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls[who] == nil {
		r.calls[who] = map[permitted]bool{}
	}
	for _, p := range all {
		r.calls[who][p] = true
	}
}

func (r *recorder) of(who string) map[permitted]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[who]
}

func permissionsFor(service string, req *http.Request, body []byte) []permitted {
	if service == "apigateway" {
		return []permitted{{"apigateway:" + req.Method, restResource(req.URL.Path)}}
	}
	_, operation, isJSON := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	var in struct {
		TableName, QueueURL, QueueName, KeyID string
		TransactItems                         []map[string]struct{ TableName string }
		RequestItems                          map[string]json.RawMessage
	}
	if isJSON {
		_ = json.Unmarshal(bytes.ReplaceAll(bytes.ReplaceAll(body, []byte(`"QueueUrl"`), []byte(`"QueueURL"`)), []byte(`"KeyId"`), []byte(`"KeyID"`)), &in)
	} else {
		form, _ := url.ParseQuery(string(body))
		operation = form.Get("Action")
	}
	if _, named, isCBOR := strings.Cut(req.URL.Path, "/operation/"); isCBOR {
		operation = named
	}
	switch service {
	case "dynamodb":
		if operation == "TransactWriteItems" {
			var all []permitted
			for _, item := range in.TransactItems {
				for kind, on := range item {
					all = append(all, permitted{"dynamodb:" + map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}[kind], short(on.TableName)})
				}
			}
			return all
		}
		var batch []permitted
		for table := range in.RequestItems {
			batch = append(batch, permitted{"dynamodb:" + operation, short(table)})
		}
		if batch != nil {
			return batch
		}
		return []permitted{{"dynamodb:" + operation, short(in.TableName)}}
	case "sqs":
		queue := in.QueueName + in.QueueURL[strings.LastIndex(in.QueueURL, "/")+1:]
		return []permitted{{"sqs:" + strings.TrimSuffix(operation, "Batch"), short(queue)}}
	case "sns":
		return []permitted{{"sns:" + strings.TrimSuffix(operation, "Batch"), "topic"}}
	case "kms":
		return []permitted{{"kms:" + operation, "KMS key"}}
	case "s3":
		if req.URL.Query().Get("list-type") == "2" {
			return []permitted{{"s3:ListBucket", "the catalog's bucket"}}
		}
		return []permitted{{"s3:" + map[string]string{http.MethodGet: "GetObject"}[req.Method], "its objects below the prefix"}}
	case "sts":
		return nil // needs no permission
	}
	return []permitted{{service + ":" + operation, "*"}}
}

// short returns a table's or queue's name as the documentation has it.
func short(name string) string {
	name = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(name, "gatehouse-"), "restored-"), ".fifo")
	if strings.HasSuffix(name, "-dlq") {
		return "dead-letter queues"
	}
	return name
}

var (
	restIDs   = regexp.MustCompile(`^(/[a-z]+)/[^/]+`)
	restInner = regexp.MustCompile(`(/keys|/stages|/exports|/sdks)/[^/]+`)
)

// restResource replaces each id in a path of API Gateway by *.
func restResource(path string) string {
	return restInner.ReplaceAllString(restIDs.ReplaceAllString(path, "$1/*"), "$1/*")
}
