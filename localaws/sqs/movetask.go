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
//	RUNNING --nothing left--> COMPLETED
//	   |  \--a message has nowhere to go--> FAILED
//	   +--CancelMessageMoveTask--> CANCELLING --> CANCELLED
//
// It goes on by itself, also across a restart, a bounded number of messages a
// round, so that it does not hold up the rest.
type moveTask struct {
	ID, Source string
	// Destination is empty if every message goes back to the queue that gave it up.
	Destination string `json:",omitempty"`
	Rate        int    `json:",omitempty"` // messages a second, 0 for as fast as it goes
	Status      string
	Started     time.Time
	Moved       int
	ToMove      int    // as counted at the start
	Failure     string `json:",omitempty"`

	// scheduled says that a timer is set for the next step.
	scheduled bool
}

const (
	taskRunning    = "RUNNING"
	taskCompleted  = "COMPLETED"
	taskFailed     = "FAILED"
	taskCancelling = "CANCELLING"
	taskCancelled  = "CANCELLED"

	// keptTasks is how many tasks of a queue are remembered, which is also how many
	// can be listed.
	keptTasks = 10
	maxStep   = 100
)

// Reasons of failure, as AWS names them (SQS Developer Guide, "Troubleshoot
// dead-letter queue and DLQ redrive issues").
const (
	sourceUnknown = "CouldNotDetermineMessageSource"
	queueMissing  = "AWS.SimpleQueueService.NonExistentQueue"
)

func (t *moveTask) active() bool { return t.Status == taskRunning || t.Status == taskCancelling }

// handle names the task to clients: base64 of a JSON object, as on AWS.
func (t *moveTask) handle() string {
	return base64.StdEncoding.EncodeToString([]byte(mustJSON(map[string]string{"taskId": t.ID, "sourceArn": t.Source})))
}

// byHandle finds a task.
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

// ofQueue are the tasks of a source queue, the newest first.
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

// addTask starts a task and forgets the oldest ones of the queue.
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

// keepMoving sets a timer for every active task that has none. It is called after
// every round.
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

// move takes the next step of a task, unless the tasks were read anew since.
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

// step moves what the task may move by now.
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

// allowed is how many messages the task may move in one step. With a rate that
// follows the clock: so many a second since the start, and one more.
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

// destination is the queue that m goes to, or why it has none.
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

// move sends the message to another queue as a new one: with another id, sent now
// and never received. In a FIFO queue it keeps its group, and its deduplication id
// is the new id, so that the move is never taken for a duplicate.
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
