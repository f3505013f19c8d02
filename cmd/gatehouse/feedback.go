package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type feedbackCommand struct {
	List   feedbackListCommand `cmd:"" help:"List what people told you, the latest first."`
	Done   feedbackDoneCommand `cmd:"" help:"Mark feedback as done."`
	Reopen feedbackOpenCommand `cmd:"" help:"Mark feedback as open again."`
}

type feedbackListCommand struct {
	output
	Topic string `enum:",documentation,api,account,portal,other" default:"" help:"Only feedback about it: documentation, api, account, portal or other." placeholder:"TOPIC"`
	State string `enum:"open,done,all" default:"open" help:"open, done or all." placeholder:"STATE"`
	listLimit
}

type feedbackJSON struct {
	ID      string           `json:"id"`
	At      time.Time        `json:"at"`
	Account portal.AccountID `json:"account"`
	Name    string           `json:"name,omitempty"`
	Email   string           `json:"email,omitempty"`
	Topic   string           `json:"topic"`
	Page    string           `json:"page,omitempty"`
	Text    string           `json:"text"`
	DoneAt  *time.Time       `json:"done_at,omitempty"`
}

// Run lists feedback.
func (c feedbackListCommand) Run(ctx context.Context) error {
	return withMembers(ctx, func(desk *app.MemberDesk) error {
		filter := members.FeedbackFilter{Topic: c.Topic, State: c.State}
		if c.State == "all" {
			filter.State = ""
		}
		found, more, err := desk.Feedback(ctx, filter, c.Limit)
		if err != nil {
			return err
		}
		list := make([]feedbackJSON, 0, len(found))
		for _, one := range found {
			list = append(list, feedbackJSON{one.ID, one.At, one.Account, one.Name, one.Email, one.Topic, one.Page, one.Text, one.DoneAt})
		}
		return c.print(os.Stdout, map[string]any{"feedback": list, "more": more}, func(w io.Writer) {
			printFeedback(w, list)
			printMore(w, more)
		})
	})
}

func printFeedback(w io.Writer, list []feedbackJSON) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There is no such feedback.")
		return
	}
	for i, one := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		done := ""
		if one.DoneAt != nil {
			done = moment(*one.DoneAt)
		}
		pairs(w, [2]string{"feedback", oneLine(one.ID)}, [2]string{"at", moment(one.At)}, [2]string{"account", oneLine(string(one.Account))}, [2]string{"name", printable(one.Name)},
			[2]string{"e-mail", printable(one.Email)}, [2]string{"topic", oneLine(one.Topic)}, [2]string{"page", printable(one.Page)}, [2]string{"done", done})
		for line := range strings.Lines(one.Text) {
			fmt.Fprintln(w, "  "+oneLine(strings.TrimRight(line, "\r\n")))
		}
	}
}

type feedbackDoneCommand struct {
	output
	IDs []string `arg:"" name:"id" help:"Ids, from the list."`
}

// Run marks feedback as done. If it cannot mark one, it goes on with the others and fails at the end.
func (c feedbackDoneCommand) Run(ctx context.Context) error {
	return withMembers(ctx, func(desk *app.MemberDesk) error {
		return c.each(ctx, "done", c.IDs, func(ctx context.Context, id string) error { return desk.MarkFeedback(ctx, id, true) })
	})
}

type feedbackOpenCommand struct {
	output
	IDs []string `arg:"" name:"id" help:"Ids, from the list."`
}

// Run marks feedback as open again, like feedbackDoneCommand.
func (c feedbackOpenCommand) Run(ctx context.Context) error {
	return withMembers(ctx, func(desk *app.MemberDesk) error {
		return c.each(ctx, "open", c.IDs, func(ctx context.Context, id string) error { return desk.MarkFeedback(ctx, id, false) })
	})
}
