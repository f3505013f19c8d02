package ses

import (
	"context"
	"fmt"
	"mime"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Mail is a captured mail.
type Mail struct {
	ID                  string
	At                  time.Time
	From                string
	To                  []string
	Subject, Text, HTML string
	Headers             []Header
}

// Header is a header that the sender added.
type Header struct{ Name, Value string }

func mailsIn(tx *store.Tx) store.Bucket      { return tx.Bucket("ses", "mails") }      // time and id -> mail
func identitiesIn(tx *store.Tx) store.Bucket { return tx.Bucket("ses", "identities") } // address or domain -> true

func identityType(identity string) string {
	if strings.Contains(identity, "@") {
		return "EMAIL_ADDRESS"
	}
	return "DOMAIN"
}

func (s *Service) verify(identity string) error {
	return s.env.DB.Update(func(tx *store.Tx) error {
		b := identitiesIn(tx)
		return store.PutJSON(b, strings.ToLower(identity), true)
	})
}

type content struct{ Data, Charset string }

type sendInput struct {
	FromEmailAddress string
	Destination      struct{ ToAddresses, CcAddresses, BccAddresses []string }
	Content          struct {
		Simple *struct {
			Subject content
			Body    struct{ Text, Html *content }
			Headers []Header
		}
	}
}

type sendOutput struct {
	MessageID string `json:"MessageId"`
}

// maxRecipients is the quota "recipients per message".
const maxRecipients = 50

func (s *Service) sendEmail(_ context.Context, in *sendInput) (*sendOutput, error) {
	simple := in.Content.Simple
	if simple == nil {
		return nil, wire.NotImplemented("Content other than Simple")
	}
	from, err := mail.ParseAddress(in.FromEmailAddress)
	if err != nil {
		return nil, wire.Errorf("BadRequestException", "Missing or malformed from address")
	}
	to := in.Destination.ToAddresses
	if len(in.Destination.CcAddresses)+len(in.Destination.BccAddresses) > 0 {
		return nil, wire.NotImplemented("CcAddresses and BccAddresses")
	}
	if len(to) == 0 || len(to) > maxRecipients {
		return nil, wire.Errorf("BadRequestException", "Recipient count must be between 1 and %d", maxRecipients)
	}
	for _, one := range to {
		if address, err := mail.ParseAddress(one); err != nil || !strings.Contains(address.Address, ".") {
			return nil, wire.Errorf("BadRequestException", "Invalid domain name: '%s'", one)
		}
	}
	if simple.Subject.Data == "" || simple.Body.Text == nil && simple.Body.Html == nil {
		return nil, wire.Errorf("BadRequestException", "A message needs a subject and a body")
	}
	for _, h := range simple.Headers {
		if strings.ContainsAny(h.Name+h.Value, "\r\n") || h.Name == "" {
			return nil, wire.Errorf("BadRequestException", "Invalid header")
		}
	}
	if s.throttled() {
		return nil, &wire.Error{Code: "TooManyRequestsException", Message: "Maximum sending rate exceeded.", Status: 429}
	}
	m := Mail{
		ID: wire.NewUUID(), At: s.env.Now().UTC(), From: in.FromEmailAddress, To: to,
		Subject: decoded(simple.Subject.Data), Text: dataOf(simple.Body.Text), HTML: dataOf(simple.Body.Html), Headers: simple.Headers,
	}
	return &sendOutput{MessageID: m.ID}, s.capture(m, strings.ToLower(from.Address))
}

// decoded undoes encoded words, as a mail program does.
func decoded(subject string) string {
	text, err := new(mime.WordDecoder).DecodeHeader(subject)
	if err != nil {
		return subject
	}
	return text
}

func dataOf(c *content) string {
	if c == nil {
		return ""
	}
	return c.Data
}

func (s *Service) capture(m Mail, from string) error {
	_, domain, _ := strings.Cut(from, "@")
	return s.env.DB.Update(func(tx *store.Tx) error {
		b := identitiesIn(tx)
		if b.Get([]byte(from)) == nil && b.Get([]byte(domain)) == nil {
			return wire.Errorf("MessageRejected",
				"Email address is not verified. The following identities failed the check in region %s: %s", strings.ToUpper(s.env.Region), from)
		}
		mails := mailsIn(tx)
		return store.PutJSON(mails, fmt.Sprintf("%020d %s", m.At.UnixNano(), m.ID), m)
	})
}

// Mails returns the captured mails, newest first.
func (s *Service) Mails() ([]Mail, error) {
	var all []Mail
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		all, err = store.AllJSON[Mail](mailsIn(tx))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the captured mails: %w", err)
	}
	slices.Reverse(all)
	return all, nil
}
