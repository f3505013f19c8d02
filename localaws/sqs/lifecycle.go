package sqs

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs/dedup"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// restPeriod is AWS's pause before a deleted name can be used again, and between two purges.
const restPeriod = 60 * time.Second

type createQueueIn struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

type queueURLOut struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *Service) createQueue(_ context.Context, in *createQueueIn) (*queueURLOut, error) {
	if in.QueueName == "" {
		return nil, missingParameter("QueueName")
	}
	fifo := false
	if value, given := in.Attributes["FifoQueue"]; given {
		var err error
		if fifo, err = flag("FifoQueue", value); err != nil {
			return nil, err
		}
	}
	if err := checkName(in.QueueName, fifo); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	wanted, err := defaultSettings(in.QueueName, fifo).with(in.Attributes)
	if err != nil {
		return nil, err
	}
	wanted.ID, wanted.Tags = wire.NewID(16), in.Tags
	out := &queueURLOut{}
	return out, s.engine.do(func(r *round) error {
		q, err := r.create(wanted, in.Attributes)
		if err != nil {
			return err
		}
		out.QueueURL = r.queues.url(q)
		return nil
	})
}

// create returns the existing queue if no given attribute differs.
func (r *round) create(wanted settings, given map[string]string) (*queue, error) {
	if q, ok := r.queues.byName[wanted.Name]; ok {
		same, err := q.settings.with(given)
		if err != nil {
			return nil, err
		}
		if name, differ := difference(q.settings, same); differ {
			err := wire.Errorf("QueueNameExists",
				"A queue already exists with the same name and a different value for attribute %s", name)
			err.QueryCode = "QueueAlreadyExists"
			return nil, err
		}
		return q, nil
	}
	if at, ok := r.queues.deleted[wanted.Name]; ok && r.now.Before(at.Add(restPeriod)) {
		return nil, refusal("QueueDeletedRecently",
			"You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	arn := r.queues.env.ARN("sqs", wanted.Name)
	if err := r.queues.checkRedrive(wanted, arn); err != nil {
		return nil, err
	}
	wanted.Created, wanted.Modified = r.now, r.now
	q := newQueue(wanted, arn)
	r.queues.byName[q.Name] = q
	r.putSettings(q)
	if _, ok := r.queues.deleted[q.Name]; ok {
		delete(r.queues.deleted, q.Name)
		r.put(nil, []byte(q.Name), deletedBucket)
	}
	return q, nil
}

type queueIn struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *Service) deleteQueue(_ context.Context, in *queueIn) (*nothing, error) {
	return &nothing{}, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(in.QueueURL)
		if err != nil {
			return err
		}
		delete(r.queues.byName, q.Name)
		r.queues.deleted[q.Name] = r.now
		r.dropQueue(q)
		r.putJSON(r.now, q.Name, deletedBucket)
		q.dismiss()
		return nil
	})
}

func (s *Service) purgeQueue(_ context.Context, in *queueIn) (*nothing, error) {
	return &nothing{}, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(in.QueueURL)
		if err != nil {
			return err
		}
		if r.now.Before(q.Purged.Add(restPeriod)) {
			return withStatus(http.StatusForbidden, refusal("PurgeQueueInProgress",
				"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.Name))
		}
		q.Purged = r.now
		q.clear()
		q.deduplication = dedup.Window{}
		r.putSettings(q)
		r.dropMessages(q)
		r.put(nil, nil, dedupBucket, q.ID)
		return nil
	})
}

type getQueueURLIn struct {
	QueueName              string
	QueueOwnerAWSAccountID string `json:"QueueOwnerAWSAccountId"`
}

func (s *Service) getQueueURL(_ context.Context, in *getQueueURLIn) (*queueURLOut, error) {
	if in.QueueName == "" {
		return nil, missingParameter("QueueName")
	}
	out := &queueURLOut{}
	return out, s.engine.do(func(r *round) error {
		q, ok := r.queues.byName[in.QueueName]
		if !ok || (in.QueueOwnerAWSAccountID != "" && in.QueueOwnerAWSAccountID != s.env.Account) {
			return queueDoesNotExist()
		}
		out.QueueURL = r.queues.url(q)
		return nil
	})
}

type listQueuesIn struct {
	QueueNamePrefix string
	MaxResults      *int
	NextToken       string
}

type listQueuesOut struct {
	QueueURLs []string `json:"QueueUrls,omitempty"`
	NextToken string   `json:",omitempty"`
}

func (s *Service) listQueues(_ context.Context, in *listQueuesIn) (*listQueuesOut, error) {
	out := &listQueuesOut{}
	return out, s.engine.do(func(r *round) (err error) {
		out.QueueURLs, out.NextToken, err = r.queues.page(in.MaxResults, in.NextToken, func(q *queue) bool {
			return strings.HasPrefix(q.Name, in.QueueNamePrefix)
		})
		return err
	})
}
