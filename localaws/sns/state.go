package sns

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs/dedup"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

const (
	topicsBucket        = "topics"        // ARN -> topic
	subscriptionsBucket = "subscriptions" // ARN -> subscription
	sequencesBucket     = "sequences"     // topic ARN -> last sequence number
	dedupBucket         = "dedup"         // a bucket per topic ARN: deduplication key -> dedup.Entry
)

type state struct {
	topics        map[string]*topic
	subscriptions map[string]*subscription
}

type topic struct {
	ARN, Name string
	FIFO      bool
	// Owner is another account, or empty.
	Owner string `json:",omitempty"`
	// Attributes are those set by CreateTopic or SetTopicAttributes.
	Attributes   map[string]string
	Tags         map[string]string
	Unsubscribed int

	last   uint64
	recent dedup.Window
}

// load requires mu.
func (s *Service) load() (*state, error) {
	if s.state != nil {
		return s.state, nil
	}
	st := &state{topics: map[string]*topic{}, subscriptions: map[string]*subscription{}}
	err := s.env.DB.View(func(tx *store.Tx) error { return st.read(tx) })
	if err != nil {
		return nil, fmt.Errorf("reading the topics: %w", err)
	}
	s.state = st
	return st, nil
}

func (st *state) read(tx *store.Tx) error {
	topics, err := store.AllJSON[*topic](tx.Bucket("sns", topicsBucket))
	if err != nil {
		return err
	}
	for _, t := range topics {
		if raw := tx.Bucket("sns", sequencesBucket).Get([]byte(t.ARN)); raw != nil {
			t.last = binary.BigEndian.Uint64(raw)
		}
		if t.recent, err = dedup.Load(tx.Bucket("sns", dedupBucket, t.ARN)); err != nil {
			return err
		}
		st.topics[t.ARN] = t
	}
	subscriptions, err := store.AllJSON[*subscription](tx.Bucket("sns", subscriptionsBucket))
	for _, sub := range subscriptions {
		if err := sub.compile(""); err != nil {
			return fmt.Errorf("reading subscription %s: %w", sub.ARN, err)
		}
		st.subscriptions[sub.ARN] = sub
	}
	return err
}

// forget makes the next call read the state again, after a failed write.
func (s *Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = nil
}

// change runs fn on the state, then the write it returns. fn must check everything before it
// changes anything.
func (s *Service) change(fn func(*state) (func(*store.Tx) error, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.load()
	if err != nil {
		return err
	}
	write, err := fn(st)
	if err != nil || write == nil {
		return err
	}
	if err := s.env.DB.Update(write); err != nil {
		s.state = nil
		return fmt.Errorf("writing the topics: %w", err)
	}
	return nil
}

func (s *Service) read(fn func(*state) error) error {
	return s.change(func(st *state) (func(*store.Tx) error, error) { return nil, fn(st) })
}

func (st *state) topic(parameter, arn string) (*topic, error) {
	if err := checkARN(parameter, arn); err != nil {
		return nil, err
	}
	t, ok := st.topics[arn]
	if !ok {
		return nil, notFound("Topic")
	}
	return t, nil
}

func (st *state) subscribers(t *topic) []*subscription {
	var all []*subscription
	for _, arn := range slices.Sorted(maps.Keys(st.subscriptions)) {
		if sub := st.subscriptions[arn]; sub.TopicARN == t.ARN {
			all = append(all, sub)
		}
	}
	return all
}

func putTopic(t *topic) func(*store.Tx) error {
	stored := *t
	return func(tx *store.Tx) error { return store.PutJSON(tx.Bucket("sns", topicsBucket), stored.ARN, stored) }
}

func putSubscription(sub *subscription) func(*store.Tx) error {
	stored := *sub
	return func(tx *store.Tx) error {
		return store.PutJSON(tx.Bucket("sns", subscriptionsBucket), stored.ARN, stored)
	}
}

const page = 100

// after returns the page after the token, and the next token. arns must be sorted.
func after(arns []string, token string) (items []string, next string) {
	start, _ := slices.BinarySearchFunc(arns, token, func(arn, token string) int {
		if strings.Compare(arn, token) <= 0 {
			return -1
		}
		return 1
	})
	arns = arns[start:]
	if len(arns) <= page {
		return arns, ""
	}
	return arns[:page], arns[page-1]
}
