package local

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/localaws/ses"
)

const (
	mailDomain = "gatehouse.example"
	mailFrom   = "portal@" + mailDomain
)

func captureMail(ctx context.Context, p *app.Process) error {
	if p.Config.Mail != "none" && p.Config.Mail != "ses" && p.Config.Mail != "" {
		return nil
	}
	p.Config.Mail, p.Config.MailFrom = "ses", mailFrom
	_, err := sesv2.NewFromConfig(p.AWS).CreateEmailIdentity(ctx, &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String(mailDomain)})
	if err != nil {
		return fmt.Errorf("setting up mail: %w", err)
	}
	return nil
}

func (l Portal) inboxURL() string { return l.AWSURL + ses.InboxPath }
