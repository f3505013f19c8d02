package web

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// recent is how many lines of activity the dashboard shows.
const recent = 10

type dashboardPage struct {
	Person       string
	Unregistered bool
	Registered   moment
	Attention    []attention
	// Subscriptions are those that go on, Past those that have ended.
	Subscriptions, Past []subscriptionLine
	Keys                []keyLine
	Activity            []activityLine
	// Open says that something is under way, so that the page is worth asking for again.
	Open bool
	// Version changes with the content.
	Version string
}

// attention is something that is not as it is to be yet.
type attention struct {
	Badge       badge
	Title, Text string
	Follow      portal.OperationID
}

type subscriptionLine struct {
	held
	// Product is the product's id and name, empty if the plan is no longer offered.
	ProductID, Product string
	Limits             []limit
	Call               string
}

type keyLine struct {
	ID      portal.KeyID
	Name    string
	Badge   badge
	Active  bool
	Created moment
	Shown   moment
}

type activityLine struct {
	Text string
	At   moment
}

// dashboard shows an account to its owner.
func (s *Web) dashboard(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body, err := s.dashboardPage(r, id)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, view{page: "dashboard", Title: "Dashboard", Section: "dashboard", Refresh: body.Open, Body: body})
	return nil
}

// dashboardFragment is the part of the page that changes, for the script.
func (s *Web) dashboardFragment(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body, err := s.dashboardPage(r, id)
	if err != nil {
		return err
	}
	s.execute(w, r, http.StatusOK, "dashboard", "account", body)
	return nil
}

func (s *Web) dashboardPage(r *http.Request, id identity.Identity) (dashboardPage, error) {
	account, err := s.views.Account(r.Context(), id.Account)
	if err != nil {
		return dashboardPage{}, err
	}
	published, err := s.views.Catalog(r.Context())
	if err != nil {
		return dashboardPage{}, err
	}
	activity, err := s.views.Activity(r.Context(), id.Account, "", recent)
	if err != nil {
		return dashboardPage{}, err
	}
	revealed, err := s.views.LastReveals(r.Context(), id.Account)
	if err != nil {
		return dashboardPage{}, err
	}
	page := dashboardPage{
		Person: displayName(id), Unregistered: account.Profile.Status == projections.StatusNone,
		Registered: s.moment(account.Profile.RegisteredAt), Keys: s.keyLines(account.Keys, revealed),
		Version: versionOf(account, published.Hash, activity),
	}
	all := offersIn(published.Products)
	for _, sub := range account.Subscriptions {
		page.add(s.subscriptionLine(sub, all))
	}
	for _, line := range activity.Lines {
		page.Activity = append(page.Activity, activityLine{Text: line.Text, At: s.moment(line.At)})
	}
	return page, nil
}

func (s *Web) subscriptionLine(sub projections.Subscription, all offers) subscriptionLine {
	line := subscriptionLine{held: s.held(sub)}
	if offer, ok := all[sub.Plan]; ok {
		line.ProductID, line.Product = offer.Product.ID, offer.Product.Name
		line.Limits = limitsOf(offer.Plan)
		if sub.State == projections.SubscriptionActive {
			line.Call = firstCall(endpoint(offer.Product))
		}
	}
	return line
}

// add sorts a subscription in, and notes it as wanting attention while it is not what
// it is to be.
func (p *dashboardPage) add(line subscriptionLine) {
	if line.State == projections.SubscriptionEnded {
		p.Past = append(p.Past, line)
		return
	}
	p.Subscriptions = append(p.Subscriptions, line)
	if line.State == projections.SubscriptionActive {
		return
	}
	p.Open = true
	note := attention{Badge: line.Badge, Follow: line.Follow}
	name := line.Name
	if line.Product != "" {
		name += " of " + line.Product
	}
	switch {
	case line.Waiting != "":
		note.Title, note.Text = name+" is waiting", line.Waiting
	case line.State == projections.SubscriptionEnding:
		note.Title, note.Text = "You are leaving "+name, "Your key is being taken out of the plan. There is nothing you need to do."
	default:
		note.Title, note.Text = name+" is being set up", "Your key is being added to the plan. There is nothing you need to do."
	}
	p.Attention = append(p.Attention, note)
}

func (s *Web) keyLines(keys []projections.Key, revealed map[portal.KeyID]time.Time) []keyLine {
	lines := make([]keyLine, 0, len(keys))
	for _, key := range keys {
		line := keyLine{
			ID: key.ID, Name: key.Name, Badge: badge{"quiet", "minus", sentence(key.State)},
			Created: s.moment(key.CreatedAt), Shown: s.moment(revealed[key.ID]),
		}
		switch key.State {
		case projections.KeyActive:
			line.Active, line.Badge = true, badge{"ok", "check", "Active"}
		case projections.KeyPending:
			line.Badge = badge{"busy", "clock", "Being created"}
		case projections.KeyDisabled:
			line.Badge = badge{"warn", "pause", "Disabled by the operator"}
		case projections.KeyReleased:
			line.Badge = badge{"quiet", "minus", "Put away until you subscribe again"}
		}
		lines = append(lines, line)
	}
	return lines
}

// versionOf is the same for the same content.
func versionOf(content ...any) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%+v", content)
	return fmt.Sprintf("%x", h.Sum64())
}
