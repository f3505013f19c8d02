package notices

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/mail"
	"strings"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Mail is one e-mail. The subject is one line.
type Mail struct {
	// ID is the same at every attempt.
	ID   string
	To   mail.Address
	From mail.Address
	// Subject, Text and HTML say the same thing.
	Subject, Text, HTML string
	// Unsubscribe is the address of the page where the person switches mails off.
	Unsubscribe string
}

// RefusedMail means that a mail can never be delivered as it is. Its text is for the person and for
// the operator.
type RefusedMail struct {
	Reason string
	Err    error
}

func (e *RefusedMail) Error() string { return e.Reason }
func (e *RefusedMail) Unwrap() error { return e.Err }

// TemporaryMail means that the mail service refused for now, or that its answer was lost. It counts
// as an attempt.
type TemporaryMail struct {
	Reason string
	Err    error
}

func (e *TemporaryMail) Error() string { return e.Reason }
func (e *TemporaryMail) Unwrap() error { return e.Err }

// mailer hands a mail to a mail service. Its errors are RefusedMail, TemporaryMail, or, if it may be
// asked again at once and nothing was sent, *portal.Postponed.
type mailer interface {
	Send(ctx context.Context, m Mail) error
}

type people interface {
	Person(ctx context.Context, account portal.AccountID) (identity.Person, error)
}

// MailSender writes notices as mails.
type MailSender struct {
	Mailer mailer
	People people
	From   mail.Address
	// Portal is the portal's name, BaseURL its address without a trailing "/".
	Portal, BaseURL string
}

// send makes one attempt. An error means that nothing was sent and no attempt is counted.
func (s *MailSender) send(ctx context.Context, account portal.AccountID, n Notice) (result, error) {
	if s == nil || s.Mailer == nil {
		return failedFor("This portal sends no mail."), nil
	}
	person, err := s.People.Person(ctx, account)
	switch {
	case portal.CodeOf(err) == portal.NotFound:
		return failedFor("There is no e-mail address on record for this account."), nil
	case err != nil:
		return result{}, err
	case person.Unverified:
		return failedFor("The e-mail address is not verified. Verify it at the identity provider, then sign in again."), nil
	}
	to, err := mail.ParseAddress(person.Email)
	if err != nil || strings.ContainsAny(person.Email, "\r\n<>,;") {
		return failedFor("The e-mail address is not valid."), nil //nolint:nilerr // the result says it
	}
	m, err := s.write(n, mail.Address{Name: oneLine(person.Name), Address: to.Address})
	if err != nil {
		return result{}, err
	}
	var refused *RefusedMail
	var temporary *TemporaryMail
	switch err = s.Mailer.Send(ctx, m); {
	case err == nil:
		return result{}, nil
	case errors.As(err, &refused):
		tellOperator(ctx, n, refused.Reason)
		return failedFor(refused.Reason), nil
	case errors.As(err, &temporary):
		tellOperator(ctx, n, temporary.Reason)
		return result{Attempt: Attempt{Error: temporary.Reason}}, nil
	}
	return result{}, err
}

// tellOperator logs why a mail was not sent, without the mail service's text, which may hold the
// person's address.
func tellOperator(ctx context.Context, n Notice, reason string) {
	zerolog.Ctx(ctx).Warn().Str("notice", n.ID).Str("reason", reason).Msg("a mail was not sent")
}

func (s *MailSender) write(n Notice, to mail.Address) (Mail, error) {
	m := Mail{
		ID: MessageID(n.ID), To: to, From: s.From, Subject: oneLine(n.Title), Unsubscribe: s.BaseURL + "/account/notices",
	}
	page := mailPage{Notice: n, Portal: s.Portal, Link: s.BaseURL + n.Link, Settings: m.Unsubscribe}
	var html bytes.Buffer
	if err := mailHTML.Execute(&html, page); err != nil {
		return Mail{}, fmt.Errorf("writing a mail: %w", err)
	}
	m.Text, m.HTML = page.text(), html.String()
	return m, nil
}

type mailPage struct {
	Notice
	Portal, Link, Settings string
}

func (p mailPage) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.Text)
	if p.Advice != "" {
		fmt.Fprintf(&b, "\nWhat to do: %s\n", p.Advice)
	}
	fmt.Fprintf(&b, "\n%s\n\n-- \n%s sent this because of what happened to your account.\nChoose which mails you get: %s\n", p.Link, p.Portal, p.Settings)
	return b.String()
}

var mailHTML = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>{{.Title}}</title></head>
<body style="font-family: system-ui, sans-serif; line-height: 1.5; max-width: 36em; margin: 0 auto; padding: 1em">
<h1 style="font-size: 1.25em">{{.Title}}</h1>
<p>{{.Text}}</p>
{{- if .Advice}}
<p><strong>What to do:</strong> {{.Advice}}</p>
{{- end}}
<p><a href="{{.Link}}">See it in {{.Portal}}</a></p>
<hr>
<p style="font-size: .85em">{{.Portal}} sent this because of what happened to your account. <a href="{{.Settings}}">Choose which mails you get</a>.</p>
</body></html>
`))
