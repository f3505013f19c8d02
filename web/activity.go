package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	shownLines = 10
	readLines  = 50
)

type activityPage struct {
	Lines []activityLine
	Older string
	// version is the same for the same lines.
	version string
	First   bool
}

type activityLine struct {
	Text  string
	Words phrase
	At    moment
	// Since is the oldest of several equal lines; times counts them.
	Since  moment
	times  int
	Follow portal.OperationID
}

func (s *Web) activity(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	after := r.URL.Query().Get("after")
	body, err := s.activityAfter(r.Context(), id.Account, after)
	if err != nil {
		return err
	}
	body.First = after == ""
	s.render(w, r, http.StatusOK, view{page: "activity", Title: "Activity", Section: "dashboard", Body: body})
	return nil
}

func (s *Web) activityAfter(ctx context.Context, account portal.AccountID, cursor string) (activityPage, error) {
	read, err := s.views.Activity(ctx, account, cursor, readLines)
	if err != nil {
		return activityPage{}, err
	}
	page, when := activityPage{Older: read.Next, version: versionOf(read)}, s.times(ctx)
	for _, line := range read.Lines {
		if n := len(page.Lines); n > 0 && repeatable(line.Text) && page.Lines[n-1].Text == line.Text {
			last := &page.Lines[n-1]
			last.times, last.Since, last.Follow = last.times+1, when.moment(line.At), ""
			continue
		}
		page.Lines = append(page.Lines, activityLine{Text: line.Text, At: when.moment(line.At), times: 1, Follow: line.Operation})
	}
	for i, line := range page.Lines {
		text := line.Text
		if line.times > 1 {
			text = strings.TrimSuffix(text, ".") + " " + count(line.times, "time") + "."
		}
		page.Lines[i].Words = when.phrase(text)
	}
	return page, nil
}

func (p activityPage) newest() (lines []activityLine, more bool) {
	if len(p.Lines) <= shownLines {
		return p.Lines, p.Older != ""
	}
	return p.Lines[:shownLines], true
}

// repeatable reports whether "12 times" can follow a line.
func repeatable(text string) bool {
	return strings.HasSuffix(text, ".") && !strings.ContainsAny(strings.TrimSuffix(text, "."), ".:;")
}
