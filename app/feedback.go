package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const feedbackType = "gatehouse.FeedbackSubmitted.v1"

// feedbackSubmitted goes to the operator's subscribers. It names the person only by the account,
// so that no e-mail address leaves the portal.
type feedbackSubmitted struct {
	Type    string           `json:"type"`
	ID      string           `json:"id"`
	At      time.Time        `json:"at"`
	Account portal.AccountID `json:"account"`
	Topic   string           `json:"topic"`
	Page    string           `json:"page,omitempty"`
	Text    string           `json:"text"`
}

type feedbackDesk struct {
	clients
	topic string
	store *members.Store
}

const publishTime = 2 * time.Second

// Submit: the list for admins is complete even if SNS does not answer.
func (d feedbackDesk) Submit(ctx context.Context, said members.Feedback) (members.Feedback, error) {
	said, err := d.store.AddFeedback(ctx, said)
	if err != nil {
		return said, err
	}
	if err := d.publish(ctx, said); err != nil {
		zerolog.Ctx(ctx).Error().Err(err).Str("feedback", said.ID).Msg("cannot publish feedback; admins find it in /api/v1/admin/feedback")
	}
	return said, nil
}

func (d feedbackDesk) publish(ctx context.Context, said members.Feedback) error {
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	arn, err := d.topicARN(ctx, d.topic)
	if err != nil {
		return err
	}
	body, err := json.Marshal(feedbackSubmitted{feedbackType, said.ID, said.At, said.Account, said.Topic, said.Page, said.Text})
	if err != nil {
		return fmt.Errorf("encoding feedback %s: %w", said.ID, err)
	}
	_, err = d.sns.Publish(ctx, &sns.PublishInput{
		TopicArn: &arn, Message: aws.String(string(body)), Subject: aws.String("Feedback about " + said.Topic),
		MessageAttributes: map[string]types.MessageAttributeValue{"topic": {DataType: aws.String("String"), StringValue: &said.Topic}},
	})
	if err != nil {
		return fmt.Errorf("publishing feedback %s: %w", said.ID, err)
	}
	return nil
}
