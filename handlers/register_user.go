package handlers

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Registration decides on RegisterUser. It opens the account or, with approval, asks an admin to
// approve it. An open account yields RequestUnchanged, and one that waits for approval
// RequestJoined, so signing in from two browsers at once opens nothing twice. An account that
// waits although approval is no longer needed is opened. A person whose registration was denied
// may ask again. An admin needs no approval, since the first one has nobody to ask.
func Registration(approval bool) Decide[events.RegisterUser] {
	return func(account state.Account, req events.RegisterUser, _ string) []events.Fact {
		decides, now := events.Decides{Scopes: req.Scopes()}, account.Standing
		switch {
		case now.Leaving():
			return rejectAs(decides, portal.AccountDeleting())
		case account.Registered:
			return []events.Fact{events.RequestUnchanged{Decides: decides}}
		case !approval || req.Admin:
			return []events.Fact{events.UserRegistered{Decides: decides, Link: events.Link{Wish: now.Asked}}}
		case now.Asked != 0:
			return []events.Fact{events.RequestJoined{Decides: decides, Link: events.Link{Wish: now.Asked}}}
		}
		return []events.Fact{events.RegistrationPending{Decides: decides}}
	}
}

// RegistrationReview decides on RegistrationReviewRequested, an admin's answer to a registration
// that waits. The same answer again yields RequestUnchanged; another one is rejected.
func RegistrationReview(account state.Account, req events.RegistrationReviewRequested, _ string) []events.Fact {
	decides, now := events.Decides{Scopes: req.Scopes()}, account.Standing
	link, message := events.Link{Wish: now.Asked}, strings.TrimSpace(req.Message)
	switch {
	case now.Leaving():
		return reject(decides, portal.Deleting, "The account is being deleted. There is nothing to answer.")
	case account.Registered && req.Approved:
		return []events.Fact{events.RequestUnchanged{Decides: decides}}
	case account.Registered:
		return reject(decides, portal.Conflict, "The account is registered already. Suspend or delete it instead.")
	case now.Asked == 0:
		return reject(decides, portal.Conflict, "The account does not wait for an answer.")
	case req.Approved:
		return []events.Fact{events.UserRegistered{Decides: decides, Link: link}}
	case message == "":
		return reject(decides, portal.Invalid, "Say why you deny the registration. The person reads the message.")
	}
	return []events.Fact{events.RegistrationDenied{Decides: decides, Link: link, Message: message}}
}
