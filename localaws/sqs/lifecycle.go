package sqs

import (
	"cmp"
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

func (s *Service) createQueue(ctx context.Context, in *createQueueIn) (*queueURLOut, error) {
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
	if account := s.env.Caller(ctx); account != s.env.Account {
		wanted.Account = account
	}
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
	if q, ok := r.queues.byName[wanted.key()]; ok {
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
	if at, ok := r.queues.deleted[wanted.key()]; ok && r.now.Before(at.Add(restPeriod)) {
		return nil, refusal("QueueDeletedRecently",
			"You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	arn := r.queues.arn(wanted)
	if err := r.queues.checkRedrive(wanted, arn); err != nil {
		return nil, err
	}
	wanted.Created, wanted.Modified = r.now, r.now
	q := newQueue(wanted, arn)
	r.queues.byName[q.key()] = q
	r.putSettings(q)
	if _, ok := r.queues.deleted[q.key()]; ok {
		delete(r.queues.deleted, q.key())
		r.put(nil, []byte(q.key()), deletedBucket)
	}
	return q, nil
}

type queueIn struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *Service) deleteQueue(ctx context.Context, in *queueIn) (*nothing, error) {
	return &nothing{}, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "DeleteQueue"), in.QueueURL)
		if err != nil {
			return err
		}
		delete(r.queues.byName, q.key())
		r.queues.deleted[q.key()] = r.now
		r.dropQueue(q)
		r.putJSON(r.now, q.key(), deletedBucket)
		q.dismiss()
		return nil
	})
}

func (s *Service) purgeQueue(ctx context.Context, in *queueIn) (*nothing, error) {
	return &nothing{}, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "PurgeQueue"), in.QueueURL)
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

func (s *Service) getQueueURL(ctx context.Context, in *getQueueURLIn) (*queueURLOut, error) {
	if in.QueueName == "" {
		return nil, missingParameter("QueueName")
	}
	out := &queueURLOut{}
	return out, s.engine.do(func(r *round) error {
		by := s.by(ctx, "GetQueueUrl")
		q, ok := r.queues.named(cmp.Or(in.QueueOwnerAWSAccountID, by.account), in.QueueName)
		if !ok {
			return queueDoesNotExist()
		}
		if err := q.admits(by); err != nil {
			return err
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

func (s *Service) listQueues(ctx context.Context, in *listQueuesIn) (*listQueuesOut, error) {
	out := &listQueuesOut{}
	return out, s.engine.do(func(r *round) (err error) {
		out.QueueURLs, out.NextToken, err = r.queues.page(s.by(ctx, "ListQueues"), in.MaxResults, in.NextToken, func(q *queue) bool {
			return strings.HasPrefix(q.Name, in.QueueNamePrefix)
		})
		return err
	})
}
