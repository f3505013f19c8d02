package sqs

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const maxRate = 500

type startMessageMoveTaskIn struct {
	SourceARN                    string `json:"SourceArn"`
	DestinationARN               string `json:"DestinationArn"`
	MaxNumberOfMessagesPerSecond *int
}

type taskHandle struct{ TaskHandle string }

func (s *Service) startMessageMoveTask(_ context.Context, in *startMessageMoveTaskIn) (*taskHandle, error) {
	if in.SourceARN == "" {
		return nil, missingParameter("SourceArn")
	}
	rate := valueOr(in.MaxNumberOfMessagesPerSecond, 0)
	if in.MaxNumberOfMessagesPerSecond != nil && (rate < 1 || rate > maxRate) {
		return nil, invalidParameter("Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a value between 1 and %d.", maxRate)
	}
	out := &taskHandle{}
	return out, s.engine.do(func(r *round) error {
		source, err := r.queues.checkMove(in.SourceARN, in.DestinationARN)
		if err != nil {
			return err
		}
		r.open(source)
		t := &moveTask{
			ID: wire.NewUUID(), Source: in.SourceARN, Destination: in.DestinationARN, Rate: rate,
			Status: taskRunning, Started: r.now, ToMove: source.hiddenAs[visible],
		}
		r.addTask(t)
		out.TaskHandle = t.handle()
		return nil
	})
}

func (all *queues) checkMove(sourceARN, destinationARN string) (*queue, error) {
	source, ok := all.byARN(sourceARN)
	if !ok {
		return nil, noResource("SourceArn")
	}
	isDeadLetterQueue := false
	for _, q := range all.byName {
		isDeadLetterQueue = isDeadLetterQueue || all.deadLetterQueue(q) == source
	}
	if !isDeadLetterQueue {
		return nil, invalidParameter("Source queue must be configured as a Dead Letter Queue.")
	}
	if destinationARN != "" {
		destination, ok := all.byARN(destinationARN)
		switch {
		case !ok:
			return nil, noResource("DestinationArn")
		case destination == source:
			return nil, invalidParameter("Source queue and destination queue must not be the same.")
		case destination.FIFO != source.FIFO:
			return nil, invalidParameter("Source queue and destination queue must be of the same type.")
		}
	}
	for _, t := range all.ofQueue(sourceARN) {
		if t.active() {
			return nil, invalidParameter("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	return source, nil
}

func noResource(parameter string) error {
	return resourceNotFound("The resource that you specified for the %s parameter doesn't exist.", parameter)
}

type listMessageMoveTasksIn struct {
	SourceARN  string `json:"SourceArn"`
	MaxResults *int
}

type taskEntry struct {
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	DestinationARN                    string `json:"DestinationArn,omitempty"`
	FailureReason                     string `json:",omitempty"`
	MaxNumberOfMessagesPerSecond      int    `json:",omitempty"`
	SourceARN                         string `json:"SourceArn"`
	StartedTimestamp                  int64  // milliseconds since 1970
	Status                            string
	TaskHandle                        string `json:",omitempty"`
}

type listMessageMoveTasksOut struct {
	Results []taskEntry `json:",omitempty"`
}

func (s *Service) listMessageMoveTasks(_ context.Context, in *listMessageMoveTasksIn) (*listMessageMoveTasksOut, error) {
	limit := valueOr(in.MaxResults, 1)
	switch {
	case in.SourceARN == "":
		return nil, missingParameter("SourceArn")
	case limit < 1 || limit > keptTasks:
		return nil, invalidParameter("Value for parameter MaxResults is invalid. Reason: It must be an integer between 1 and %d.", keptTasks)
	}
	out := &listMessageMoveTasksOut{}
	return out, s.engine.do(func(r *round) error {
		if _, ok := r.queues.byARN(in.SourceARN); !ok {
			return noResource("SourceArn")
		}
		for _, t := range r.queues.ofQueue(in.SourceARN) {
			if len(out.Results) < limit {
				out.Results = append(out.Results, t.entry())
			}
		}
		return nil
	})
}

func (t *moveTask) entry() taskEntry {
	e := taskEntry{
		ApproximateNumberOfMessagesMoved: t.Moved, ApproximateNumberOfMessagesToMove: t.ToMove,
		DestinationARN: t.Destination, FailureReason: t.Failure, MaxNumberOfMessagesPerSecond: t.Rate,
		SourceARN: t.Source, StartedTimestamp: t.Started.UnixMilli(), Status: t.Status,
	}
	if t.Status == taskRunning {
		e.TaskHandle = t.handle()
	}
	return e
}

type cancelMessageMoveTaskOut struct{ ApproximateNumberOfMessagesMoved int }

// cancelMessageMoveTask does not move messages back.
func (s *Service) cancelMessageMoveTask(_ context.Context, in *taskHandle) (*cancelMessageMoveTaskOut, error) {
	if in.TaskHandle == "" {
		return nil, missingParameter("TaskHandle")
	}
	out := &cancelMessageMoveTaskOut{}
	return out, s.engine.do(func(r *round) error {
		t, err := r.queues.byHandle(in.TaskHandle)
		if err != nil {
			return err
		}
		if t.Status != taskRunning {
			return resourceNotFound("Only active tasks can be cancelled.")
		}
		t.Status = taskCancelling
		r.putTask(t)
		out.ApproximateNumberOfMessagesMoved = t.Moved
		return nil
	})
}
