package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// queueUp sends a message to a FIFO queue of the portal whose variables are in env.
func queueUp(t *testing.T, env []string, queue, id, body string) {
	t.Helper()
	var endpoint string
	for _, variable := range env {
		if value, ok := strings.CutPrefix(variable, "AWS_ENDPOINT_URL="); ok {
			endpoint = value
		}
	}
	in, err := json.Marshal(map[string]string{"QueueUrl": endpoint + "/000000000000/" + queue, "MessageBody": body, "MessageGroupId": "test", "MessageDeduplicationId": id})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(string(in)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260301/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("sending to %s: status %d", queue, resp.StatusCode)
	}
}

func requestOf(t *testing.T, id string, account portal.AccountID, data events.Payload) string {
	t.Helper()
	body, err := events.Encode(events.Event{
		ID: id, Source: "/test", Subject: portal.AccountStream(account), Time: noon, Operation: portal.OperationID(id), Intent: 1, Correlation: id, Data: data,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// replayJSON is what dlq replay --json prints.
type replayJSON struct {
	Letters []struct {
		ID          string
		Did         string
		Outlook     administration.Outlook
		OutlookText string `json:"comes_to"`
	}
	Outlooks []outlookCount
	Left     []leftJSON
	Handled  int
	Again    int    `json:"failed_again"`
	AsOf     string `json:"as_of"`
}

// Letters of each outlook are replayed on a portal that runs as another process.
func TestAReplayDoesWhatItsDryRunHasPrinted(t *testing.T) {
	t.Parallel()
	env := localEnv(t)
	ask := func(into any, args ...string) {
		t.Helper()
		code, stdout, stderr := said(t, env, append(args, "--json")...)
		if code != 0 {
			t.Fatalf("%v: exit code %d, %q", args, code, stderr)
		}
		if err := json.Unmarshal([]byte(stdout), into); err != nil {
			t.Fatalf("%v prints %q: %v", args, stdout, err)
		}
	}
	within := func(what string, holds func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !holds(); {
			if time.Now().After(deadline) {
				t.Fatalf("not within a minute: %s", what)
			}
		}
	}
	registered := func(account string) bool {
		_, stdout, _ := said(t, env, "account", "find", account, "--json")
		return strings.Contains(stdout, `"status": "registered"`)
	}
	const given = "gatehouse-commands-dlq.fifo"
	queueUp(t, env, "gatehouse-commands.fifo", "first", requestOf(t, "first", "bob", events.RegisterUser{}))
	within("bob is registered", func() bool { return registered("bob") })
	queueUp(t, env, "gatehouse-commands.fifo", "unread", "<xml/>")
	queueUp(t, env, "gatehouse-commands.fifo", "unheard", strings.Replace(requestOf(t, "unheard", "ada", events.RegisterUser{}), "RegisterUser", "NeverHeardOf", 1))
	queueUp(t, env, given, "ada", requestOf(t, "ada", "ada", events.RegisterUser{}))
	queueUp(t, env, given, "bob", requestOf(t, "bob", "bob", events.RegisterUser{}))
	queueUp(t, env, given, "eve", requestOf(t, "eve", "eve", events.SubscribeRequested{Plan: "free", Name: "Free"}))
	within("there are five letters", func() bool {
		var list listingJSON
		ask(&list, "dlq", "list")
		return len(list.Letters) == 5
	})

	var dry, done replayJSON
	ask(&dry, "dlq", "replay", "--all")
	outlooks := map[string]administration.Outlook{}
	for _, one := range dry.Letters {
		outlooks[one.ID] = one.Outlook
		if want := map[bool]string{true: didLeave, false: wouldReplay}[one.Outlook == administration.NotReplayable]; one.Did != want {
			t.Errorf("the dry run says %q of %s, want %q", one.Did, one.ID, want)
		}
	}
	delete(outlooks, dry.Letters[0].ID) // SQS gave one of the two first ones its id
	delete(outlooks, dry.Letters[1].ID)
	want := map[string]administration.Outlook{"ada": administration.CarriedOut, "bob": administration.Unchanged, "eve": administration.Rejected}
	if diff := cmp.Diff(want, outlooks); diff != "" || len(dry.Left) != 2 || dry.Left[0].Letters != 1 || dry.Left[1].Letters != 1 {
		t.Errorf("the dry run says %+v of %+v (-want +got):\n%s", dry.Left, dry.Letters, diff)
	}

	queueUp(t, env, given, "late", requestOf(t, "late", "eve", events.RegisterUser{}))
	within("there is another letter", func() bool {
		var list listingJSON
		ask(&list, "dlq", "list")
		return len(list.Letters) == 6
	})
	ask(&done, "dlq", "replay", "--all", "--as-of", dry.AsOf, "--yes", "--wait")
	if done.Handled != 3 || done.Again != 0 {
		t.Errorf("workers have handled %d, and %d failed again", done.Handled, done.Again)
	}
	for i := range done.Letters {
		if done.Letters[i].Did == didReplay {
			done.Letters[i].Did = wouldReplay
		}
	}
	done.Handled = 0
	if diff := cmp.Diff(dry, done); diff != "" {
		t.Errorf("it does something else than its dry run has said (-dry +done):\n%s", diff)
	}
	if !registered("ada") || registered("eve") { // a letter that failed after the dry run stays open
		t.Errorf("ada is registered: %t; eve is: %t", registered("ada"), registered("eve"))
	}
	var left replayJSON
	ask(&left, "dlq", "discard", "late", "--reason", "a test", "--yes")
	ask(&left, "dlq", "replay", "--all", "--yes")
	if len(left.Letters) != 2 || left.Letters[0].Did != didLeave || left.Letters[1].Did != didLeave {
		t.Errorf("a second replay treats %+v", left.Letters)
	}
}
