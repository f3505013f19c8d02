package web

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type dashboardPage struct {
	Person       string
	Unregistered *registration
	Standing     *standingNote
	Purchases    []purchaseLine
	Waiting      *waitingPurchase
	Bought       boughtList
	Needs        []noticeLine
	Told         bool
	// Blocked waits for the operator, UnderWay is in progress, and Unmet was refused or
	// failed.
	Blocked, UnderWay, Unmet []attention
	Subscriptions, Past      []subscriptionLine
	Keys                     []keyLine
	Activity                 []activityLine
	More                     bool
	// Bare says that there are no subscriptions, past ones included, and that a purchase of the page says what
	// comes next.
	Bare bool
	// Announce is what is in progress, "" if that is nothing.
	Announce string
	Open     bool
	Version  string
}

type attention struct {
	Badge       badge
	Title, Text string
	Follow      portal.OperationID
}

type subscriptionLine struct {
	heldPlan
	// Both are "" if the plan is no longer offered.
	ProductID, Product string
	// Named says that the plan's name contains the product's.
	Named  bool
	Limits []limit
	// Used is set for an active subscription.
	Used []usedLine
	Call firstCall
	// Payer is the purchase on AWS Marketplace that pays for it, "" if none does.
	Payer string
}

type keyLine struct {
	ID     portal.KeyID
	Name   string
	Ring   portal.Ring
	Badge  badge
	Active bool
	// Over says that it has ended or is ending. Replaced says that another key has replaced it and
	// it still works.
	Over, Replaced, Rotatable bool
	// Hint says why it cannot be revealed or is not in use, or that it should be rotated.
	Hint           string
	Created, Shown moment
	// Ends says when and why it ends or ended. EndsAt is the time for a form, "" if none.
	Ends   phrase
	EndsAt string
	Plans  string
}

func (s *Web) dashboard(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body, err := s.dashboardPage(r, id)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, view{page: "dashboard", Title: "Dashboard", Section: "dashboard", Refresh: body.Open, Body: body})
	return nil
}

func (s *Web) dashboardFragment(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body, err := s.dashboardPage(r, id)
	if err != nil {
		return err
	}
	s.execute(w, r, http.StatusOK, "dashboard", "account", body)
	return nil
}

// dashboardRows is what a dashboard reads, each from rows of the account alone.
type dashboardRows struct {
	account  projections.Account
	shelf    *library.Shelf
	recent   requests
	activity activityPage
	revealed map[portal.KeyID]time.Time
	notices  []notices.Notice
	waiting  []purchaseLine
}

// readDashboard reads all rows at the same time: the slowest read sets the pace, and not their sum.
func (s *Web) readDashboard(r *http.Request, account portal.AccountID) (rows dashboardRows, err error) {
	group, ctx := errgroup.WithContext(r.Context())
	for _, read := range []func() error{
		func() (err error) { rows.account, err = s.views.Account(ctx, account); return err },
		func() (err error) { rows.shelf, err = s.shelf(r); return err },
		func() (err error) { rows.recent, err = s.requests(ctx, account); return err },
		func() (err error) { rows.activity, err = s.activityAfter(ctx, account, ""); return err },
		func() (err error) { rows.revealed, err = s.views.LastReveals(ctx, account); return err },
		func() (err error) { rows.notices, err = s.allNotices(ctx, account); return err },
		func() (err error) { rows.waiting, err = s.unconfirmed(r, account); return err },
	} {
		group.Go(portal.Guard(read))
	}
	err = group.Wait()
	return rows, err
}

func (s *Web) dashboardPage(r *http.Request, id identity.Identity) (dashboardPage, error) {
	read, err := s.readDashboard(r, id.Account)
	if err != nil {
		return dashboardPage{}, err
	}
	account, shelf, recent, activity, waiting := read.account, read.shelf, read.recent, read.activity, read.waiting
	note := s.standingNote(account.Profile)
	needs, told := s.needs(r.Context(), read.notices, note != nil)
	when := s.times(r.Context())
	page := dashboardPage{
		Person: displayName(id), Keys: liveLines(account, when.keyLines(account, read.revealed)), Needs: needs, Told: s.notices != nil,
	}
	page.Purchases, page.Standing, page.Waiting = waiting, note, waitingOf(waiting, account.Licences)
	page.Activity, page.More = activity.newest()
	if account.Profile.Status == projections.StatusNone {
		progress, err := s.registration(r.Context(), id, recent)
		if err != nil {
			return dashboardPage{}, err
		}
		page.Unregistered, page.Open = &progress, progress.Open()
	}
	all := offersIn(shelf.Products)
	page.addKeys(account)
	report := s.currentUsage(r.Context(), id.Account, account)
	var used []usedLine
	held := map[portal.Stream]*subscriptionLine{}
	for _, sub := range account.Subscriptions {
		line := s.subscriptionLine(r.Context(), when, shelf, sub, all, account, recent)
		if sub.State == projections.SubscriptionActive {
			line.Used = when.usedLines(report, account, sub, all[sub.Plan].Plan)
			used = append(used, line.Used...)
		}
		if licence, ok := payingLicence(account, sub); ok {
			if before := held[licence.Stream]; before == nil || pays(licence, sub) > pays(licence, before.Subscription) {
				held[licence.Stream] = &line
			}
			continue
		}
		page.add(line)
	}
	page.addBought(s.withMetered(r.Context(), when, s.bought(when, account, held, all, about(needs))))
	for _, operation := range recent.newest() {
		stand := s.standingOf(operation, subscriptionTo(account, operation.Plan))
		stand.Unmet = stand.Unmet && !told[operation.ID]
		if claims(account, operation.ID) {
			continue // the purchase says what it waits for, or why it failed
		}
		page.addRequest(stand, all, s.planName(operation.Plan, all, account))
	}
	page.Bare = len(page.Subscriptions)+len(page.Past) == 0 && (page.Waiting != nil || page.Bought.Change.Text != "")
	if page.Announce == "" && len(page.UnderWay) > 0 {
		page.Announce = page.UnderWay[0].Title
	}
	page.Version = versionOf(account, shelf.Hash, recent, activity.version, ids(needs), texts(used), waiting)
	return page, nil
}

func (s *Web) subscriptionLine(ctx context.Context, when times, shelf *library.Shelf, sub projections.Subscription, all offers, account projections.Account, recent requests) subscriptionLine {
	line := subscriptionLine{heldPlan: when.heldPlan(sub, all, recent), Payer: payer(account, sub.Ring)}
	if offer, ok := all[sub.Plan]; ok {
		line.ProductID, line.Product = offer.Product.ID, offer.Product.Name
		line.Named = names(line.Name, line.Product)
		line.Limits = limitsOf(offer.Plan)
		if sub.State == projections.SubscriptionActive && works(account, sub) {
			line.Call = s.firstCall(ctx, shelf, offer.Product, placeholderKey)
		}
	}
	return line
}

// payingLicence returns the purchase that pays for the subscription. The views may not have it yet.
func payingLicence(account projections.Account, sub projections.Subscription) (projections.Licence, bool) {
	stream, ok := sub.Ring.Licence()
	i := slices.IndexFunc(account.Licences, func(l projections.Licence) bool { return ok && l.Stream == stream })
	if i < 0 {
		return projections.Licence{}, false
	}
	return account.Licences[i], true
}

// pays ranks the subscriptions of a purchase, which may have been for several plans: the one to the plan that it
// is for now comes first, then one that has not ended.
func pays(l projections.Licence, sub projections.Subscription) int {
	switch {
	case sub.Plan == l.Plan:
		return 2
	case sub.State != projections.SubscriptionEnded:
		return 1
	}
	return 0
}

func (p *dashboardPage) addBought(list boughtList) {
	p.Bought = list
	for _, line := range list.Cards {
		if line.Busy {
			p.Open = true
			p.Announce = cmp.Or(p.Announce, planOf(line.Name, line.Product)+" is being set up")
		}
	}
}

// claims reports whether the operation claims a purchase that waits or did not become active.
func claims(account projections.Account, operation portal.OperationID) bool {
	return slices.ContainsFunc(account.Licences, func(l projections.Licence) bool { return l.Operation == operation })
}

// add adds a subscription, and an attention while it is pending or ending.
func (p *dashboardPage) add(line subscriptionLine) {
	if line.State == projections.SubscriptionEnded {
		p.Past = append(p.Past, line)
		return
	}
	p.Subscriptions = append(p.Subscriptions, line)
	if line.State == projections.SubscriptionActive {
		return
	}
	p.Open = p.Open || !line.Withdrawable // an approval may take days
	note := attention{Badge: line.Badge, Follow: line.Follow}
	name := planOf(line.Name, line.Product)
	switch {
	case line.Withdrawable:
		note.Title, note.Text = name+" is waiting for approval", line.Waiting
	case line.Waiting != "":
		note.Title, note.Text = name+" is waiting", line.Waiting
	case line.State == projections.SubscriptionEnding:
		note.Title, note.Text = "You are leaving "+name, "Your key is being removed from the plan. There is nothing you need to do."
	case line.Other != "":
		note.Title, note.Text = "You are changing to "+name, "Your keys are moving from "+line.Other+". There is nothing you need to do."
	default:
		note.Title, note.Text = name+" is being set up", "Your key is being added to the plan. There is nothing you need to do."
	}
	p.UnderWay = append(p.UnderWay, note)
}

// addRequest adds a request that no subscription shows. Registration has its own notice.
func (p *dashboardPage) addRequest(stand standing, all offers, plan string) {
	if stand.Type == typeRegister {
		return
	}
	plan = planOf(plan, all[stand.Plan].Product.Name)
	note := attention{Badge: statusBadge(stand.Operation), Title: operationTitle(stand.Operation, plan), Follow: stand.ID}
	switch {
	case stand.Open:
		note.Text, p.Open = underway(stand), true
		p.UnderWay = append(p.UnderWay, note)
	case stand.Unmet:
		note.Text = unmet(stand)
		p.Unmet = append(p.Unmet, note)
	}
}

func (p *dashboardPage) addKeys(account projections.Account) {
	for _, key := range account.Keys {
		if key.State == projections.KeyDisabled && uses(account, key) {
			p.Blocked = append(p.Blocked, attention{
				Badge: badge{"bad", "cross", "Disabled"}, Title: key.Name + " is disabled", Text: disabledText,
			})
		}
	}
}

func uses(account projections.Account, key projections.Key) bool {
	for _, sub := range account.Subscriptions {
		if sub.Ring == key.Ring && sub.State != projections.SubscriptionEnded {
			return true
		}
	}
	return false
}

func ids(lines []noticeLine) (list []string) {
	for _, line := range lines {
		list = append(list, line.ID)
	}
	return list
}

func texts(lines []usedLine) (list []string) {
	for _, line := range lines {
		list = append(list, line.Text, line.AsOf.Machine)
	}
	return list
}

func versionOf(content ...any) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%+v", content)
	return fmt.Sprintf("%x", h.Sum64())
}

// liveLines leaves out the keys that have ended. Keys that are in use come first.
func liveLines(account projections.Account, lines []keyLine) []keyLine {
	lines = slices.DeleteFunc(lines, func(line keyLine) bool { return line.Over })
	unused := func(line keyLine) int {
		if uses(account, projections.Key{Ring: line.Ring}) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(lines, func(a, b keyLine) int { return cmp.Compare(unused(a), unused(b)) })
	return lines
}
