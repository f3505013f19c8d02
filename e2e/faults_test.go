package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

// patiently sends a request until it is accepted, under one Idempotency-Key, as somebody
// does who sees "try again in a moment".
func (p person) patiently(method, path, key string) answer {
	p.t.Helper()
	var last answer
	eventually(p.t, method+" "+path+" is accepted", func() bool {
		last = p.do(method, path, "", "Idempotency-Key", key)
		if last.status != http.StatusAccepted && last.status != http.StatusServiceUnavailable {
			p.t.Fatalf("answered %d: %s", last.status, last.body)
		}
		return last.status == http.StatusAccepted
	})
	return last
}

// reads reads until there is an answer.
func (p person) reads(path string) answer {
	p.t.Helper()
	var last answer
	eventually(p.t, path+" is answered", func() bool {
		last = p.do(http.MethodGet, path, "")
		if last.status != http.StatusOK && last.status != http.StatusServiceUnavailable {
			p.t.Fatalf("answered %d: %s", last.status, last.body)
		}
		return last.status == http.StatusOK
	})
	return last
}

// finishes follows an operation through whatever goes wrong.
func (p person) finishes(a answer) {
	p.t.Helper()
	var op operation
	eventually(p.t, "the operation ends", func() bool {
		op = decode[operation](p.reads(a.header.Get("Location")))
		return op.Status == "succeeded" || op.Status == "rejected" || op.Status == "failed"
	})
	if op.Status != "succeeded" {
		p.t.Fatalf("the operation ended %s: %+v", op.Status, op)
	}
}

// Every call of AWS is slow, and one in twenty fails, half of those after taking effect.
func TestAPatientPersonIsServedWhileAWSMisbehaves(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.offered(t)
	p := s.signUp(t, "hedy@example.com")
	s.misbehave(t, faults.Plan{Seed: 7, Rules: []faults.Rule{
		{Service: "*", Kind: faults.Latency, Latency: faults.Range{Min: 50 * time.Millisecond, Max: 50 * time.Millisecond}},
		{Service: "*", Kind: faults.Error, Error: faults.Unavailable, Rate: 0.025},
		{Service: "*", Kind: faults.Lost, Rate: 0.025},
	}})
	p.finishes(p.patiently(http.MethodPost, "/api/v1/register", "register"))
	p.finishes(p.patiently(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "subscribe"))
	keys := decode[items[key]](p.reads("/api/v1/keys")).Items
	if len(keys) != 1 {
		t.Fatalf("the keys are %+v", keys)
	}
	p.finishes(p.patiently(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "leave"))
	p.finishes(p.patiently(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID, "subscribe to plus"))

	s.misbehave(t, faults.Plan{})
	value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+keys[0].ID+"/reveal", "").want(http.StatusOK)).Value
	if held := s.gatewayKeys(t); len(held) != 1 {
		t.Errorf("API Gateway holds %d keys", len(held))
	}
	if got := s.call(t, value); got != http.StatusOK {
		t.Errorf("with the key the API answers %d", got)
	}
}

// While a service is down nothing is promised that is not kept, and what was accepted
// before goes on when it is back.
func TestWhatWasAcceptedSurvivesAServiceThatIsDown(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.offered(t)
	p := s.signUp(t, "lise@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))

	s.misbehave(t, faults.Plan{Rules: []faults.Rule{{Service: "apigateway", Kind: faults.Down}}})
	accepted := p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "").want(http.StatusAccepted)
	eventually(t, "the operation says that it waits for AWS", func() bool {
		op := decode[operation](p.do(http.MethodGet, accepted.header.Get("Location"), "").want(http.StatusOK))
		return op.Status == "waiting" && op.Reason != nil && op.Reason.Code == "aws"
	})
	s.misbehave(t, faults.Plan{Rules: []faults.Rule{{Service: "sqs", Operation: "SendMessageBatch", Kind: faults.Down}}})
	if got := p.do(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""); got.status != http.StatusServiceUnavailable {
		t.Errorf("without its queue the portal answers %d, and promises what it cannot keep", got.status)
	}
	s.misbehave(t, faults.Plan{})
	p.succeed(accepted)
	if held := s.gatewayKeys(t); len(held) != 1 {
		t.Errorf("API Gateway holds %d keys", len(held))
	}
}

// misbehave has the site's AWS follow that plan from now on.
func (s *site) misbehave(t *testing.T, plan faults.Plan) {
	t.Helper()
	body, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.AWSURL+faults.Path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("the plan of faults is answered %d: %s", resp.StatusCode, text)
	}
}

// A queue that takes its time is waited for: the request is accepted, and the next one on
// the same connection is answered too.
func TestASlowQueueIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.offered(t)
	p := s.signUp(t, "rosalind@example.com")
	s.misbehave(t, faults.Plan{Rules: []faults.Rule{{
		Service: "sqs", Operation: "SendMessageBatch", Kind: faults.Latency, Latency: faults.Range{Min: 6 * time.Second, Max: 6 * time.Second}, Times: 1,
	}}})
	accepted := p.do(http.MethodPost, "/api/v1/register", "").want(http.StatusAccepted)
	p.succeed(accepted)
}

// Receipts run out at once, so that two handlers hold the same message time and again. On a
// standard queue an old receipt still counts: the first handler deletes what the second one
// works on, or gives it back under its hands, and sometimes it is ignored. The account gets
// where it should all the same.
func TestAnAccountConvergesThoughHandlersSettleEachOthersMessages(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.offered(t)
	p := s.signUp(t, "emmy@example.com")
	s.misbehave(t, faults.Plan{Seed: 11, Rules: []faults.Rule{
		{Service: "sqs", Operation: "ReceiveMessage", Kind: faults.Expire, Rate: 0.6},
		{Service: "sqs", Kind: faults.Stale, Rate: 0.3},
		{Service: "apigateway", Kind: faults.Latency, Latency: faults.Range{Min: 20 * time.Millisecond, Max: 100 * time.Millisecond}},
		{Service: "apigateway", Kind: faults.Error, Error: faults.Unavailable, Rate: 0.2},
	}})
	p.finishes(p.patiently(http.MethodPost, "/api/v1/register", "register"))
	for round := 0; round == 0 || s.obeyed(t) < 3; round++ {
		id := strconv.Itoa(round)
		p.finishes(p.patiently(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "subscribe "+id))
		p.finishes(p.patiently(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "leave "+id))
	}
	p.finishes(p.patiently(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID, "subscribe to plus"))

	s.misbehave(t, faults.Plan{})
	keys := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items
	if len(keys) != 1 {
		t.Fatalf("the keys are %+v", keys)
	}
	value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+keys[0].ID+"/reveal", "").want(http.StatusOK)).Value
	if held := s.gatewayKeys(t); len(held) != 1 {
		t.Errorf("API Gateway holds %d keys", len(held))
	}
	if got := s.call(t, value); got != http.StatusOK {
		t.Errorf("with the key the API answers %d", got)
	}
}

// obeyed is how often a queue has obeyed an old receipt so far.
func (s *site) obeyed(t *testing.T) (n int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.AWSURL+faults.CountsPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var counts faults.Counts
	if err := json.NewDecoder(resp.Body).Decode(&counts); err != nil {
		t.Fatal(err)
	}
	for _, count := range counts["sqs"] {
		n += count.Faults[faults.Obeyed]
	}
	return n
}
