package email_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/notices/email"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var letter = notices.Mail{
	ID: "msg_1", From: mail.Address{Name: "Acme", Address: "portal@acme.example"}, To: mail.Address{Name: "Ann Ü", Address: "ann@example.com"},
	Subject: "Plus läuft", Text: "Hello, Ann", HTML: "<p>Hello, Ann</p>", Unsubscribe: "https://portal.example/account/notices",
}

func TestSettingsAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]email.Setting{
		"": {}, "none": {}, "ses": {SES: true},
		"smtp://mail.example.com":                  {Host: "mail.example.com", Port: 587},
		"smtps://ann:p%40ss@mail.example.com":      {Host: "mail.example.com", Port: 465, User: "ann", Password: "p@ss", TLS: true},
		"smtp://ann:secret@mail.example.com:2525/": {Host: "mail.example.com", Port: 2525, User: "ann", Password: "secret"},
	} {
		got, err := email.Parse(text)
		if err != nil || got != want {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"SES", "http://mail.example.com", "smtp://", "smtp://u:secret@h:99999", "smtp://u:secret@h/path", "smtp://u:sec%ret@h"} {
		if _, err := email.Parse(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSESGetsTheMailAndItsErrorsAreTranslated(t *testing.T) {
	t.Parallel()
	server := localawstest.Start(t)
	client := sesv2.NewFromConfig(server.AWSConfig())
	sender := email.NewSES(client)

	var refused *notices.RefusedMail
	if err := sender.Send(t.Context(), letter); !errors.As(err, &refused) || strings.Contains(refused.Reason, "US-EAST-1") || !strings.Contains(refused.Reason, "sender may not be verified") {
		t.Errorf("an unverified sender: %v", err)
	}
	if _, err := client.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("acme.example")}); err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	mails, err := server.Mail().Mails()
	if err != nil || len(mails) != 1 || mails[0].Subject != letter.Subject || mails[0].Text != letter.Text || mails[0].HTML != letter.HTML || mails[0].Headers[0].Value != "<"+letter.Unsubscribe+">" {
		t.Errorf("captured are %+v (%v)", mails, err)
	}

	for rule, is := range map[string]func(error) bool{
		"ses.SendEmail:error=throttling": func(err error) bool { var later *portal.Postponed; return errors.As(err, &later) },
		"ses.SendEmail:error=internal":   func(err error) bool { var later *notices.TemporaryMail; return errors.As(err, &later) },
		"ses.SendEmail:drop":             func(err error) bool { var later *notices.TemporaryMail; return errors.As(err, &later) },
	} {
		plan, err := faults.Parse(rule)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.SetFaults(plan); err != nil {
			t.Fatal(err)
		}
		if err := sender.Send(t.Context(), letter); !is(err) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if mails, _ := server.Mail().Mails(); len(mails) != 1 {
		t.Errorf("%d mails are captured", len(mails))
	}
}

// A lost answer could mean two mails, so SendEmail is called once.
func TestALostAnswerOfSESIsNotRetriedAtOnce(t *testing.T) {
	t.Parallel()
	server := localawstest.Start(t)
	client := sesv2.NewFromConfig(server.AWSConfig())
	if _, err := client.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("acme.example")}); err != nil {
		t.Fatal(err)
	}
	plan, err := faults.Parse("ses.SendEmail:lost,times=1")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.SetFaults(plan); err != nil {
		t.Fatal(err)
	}
	if err := email.NewSES(client).Send(t.Context(), letter); err == nil {
		t.Error("a lost answer is no error")
	}
	if mails, _ := server.Mail().Mails(); len(mails) != 1 {
		t.Errorf("%d mails were sent", len(mails))
	}
}

// server is an SMTP server that answers RCPT with a line, and keeps the messages.
type server struct {
	rcpt string

	mu       sync.Mutex
	messages []string
}

func (s *server) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(line string) { fmt.Fprint(conn, line+"\r\n") }
	say("220 test")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.Fields(line + " x")[0]); verb {
		case "RCPT":
			say(s.rcpt)
		case "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				b.WriteString(line)
			}
			s.mu.Lock()
			s.messages = append(s.messages, b.String())
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			return // without an answer, as some servers do
		default:
			say("250 fine")
		}
	}
}

func smtpServer(t *testing.T, rcpt string) (*server, *email.SMTP) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{rcpt: rcpt}
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.serve(conn) })
		}
	})
	setting, err := email.Parse("smtp://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return s, email.NewSMTP(setting)
}

func TestSMTPGetsTheMailOnceWithAnIDOfItsOwn(t *testing.T) {
	t.Parallel()
	s, sender := smtpServer(t, "250 fine")
	for range 2 {
		if err := sender.Send(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.messages) != 2 {
		t.Fatalf("%d messages", len(s.messages))
	}
	for _, message := range s.messages {
		parsed, err := mail.ReadMessage(strings.NewReader(message))
		if err != nil {
			t.Fatal(err)
		}
		if id := parsed.Header.Get("Message-ID"); id != "<msg_1@acme.example>" {
			t.Errorf("the Message-ID is %q", id)
		}
		if got := parsed.Header.Get("List-Unsubscribe"); got != "<"+letter.Unsubscribe+">" {
			t.Errorf("List-Unsubscribe is %q", got)
		}
		for _, want := range []string{"text/plain", "text/html", "multipart/alternative"} {
			if !strings.Contains(message, want) {
				t.Errorf("the message lacks %s", want)
			}
		}
	}
}

func TestWhatAnSMTPServerRefuses(t *testing.T) {
	t.Parallel()
	_, never := smtpServer(t, "550 no such user")
	var refused *notices.RefusedMail
	if err := never.Send(t.Context(), letter); !errors.As(err, &refused) || !strings.Contains(refused.Reason, "550") {
		t.Errorf("for good: %v", err)
	}
	_, later := smtpServer(t, "451 greylisted")
	var temporary *notices.TemporaryMail
	if err := later.Send(t.Context(), letter); !errors.As(err, &temporary) || !strings.Contains(temporary.Reason, "451") {
		t.Errorf("for now: %v", err)
	}
	setting, err := email.Parse("smtp://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := email.NewSMTP(setting).Send(t.Context(), letter); !errors.As(err, &temporary) {
		t.Errorf("nobody listens: %v", err)
	}
}
