package web

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/marketplace/arrival"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type receiving interface {
	Receive(ctx context.Context, target, token string, freeTrial bool) (arrival.Claim, error)
}

type claiming interface {
	Keep(ctx context.Context, claim arrival.Claim) (secret string, err error)
	Find(ctx context.Context, secret string) (claim arrival.Claim, ok bool, err error)
	Confirmed(ctx context.Context, secret string, account portal.AccountID, operation portal.OperationID) error
}

type jar interface {
	SetCookie(w http.ResponseWriter, name, suffix, value string, ttl time.Duration)
	Cookies(r *http.Request, name string) map[string]string
}

type confirming interface {
	ConfirmPurchase(ctx context.Context, caller operations.Caller, claim arrival.Claim) (operations.Operation, error)
}

type owning interface {
	Licence(ctx context.Context, stream portal.Stream) (licence projections.Licence, found bool, err error)
}

// Marketplace is what the pages for buyers from AWS Marketplace need.
type Marketplace struct {
	Desk    receiving
	Claims  claiming
	Cookies jar
	Confirm confirming
	// Licences says which account has claimed a licence. Nil means that this is not known.
	Licences owning
	// Ledger says what AWS bills. Nil means that this is not known.
	Ledger summarizing
	// Simulator is the page of a local AWS Marketplace at which people buy, pay and cancel, "" for AWS's own.
	Simulator string
	// Limit limits how many buyers arrive from one address.
	Limit func(http.Handler) http.Handler
}

const (
	// ArrivalPath begins the paths to which AWS Marketplace sends buyers, with a plan or product
	// as one more segment. Only there do other sites post forms.
	ArrivalPath = "/marketplace-confirm/"
	// PurchasesPath is the page of the purchases that a browser may confirm.
	PurchasesPath = "/marketplace"

	purchaseCookie = "gatehouse_purchase"
	// suffixLength is how much of a claim's id names its cookie.
	suffixLength = 8
	// maxPurchases bounds how many cookies of a browser are looked up.
	maxPurchases = 20
)

// WithMarketplace adds the pages for buyers from AWS Marketplace. Call it before Routes.
func (s *Web) WithMarketplace(market Marketplace) *Web {
	s.market = market
	return s
}

type ownPurchase struct {
	arrival.Claim
	Suffix, secret string
}

// purchases are what the browser may confirm, newest first.
func (s *Web) purchases(r *http.Request) ([]ownPurchase, error) {
	if s.market.Claims == nil {
		return nil, nil
	}
	secrets := s.market.Cookies.Cookies(r, purchaseCookie)
	var found []ownPurchase
	for i, suffix := range slices.Sorted(maps.Keys(secrets)) {
		if i == maxPurchases {
			break
		}
		claim, ok, err := s.market.Claims.Find(r.Context(), secrets[suffix])
		if err != nil {
			return nil, err
		}
		if ok && suffixOf(claim) == suffix {
			found = append(found, ownPurchase{claim, suffix, secrets[suffix]})
		}
	}
	slices.SortFunc(found, func(a, b ownPurchase) int { return cmp.Or(b.Expires.Compare(a.Expires), cmp.Compare(a.ID, b.ID)) })
	return found, nil
}

func suffixOf(claim arrival.Claim) string { return claim.ID[:min(suffixLength, len(claim.ID))] }

type purchasesPage struct {
	// Purchases are those that nobody has claimed, and those of the reader's account.
	Purchases []purchaseLine
	// Waiting is how many of them wait for a confirmation.
	Waiting int
	// Taken says that the browser has a purchase that another account uses.
	Taken          bool
	AWS            string
	SignIn, SignUp string
	SignedIn       bool
	Person         string
	// Simulated says that AWS is the page of a local AWS Marketplace.
	Simulated    bool
	Unregistered *registration
	Standing     *standingNote
}

type purchaseLine struct {
	ID, Name           string
	ProductID, Product string
	Linked             bool
	Buyer              string
	FreeTrial          bool
	Limits             []limit
	Gone               bool
	// Mine and Taken say that the reader's account, or another, already has the licence.
	Mine, Taken bool
	// Follow is the operation by which the reader's account confirms the purchase, or "".
	// Elsewhere says that another account confirmed it in this browser.
	Follow    portal.OperationID
	Elsewhere bool
	// Waits says that nobody has confirmed it, Confirmable that the reader can.
	Waits, Confirmable bool
}

func (s *Web) purchasesPage(w http.ResponseWriter, r *http.Request) error {
	id, signedIn := identity.From(r.Context())
	body := purchasesPage{AWS: s.market.subscriptionsURL(), SignIn: signIn(PurchasesPath), SignUp: signUp(PurchasesPath), SignedIn: signedIn, Person: displayName(id), Simulated: s.market.Simulator != ""}
	usable := signedIn
	if signedIn {
		mine, err := s.ofAccount(r.Context(), id.Account)
		if err != nil {
			return err
		}
		if body.Standing = standingOfAccount(mine.Profile); mine.Profile.Status == projections.StatusNone {
			progress := mine.recent.registration()
			body.Unregistered = &progress
			usable = progress.Underway
		}
		usable = usable && body.Standing == nil
	}
	found, err := s.purchases(r)
	if err != nil {
		return err
	}
	for _, one := range found {
		line, err := s.purchaseLine(r, one, id.Account)
		if err != nil {
			return err
		}
		line.Confirmable = line.Waits && usable
		body.add(line)
	}
	w.Header().Set("Cache-Control", "private, no-store")
	title := "Your purchase on AWS Marketplace"
	if len(body.Purchases) > 1 {
		title = "Your purchases on AWS Marketplace"
	}
	s.render(w, r, http.StatusOK, view{page: "marketplace", Title: title, Private: true, Body: body})
	return nil
}

// add leaves out what another account has, as more than one person may use the browser.
func (p *purchasesPage) add(line purchaseLine) {
	switch {
	case line.Elsewhere:
		return
	case line.Taken:
		p.Taken = true
		return
	case line.Waits:
		p.Waiting++
	}
	p.Purchases = append(p.Purchases, line)
}

func (s *Web) purchaseLine(r *http.Request, one ownPurchase, account portal.AccountID) (purchaseLine, error) {
	line := purchaseLine{ID: one.Suffix, Buyer: accountOfAWS(one.Buyer), FreeTrial: one.FreeTrial}
	// The buyer may have bought a plan that only members of a group see.
	all, err := s.library.For(r.Context(), catalog.Viewer{Admin: true})
	if err != nil {
		return line, err
	}
	seen, err := s.shelf(r)
	if err != nil {
		return line, err
	}
	plan, product, ok := all.Plan(one.Plan)
	line.Gone = !ok || plan.Listing == nil || plan.Listing.Product != one.Purchase.Product
	if !line.Gone {
		_, _, line.Linked = seen.Plan(one.Plan)
		line.Name, line.Product, line.ProductID, line.Limits = nameOfPurchase(plan.Name, product.Name), product.Name, product.ID, limitsOf(plan)
	}
	if one.Operation != "" && one.Account == account {
		line.Follow = one.Operation
	}
	line.Elsewhere = one.Operation != "" && one.Account != account
	if s.market.Licences != nil {
		licence, _, err := s.market.Licences.Licence(r.Context(), one.Licence)
		if err != nil {
			return line, err
		}
		owner := licence.Account
		line.Mine, line.Taken = owner != "" && owner == account, owner != "" && owner != account
	}
	line.Waits = !line.Gone && !line.Mine && !line.Taken && !line.Elsewhere && line.Follow == ""
	return line, nil
}

func nameOfPurchase(plan, product string) string {
	if names(plan, product) {
		return plan
	}
	return product + " " + plan
}

// accountOfAWS writes the twelve digits of an AWS account in groups of four.
func accountOfAWS(account portal.AWSAccount) string {
	if len(account) != 12 {
		return string(account)
	}
	return string(account[:4] + "-" + account[4:8] + "-" + account[8:])
}

func (s *Web) confirmPurchase(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	caller, err := s.readForm(w, r, id)
	if err != nil {
		return err
	}
	found, err := s.purchases(r)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(found, func(one ownPurchase) bool { return one.Suffix == r.PostForm.Get("purchase") })
	if i < 0 {
		s.showArrival(w, r, nothingToConfirm)
		return nil
	}
	operation, err := s.market.Confirm.ConfirmPurchase(r.Context(), caller, found[i].Claim)
	switch portal.CodeOf(err) {
	case "":
	case portal.NotFound:
		s.showArrival(w, r, nothingToConfirm)
		return nil
	case portal.NotRegistered:
		s.showArrival(w, r, arrivalFault{Status: s.status(err), Heading: "Your account is not open yet", Message: portal.MessageOf(err), Next: confirmLater})
		return nil
	case portal.Conflict:
		s.showArrival(w, r, arrivalFault{Status: s.status(err), Heading: "We cannot confirm your purchase", Message: portal.MessageOf(err), Next: tellOperator})
		return nil
	default:
		return err
	}
	if err := s.market.Claims.Confirmed(r.Context(), found[i].secret, id.Account, operation.ID); err != nil {
		zerolog.Ctx(r.Context()).Warn().Err(err).Str("operation_id", string(operation.ID)).Msg("could not note that a purchase is confirmed")
	}
	s.market.Cookies.SetCookie(w, purchaseCookie, found[i].Suffix, "", 0)
	return follow(w, r, operation, nil)
}

// unconfirmed are the purchases that the account can still confirm, for the dashboard.
func (s *Web) unconfirmed(r *http.Request, account portal.AccountID) ([]purchaseLine, error) {
	if view, ok := accountViewed(r.Context()); ok && view.Follows {
		return nil, nil // they are of the admin's browser
	}
	found, err := s.purchases(r)
	if err != nil {
		return nil, err
	}
	var lines []purchaseLine
	for _, one := range found {
		if one.Operation != "" {
			continue
		}
		line, err := s.purchaseLine(r, one, account)
		if err != nil {
			return nil, err
		}
		if line.Waits {
			lines = append(lines, line)
		}
	}
	return lines, nil
}
