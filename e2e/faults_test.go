// This file tests that accepted requests succeed although AWS is slow, fails or is down.

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

func (p person) sendUntilAccepted(method, path, key string) answer {
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

func (p person) readUntilAnswered(path string) answer {
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

func (p person) succeedWithRetries(a answer) {
	p.t.Helper()
	var op operation
	eventually(p.t, "the operation ends", func() bool {
		op = decode[operation](p.readUntilAnswered(a.header.Get("Location")))
		return op.Status == "succeeded" || op.Status == "rejected" || op.Status == "failed"
	})
	if op.Status != "succeeded" {
		p.t.Fatalf("the operation ended %s: %+v", op.Status, op)
	}
}

// Every call to AWS is slow, one in 40 fails, and one in 40 takes effect but its answer is
// lost.
func TestAPatientPersonIsServedWhileAWSMisbehaves(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	p := s.signUp(t, "hedy@example.com")
	s.misbehave(t, faults.Plan{Seed: 7, Rules: []faults.Rule{
		{Service: "*", Kind: faults.Latency, Latency: faults.Range{Min: 50 * time.Millisecond, Max: 50 * time.Millisecond}},
		{Service: "*", Kind: faults.Error, Error: faults.Unavailable, Rate: 0.025},
		{Service: "*", Kind: faults.Lost, Rate: 0.025},
	}})
	p.succeedWithRetries(p.sendUntilAccepted(http.MethodPost, "/api/v1/register", "register"))
	p.succeedWithRetries(p.sendUntilAccepted(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "subscribe"))
	keys := decode[items[key]](p.readUntilAnswered("/api/v1/keys")).Items
	if len(keys) != 1 {
		t.Fatalf("the keys are %+v", keys)
	}
	p.succeedWithRetries(p.sendUntilAccepted(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "leave"))
	p.succeedWithRetries(p.sendUntilAccepted(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID, "subscribe to plus"))

	s.misbehave(t, faults.Plan{})
	value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+keys[0].ID+"/reveal", "").want(http.StatusOK)).Value
	if held := s.gatewayKeys(t); len(held) != 1 {
		t.Errorf("API Gateway holds %d keys", len(held))
	}
	if got := s.call(t, value); got != http.StatusOK {
		t.Errorf("with the key the API answers %d", got)
	}
}

// While a service is down, the portal accepts only what it can keep. Requests that it accepted
// before go on once the service is back.
func TestWhatWasAcceptedSurvivesAServiceThatIsDown(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
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
		t.Errorf("without its queue the portal answers %d, want 503", got.status)
	}
	s.misbehave(t, faults.Plan{})
	p.succeed(accepted)
	if held := s.gatewayKeys(t); len(held) != 1 {
		t.Errorf("API Gateway holds %d keys", len(held))
	}
}

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

// The requests that follow on the same connection are answered too.
func TestAcceptanceWaitsForASlowQueue(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	p := s.signUp(t, "rosalind@example.com")
	s.misbehave(t, faults.Plan{Rules: []faults.Rule{{
		Service: "sqs", Operation: "SendMessageBatch", Kind: faults.Latency, Latency: faults.Range{Min: 6 * time.Second, Max: 6 * time.Second}, Times: 1,
	}}})
	accepted := p.do(http.MethodPost, "/api/v1/register", "").want(http.StatusAccepted)
	p.succeed(accepted)
}

// Receipts run out at once, so two handlers often hold the same message. On a standard queue an
// old receipt still works: the first handler can delete the second one's message or make it
// visible. The account ends up right all the same.
func TestAnAccountConvergesThoughHandlersDeleteOrReturnEachOthersMessages(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	p := s.signUp(t, "emmy@example.com")
	s.misbehave(t, faults.Plan{Seed: 11, Rules: []faults.Rule{
		{Service: "sqs", Operation: "ReceiveMessage", Kind: faults.Expire, Rate: 0.6},
		{Service: "sqs", Kind: faults.Stale, Rate: 0.3},
		{Service: "apigateway", Kind: faults.Latency, Latency: faults.Range{Min: 20 * time.Millisecond, Max: 100 * time.Millisecond}},
		{Service: "apigateway", Kind: faults.Error, Error: faults.Unavailable, Rate: 0.2},
	}})
	p.succeedWithRetries(p.sendUntilAccepted(http.MethodPost, "/api/v1/register", "register"))
	for round := 0; round == 0 || s.oldReceiptsObeyed(t) < 3; round++ {
		id := strconv.Itoa(round)
		p.succeedWithRetries(p.sendUntilAccepted(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "subscribe "+id))
		p.succeedWithRetries(p.sendUntilAccepted(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "leave "+id))
	}
	p.succeedWithRetries(p.sendUntilAccepted(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID, "subscribe to plus"))

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

func (s *site) oldReceiptsObeyed(t *testing.T) (n int) {
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
