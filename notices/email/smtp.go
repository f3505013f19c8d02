package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	smtp "github.com/wneessen/go-mail"

	"github.com/gatehouse-portal/gatehouse/notices"
)

const smtpTime = 20 * time.Second

// SMTP sends through an SMTP server, over one connection for each mail. A repeated mail has the
// same Message-ID, by which many mail servers drop the second copy.
type SMTP struct{ setting Setting }

// NewSMTP returns an SMTP.
func NewSMTP(setting Setting) *SMTP { return &SMTP{setting} }

// Send returns notices.RefusedMail or notices.TemporaryMail.
func (s *SMTP) Send(ctx context.Context, m notices.Mail) error {
	msg := smtp.NewMsg(smtp.WithNoDefaultUserAgent())
	msg.FromMailAddress(&m.From)
	msg.ToMailAddress(&m.To)
	msg.Subject(m.Subject)
	msg.SetDate()
	_, domain, _ := strings.Cut(m.From.Address, "@")
	msg.SetMessageIDWithValue(m.ID + "@" + domain)
	if m.Unsubscribe != "" {
		msg.SetGenHeader(smtp.HeaderListUnsubscribe, "<"+m.Unsubscribe+">")
	}
	msg.SetBodyString(smtp.TypeTextPlain, m.Text)
	msg.AddAlternativeString(smtp.TypeTextHTML, m.HTML)
	client, err := smtp.NewClient(s.setting.Host, s.options()...)
	if err != nil {
		return &notices.TemporaryMail{Reason: "The mail server cannot be used. The operator of this portal has to look at its settings.", Err: err}
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() {
		return nil // what failed came after the server had taken the mail
	}
	return smtpRefusal(err)
}

func (s *SMTP) options() []smtp.Option {
	policy := smtp.TLSMandatory
	if loopback(s.setting.Host) {
		policy = smtp.TLSOpportunistic
	}
	options := []smtp.Option{smtp.WithPort(s.setting.Port), smtp.WithTimeout(smtpTime), smtp.WithTLSPolicy(policy)}
	if s.setting.TLS {
		options = append(options, smtp.WithSSL())
	}
	if s.setting.User != "" {
		options = append(options, smtp.WithSMTPAuth(smtp.SMTPAuthAutoDiscover), smtp.WithUsername(s.setting.User), smtp.WithPassword(s.setting.Password))
	}
	return options
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// smtpRefusal keeps the server's text, for the log.
func smtpRefusal(err error) error {
	var failed *smtp.SendError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed) && failed.ErrorCode() >= 500:
		return &notices.RefusedMail{Reason: fmt.Sprintf("The mail server refused the mail for good (code %d).", failed.ErrorCode()), Err: err}
	case errors.As(err, &failed) && failed.ErrorCode() >= 400:
		return &notices.TemporaryMail{Reason: fmt.Sprintf("The mail server refused the mail for now (code %d).", failed.ErrorCode()), Err: err}
	}
	return &notices.TemporaryMail{Reason: "The mail server did not answer, or did not let the portal in.", Err: err}
}
