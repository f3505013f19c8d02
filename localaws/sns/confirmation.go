package sns

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// How SNS names a subscription that waits for its confirmation: in the answer of Subscribe, and in lists.
const (
	pendingAnswer = "pending confirmation"
	pendingListed = "PendingConfirmation"
)

// pending reports whether the owner of the queue has to confirm the subscription. Until then it gets no message.
func (sub *subscription) pending() bool { return sub.Token != "" }

// confirmationRequest is what SNS sends to the queue (SNS Developer Guide, "HTTP/HTTPS subscription confirmation JSON
// format"; a queue gets the same).
type confirmationRequest struct {
	Type             string
	MessageID        string `json:"MessageId"`
	Token            string
	TopicARN         string `json:"TopicArn"`
	Message          string
	SubscribeURL     string
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
}

// ask sends the queue a request for a confirmation, if its policy lets the topic in.
func (s *Service) ask(sub subscription) error {
	failures, err := s.queues.Deliver(func(now time.Time) sqs.Plan {
		query := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {sub.TopicARN}, "Token": {sub.Token}}
		request := confirmationRequest{
			Type: "SubscriptionConfirmation", MessageID: wire.NewUUID(), Token: sub.Token, TopicARN: sub.TopicARN,
			Message:      "You have chosen to subscribe to the topic " + sub.TopicARN + ".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
			SubscribeURL: s.env.Endpoint() + "/?" + query.Encode(), Timestamp: now.UTC().Format("2006-01-02T15:04:05.000Z"),
			SignatureVersion: "1", Signature: base64.StdEncoding.EncodeToString([]byte(unsigned)), SigningCertURL: s.env.Endpoint() + "/no-certificate.pem",
		}
		var body bytes.Buffer
		enc := json.NewEncoder(&body)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(request); err != nil {
			panic(err) // strings cannot fail
		}
		return sqs.Plan{Deliveries: []sqs.Delivery{{QueueARN: sub.Endpoint, Body: body.String(), Service: "sns.amazonaws.com", Source: sub.TopicARN}}}
	})
	for _, failure := range failures {
		if failure != nil {
			s.env.Log.Warn().Err(failure).Str("topic", sub.TopicARN).Msg("SNS dropped a request for a confirmation")
		}
	}
	return err
}

// confirmSubscription takes the token that the queue got. A second call finds the subscription confirmed.
func (s *Service) confirmSubscription(_ context.Context, in form) (*subscribeOut, error) {
	out := &subscribeOut{}
	return out, s.change(func(st *state) (func(*store.Tx) error, error) {
		t, err := st.topic("TopicArn", in.text("TopicArn"))
		if err != nil {
			return nil, err
		}
		token := in.text("Token")
		for _, sub := range st.subscribers(t) {
			if token == "" || sub.Token != token && sub.Confirmed != token {
				continue
			}
			sub.Token, sub.Confirmed = "", token
			out.SubscriptionARN = sub.ARN
			return putSubscription(sub), nil
		}
		return nil, invalidParameter("Token")
	})
}
