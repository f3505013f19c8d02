// This file tests what people see of a request that failed, and that replays lose and double nothing.

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// giveUp has SQS give up the one message of a queue.
func (s *site) giveUp(t *testing.T, queue string) {
	t.Helper()
	client := sqs.NewFromConfig(s.aws)
	found, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: found.QueueUrl, WaitTimeSeconds: 5})
	if err != nil || len(got.Messages) != 1 {
		t.Fatalf("the queue %s has %v (%v)", queue, got, err)
	}
	s.put(t, app.DeadLetterQueue(queue), *got.Messages[0].Body)
	if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: found.QueueUrl, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
}

func (p person) statusOf(id string) string {
	p.t.Helper()
	return decode[struct{ Status string }](p.do(http.MethodGet, "/api/v1/operations/"+id, "").want(http.StatusOK)).Status
}

func TestAFailedRequestIsDoneAfterItsReplay(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 1, 1)
	free := "/api/v1/subscriptions/" + f.Demo.API.FreePlanID
	p := f.signUp(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	worker := f.workers[0]
	fails := func(method string) string {
		worker.terminate()
		worker.waitForExit()
		id := decode[operation](p.do(method, free, "").want(http.StatusAccepted)).ID
		f.giveUp(t, names.Commands)
		worker = startProcess(t, f.env, 1, "worker")
		eventually(t, "the operation has failed", func() bool { return p.statusOf(id) == "failed" })
		return id
	}
	dlq := func(args ...string) string {
		code, stdout, stderr := runToEnd(t, f.env, "gatehouse", append([]string{"dlq"}, args...)...)
		if code != 0 || stderr != "" {
			t.Fatalf("dlq %v exits with %d: %s%s", args, code, stdout, stderr)
		}
		return stdout
	}

	subscribing := fails(http.MethodPut)
	if said := dlq("replay", subscribing); !strings.Contains(said, "-> carried out: KeyWanted, SubscriptionWanted") {
		t.Errorf("before the replay it says\n%s", said)
	}
	if said := dlq("replay", subscribing, "--yes", "--wait"); !strings.Contains(said, "Workers have handled 1 of them; 0 failed again") {
		t.Errorf("the replay says\n%s", said)
	}
	eventually(t, "the operation is done", func() bool { return p.statusOf(subscribing) == "succeeded" })

	leaving := fails(http.MethodDelete)
	p.succeed(p.do(http.MethodPut, free, "")) // a newer choice: to stay
	for _, args := range [][]string{{"replay", leaving}, {"replay", leaving, "--yes", "--wait"}} {
		if said := dlq(args...); !strings.Contains(said, "1 superseded by a newer choice") {
			t.Errorf("%v says\n%s", args, said)
		}
	}
	eventually(t, "the operation is superseded", func() bool { return p.statusOf(leaving) == "rejected" })
	if got := p.states()[f.Demo.API.FreePlanID]; got != "active" {
		t.Errorf("the subscription is %s", got)
	}
	admin := f.admin(t)
	audit := decode[items[struct{ What, Operator, Choice string }]](admin.do(http.MethodGet, "/api/v1/admin/audit", "").want(http.StatusOK)).Items
	if len(audit) != 2 || audit[0].What != "DeadLettersReplayed" || audit[0].Operator == "" || audit[0].Choice != leaving {
		t.Errorf("the audit says %+v", audit)
	}
}

// The replays are interrupted again and again, and one letter is replayed by two operators at once.
func TestInterruptedReplaysLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	const letters = 40
	o := startReadyCloud(t)
	worker := startProcess(t, o.env, 1, "worker")
	for i := range letters {
		o.sendRequest(fmt.Sprintf("person%02d", i))
	}
	eventually(t, "the messages are dead letters", func() bool { return len(o.letters()) == letters })
	worker.terminate()
	worker.waitForExit()

	interruptions := 0
	for range letters {
		replaying := command(t, o.env, "gatehouse", "dlq", "replay", "--type", "RegisterUser", "--yes", "--rate", "20")
		var errs strings.Builder
		replaying.Stderr = &errs
		before := len(o.open())
		if err := replaying.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "some letters are replayed", func() bool { return len(o.open()) < before || before == 0 })
		_ = replaying.Process.Signal(os.Interrupt)
		err := replaying.Wait()
		if before == 0 {
			break
		}
		if err != nil {
			interruptions++
			if !strings.Contains(errs.String(), "the same command goes on with the rest") {
				t.Errorf("interrupted it says %q", errs.String())
			}
		}
	}
	if left := o.open(); len(left) > 0 || interruptions == 0 {
		t.Fatalf("after %d interruptions %d letters are open", interruptions, len(left))
	}
	for range 2 {
		o.dlq("replay", "person00", "--yes")
	}
	startProcess(t, o.env, 1, "worker")
	eventually(t, "the replays are handled", func() bool { return len(o.letters()) == 0 })

	cfg := o.AWSConfig()
	cfg.Region = localaws.Region
	facts := journal.New(dynamodb.NewFromConfig(cfg), names.Journal, names.Records)
	for i := range letters {
		history, err := facts.Read(t.Context(), portal.AccountStream(portal.AccountID(fmt.Sprintf("person%02d", i))), 0)
		if err != nil {
			t.Fatal(err)
		}
		registered := slices.DeleteFunc(history, func(e events.Event) bool { _, ok := e.Data.(events.UserRegistered); return !ok })
		if len(registered) != 1 {
			t.Errorf("person%02d is registered %d times", i, len(registered))
		}
	}
}

// open are the letters that are open.
func (o readyCloud) open() (ids []string) {
	o.t.Helper()
	for _, letter := range o.letters() {
		if letter.State == "open" {
			ids = append(ids, letter.ID)
		}
	}
	return ids
}

func TestAnExportHasEveryLetterWithItsBody(t *testing.T) {
	t.Parallel()
	o := startReadyCloud(t)
	startProcess(t, o.env, 1, "worker")
	o.sendRequest("ann")
	o.send(names.Commands, "<xml/>")
	eventually(t, "the messages are dead letters", func() bool { return len(o.letters()) == 2 })
	bodies := 0
	for line := range strings.Lines(o.dlq("export")) {
		var letter struct {
			ID, Cause string
			Body      struct{ ID string }
			BodyText  string `json:"body_text"`
		}
		if err := json.Unmarshal([]byte(line), &letter); err != nil || letter.Cause == "" {
			t.Errorf("a line is %q (%v)", line, err)
		}
		if letter.Body.ID == "ann" || letter.BodyText == "<xml/>" {
			bodies++
		}
	}
	if bodies != 2 {
		t.Errorf("%d bodies are exported", bodies)
	}
	if said := o.dlq("export", "--cause", "unreadable"); strings.Count(said, "\n") != 1 {
		t.Errorf("of one cause it exports\n%s", said)
	}
}
