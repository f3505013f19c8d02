package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type marketplaceCommand struct {
	Licences  marketplaceLicencesCommand  `cmd:"" help:"List the licences that AWS Marketplace has told of, or that accounts have claimed."`
	Show      marketplaceShowCommand      `cmd:"" help:"Show a licence: what AWS Marketplace said, who claimed it, and what to do next."`
	Notices   marketplaceNoticesCommand   `cmd:"" help:"List the newest notices of AWS Marketplace that name no licence, also those that this version cannot read."`
	Redeliver marketplaceRedeliverCommand `cmd:"" help:"Send notices to the portal's queue that AWS could not deliver to it."`
	Setup     marketplaceSetupCommand     `cmd:"" help:"Give the usage plans that API Gateway meters their product codes, and say what to enter at AWS Marketplace."`
	Subscribe marketplaceSubscribeCommand `cmd:"" help:"Have the notices about a listing sent to the portal's queue, and say which settings that needs."`
	Doctor    marketplaceDoctorCommand    `cmd:"" help:"Check all that selling plans on AWS Marketplace needs, or send a test notice."`
	Ledger    marketplaceLedgerCommand    `cmd:"" help:"Show what was metered to AWS Marketplace, and what AWS answered."`
	Reconcile marketplaceReconcileCommand `cmd:"" help:"Compare the agreements of AWS Marketplace with the licences, and what was used with what AWS bills."`
	Correct   marketplaceCorrectCommand   `cmd:"" help:"Correct how AWS names a licence, so that its usage is billed."`
	Resend    marketplaceResendCommand    `cmd:"" help:"Bill usage that AWS refused, as far as AWS still takes it."`
	Simulate  marketplaceSimulateCommand  `cmd:"" help:"Play buyers and payments on the local AWS Marketplace of gatehouse local."`
}

type marketplaceLicencesCommand struct {
	output
	listLimit
	State string `default:"" help:"Only licences in that state, such as active, unclaimed or failed." placeholder:"STATE"`
}

func (c marketplaceLicencesCommand) Run(ctx context.Context) error {
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	if err := administration.CheckLicenceState(c.State); err != nil {
		return err
	}
	licences, err := desk.Licences(ctx)
	if err != nil {
		return err
	}
	licences = slices.DeleteFunc(licences, func(l projections.Licence) bool { return c.State != "" && administration.LicenceState(l) != c.State })
	more := len(licences) > c.Limit
	licences = licences[:min(len(licences), c.Limit)]
	list := make([]licenceJSON, 0, len(licences))
	for _, l := range licences {
		list = append(list, licenceJSONOf(l))
	}
	return c.print(os.Stdout, map[string]any{"licences": list, "more": more}, func(w io.Writer) {
		printLicences(w, licences)
		printMore(w, more)
	})
}

// printLicences uses four lines for each licence, since its ids alone fill a line.
func printLicences(w io.Writer, licences []projections.Licence) {
	for _, l := range licences {
		fmt.Fprintf(w, "%s\n", oneLine(string(l.Stream)))
		fmt.Fprintf(w, "  %-41s product %s\n", listedState(l), oneLine(string(l.Product)))
		fmt.Fprintf(w, "  %-41s plan    %s\n", "account "+oneLine(string(l.Account)), oneLine(string(l.Plan)))
		fmt.Fprintf(w, "  buyer   %s\n\n", oneLine(buyerOf(l.Buyer, l.Customer)))
	}
	fmt.Fprintf(w, "%s.\n", count(len(licences), "licence"))
}

// listedState is the state of a licence and since when it has it.
func listedState(l projections.Licence) string {
	state, since := l.State+" since ", l.Since
	switch {
	case l.NotBegun:
		state = "did not begin, "
	case l.Awaited():
		state, since = projections.LicenceWaiting+" since ", l.ClaimedAt
	}
	if at := moment(since); at != "" {
		return state + at
	}
	return strings.TrimRight(strings.TrimSuffix(state, " since "), ", ")
}

func buyerOf(buyer portal.AWSAccount, customer string) string {
	if buyer != "" {
		return string(buyer)
	}
	return customer
}

type licenceJSON struct {
	Licence    portal.Stream      `json:"licence"`
	Product    portal.ProductCode `json:"product"`
	Buyer      portal.AWSAccount  `json:"buyer,omitempty"`
	Customer   string             `json:"customer,omitempty"`
	State      string             `json:"state"`
	NotBegun   bool               `json:"not_begun,omitempty"`
	Again      bool               `json:"again,omitempty"`
	Since      *time.Time         `json:"since,omitempty"`
	Account    portal.AccountID   `json:"account,omitempty"`
	Plan       portal.PlanID      `json:"plan,omitempty"`
	Name       string             `json:"name,omitempty"`
	ClaimedAt  *time.Time         `json:"claimed_at,omitempty"`
	Operation  portal.OperationID `json:"operation,omitempty"`
	Agreement  string             `json:"agreement,omitempty"`
	Dimensions []string           `json:"dimensions,omitempty"`
	Unsold     bool               `json:"unsold,omitempty"`
	FreeTrial  bool               `json:"free_trial,omitempty"`
	Until      *time.Time         `json:"until,omitempty"`
	Renews     portal.Stream      `json:"renews,omitempty"`
}

func licenceJSONOf(l projections.Licence) licenceJSON {
	return licenceJSON{
		Licence: l.Stream, Product: l.Product, Buyer: l.Buyer, Customer: l.Customer, State: l.State, NotBegun: l.NotBegun, Again: l.Again, Since: instant(l.Since), Account: l.Account,
		Plan: l.Plan, Name: l.Name, ClaimedAt: instant(l.ClaimedAt), Operation: l.Operation, Agreement: l.Agreement, Dimensions: l.Dimensions, Unsold: l.Unsold,
		FreeTrial: l.FreeTrial, Until: instant(l.Until), Renews: l.Renews,
	}
}
