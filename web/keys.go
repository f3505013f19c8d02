package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const disabledText = "The operator of this portal has disabled the key, so API Gateway refuses calls with it. Ask them to enable it."

func (s *Web) keyLines(account projections.Account, revealed map[portal.KeyID]time.Time) []keyLine {
	lines := make([]keyLine, 0, len(account.Keys))
	for _, key := range account.Keys {
		line := keyLine{
			ID: key.ID, Name: key.Name, Badge: badge{"quiet", "minus", sentence(key.State)},
			Created: s.moment(key.CreatedAt), Shown: s.moment(revealed[key.ID]),
		}
		switch key.State {
		case projections.KeyActive:
			line.Active, line.Badge = true, badge{"ok", "check", "Active"}
			if !uses(account, key) {
				line.Badge, line.Hint = badge{"quiet", "minus", "Not in use"}, "You have no subscription, so this key works with no API yet. Subscribe to a plan to use it."
			}
		case projections.KeyPending:
			line.Badge, line.Hint = badge{"busy", "clock", "Being created"}, "You can reveal it as soon as API Gateway has created it."
			if waits(account, key) {
				line.Badge = badge{"warn", "pause", "Waiting"}
			}
		case projections.KeyDisabled:
			line.Badge, line.Hint = badge{"bad", "cross", "Disabled by the operator"}, disabledText
		case projections.KeyReleased:
			line.Badge, line.Hint = badge{"quiet", "minus", "Released"}, "It was in no plan for a long time, so we removed it from API Gateway. Your next subscription restores it with the same value."
		}
		lines = append(lines, line)
	}
	return lines
}

// waits reports whether a subscription of the key waits.
func waits(account projections.Account, key projections.Key) bool {
	return slices.ContainsFunc(account.Subscriptions, func(sub projections.Subscription) bool {
		return sub.Ring == key.Ring && sub.Waiting != ""
	})
}

// works reports whether a key of the subscription works, as far as is known.
func works(account projections.Account, sub projections.Subscription) bool {
	for _, key := range account.Keys {
		if key.Ring == sub.Ring && key.State != projections.KeyDisabled && key.State != projections.KeyReleased {
			return true
		}
	}
	return false
}

type revealPage struct {
	Name  string
	Value string
	// Calls are first calls to the subscribed products, with the value in them.
	Calls []keyedCall
	// NeedPath says that the reader must fill in the path of a call.
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
	who, err := s.asks(w, r, id)
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
	for _, k := range account.Keys {
		if k.ID == portal.KeyID(key) {
			body.Name, ring = k.Name, k.Ring
		}
	}
	if body.Value, err = s.operations.Reveal(r.Context(), who, portal.KeyID(key)); err != nil {
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
	s.render(w, r, http.StatusOK, view{page: "reveal", Title: "Your API key", Section: "dashboard", Body: body})
	return nil
}
