package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const disabledText = "The operator of this portal has disabled the key, so API Gateway refuses calls with it. Ask them to enable it."

func (when times) keyLines(account projections.Account, revealed map[portal.KeyID]time.Time) []keyLine {
	lines, labels := make([]keyLine, 0, len(account.Keys)), portal.KeyLabels(account.NamedKeys())
	for _, key := range account.Keys {
		line := when.keyLine(account, key, revealed[key.ID])
		line.Name = cmp.Or(labels[key.ID], line.Name)
		lines = append(lines, line)
	}
	return lines
}

func (when times) keyLine(account projections.Account, key projections.Key, revealed time.Time) keyLine {
	line := keyLine{
		ID: key.ID, Name: key.Name, Ring: key.Ring, Badge: badge{"quiet", "minus", sentence(key.State)},
		Created: when.moment(key.CreatedAt), Shown: when.moment(revealed), Plans: plansOf(account, key), Rotatable: true,
	}
	switch key.State {
	case projections.KeyActive:
		line.Active, line.Badge = true, badge{"ok", "check", "Active"}
		if !uses(account, key) {
			line.Badge, line.Hint = badge{"quiet", "minus", "Not in use"}, unusedText(key)
		}
	case projections.KeyPending:
		line.Badge, line.Hint = badge{"busy", "clock", "Being created"}, "You can reveal it as soon as API Gateway has created it."
		switch {
		case key.Waiting != "" || waits(account, key):
			line.Badge = badge{"warn", "pause", "Waiting"}
		case !subscribes(account):
			line.Badge, line.Hint = badge{"quiet", "minus", "Not in use"}, "API Gateway gets it with your first subscription. Then you can reveal it."
		}
	case projections.KeyDisabled:
		line.Badge, line.Hint = badge{"bad", "cross", "Disabled by the operator"}, disabledText
	case projections.KeyReleased:
		line.Badge, line.Hint = badge{"quiet", "minus", "Released"}, "It was in no plan for a long time, so we removed it from API Gateway. Your next subscription restores it with the same value."
	case projections.KeyBlocked:
		line.Badge, line.Hint = badge{"bad", "pause", "Blocked"}, "API Gateway refuses this key, because your account is suspended."
	case projections.KeyEnding:
		line.Badge, line.Over = badge{"busy", "clock", "Ending"}, true
	case projections.KeyEnded:
		line.Badge, line.Over = badge{"quiet", "minus", "Ended"}, true
	}
	when.addEnd(&line, account, key)
	if key.Adopted && line.Active && line.Rotatable && line.Hint == "" {
		line.Hint = "It is from the earlier portal and works as before. Rotate it when it suits you."
	}
	return line
}

func subscribes(account projections.Account) bool {
	return slices.ContainsFunc(account.Subscriptions, func(sub projections.Subscription) bool { return sub.State != projections.SubscriptionEnded })
}

func (when times) addEnd(line *keyLine, account projections.Account, key projections.Key) {
	if key.Ends.IsZero() {
		return
	}
	if line.Over {
		line.Ends = phrase{plain("It ended on "), when.at(key.Ends), plain(endedFor[key.EndsFor] + ".")}
		return
	}
	line.EndsAt, line.Replaced = when.field(key.Ends), replaced(account, key)
	if line.Replaced {
		line.Rotatable = false
		line.Ends = phrase{plain("Another key has replaced it. It works until "), when.at(key.Ends), plain(", "), when.countdown(key.Ends), plain(".")}
		line.Badge = badge{"warn", "clock", "Replaced"}
		return
	}
	line.Ends = phrase{plain("It expires on "), when.at(key.Ends), plain(", "), when.countdown(key.Ends), plain(".")}
}

// endedFor continues a sentence with why a key ended.
var endedFor = map[string]string{
	string(events.EndRevoked): ": it was revoked", string(events.EndLeaked): ": its value leaked", string(events.EndRotated): ": another key has replaced it",
	string(events.EndExpired): ": it expired", string(events.EndAccountDeleted): " with the account", string(events.EndRefused): ": API Gateway did not accept it",
	string(events.EndLost): ": somebody deleted it in API Gateway",
}

func replaced(account projections.Account, key projections.Key) bool {
	return slices.ContainsFunc(account.Keys, func(by projections.Key) bool {
		return by.ID == key.ReplacedBy && by.State != projections.KeyEnding && by.State != projections.KeyEnded
	})
}

// plansOf names the plans of a key and the purchase that pays for it, if the account's plans have different
// keys.
func plansOf(account projections.Account, key projections.Key) string {
	var names []string
	rings := map[portal.Ring]bool{}
	for _, sub := range account.Subscriptions {
		if sub.State == projections.SubscriptionEnded {
			continue
		}
		rings[sub.Ring] = true
		if sub.Ring == key.Ring {
			names = append(names, sub.Name)
		}
	}
	if payer := payer(account, key.Ring); payer != "" {
		return strings.Join(append(names, payer), ", ")
	}
	if len(rings) < 2 {
		return ""
	}
	return strings.Join(names, ", ")
}

func waits(account projections.Account, key projections.Key) bool {
	return slices.ContainsFunc(account.Subscriptions, func(sub projections.Subscription) bool {
		return sub.Ring == key.Ring && sub.Waiting != ""
	})
}

func works(account projections.Account, sub projections.Subscription) bool {
	for _, key := range account.Keys {
		if key.Ring == sub.Ring && (key.State == projections.KeyActive || key.State == projections.KeyPending) {
			return true
		}
	}
	return false
}

type revealPage struct {
	Name     string
	Value    string
	Calls    []keyedCall
	NeedPath bool
}

type keyedCall struct{ Product, Text string }

// reveal shows a key's value in this response only: not in an address, a title or a cache.
// Reveal records the fact before it returns the value.
func (s *Web) reveal(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	key, err := param(r, "key")
	if err != nil {
		return err
	}
	caller, err := s.readForm(w, r, id)
	if err != nil {
		return err
	}
	account, err := s.views.Account(r.Context(), id.Account)
	if err != nil {
		return err
	}
	shelf, err := s.shelf(r)
	if err != nil {
		return err
	}
	body := revealPage{Name: "API key"}
	var ring portal.Ring
	for _, line := range s.times(r.Context()).keyLines(account, nil) {
		if line.ID == portal.KeyID(key) {
			body.Name, ring = line.Name, line.Ring
		}
	}
	if body.Value, err = s.operations.Reveal(r.Context(), caller, portal.KeyID(key)); err != nil {
		return err
	}
	all := offersIn(shelf.Products)
	called := map[string]bool{}
	for _, sub := range account.Subscriptions {
		product := all[sub.Plan].Product
		if sub.Ring != ring || sub.State != projections.SubscriptionActive || called[product.ID] {
			continue
		}
		called[product.ID] = true
		if call := s.firstCall(r.Context(), shelf, product, body.Value); call.Text != "" {
			body.Calls = append(body.Calls, keyedCall{product.Name, call.Text})
			body.NeedPath = body.NeedPath || call.Path
		}
	}
	s.render(w, r, http.StatusOK, view{page: "reveal", Title: "Your API key", Section: "dashboard", Hide: true, Body: body})
	return nil
}

func unusedText(key projections.Key) string {
	if _, paid := key.Ring.Licence(); paid {
		return "Its purchase on AWS Marketplace is not active, so this key works with no API."
	}
	return "You have no subscription, so this key works with no API yet. Subscribe to a plan to use it."
}
