package cognito

import (
	"strings"
)

// Post takes the mails that AWS would send: to one address, with a subject and a
// body in plain text. Bodies hold codes and temporary passwords.
type Post func(to, subject, body string)

// OnMail hands every mail from now on to post, which must not call this service.
// Without it mails are lost, and the log says that one was.
func (s *Service) OnMail(post Post) { s.post.Store(&post) }

// mail sends what an operation has to say to its user, once all else is done.
func (s *Service) mail(to, subject, body string) {
	post := s.post.Load()
	if post == nil || *post == nil {
		s.env.Log.Warn().Str("subject", subject).Msg("a mail was lost: nobody takes the mails of the user pools")
		return
	}
	(*post)(to, subject, body)
}

// codeDelivery says where a code went, in an answer.
type codeDelivery struct {
	AttributeName  string `json:"AttributeName"`
	DeliveryMedium string `json:"DeliveryMedium"`
	Destination    string `json:"Destination"`
}

func deliveredTo(email string) *codeDelivery {
	return &codeDelivery{AttributeName: "email", DeliveryMedium: "EMAIL", Destination: masked(email)}
}

// masked is an address as Cognito shows it to whoever asked for a code: a***@e***.
func masked(email string) string {
	name, host, _ := strings.Cut(email, "@")
	first := func(s string) string {
		for _, c := range s {
			return string(c)
		}
		return ""
	}
	return first(name) + "***@" + first(host) + "***"
}
