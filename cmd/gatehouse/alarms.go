package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/alarms"
	"github.com/gatehouse-portal/gatehouse/app"
)

type alarmsCommand struct {
	List   alarmsListCommand   `cmd:"" help:"List the alarms that were ever raised, and what operators were told of each."`
	Test   alarmsTestCommand   `cmd:"" help:"Send a test message through the topic and the webhook."`
	Secret alarmsSecretCommand `cmd:"" help:"Print the secret that signs messages to the webhook."`
}

type alarmJSON struct {
	Alarm  alarms.Name  `json:"alarm"`
	State  alarms.State `json:"state"`
	Raised bool         `json:"raised"`
	Since  *time.Time   `json:"since"`
	Ended  *time.Time   `json:"ended"`
	Count  int          `json:"count"`
	Text   string       `json:"text"`
	Told   []toldJSON   `json:"told"`
}

type toldJSON struct {
	Channel string       `json:"channel"`
	Phase   alarms.Phase `json:"phase,omitempty"`
	At      *time.Time   `json:"at"`
	Tries   int          `json:"tries,omitempty"`
	Problem string       `json:"problem,omitempty"`
}

type alarmsListCommand struct{ output }

func (c alarmsListCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	rows, err := app.OpenAlarms(p).Rows(ctx)
	if err != nil {
		return err
	}
	list := []alarmJSON{}
	for _, row := range rows {
		list = append(list, alarmJSONOf(row))
	}
	return c.print(os.Stdout, map[string]any{"alarms": list}, func(w io.Writer) { printAlarms(w, list) })
}

func alarmJSONOf(row alarms.Row) alarmJSON {
	shown := alarmJSON{
		Alarm: row.Alarm, State: row.State, Raised: row.IsRaised(), Since: instant(row.Since), Ended: instant(row.Ended),
		Count: row.Count, Text: row.Text, Told: []toldJSON{},
	}
	for _, channel := range slices.Sorted(maps.Keys(row.Told)) {
		told := row.Told[channel]
		shown.Told = append(shown.Told, toldJSON{channel, told.Phase, instant(told.At), told.Tries, told.Error})
	}
	return shown
}

func printAlarms(w io.Writer, list []alarmJSON) {
	raised := 0
	for _, a := range list {
		when := "not raised"
		switch {
		case a.Raised:
			raised++
			when = "raised since " + moment(*a.Since)
		case a.Ended != nil:
			when = "over since " + moment(*a.Ended)
		}
		fmt.Fprintf(w, "%s: %s\n", a.Alarm, when)
		if a.Raised && a.Text != "" {
			fmt.Fprintf(w, "  %s\n", oneLine(a.Text))
		}
		for _, told := range a.Told {
			switch {
			case told.Problem != "":
				fmt.Fprintf(w, "  Sending to the %s failed after %s: %s\n", told.Channel, count(told.Tries, "attempt"), oneLine(told.Problem))
			case told.At != nil:
				fmt.Fprintf(w, "  Sent to the %s at %s (%s).\n", told.Channel, moment(*told.At), told.Phase)
			}
		}
	}
	fmt.Fprintf(w, "%s raised.\n", count(raised, "alarm"))
}

type alarmsTestCommand struct{ output }

func (alarmsTestCommand) Help() string {
	return "It uses this machine's settings and permissions, not those of the workers. docs/alarms.md describes the message."
}

func (c alarmsTestCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	tried, err := app.OpenAlarms(p).Try(ctx)
	if err != nil {
		return err
	}
	failed := false
	list := []map[string]any{}
	for _, t := range tried {
		failed = failed || t.Problem != ""
		list = append(list, map[string]any{"channel": t.Channel, "sent": t.Problem == "", "problem": t.Problem})
	}
	err = c.print(os.Stdout, map[string]any{"channels": list}, func(w io.Writer) {
		for _, t := range tried {
			if t.Problem == "" {
				fmt.Fprintf(w, "The %s took the message.\n", t.Channel)
			} else {
				fmt.Fprintf(w, "The %s failed: %s\n", t.Channel, oneLine(t.Problem))
			}
		}
	})
	if err == nil && failed {
		err = errors.New("a channel did not take the test message; the lines above say why")
	}
	return err
}

type alarmsSecretCommand struct{ output }

func (alarmsSecretCommand) Help() string {
	return "The receiver of the webhook checks signatures with it, as Standard Webhooks describes. It is derived from the KMS key and the address."
}

func (c alarmsSecretCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	secret, err := app.OpenAlarms(p).Secret(ctx)
	if err != nil {
		return err
	}
	return c.print(os.Stdout, map[string]string{"secret": secret}, func(w io.Writer) { fmt.Fprintln(w, secret) })
}
