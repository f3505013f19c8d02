package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type marketplaceNoticesCommand struct {
	output
	Limit   int  `help:"How many notices to list at most." default:"50"`
	Unknown bool `help:"List only those that this version cannot read."`
}

func (c marketplaceNoticesCommand) Run(ctx context.Context) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return portal.Fail(portal.Invalid, "--limit must be from 1 to 1000.")
	}
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	found, err := desk.KeptNotices(ctx, c.Limit)
	if err != nil {
		return err
	}
	list := []keptNoticeJSON{}
	for _, n := range found {
		if !c.Unknown || n.Kind == events.NoticeUnknown {
			list = append(list, keptNoticeJSONOf(n))
		}
	}
	return c.print(os.Stdout, map[string]any{"notices": list}, func(w io.Writer) { printNotices(w, list) })
}

func printNotices(w io.Writer, notices []keptNoticeJSON) {
	for _, n := range notices {
		fmt.Fprintf(w, "%s  %s\n", moment(n.At), oneLine(string(n.Kind)))
		for _, line := range [][2]string{
			{"source", n.Source}, {"agreement", n.Agreement}, {"buyer", string(n.Buyer)}, {"product", string(n.Product)}, {"text", n.Text},
		} {
			if line[1] != "" {
				fmt.Fprintf(w, "  %-9s %s\n", line[0], oneLine(line[1]))
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s.\n", count(len(notices), "notice"))
}

type keptNoticeJSON struct {
	Kind      events.NoticeKind  `json:"kind"`
	At        time.Time          `json:"at"`
	Source    string             `json:"source"`
	Agreement string             `json:"agreement,omitempty"`
	Buyer     portal.AWSAccount  `json:"buyer,omitempty"`
	Product   portal.ProductCode `json:"product,omitempty"`
	Text      string             `json:"text,omitempty"`
}

func keptNoticeJSONOf(n projections.KeptNotice) keptNoticeJSON {
	return keptNoticeJSON{Kind: n.Kind, At: n.At, Source: n.Source, Agreement: n.Agreement, Buyer: n.Buyer, Product: n.Product, Text: n.Text}
}
