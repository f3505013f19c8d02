package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Correction is a correction of the names that AWS Marketplace has for a licence.
type Correction struct {
	Licence       portal.Stream
	Before, After events.Purchase
}

// Changes reports whether the correction changes anything.
func (c Correction) Changes() bool { return c.Before != c.After }

// Correction checks a correction of a licence: what is set in names replaces what the licence has. It changes
// nothing. An error of code Invalid or Conflict says what to change.
func (d *Desk) Correction(ctx context.Context, name string, names events.Purchase) (Correction, error) {
	found, err := d.Licence(ctx, name)
	if err != nil {
		return Correction{}, err
	}
	c := Correction{Licence: found.Stream, Before: found.Purchase, After: names.Or(found.Purchase)}
	if err := checkNames(found.Stream, names); err != nil || names.ARN == "" || !c.Changes() {
		return c, err
	}
	id, err := marketplace.LicenceID(names.ARN)
	if err != nil {
		return c, portal.Fail(portal.Invalid, "The ARN "+err.Error()+".")
	}
	if other := portal.LicenceStream(id); other != found.Stream {
		owner, err := d.Licence(ctx, string(other))
		switch {
		case portal.CodeOf(err) == portal.NotFound:
		case err != nil:
			return c, err
		case owner.Claimed():
			return c, portal.Fail(portal.Conflict, fmt.Sprintf("%s is a licence of its own, which account %s has claimed. Its usage is metered already, and AWS bills an hour of a licence once.", other, owner.Claim.Account))
		}
	}
	return c, nil
}

// checkNames checks names that an operator has typed.
func checkNames(licence portal.Stream, names events.Purchase) error {
	switch {
	case names == events.Purchase{}:
		return portal.Fail(portal.Invalid, "Nothing is to be corrected. Give the ARN, the product code, the buyer or the customer identifier.")
	case licence.Kind() == portal.KindLegacy && (names.ARN != "" || names.Buyer != ""):
		return portal.Fail(portal.Invalid, "AWS bills this licence of an older listing by its customer identifier and product code. Correct those.")
	case licence.Kind() == portal.KindLicence && names.Customer != "":
		return portal.Fail(portal.Invalid, "AWS bills this licence by its ARN and the buyer's AWS account. Correct those.")
	case names.ARN != "" && !strings.HasPrefix(names.ARN, "arn:"):
		return portal.Fail(portal.Invalid, "The ARN does not begin with arn:.")
	case names.Buyer != "" && !isAccountID(string(names.Buyer)):
		return portal.Fail(portal.Invalid, "The buyer is not an AWS account: it must have 12 digits.")
	}
	for what, text := range map[string]string{"product code": string(names.Product), "customer identifier": names.Customer} {
		if err := marketplace.CheckName(text); text != "" && err != nil {
			return portal.Fail(portal.Invalid, "The "+what+" "+err.Error()+".")
		}
	}
	return nil
}

func isAccountID(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789") == ""
}

// correctionTime is how long CorrectLicence waits for a worker.
const correctionTime = time.Minute

// CorrectLicence has a worker correct a licence, and waits until it has.
func CorrectLicence(ctx context.Context, p Process, c Correction, names events.Purchase) error {
	desk, err := OpenDesk(p)
	if err != nil {
		return err
	}
	at := p.now()()
	request := correctionOf(c.Licence, names, at, portal.Operator)
	if err := auditOperator(ctx, desk.clients, desk.names, p.now(), members.AuditEntry{What: members.AuditLicenceCorrected, Choice: string(c.Licence)}); err != nil {
		return err
	}
	sender := newMessaging(desk.clients, desk.names)
	if err := errors.Join(sender.Send(ctx, request), sender.close()); err != nil {
		return explained("asking for the correction", err)
	}
	within, cancel := context.WithTimeoutCause(ctx, correctionTime, errors.New("no worker has made the correction within a minute: is one running? `gatehouse marketplace show LICENCE` says once it is made"))
	defer cancel()
	waiting := jobWait{what: "correction", now: p.now()}
	return waiting.until(within, func(ctx context.Context) (bool, error) {
		found, err := desk.Licence(ctx, string(c.Licence))
		return err == nil && found.Purchase == c.After, err
	})
}

// correctionOf returns the request that corrects a licence.
func correctionOf(licence portal.Stream, names events.Purchase, at time.Time, by portal.Actor) events.Event {
	request := events.Event{
		ID: portal.DeriveID("licence-corrected", string(licence), at.Format(time.RFC3339Nano)), Source: "/gatehouse/cli", Subject: licence, Time: at,
		Actor: by, Data: events.LicenceCorrectionRequested{Purchase: names},
	}
	if by != portal.Operator {
		request.Source = "/gatehouse/api"
	}
	request.Correlation = request.ID
	return request
}

// GrantedLicence is a licence that an agreement of AWS Marketplace grants.
type GrantedLicence struct {
	Agreement string
	ARN       string
	// Status is AWS's: PROVISIONED, SCHEDULED, PENDING, FAILED or DEPROVISIONED.
	Status string
}

// GrantedLicences asks AWS which licences the agreement of this licence grants, and those that renew it or that it
// renews.
func GrantedLicences(ctx context.Context, p Process, bought events.Purchase) (granted []GrantedLicence, err error) {
	from := newSeller(p)
	agreements := map[string]bool{}
	if bought.Agreement != "" {
		agreements[bought.Agreement] = true
		err = from.Chain(ctx, bought.Agreement, func(a seller.Agreement) error {
			agreements[a.ID] = true
			return nil
		})
	}
	if err == nil && bought.ARN != "" {
		err = from.Granting(ctx, bought.ARN, func(a seller.Agreement) error {
			agreements[a.ID] = true
			return nil
		})
	}
	if err != nil {
		return nil, explained("asking AWS Marketplace for agreements", err)
	}
	for id := range agreements {
		entitlements, err := from.Entitlements(ctx, id)
		if err != nil {
			return nil, explained("asking AWS Marketplace what an agreement grants", err)
		}
		for _, e := range entitlements {
			if e.Licence != "" {
				granted = append(granted, GrantedLicence{id, e.Licence, e.Status})
			}
		}
	}
	return granted, nil
}
