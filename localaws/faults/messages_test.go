package faults_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

func TestADuplicateRemainsAfterTheOtherIsDeleted(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.createQueue("q", nil)
	l.mustSend(q, "m")
	l.suffer("sqs:duplicate,times=1")
	first := l.receive(q)
	if len(first) != 1 {
		t.Fatalf("received %v, want one message", bodies(first))
	}
	if err := l.delete(q, first[0]); err != nil {
		t.Fatal(err)
	}
	second := l.receive(q)
	if len(second) != 1 || *second[0].MessageId != *first[0].MessageId || *second[0].Body != "m" {
		t.Fatalf("received %v then %v, want the same message twice", bodies(first), bodies(second))
	}
	if count := second[0].Attributes["ApproximateReceiveCount"]; count != "2" {
		t.Errorf("the second message's receive count is %s, want 2", count)
	}
	if err := l.delete(q, second[0]); err != nil {
		t.Fatal(err)
	}
	if third := l.receive(q); len(third) > 0 {
		t.Errorf("received it a third time: %v", bodies(third))
	}
	if n := l.Counts().Of("sqs", "ReceiveMessage").Faults[faults.Duplicate]; n != 1 {
		t.Errorf("counted %d duplicates, want 1", n)
	}
}

func TestAReorderedMessageIsOvertakenAndArrivesLater(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.createQueue("q", nil)
	l.mustSend(q, "1", "2", "3", "4")
	l.suffer("seed=3; sqs.ReceiveMessage:reorder=20ms-400ms,rate=0.7")
	var got []string
	eventually(t, "all four were received", func() bool {
		for _, m := range l.receive(q) {
			got = append(got, *m.Body)
			if count := m.Attributes["ApproximateReceiveCount"]; count != "1" {
				t.Errorf("%s: the receive count is %s, want 1", *m.Body, count)
			}
			if err := l.delete(q, m); err != nil {
				t.Error(err)
			}
		}
		return len(got) == 4
	})
	if slices.IsSorted(got) {
		t.Errorf("received %v, want another order", got)
	}
	slices.Sort(got)
	if !cmp.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Errorf("received %v, want each once", got)
	}
}

func TestFIFOQueuesKeepTheirOrderAndDeliverOnce(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.fifoQueue("q.fifo")
	for _, body := range []string{"1", "2", "3"} {
		l.sendInGroup(q, body)
	}
	l.suffer("sqs:duplicate; sqs:reorder=1h")
	if got := bodies(l.receive(q)); !cmp.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("received %v", got)
	}
	if got := bodies(l.receive(q)); len(got) > 0 {
		t.Errorf("received %v again", got)
	}
	if n := l.Counts().Of("sqs", "ReceiveMessage").Faults; len(n) > 0 {
		t.Errorf("counted %v", n)
	}
}

func TestAnExpiredReceiptDeletesNothing(t *testing.T) {
	t.Parallel()
	l := start(t)
	fifo, standard := l.fifoQueue("q.fifo"), l.createQueue("q", nil)
	l.sendInGroup(fifo, "m")
	l.mustSend(standard, "m")
	l.suffer("sqs:expire,times=2")
	fromFIFO, fromStandard := l.receive(fifo), l.receive(standard)
	if len(fromFIFO) != 1 || len(fromStandard) != 1 {
		t.Fatalf("received %v and %v", bodies(fromFIFO), bodies(fromStandard))
	}
	wantCode(t, l.delete(fifo, fromFIFO[0]), "InvalidParameterValue")
	again := l.receive(standard)
	if len(again) != 1 {
		t.Fatalf("others received %v, want the message", bodies(again))
	}
	if err := l.delete(standard, fromStandard[0]); err != nil {
		t.Errorf("the standard queue refuses the old receipt: %v", err)
	}
	if err := l.delete(standard, again[0]); err != nil {
		t.Fatal(err)
	}
	if err := l.delete(fifo, l.receive(fifo)[0]); err != nil {
		t.Errorf("deleting with the newest receipt: %v", err)
	}
}

func TestAReceiptExpiresAfterAWhile(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.createQueue("q", nil)
	l.mustSend(q, "m")
	l.suffer("sqs:expire=300ms,times=1")
	before := time.Now()
	if got := l.receive(q); len(got) != 1 {
		t.Fatalf("received %v", bodies(got))
	}
	eventually(t, "it can be received again", func() bool { return len(l.receive(q)) == 1 })
	if took := time.Since(before); took < 300*time.Millisecond {
		t.Errorf("the message could be received again after %s", took)
	}
}

func TestAnOldReceiptWorksUnlessARuleMakesTheQueueIgnoreIt(t *testing.T) {
	t.Parallel()
	for plan, want := range map[string]struct {
		deleted bool
		counts  map[faults.Kind]int
	}{
		"seed=1":                                   {true, map[faults.Kind]int{faults.Obeyed: 1}},
		"sqs:stale":                                {false, map[faults.Kind]int{faults.Stale: 1}},
		"sqs.DeleteMessage:stale,times=1":          {false, map[faults.Kind]int{faults.Stale: 1}},
		"sqs.ChangeMessageVisibility:stale":        {true, map[faults.Kind]int{faults.Obeyed: 1}},
		"seed=1; sqs.DeleteMessage:stale,rate=0.5": {false, map[faults.Kind]int{faults.Stale: 1}},
		"seed=2; sqs.DeleteMessage:stale,rate=0.5": {true, map[faults.Kind]int{faults.Obeyed: 1}},
	} {
		t.Run(plan, func(t *testing.T) {
			t.Parallel()
			l := start(t)
			q := l.createQueue("q", nil)
			l.mustSend(q, "m")
			l.suffer("sqs:expire,times=1")
			old := l.receive(q)
			l.suffer(plan)
			if latest := l.receive(q); len(latest) != 1 {
				t.Fatalf("received %v after the first receipt expired, want the message", bodies(latest))
			}
			if err := l.delete(q, old[0]); err != nil {
				t.Fatalf("the answer to an old receipt is %v, want success", err)
			}
			out, err := l.queue.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
				QueueUrl: &q, AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessagesNotVisible"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if deleted := out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"; deleted != want.deleted {
				t.Errorf("the old receipt deleted the message: %v, want %v", deleted, want.deleted)
			}
			if diff := cmp.Diff(want.counts, l.Counts().Of("sqs", "DeleteMessage").Faults); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChangingTheVisibilityWithAnOldReceiptCanBeIgnored(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.createQueue("q", nil)
	l.mustSend(q, "m")
	l.suffer("sqs:expire,times=1; sqs.ChangeMessageVisibility:stale,times=1")
	old := l.receive(q)
	l.receive(q)
	for i, want := range []int{0, 1} {
		if _, err := l.queue.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &q, ReceiptHandle: old[0].ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
		if got := l.receive(q); len(got) != want {
			t.Errorf("change %d of the visibility: received %v, want %d messages", i+1, bodies(got), want)
		}
	}
}
