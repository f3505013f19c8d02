package sqs

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// moveTask moves messages out of a dead-letter queue:
//
//	RUNNING --no messages left--> COMPLETED
//	   |  \--a message without a destination--> FAILED
//	   +--CancelMessageMoveTask--> CANCELLING --> CANCELLED
//
// It continues after a restart. Steps are bounded, so that other operations do not wait
// long.
type moveTask struct {
	ID, Source string
	// Destination is empty if messages return to their original queues.
	Destination string `json:",omitempty"`
	Rate        int    `json:",omitempty"` // messages per second, 0 for no limit
	Status      string
	Started     time.Time
	Moved       int
	ToMove      int    // counted at the start
	Failure     string `json:",omitempty"`

	// scheduled: a timer is set for the next step.
	scheduled bool
}

const (
	taskRunning    = "RUNNING"
	taskCompleted  = "COMPLETED"
	taskFailed     = "FAILED"
	taskCancelling = "CANCELLING"
	taskCancelled  = "CANCELLED"

	// keptTasks is per queue. All can be listed.
	keptTasks = 10
	maxStep   = 100
)

// AWS's names (SQS Developer Guide, "Troubleshoot dead-letter queue and DLQ redrive issues").
const (
	sourceUnknown = "CouldNotDetermineMessageSource"
	queueMissing  = "AWS.SimpleQueueService.NonExistentQueue"
)

func (t *moveTask) active() bool { return t.Status == taskRunning || t.Status == taskCancelling }

func (t *moveTask) handle() string {
	return base64.StdEncoding.EncodeToString([]byte(mustJSON(map[string]string{"taskId": t.ID, "sourceArn": t.Source})))
}

func (all *queues) byHandle(handle string) (*moveTask, error) {
	var named struct{ TaskID, SourceARN string }
	raw, err := base64.StdEncoding.DecodeString(handle)
	if err != nil || json.Unmarshal(raw, &named) != nil || named.TaskID == "" {
		return nil, invalidParameter("Value for parameter TaskHandle is invalid.")
	}
	i := slices.IndexFunc(all.tasks, func(t *moveTask) bool { return t.ID == named.TaskID })
	if i < 0 {
		return nil, resourceNotFound("Task does not exist.")
	}
	return all.tasks[i], nil
}

// ofQueue returns the newest first.
func (all *queues) ofQueue(arn string) (tasks []*moveTask) {
	for _, t := range all.tasks {
		if t.Source == arn {
			tasks = append(tasks, t)
		}
	}
	slices.SortStableFunc(tasks, func(a, b *moveTask) int { return b.Started.Compare(a.Started) })
	return tasks
}

func (r *round) putTask(t *moveTask) { r.putJSON(t, t.ID, tasksBucket) }

// addTask also deletes the queue's oldest tasks.
func (r *round) addTask(t *moveTask) {
	r.queues.tasks = append(r.queues.tasks, t)
	r.putTask(t)
	for i, old := range r.queues.ofQueue(t.Source) {
		if i >= keptTasks {
			r.queues.tasks = slices.DeleteFunc(r.queues.tasks, func(other *moveTask) bool { return other == old })
			r.put(nil, []byte(old.ID), tasksBucket)
		}
	}
}

// keepMoving runs after every round. It sets timers for active tasks.
func (e *engine) keepMoving() {
	if e.ctx.Err() != nil {
		return
	}
	for _, t := range e.queues.tasks {
		if !t.active() || t.scheduled {
			continue
		}
		t.scheduled = true
		pause := time.Millisecond
		if t.Rate > 0 {
			pause = recheck
		}
		time.AfterFunc(pause, func() { e.move(t) })
	}
}

// move does nothing if the queues were read again since.
func (e *engine) move(t *moveTask) {
	if e.ctx.Err() != nil {
		return
	}
	_ = e.do(func(r *round) error {
		if slices.Contains(r.queues.tasks, t) && t.active() {
			t.scheduled = false
			r.step(t)
		}
		return nil
	})
}

func (r *round) step(t *moveTask) {
	if t.Status == taskCancelling {
		t.Status = taskCancelled
		r.putTask(t)
		return
	}
	source, ok := r.queues.byARN(t.Source)
	if !ok {
		r.fail(t, queueMissing)
		return
	}
	r.open(source)
	for n := t.allowed(r.now); n > 0; {
		taken := source.order.take(n)
		if len(taken) == 0 {
			t.Status = taskCompleted
			break
		}
		for i, m := range taken {
			to, failure := r.queues.destination(t, m)
			if failure != "" {
				r.fail(t, failure)
				for _, left := range taken[i:] {
					source.order.update(left)
				}
				return
			}
			r.move(source, to, m)
			t.Moved++
			n--
		}
	}
	r.putTask(t)
}

// allowed bounds a step. A rate allows one message more than it gives since the start.
func (t *moveTask) allowed(now time.Time) int {
	if t.Rate == 0 {
		return maxStep
	}
	due := 1 + int(now.Sub(t.Started).Seconds()*float64(t.Rate))
	return min(due-t.Moved, maxStep)
}

func (r *round) fail(t *moveTask, reason string) {
	t.Status, t.Failure = taskFailed, reason
	r.putTask(t)
}

func (all *queues) destination(t *moveTask, m *message) (to *queue, failure string) {
	arn := t.Destination
	if arn == "" {
		arn = m.Source
	}
	if arn == "" {
		return nil, sourceUnknown
	}
	to, ok := all.byARN(arn)
	if !ok {
		return nil, queueMissing
	}
	return to, ""
}

// move sends the message to another queue as a new one. In a FIFO queue it keeps its group, and
// the new id becomes its deduplication id, so that it is not dropped as a duplicate.
func (r *round) move(from, to *queue, m *message) {
	r.remove(from, m)
	moved := &message{sent: m.sent}
	moved.ID, moved.At, moved.Source, moved.Delayed = wire.NewUUID(), r.now, "", time.Time{}
	if to.FIFO {
		moved.Dedup = moved.ID
	}
	if to.DelaySeconds > 0 {
		moved.Delayed = r.now.Add(seconds(to.DelaySeconds))
	}
	moved.hideUntil(r.now)
	r.insert(r.open(to), moved)
}
