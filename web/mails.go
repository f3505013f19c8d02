package web

import (
	"fmt"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const mailedAgain = "The mail is sent again. Reload the page to see what came of it."

type mailLine struct {
	Text          phrase
	Failed, Again bool
}

func (when times) mailLine(mail notices.Delivery) *mailLine {
	var last notices.Attempt
	if n := len(mail.Attempts); n > 0 {
		last = mail.Attempts[n-1]
	}
	line := &mailLine{Again: mail.State != notices.Pending && mail.Round < notices.MaxMailsAgain, Failed: mail.State != notices.Delivered && last.Error != ""}
	failed := phrase{{Text: "Mail failed on "}, when.at(last.At), {Text: ": " + last.Error}}
	switch {
	case mail.State == notices.Delivered:
		line.Text = phrase{{Text: "Mailed "}, when.at(last.At)}
	case mail.State == notices.Pending && line.Failed && mail.NextAt.After(when.now):
		line.Text = append(failed, piece{Text: " Next try on "}, when.at(mail.NextAt))
	case mail.State == notices.Pending:
		line.Text, line.Failed = phrase{{Text: "The mail is on its way"}}, false
		if mail.Round > 0 {
			line.Text = phrase{{Text: "You had the mail sent again "}, when.at(mail.AskedAt), {Text: ". It is on its way"}}
		}
	case line.Failed:
		line.Text = failed
	default:
		line.Text = phrase{{Text: "Not mailed"}}
	}
	if mail.Round >= notices.MaxMailsAgain && mail.State != notices.Pending {
		line.Text = append(line.Text, plain(fmt.Sprintf(" · You had it sent again %d times, which is the most", notices.MaxMailsAgain)))
	}
	return line
}

// mailAgain sends the mail about a notice again. The page says why if it cannot.
func (s *Web) mailAgain(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	notice, err := param(r, "notice")
	if err != nil {
		return err
	}
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	_, err = s.notices.MailAgain(r.Context(), id.Account, notice)
	switch portal.CodeOf(err) {
	case portal.Conflict, portal.TooManyRequests:
		return s.renderNotices(w, r, id, s.status(err), noticesPage{Error: portal.MessageOf(err)})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, noticesPath+"?mailed", http.StatusSeeOther)
	return nil
}
