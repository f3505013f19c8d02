package app

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/notices/email"
	"github.com/gatehouse-portal/gatehouse/outbound"
	"github.com/gatehouse-portal/gatehouse/web"
)

// mailFaults checks GATEHOUSE_MAIL and GATEHOUSE_MAIL_FROM. Their values may hold a password, so
// no fault has them.
func (c Config) mailFaults() []error {
	var faults []error
	setting, err := email.Parse(c.Mail)
	if err != nil {
		faults = append(faults, fmt.Errorf("GATEHOUSE_MAIL: %w", err))
	}
	_, err = email.ParseFrom(c.MailFrom)
	switch {
	case setting.Sends() && c.MailFrom == "":
		faults = append(faults, errors.New("GATEHOUSE_MAIL_FROM is missing: the address that mails come from, like Acme <portal@acme.example>"))
	case c.MailFrom != "" && err != nil:
		faults = append(faults, fmt.Errorf("GATEHOUSE_MAIL_FROM: %w", err))
	}
	return faults
}

func newMailSender(c clients, names Names, p Process) (*notices.MailSender, error) {
	setting, err := email.Parse(p.Config.Mail)
	if err != nil || !setting.Sends() {
		return nil, err
	}
	from, err := email.ParseFrom(p.Config.MailFrom)
	if err != nil {
		return nil, err
	}
	name, err := portalName(p)
	if err != nil {
		return nil, err
	}
	if from.Name == "" {
		from.Name = name
	}
	sender := &notices.MailSender{
		People: identity.Lookup{DynamoDB: c.dynamodb, Tables: identity.Tables{Journal: names.Journal, Records: names.Records, Sessions: names.Sessions}},
		From:   mail.Address{Name: from.Name, Address: from.Address}, Portal: name, BaseURL: strings.TrimSuffix(p.Config.BaseURL, "/"),
		InvitationsNeeded: p.Config.Registration == RegistrationInvitation,
	}
	if setting.SES {
		sender.Mailer = email.NewSES(sesv2.NewFromConfig(c.config))
	} else {
		sender.Mailer = email.NewSMTP(setting)
	}
	return sender, nil
}

func portalName(p Process) (string, error) {
	look, err := lookOf(p)
	if err != nil {
		return "", err
	}
	return web.New(web.Config{Branding: look}).Name(), nil
}

// webhookHosts allows webhooks on this machine if AWS is local, and nowhere else.
func webhookHosts(p Process) outbound.Config {
	if !localAWS(p.AWS) {
		return outbound.Config{}
	}
	return outbound.Config{AllowPrivate: identity.Loopback}
}
