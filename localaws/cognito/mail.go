package cognito

import (
	"strings"
)

// Post receives a mail that AWS would send, in plain text, perhaps with a code or a
// temporary password.
type Post func(to, subject, body string)

// OnMail makes post receive every mail from now on. post must not call this service. Without it
// mails are dropped with a warning.
func (s *Service) OnMail(post Post) { s.post.Store(&post) }

// mail must be called after the operation has succeeded.
func (s *Service) mail(to, subject, body string) {
	post := s.post.Load()
	if post == nil || *post == nil {
		s.env.Log.Warn().Str("subject", subject).Msg("mail dropped: OnMail was not called")
		return
	}
	(*post)(to, subject, body)
}

type codeDelivery struct {
	AttributeName  string `json:"AttributeName"`
	DeliveryMedium string `json:"DeliveryMedium"`
	Destination    string `json:"Destination"`
}

func deliveredTo(email string) *codeDelivery {
	return &codeDelivery{AttributeName: "email", DeliveryMedium: "EMAIL", Destination: masked(email)}
}

// masked returns an address as Cognito shows it: a***@e***.
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
