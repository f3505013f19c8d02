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
	// ID is the same at every attempt, until the person has the mail sent again.
	ID                  string
	To                  mail.Address
	From                mail.Address
	Subject, Text, HTML string
	// Unsubscribe is the address of the page where the person switches mails off, or "".
	Unsubscribe string
}

// RefusedMail: a mail can never be delivered as it is. Its text is for the person and the
// operator.
type RefusedMail struct {
	Reason string
	Err    error
}

func (e *RefusedMail) Error() string { return e.Reason }
func (e *RefusedMail) Unwrap() error { return e.Err }

// TemporaryMail: the mail service refused for now, or its answer was lost. It counts as an
// attempt.
type TemporaryMail struct {
	Reason string
	Err    error
}

func (e *TemporaryMail) Error() string { return e.Reason }
func (e *TemporaryMail) Unwrap() error { return e.Err }

// mailer hands a mail to a mail service. Its errors are RefusedMail, TemporaryMail, or
// *portal.Postponed if nothing was sent and it may be asked again at once.
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
	// BaseURL has no trailing "/".
	Portal, BaseURL string
	// InvitationsNeeded says that only invited people register.
	InvitationsNeeded bool
}

// send makes one attempt of a round. After an error nothing was sent, and no attempt is counted.
func (s *MailSender) send(ctx context.Context, account portal.AccountID, n Notice, round int) (result, error) {
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
	to, ok := mailAddress(person.Email, person.Name)
	if !ok {
		return failedFor("The e-mail address is not valid."), nil
	}
	page := mailPage{
		Notice: n, Portal: s.Portal, Link: s.BaseURL + n.Link, LinkText: "See it in " + s.Portal, Settings: s.BaseURL + "/account/notices",
		Why: s.Portal + " sent this because of what happened to your account.",
	}
	m, err := s.write(page, to)
	if err != nil {
		return result{}, err
	}
	m.ID, m.Unsubscribe = MessageID(n.ID), page.Settings
	if round > 0 {
		m.ID += fmt.Sprintf(".%d", round) // mail servers drop a second mail with the same Message-ID
	}
	return s.hand(ctx, n.ID, m)
}

// mailAddress: ok is false for an address that could smuggle in another one.
func mailAddress(address, name string) (to mail.Address, ok bool) {
	parsed, err := mail.ParseAddress(address)
	if err != nil || strings.ContainsAny(address, "\r\n<>,;") {
		return mail.Address{}, false
	}
	return mail.Address{Name: oneLine(name), Address: parsed.Address}, true
}

func (s *MailSender) hand(ctx context.Context, id string, m Mail) (result, error) {
	var refused *RefusedMail
	var temporary *TemporaryMail
	switch err := s.Mailer.Send(ctx, m); {
	case err == nil:
		return result{}, nil
	case errors.As(err, &refused):
		tellOperator(ctx, id, refused.Reason)
		return failedFor(refused.Reason), nil
	case errors.As(err, &temporary):
		tellOperator(ctx, id, temporary.Reason)
		return result{Attempt: Attempt{Error: temporary.Reason}}, nil
	default:
		return result{}, err
	}
}

// tellOperator logs why a mail was not sent, without the mail service's text, which may hold the
// person's address.
func tellOperator(ctx context.Context, id, reason string) {
	zerolog.Ctx(ctx).Warn().Str("notice", id).Str("reason", reason).Msg("a mail was not sent")
}

func (s *MailSender) write(page mailPage, to mail.Address) (Mail, error) {
	var html bytes.Buffer
	if err := mailHTML.Execute(&html, page); err != nil {
		return Mail{}, fmt.Errorf("writing a mail: %w", err)
	}
	return Mail{To: to, From: s.From, Subject: oneLine(page.Title), Text: page.text(), HTML: html.String()}, nil
}

type mailPage struct {
	Notice
	Portal, Link, LinkText string
	// Settings is where the person switches mails off, or "". Why says why they get it.
	Settings, Why string
}

func (p mailPage) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.Text)
	if p.Advice != "" {
		fmt.Fprintf(&b, "\nWhat to do: %s\n", p.Advice)
	}
	fmt.Fprintf(&b, "\n%s\n\n-- \n%s\n", p.Link, p.Why)
	if p.Settings != "" {
		fmt.Fprintf(&b, "Choose which mails you get: %s\n", p.Settings)
	}
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
<p><a href="{{.Link}}">{{.LinkText}}</a></p>
<hr>
<p style="font-size: .85em">{{.Why}}{{if .Settings}} <a href="{{.Settings}}">Choose which mails you get</a>.{{end}}</p>
</body></html>
`))
