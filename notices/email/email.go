// Package email hands mails to Amazon SES or to an SMTP server.
package email

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
)

// Setting is how mails are sent.
type Setting struct {
	SES bool
	// Without SES, an SMTP server at Host sends, if there is one. TLS: the connection begins with
	// TLS; otherwise STARTTLS is required, except on loopback.
	Host, User, Password string
	Port                 int
	TLS                  bool
}

// Sends reports whether mails are sent at all.
func (s Setting) Sends() bool { return s.SES || s.Host != "" }

// Parse reads "ses", "none", "" or "smtp://user:password@host:port". The scheme smtps begins the
// connection with TLS. No error holds the password.
func Parse(text string) (Setting, error) {
	switch text {
	case "", "none":
		return Setting{}, nil
	case "ses":
		return Setting{SES: true}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return Setting{}, errors.New("want ses, none, or smtp://user:password@host:port, with special characters in the password percent-encoded")
	}
	s := Setting{Host: u.Hostname(), Port: 587, TLS: u.Scheme == "smtps"}
	if s.TLS {
		s.Port = 465
	}
	if u.Port() != "" {
		if s.Port, err = strconv.Atoi(u.Port()); err != nil || s.Port < 1 || s.Port > 65535 {
			return Setting{}, errors.New("the port must be a number from 1 to 65535")
		}
	}
	if u.User != nil {
		s.User = u.User.Username()
		s.Password, _ = u.User.Password()
	}
	return s, nil
}

// ParseFrom reads the address that mails come from, such as "Acme <portal@acme.example>".
func ParseFrom(text string) (mail.Address, error) {
	address, err := mail.ParseAddress(text)
	if err != nil {
		return mail.Address{}, fmt.Errorf("%q is not an e-mail address", text)
	}
	return *address, nil
}
