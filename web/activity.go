package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// shownLines is how many lines of activity a page shows.
	shownLines = 10
	// readLines is how many are read for that: those that say the same are one line.
	readLines = 50
)

type activityPage struct {
	Lines []activityLine
	// Newest is the sequence of the first line, Older that before which the next page
	// begins, 0 if there is none.
	Newest, Older int64
	// First says that nothing newer is left out.
	First bool
}

type activityLine struct {
	Text string
	At   moment
	// Since is when the first of several such lines was written; times counts them.
	Since moment
	times int
	// Follow is the operation that the line was written for, "" if none is known.
	Follow portal.OperationID
}

// activity pages through what happened in an account.
func (s *Web) activity(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	before, err := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	body, err := s.activityAfter(r.Context(), id.Account, before)
	if err != nil {
		return err
	}
	body.First = before == 0
	s.render(w, r, http.StatusOK, view{page: "activity", Title: "Activity", Section: "dashboard", Body: body})
	return nil
}

// activityAfter reads the page of activity that comes before that sequence (0: the newest
// one).
func (s *Web) activityAfter(ctx context.Context, account portal.AccountID, before int64) (activityPage, error) {
	read, err := s.views.Activity(ctx, account, before, readLines)
	if err != nil {
		return activityPage{}, err
	}
	var page activityPage
	for _, line := range read {
		if page.Newest == 0 {
			page.Newest = line.Sequence
		}
		if n := len(page.Lines); n > 0 && repeatable(line.Text) && page.Lines[n-1].Text == line.Text {
			page.Lines[n-1].times++
			page.Lines[n-1].Follow = ""
			page.Lines[n-1].Since = s.moment(line.At)
		} else if n == shownLines {
			break
		} else {
			page.Lines = append(page.Lines, activityLine{Text: line.Text, At: s.moment(line.At), times: 1, Follow: line.Operation})
		}
		page.Older = line.Sequence
	}
	if len(read) < readLines && page.Older == last(read).Sequence {
		page.Older = 0
	}
	for i, line := range page.Lines {
		if line.times > 1 {
			page.Lines[i].Text = strings.TrimSuffix(line.Text, ".") + " " + count(line.times, "time") + "."
		}
	}
	return page, nil
}

// repeatable says whether a line still reads well with a number of times at its end.
func repeatable(text string) bool {
	return strings.HasSuffix(text, ".") && !strings.ContainsAny(strings.TrimSuffix(text, "."), ".:;")
}

func last[T any](list []T) (item T) {
	if n := len(list); n > 0 {
		item = list[n-1]
	}
	return item
}
