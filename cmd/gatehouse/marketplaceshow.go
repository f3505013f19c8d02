package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

type marketplaceShowCommand struct {
	output
	Licence string `arg:"" help:"The licence: licence/<id>, the id alone (l-…), or legacy/<product code>/<customer identifier>."`
}

func (c marketplaceShowCommand) Run(ctx context.Context) error {
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	found, err := desk.Licence(ctx, c.Licence)
	if err != nil {
		return err
	}
	return c.print(os.Stdout, foundLicenceJSONOf(found), func(w io.Writer) { printLicence(w, found) })
}

func printLicence(w io.Writer, l app.FoundLicence) {
	said, next := inWords(l.Licence)
	access := "no"
	if l.HasAccess {
		access = "yes, since " + moment(l.AccessAt)
	}
	pairs(w,
		[2]string{"licence", oneLine(string(l.Stream))}, [2]string{"product", printable(string(l.Purchase.Product))}, [2]string{"buyer", printable(string(l.Purchase.Buyer))},
		[2]string{"ARN", printable(l.Purchase.ARN)},
		[2]string{"customer", printable(l.Purchase.Customer)}, [2]string{"agreement", printable(l.Purchase.Agreement)}, [2]string{"offer", printable(l.Offer)},
		[2]string{"dimensions", printable(strings.Join(l.Dimensions, ", "))}, [2]string{"until", moment(l.Until)}, [2]string{"account", printable(string(l.Claim.Account))},
		[2]string{"plan", printable(named(l.Claim))}, [2]string{"claimed", moment(l.Claim.At)}, [2]string{"access", access},
		[2]string{"state", said}, [2]string{"next", next},
	)
	fmt.Fprintln(w)
	for _, fact := range l.Facts {
		const column = 21
		columns := width(w)
		if columns > 0 {
			columns -= column
		}
		fmt.Fprintf(w, "%s  %s\n", moment(fact.Time)[:len("2006-01-02 15:04:05")], strings.ReplaceAll(wrap(oneLine(administration.Recount(fact, moment)), columns, 0), "\n", "\n"+strings.Repeat(" ", column)))
	}
}

func named(claim state.Claim) string {
	if claim.Name == "" {
		return string(claim.Plan)
	}
	return string(claim.Plan) + " (" + claim.Name + ")"
}

// inWords says what the state of a licence means and what to do, with the commands that show more.
func inWords(l state.Licence) (said, next string) {
	words := administration.WordsOf(l)
	look := ""
	switch words.Look {
	case administration.LookAtAccount:
		look = "`" + processName + " account find " + oneLine(string(l.Claim.Account)) + "` shows the account's subscription and keys."
	case administration.LookAtLetters:
		look = "If the agreement is active in the AWS Marketplace Management Portal, `" + processName + " dlq list` shows whether a notice could not be handled."
	}
	return oneLine(words.Said), strings.TrimSpace(words.Next + " " + look)
}

type foundLicenceJSON struct {
	Licence    portal.Stream        `json:"licence"`
	Purchase   events.Purchase      `json:"purchase"`
	Status     events.LicenceStatus `json:"status,omitempty"`
	StatusAt   *time.Time           `json:"status_at,omitempty"`
	Words      string               `json:"words"`
	Next       string               `json:"next"`
	Offer      string               `json:"offer,omitempty"`
	Dimensions []string             `json:"dimensions,omitempty"`
	Until      *time.Time           `json:"until,omitempty"`
	Account    portal.AccountID     `json:"account,omitempty"`
	Plan       portal.PlanID        `json:"plan,omitempty"`
	ClaimedAt  *time.Time           `json:"claimed_at,omitempty"`
	Access     bool                 `json:"access"`
	Facts      []licenceFactJSON    `json:"facts"`
}

type licenceFactJSON struct {
	Sequence  int64              `json:"sequence"`
	At        *time.Time         `json:"at"`
	Type      string             `json:"type"`
	Words     string             `json:"words"`
	Operation portal.OperationID `json:"operation,omitempty"`
	Data      events.Payload     `json:"data"`
}

func foundLicenceJSONOf(l app.FoundLicence) foundLicenceJSON {
	said, next := inWords(l.Licence)
	out := foundLicenceJSON{
		Licence: l.Stream, Purchase: l.Purchase, Status: l.Status, StatusAt: instant(l.StatusAt), Words: said, Next: next, Offer: l.Offer,
		Dimensions: l.Dimensions, Until: instant(l.Until), Account: l.Claim.Account, Plan: l.Claim.Plan, ClaimedAt: instant(l.Claim.At),
		Access: l.HasAccess, Facts: []licenceFactJSON{},
	}
	for _, fact := range l.Facts {
		out.Facts = append(out.Facts, licenceFactJSON{
			Sequence: fact.Sequence, At: instant(fact.Time), Type: events.Name(fact.Type()), Words: administration.Recount(fact, moment), Operation: fact.Operation, Data: fact.Data,
		})
	}
	return out
}
