package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// keeping is what people do with their keys.
type keeping interface {
	CreateKey(ctx context.Context, who operations.Caller, key operations.NewKey) (operations.Operation, error)
	RenameKey(ctx context.Context, who operations.Caller, key portal.KeyID, name string) (operations.Operation, error)
	RotateKey(ctx context.Context, who operations.Caller, key portal.KeyID, rotation operations.Rotation) (operations.Operation, error)
	EndKey(ctx context.Context, who operations.Caller, key portal.KeyID, end operations.End) (operations.Operation, error)
}

const keysPath = "/keys"

// These pages never refresh, so they keep what people type.
func (s *Web) keyRoutes(r chi.Router) {
	get(r, keysPath, s.page(s.member(s.keys)))
	r.Post(keysPath, s.page(s.member(s.createKey)))
	get(r, "/keys/{key}", s.page(s.member(s.key)))
	r.Post("/keys/{key}/reveal", s.page(s.member(s.reveal)))
	for path, ask := range map[string]keyForm{"rename": s.renameKey, "rotate": s.rotateKey, "leaked": s.replaceLeaked, "end": s.endKey, "revoke": s.revokeKey} {
		r.Post("/keys/{key}/"+path, s.page(s.member(s.onKey(ask))))
	}
}

type keysPage struct {
	Live, Past []keyLine
	// Most is how many keys a person may have: in all, or for each plan if there is a choice of Plans.
	Most  int
	Plans []planChoice
	// Standing is set while the account cannot be used.
	Standing *standingNote
	// Name and Expires are what the person entered, if it was refused with Error.
	Name, Expires, Error string
}

type planChoice struct {
	Plan   portal.PlanID
	Name   string
	Chosen bool
}

func (s *Web) keys(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	return s.renderKeys(w, r, id, http.StatusOK, keysPage{}, "")
}

func (s *Web) renderKeys(w http.ResponseWriter, r *http.Request, id identity.Identity, status int, body keysPage, plan portal.PlanID) error {
	account, err := s.views.Account(r.Context(), id.Account)
	if err != nil {
		return err
	}
	revealed, err := s.views.LastReveals(r.Context(), id.Account)
	if err != nil {
		return err
	}
	for _, line := range s.times(r.Context()).keyLines(account, revealed) {
		if line.Over {
			body.Past = append(body.Past, line)
		} else {
			body.Live = append(body.Live, line)
		}
	}
	body.Most, body.Plans, body.Standing = s.keysPerRing, plansWithKeys(account, plan), s.standingNote(account.Profile)
	s.render(w, r, status, view{page: "keys", Title: "API keys", Section: "dashboard", Body: body})
	return nil
}

// plansWithKeys lists the plans that a new key may be for, nothing if all have the same keys.
func plansWithKeys(account projections.Account, chosen portal.PlanID) []planChoice {
	rings := map[portal.Ring]bool{}
	var choices []planChoice
	for _, sub := range account.Subscriptions {
		if sub.State == projections.SubscriptionEnded || rings[sub.Ring] {
			continue
		}
		rings[sub.Ring] = true
		choices = append(choices, planChoice{sub.Plan, sub.Name, sub.Plan == chosen})
	}
	if len(choices) < 2 {
		return nil
	}
	return choices
}

func (s *Web) createKey(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	who, err := s.asks(w, r, id)
	if err != nil {
		return err
	}
	plan := portal.PlanID(r.PostForm.Get("plan"))
	ends, err := s.formMoment(r, "expires")
	var operation operations.Operation
	if err == nil {
		operation, err = s.operations.CreateKey(r.Context(), who, operations.NewKey{Name: r.PostForm.Get("name"), Plan: plan, Ends: ends})
	}
	if portal.CodeOf(err) == portal.Invalid {
		return s.renderKeys(w, r, id, http.StatusBadRequest, keysPage{
			Name: r.PostForm.Get("name"), Expires: r.PostForm.Get("expires"), Error: portal.MessageOf(err),
		}, plan)
	}
	return follow(w, r, operation, err)
}

// formMoment reads a day and time in the person's time zone, nil if the field is empty.
func (s *Web) formMoment(r *http.Request, field string) (*time.Time, error) {
	text := r.PostForm.Get(field)
	if text == "" {
		return nil, nil
	}
	at, err := s.times(r.Context()).parse(text)
	if err != nil {
		return nil, err
	}
	return &at, nil
}

type keyPage struct {
	keyLine
	// Standing is set while the account cannot be used.
	Standing *standingNote
	// Error is why the last form did nothing.
	Error    string
	Overlaps []overlap
	// Until is a proposal for when the key ends.
	Until string
	Most  int
}

type overlap struct{ Value, Text string }

var overlaps = []overlap{
	{"0", "No time: it ends as soon as the new key works"}, {"1h", "An hour"}, {"24h", "A day"}, {"7d", "Seven days"},
}

func (s *Web) key(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	return s.renderKey(w, r, id, http.StatusOK, "")
}

func (s *Web) renderKey(w http.ResponseWriter, r *http.Request, id identity.Identity, status int, message string) error {
	key, err := param(r, "key")
	if err != nil {
		return err
	}
	account, err := s.views.Account(r.Context(), id.Account)
	if err != nil {
		return err
	}
	revealed, err := s.views.LastReveals(r.Context(), id.Account)
	if err != nil {
		return err
	}
	lines := s.times(r.Context()).keyLines(account, revealed)
	i := slices.IndexFunc(lines, func(line keyLine) bool { return line.ID == portal.KeyID(key) })
	if i < 0 {
		return portal.Fail(portal.NotFound, "There is no such key.")
	}
	s.render(w, r, status, view{page: "key", Title: "API key", Section: "dashboard", Body: keyPage{
		keyLine: lines[i], Standing: s.standingNote(account.Profile), Error: message, Overlaps: overlaps, Most: s.keysPerRing,
		Until: s.times(r.Context()).field(s.now().Add(30 * 24 * time.Hour)),
	}})
	return nil
}

// keyForm asks for what a form about a key says.
type keyForm func(r *http.Request, who operations.Caller, key portal.KeyID) (operations.Operation, error)

// onKey handles a form about a key. A form that cannot be accepted as it is leads to the key's page
// with the reason.
func (s *Web) onKey(ask keyForm) func(http.ResponseWriter, *http.Request, identity.Identity) error {
	return func(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
		key, err := param(r, "key")
		if err != nil {
			return err
		}
		who, err := s.asks(w, r, id)
		if err != nil {
			return err
		}
		operation, err := ask(r, who, portal.KeyID(key))
		if portal.CodeOf(err) == portal.Invalid {
			return s.renderKey(w, r, id, http.StatusBadRequest, portal.MessageOf(err))
		}
		return follow(w, r, operation, err)
	}
}

func (s *Web) renameKey(r *http.Request, who operations.Caller, key portal.KeyID) (operations.Operation, error) {
	return s.operations.RenameKey(r.Context(), who, key, r.PostForm.Get("name"))
}

func (s *Web) rotateKey(r *http.Request, who operations.Caller, key portal.KeyID) (operations.Operation, error) {
	text := r.PostForm.Get("overlap")
	if text == "custom" {
		text = strings.TrimSpace(r.PostForm.Get("custom"))
	}
	overlap, err := operations.ParseOverlap(text)
	if err != nil {
		return operations.Operation{}, err
	}
	return s.operations.RotateKey(r.Context(), who, key, operations.Rotation{Overlap: overlap})
}

func (s *Web) replaceLeaked(r *http.Request, who operations.Caller, key portal.KeyID) (operations.Operation, error) {
	return s.operations.RotateKey(r.Context(), who, key, operations.Rotation{Leaked: true})
}

// endKey changes when a key ends: at a time, never, or now for the old key of a rotation.
func (s *Web) endKey(r *http.Request, who operations.Caller, key portal.KeyID) (operations.Operation, error) {
	end := operations.End{Keep: r.PostForm.Get("when") == "never"}
	if r.PostForm.Get("when") == "at" {
		at, err := s.formMoment(r, "at")
		if err == nil && at == nil {
			err = portal.Fail(portal.Invalid, "Choose a day and a time.")
		}
		if err != nil {
			return operations.Operation{}, err
		}
		end.At = at
	}
	return s.operations.EndKey(r.Context(), who, key, end)
}

// revokeKey ends a key now, if the person has typed its name.
func (s *Web) revokeKey(r *http.Request, who operations.Caller, key portal.KeyID) (operations.Operation, error) {
	account, err := s.views.Account(r.Context(), who.Account)
	if err != nil {
		return operations.Operation{}, err
	}
	for _, k := range account.Keys {
		if k.ID == key && strings.TrimSpace(r.PostForm.Get("confirm")) != k.Name {
			return operations.Operation{}, portal.Fail(portal.Invalid, "Type the name of the key exactly as it is shown, to confirm that you revoke it.")
		}
	}
	return s.operations.EndKey(r.Context(), who, key, operations.End{})
}
