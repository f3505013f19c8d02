package sns

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// EnsureTopic makes a standard topic of another AWS account, such as AWS Marketplace, unless
// it exists. This account may only subscribe to it. The ARN must be valid.
func (s *Service) EnsureTopic(arn string) error {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 {
		return fmt.Errorf("making a topic: %q is not an ARN", arn)
	}
	return s.change(func(st *state) (func(*store.Tx) error, error) {
		if _, ok := st.topics[arn]; ok {
			return nil, nil
		}
		t := &topic{ARN: arn, Name: parts[5], Owner: parts[4], Attributes: map[string]string{}, Tags: map[string]string{}}
		st.topics[arn] = t
		return putTopic(t), nil
	})
}

// Deliveries returns a message's deliveries to the topic's present subscribers. It may be
// called while sqs.Service.Deliver decides. A redelivery has the id of the first message.
func (s *Service) Deliveries(topicARN, id, body string, at time.Time) ([]sqs.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.load()
	if err != nil {
		return nil, err
	}
	t, err := st.topic("TopicArn", topicARN)
	if err != nil {
		return nil, err
	}
	p := &publication{Service: s, topic: t, subscribers: st.subscribers(t), now: at}
	p.fanOut(message{body: body}, publishOut{MessageID: id}, "")
	return p.deliveries, nil
}

// owned refuses an operation for the topic's owner only.
func (st *state) owned(parameter, arn, action string) (*topic, error) {
	t, err := st.topic(parameter, arn)
	if err == nil && t.Owner != "" {
		err = notAuthorized(action, arn)
	}
	return t, err
}

func notAuthorized(action, arn string) error {
	return &wire.Error{
		Code: "AuthorizationError", Status: http.StatusForbidden,
		Message: fmt.Sprintf("This account is not authorized to perform: SNS:%s on resource: %s", action, arn),
	}
}
