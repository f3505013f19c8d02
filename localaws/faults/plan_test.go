package faults_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

func TestAPlanIsTheSameAsTextAndAsJSON(t *testing.T) {
	t.Parallel()
	const text = "seed=7; sqs.SendMessage:lost,rate=0.1; *:latency=5ms-50ms,times=3; dynamodb:error=throttling,rate=1,latency=1s; " +
		"kms:down; sns:late=2s; sqs:reorder=500ms,rate=0.25; sqs.ReceiveMessage:expire; sqs:duplicate; sqs.DeleteMessage:drop; sqs:stale,rate=0.5"
	plan, err := faults.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, plan.String()); diff != "" {
		t.Errorf("formatted again (-before +after):\n%s", diff)
	}
	want := []faults.Rule{
		{Service: "sqs", Operation: "SendMessage", Kind: faults.Lost, Rate: 0.1},
		{Service: "*", Kind: faults.Latency, Latency: faults.Range{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond}, Times: 3},
		{Service: "dynamodb", Kind: faults.Error, Error: faults.Throttling, Rate: 1, Latency: faults.Range{Min: time.Second, Max: time.Second}},
	}
	if diff := cmp.Diff(want, plan.Rules[:3]); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	raw, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var back faults.Plan
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	if diff := cmp.Diff(plan, back); diff != "" {
		t.Errorf("after %s (-before +after):\n%s", raw, diff)
	}
}

func TestAnInvalidPlanIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"sqs":                             "want service.operation:kind",
		":lost":                           "service is missing",
		"sqs:broken":                      "kind must be one of",
		"sqs:lost,rate=0":                 "rate must be above 0",
		"sqs:lost,rate=1.5":               "rate must be above 0",
		"sqs:lost,rate=x":                 "rate must be above 0",
		"sqs:lost,times=0":                "times",
		"sqs:lost,colour=red":             "no parameter colour",
		"sqs:lost=1s":                     "takes no value",
		"sqs:latency":                     "latency is missing",
		"sqs:latency=2s-1s":               "end before it begins",
		"sqs:latency=soon":                "not a duration",
		"sqs:error":                       "error must be one of",
		"sqs:error=teapot":                "error must be one of",
		"sqs:late":                        "duration is missing",
		"sqs:down,rate=0.5":               "error=unavailable",
		"sns:duplicate":                   "sqs.ReceiveMessage",
		"sqs.SendMessage:reorder=1s":      "sqs.ReceiveMessage",
		"sqs:reorder":                     "duration is missing",
		"sqs:expire,latency=1s":           "takes no latency",
		"sqs.SendMessage:stale":           "only to sqs and its operations",
		"sqs:stale=1s":                    "takes no value",
		"sqs:stale,latency=1s":            "takes no latency",
		"seed=-1":                         "whole number",
		"sqs:lost; sqs:drop; sns:down=1h": "sns:down",
	}
	for text, want := range tests {
		if _, err := faults.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want one with %q", text, err, want)
		}
	}
	_, err := faults.Parse("sqs:lost,rate=2; sns:late")
	if err == nil || !strings.Contains(err.Error(), "sqs:lost") || !strings.Contains(err.Error(), "sns:late") {
		t.Errorf("the error is %v, want both rules in it", err)
	}
}

func TestAnUnknownServiceOrOperationIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sqs.SendMesage:lost": "sqs has no operation SendMesage",
		"glue:lost":           "there is no service glue, only agreements, apigateway, ",
		"*.SendMessage:lost":  "an operation needs a service",
	} {
		plan, err := faults.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		srv, err := localaws.Open(localaws.Options{Dir: t.TempDir(), Addr: "127.0.0.1:0", NoSync: true, Faults: plan})
		if err == nil {
			_ = srv.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want one with %q", text, err, want)
		}
	}
}

// history returns which of 60 calls of each of two services fail.
func history(t *testing.T, seed int, other bool) string {
	l := start(t)
	q := l.createQueue("q", nil)
	l.createTable("items")
	l.suffer(fmt.Sprintf("seed=%d; sqs.SendMessage:error=internal,rate=0.3; dynamodb.PutItem:drop,rate=0.5; sqs:latency=1us-2us,rate=0.5", seed))
	var b strings.Builder
	for i := range 60 {
		if l.send(q, "m") != nil {
			b.WriteString("s")
		} else {
			b.WriteString(".")
		}
		if other {
			_ = l.put(t.Context(), "items", fmt.Sprint(i))
		}
	}
	return b.String()
}

func TestFaultsRepeatBySeedRegardlessOfOtherCalls(t *testing.T) {
	t.Parallel()
	first, again, other := history(t, 7, false), history(t, 7, true), history(t, 8, false)
	if first != again {
		t.Errorf("the same seed gives\n%s and\n%s", first, again)
	}
	if first == other {
		t.Errorf("two seeds both give\n%s", first)
	}
	if n := strings.Count(first, "s"); n < 6 || n > 35 {
		t.Errorf("%d of 60 calls fail at a rate of 0.3", n)
	}
}

// ask calls the admin endpoint.
func (l *local) ask(method, path, body string, adjust ...func(*http.Request)) (status int, answer string) {
	l.t.Helper()
	req, err := http.NewRequest(method, l.Endpoint()+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, f := range adjust {
		f(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

func TestFaultsAreChangedWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	l := start(t, func(o *localaws.Options) {
		o.Faults = faults.Plan{Rules: []faults.Rule{{Service: "sqs", Operation: "SendMessage", Kind: faults.Drop}}}
	})
	q := l.createQueue("q", nil)
	wantUnanswered(t, l.send(q, "m"))

	status, body := l.ask("PUT", faults.Path, `{"seed":1,"rules":[{"service":"sqs","operation":"SendMessage","kind":"error","error":"unavailable","latency":"1ms-2ms"}]}`)
	if status != http.StatusOK {
		t.Fatalf("PUT answers %d %s", status, body)
	}
	wantCode(t, l.send(q, "m"), "ServiceUnavailable")
	if _, got := l.ask("GET", faults.Path, ""); got != body || !strings.Contains(got, `"latency": "1ms-2ms"`) {
		t.Errorf("GET answers %s, PUT answered %s", got, body)
	}

	for _, bad := range []string{
		`{"rules":[{"service":"sqs","operation":"Send","kind":"drop"}]}`,
		`{"rules":[{"service":"sqs","kind":"drop","rate":0}]}`,
		`{"rules":[{"service":"sqs","kind":"drop","color":"red"}]}`,
		`{"rules":[{"service":"sqs","kind":"latency","latency":"soon"}]}`,
		`nonsense`,
	} {
		if status, body := l.ask("PUT", faults.Path, bad); status != http.StatusBadRequest || !strings.Contains(body, "message") {
			t.Errorf("PUT %s answers %d %s", bad, status, body)
		}
	}
	wantCode(t, l.send(q, "m"), "ServiceUnavailable")

	if status, body := l.ask("DELETE", faults.Path, ""); status != http.StatusOK || !strings.Contains(body, `"rules": []`) {
		t.Errorf("DELETE answers %d %s", status, body)
	}
	l.mustSend(q, "m")

	_, body = l.ask("GET", faults.CountsPath, "")
	var counts faults.Counts
	if err := json.Unmarshal([]byte(body), &counts); err != nil {
		t.Fatal(err)
	}
	want := faults.Count{Requests: 4, Faults: map[faults.Kind]int{faults.Drop: 1, faults.Error: 2}}
	if diff := cmp.Diff(want, counts.Of("sqs", "SendMessage")); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(l.Counts(), counts); diff != "" {
		t.Errorf("counts differ from Server.Counts (-server +endpoint):\n%s", diff)
	}
}

func TestFaultsCanOnlyBeChangedByALoopbackName(t *testing.T) {
	t.Parallel()
	l := start(t)
	status, _ := l.ask("DELETE", faults.Path, "", func(r *http.Request) { r.Host = "rebound.example:4566" })
	if status != http.StatusForbidden {
		t.Errorf("the status for a foreign host name is %d, want 403", status)
	}
	if status, _ := l.ask("GET", faults.Path, "", func(r *http.Request) { r.Host = "127.0.0.1:4566" }); status != http.StatusOK {
		t.Errorf("the status for 127.0.0.1 is %d", status)
	}
}
