package alarms

import (
	"fmt"
	"strings"
	"time"
)

// RunbookURL is where operators read what to do.
const RunbookURL = "https://github.com/gatehouse-portal/gatehouse/blob/main/docs/runbook.md"

// Message is what a channel sends. It names nobody.
type Message struct {
	// ID is the same at every attempt.
	ID    string
	Alarm Name
	Phase Phase
	// At is when the message was written.
	At           time.Time
	Since, Ended time.Time
	Count        int
	AtLeast      bool
	Title        string
	Text         string
	Advice       string
	// Link is the admin page, and Runbook the entry of the runbook.
	Link, Runbook string
}

func (w Watch) message(a Alarm, row Row, phase Phase, id string, now time.Time) Message {
	m := Message{
		ID: id, Alarm: a.Name, Phase: phase, At: now, Since: row.Since, Ended: row.Ended, Count: row.Count, AtLeast: row.AtLeast,
		Title: a.Title, Text: row.Text, Advice: a.Advice, Link: w.BaseURL + a.Page, Runbook: RunbookURL + "#" + a.Runbook,
	}
	switch phase {
	case Reminder:
		m.Title = "Still: " + a.Title
	case Over:
		m.Title, m.Advice = "Over: "+a.Title, ""
		m.Text = "It began at " + moment(row.Since) + " and was over at " + moment(row.Ended) + "."
	}
	return m
}

// TestMessage is the message with which an operator tries the channels.
func TestMessage(id, baseURL string, now time.Time) Message {
	return Message{
		ID: id, Alarm: Test, Phase: Trying, At: now, Since: now, Title: "A test of Gatehouse's alarms",
		Text: "An operator has sent this message to try the channel. Nothing is wrong.",
		Link: baseURL + "/admin", Runbook: RunbookURL + "#alarms-that-workers-send",
	}
}

// Plain is the message as text, for people.
func (m Message) Plain() string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s %s\n", name, value)
		}
	}
	fmt.Fprintf(&b, "%s\n\n", m.Title)
	if m.Text != "" {
		fmt.Fprintf(&b, "%s\n", m.Text)
	}
	if m.Advice != "" {
		fmt.Fprintf(&b, "%s\n", m.Advice)
	}
	b.WriteString("\n")
	line("Since", moment(m.Since))
	if m.Phase == Over {
		line("Over", moment(m.Ended))
	}
	line("How many", m.howMany())
	line("Page", m.Link)
	line("Runbook", m.Runbook)
	return b.String()
}

func (m Message) howMany() string {
	switch {
	case m.Count == 0 || m.Phase == Over:
		return ""
	case m.AtLeast:
		return fmt.Sprintf("%d or more", m.Count)
	}
	return fmt.Sprint(m.Count)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}
