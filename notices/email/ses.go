package email

import (
	"context"
	"errors"
	"mime"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type sesClient interface {
	SendEmail(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
}

// SES sends through Amazon SES. SES gives every mail a Message-ID of its own and has no idempotency
// token, so the SDK does not retry: a lost answer could mean two mails.
type SES struct{ client sesClient }

// NewSES returns a SES.
func NewSES(client sesClient) *SES { return &SES{client} }

// Send returns notices.RefusedMail, notices.TemporaryMail, or *portal.Postponed if SES throttles.
func (s *SES) Send(ctx context.Context, m notices.Mail) error {
	utf8 := aws.String("UTF-8")
	headers := []types.MessageHeader{{Name: aws.String("X-Gatehouse-Notice"), Value: aws.String(m.ID)}}
	if m.Unsubscribe != "" {
		headers = append([]types.MessageHeader{{Name: aws.String("List-Unsubscribe"), Value: aws.String("<" + m.Unsubscribe + ">")}}, headers...)
	}
	_, err := s.client.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(m.From.String()),
		Destination:      &types.Destination{ToAddresses: []string{m.To.String()}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: aws.String(mime.QEncoding.Encode("utf-8", m.Subject)), Charset: utf8},
			Body: &types.Body{
				Text: &types.Content{Data: &m.Text, Charset: utf8},
				Html: &types.Content{Data: &m.HTML, Charset: utf8},
			},
			Headers: headers,
		}},
	}, func(o *sesv2.Options) { o.RetryMaxAttempts = 1 })
	return refusalOf(err)
}

// refusalOf translates the errors of SendEmail
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html).
func refusalOf(err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return &notices.TemporaryMail{Reason: "The mail service did not answer.", Err: err}
	}
	switch api.ErrorCode() {
	case "TooManyRequestsException", "Throttling", "ThrottlingException":
		return portal.Postpone("the mail service throttles", err)
	case "MessageRejected":
		return &notices.RefusedMail{Reason: "The mail service refused the mail. Its sender may not be verified, or it may deliver to verified addresses only. The operator of this portal has to look at Amazon SES.", Err: err}
	case "MailFromDomainNotVerifiedException":
		return &notices.RefusedMail{Reason: "The mail service refused the mail: the sender's domain is not verified. The operator of this portal has to verify it in Amazon SES.", Err: err}
	case "BadRequestException":
		return &notices.RefusedMail{Reason: "The mail service refused the mail: it cannot deliver to this address.", Err: err}
	case "AccountSuspendedException", "SendingPausedException", "LimitExceededException", "AccessDeniedException", "NotFoundException":
		return &notices.TemporaryMail{Reason: "The mail service sends nothing for this portal at the moment. The operator of this portal has to look at Amazon SES.", Err: err}
	}
	return &notices.TemporaryMail{Reason: "The mail service failed.", Err: err}
}
