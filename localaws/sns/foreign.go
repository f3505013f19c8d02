package sns

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// EnsureTopic makes a standard topic of AWS Marketplace, unless it exists. Only the seller may use it, and may only
// subscribe to it. The ARN must be valid.
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

// DeliveriesFrom returns the deliveries of a message that another service, or its role, publishes to a topic, as
// Deliveries does. The topic's policy must allow the principal to publish. Of the policy, only effect, principal and
// action count.
func (s *Service) DeliveriesFrom(principal, topicARN, body string) ([]sqs.Delivery, error) {
	s.mu.Lock()
	st, err := s.load()
	var t *topic
	if err == nil {
		t, err = st.topic("TopicArn", topicARN)
	}
	s.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case !t.lets(principal):
		return nil, fmt.Errorf("the policy of %s does not let %s publish", topicARN, principal)
	}
	return s.Deliveries(topicARN, wire.NewUUID(), body, s.env.Now())
}

// lets reports whether a statement of the topic's policy names the service or role.
func (t *topic) lets(principal string) bool {
	var policy struct {
		Statement []struct {
			Effect    string
			Principal struct{ Service, AWS any }
			Action    any
		}
	}
	if json.Unmarshal([]byte(t.Attributes["Policy"]), &policy) != nil {
		return false
	}
	for _, st := range policy.Statement {
		publishes := slices.ContainsFunc(several(st.Action), func(action string) bool {
			return slices.Contains([]string{"sns:publish", "sns:*", "*"}, strings.ToLower(action))
		})
		if st.Effect == "Allow" && publishes && slices.Contains(slices.Concat(several(st.Principal.Service), several(st.Principal.AWS)), principal) {
			return true
		}
	}
	return false
}

// several is a text or a list of them.
func several(value any) []string {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		var all []string
		for _, one := range value {
			all = append(all, fmt.Sprint(one))
		}
		return all
	}
	return nil
}

// owned refuses an operation that only the topic's owner may use.
func (s *Service) owned(ctx context.Context, st *state, parameter, arn, action string) (*topic, error) {
	t, err := st.topic(parameter, arn)
	if err == nil && t.Owner != s.stored(ctx) {
		err = notAuthorized(action, arn)
	}
	return t, err
}

// stored is the caller's account as topics and subscriptions have it: "" for the env's own.
func (s *Service) stored(ctx context.Context) string {
	return s.env.Stored(s.env.Caller(ctx))
}

// account is the AWS account that is stored as owner.
func (s *Service) account(owner string) string { return s.env.Owner(owner) }

// subscribable refuses a topic that the caller may not subscribe to: one of another account, and one of AWS Marketplace
// unless the caller is the seller.
func (s *Service) subscribable(ctx context.Context, st *state, arn string) (*topic, error) {
	t, err := st.topic("TopicArn", arn)
	switch {
	case err != nil || t.Owner == s.stored(ctx):
		return t, err
	case slices.Contains(s.env.Others, s.account(t.Owner)) || t.Owner == "" || s.env.Caller(ctx) != s.env.Seller:
		return nil, notAuthorized("Subscribe", arn)
	}
	return t, nil
}

func notAuthorized(action, arn string) error {
	return &wire.Error{
		Code: "AuthorizationError", Status: http.StatusForbidden,
		Message: fmt.Sprintf("This account is not authorized to perform: SNS:%s on resource: %s", action, arn),
	}
}
