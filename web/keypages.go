package web

import (
	"cmp"
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
	CreateKey(ctx context.Context, caller operations.Caller, key operations.NewKey) (operations.Operation, error)
	RenameKey(ctx context.Context, caller operations.Caller, key portal.KeyID, name string) (operations.Operation, error)
	RotateKey(ctx context.Context, caller operations.Caller, key portal.KeyID, rotation operations.Rotation) (operations.Operation, error)
	EndKey(ctx context.Context, caller operations.Caller, key portal.KeyID, end operations.End) (operations.Operation, error)
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
	// Full says that they have that many.
	Most int
	Full bool
	// Carries says that a new key takes over what ended keys have used of a quota.
	Carries bool
	Plans   []planChoice
	// Waiting is nil if no purchase waits.
	Waiting *waitingPurchase
	// Standing is set while the account cannot be used.
	Standing *standingNote
	// Name and Expires are what the person entered, if Fault says why it was refused.
	Name, Expires string
	Fault         fault
}

// planChoice is a plan, or one of several purchases of plans. Value is the plan's id, or the licence.
type planChoice struct {
	Value, Name string
	Chosen      bool
}

func (s *Web) keys(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	return s.renderKeys(w, r, id, http.StatusOK, keysPage{}, "")
}

func (s *Web) renderKeys(w http.ResponseWriter, r *http.Request, id identity.Identity, status int, body keysPage, chosen string) error {
	account, err := s.views.Account(r.Context(), id.Account)
	if err != nil {
		return err
	}
	revealed, err := s.views.LastReveals(r.Context(), id.Account)
	if err != nil {
		return err
	}
	unconfirmed, err := s.unconfirmed(r, id.Account)
	if err != nil {
		return err
	}
	body.Waiting = waitingOf(unconfirmed, account.Licences)
	for _, line := range s.times(r.Context()).keyLines(account, revealed) {
		if line.Over {
			body.Past = append(body.Past, line)
		} else {
			body.Live = append(body.Live, line)
		}
	}
	body.Most, body.Plans, body.Standing, body.Carries = s.keysPerRing, plansWithKeys(account, chosen), s.standingNote(account.Profile), s.carries
	if body.Fault.Field == "plan" && body.Plans == nil || body.Standing != nil {
		body.Fault.Field = "" // the page does not have that field
	}
	body.Full = body.Plans == nil && countNew(body.Live, ringOfNew(account)) >= s.keysPerRing
	s.render(w, r, status, view{page: "keys", Title: "API keys", Section: "dashboard", Body: body})
	return nil
}

func ringOfNew(account projections.Account) portal.Ring {
	for _, sub := range account.Subscriptions {
		if sub.State != projections.SubscriptionEnded {
			return sub.Ring
		}
	}
	return portal.AccountRing
}

// countNew counts the keys of the ring. Keys that others have replaced do not count.
func countNew(live []keyLine, ring portal.Ring) int {
	n := 0
	for _, line := range live {
		if !line.Replaced && line.Ring == ring {
			n++
		}
	}
	return n
}

// plansWithKeys lists the plans that a new key may be for, none if all have the same keys.
func plansWithKeys(account projections.Account, chosen string) []planChoice {
	rings := map[portal.Ring]bool{}
	var choices []planChoice
	for _, sub := range account.Subscriptions {
		if sub.State == projections.SubscriptionEnded || rings[sub.Ring] {
			continue
		}
		rings[sub.Ring] = true
		choice := planChoice{Value: string(sub.Plan), Name: sub.Name}
		if licence, paid := sub.Ring.Licence(); paid {
			choice.Value = string(licence)
		}
		choice.Chosen = choice.Value == chosen
		if payer := payer(account, sub.Ring); payer != "" {
			choice.Name += ", " + payer
		}
		choices = append(choices, choice)
	}
	if len(choices) < 2 {
		return nil
	}
	return choices
}

func (s *Web) createKey(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	caller, err := s.readForm(w, r, id)
	if err != nil {
		return err
	}
	chosen := r.PostForm.Get("plan")
	wanted := operations.NewKey{Name: r.PostForm.Get("name"), Plan: portal.PlanID(chosen)}
	if portal.Stream(chosen).IsLicence() {
		wanted.Plan, wanted.Licence = "", portal.Stream(chosen)
	}
	ends, err := s.formMoment(r, "expires")
	var operation operations.Operation
	if wanted.Ends = ends; err == nil {
		operation, err = s.operations.CreateKey(r.Context(), caller, wanted)
	}
	if portal.CodeOf(err) == portal.NotFound || portal.FieldOf(err) == "licence" {
		err = portal.At("plan", err)
	}
	if text, ok := refused(w, err); ok {
		return s.renderKeys(w, r, id, s.status(err), keysPage{
			Name: r.PostForm.Get("name"), Expires: r.PostForm.Get("expires"), Fault: fault{portal.FieldOf(err), text},
		}, chosen)
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
		return nil, portal.At(field, err)
	}
	return &at, nil
}

type keyPage struct {
	keyLine
	Standing *standingNote
	Fault    fault
	Typed    typed
	Overlaps []choice
	Choices  []choice
	// Until is a proposal for when the key ends.
	Until string
	Most  int
	// Given is the name that the person gave the key. Name may add when the key was replaced, or a number.
	Given string
	// Carries says that a new key gets what is left of this one's quota.
	Carries bool
}

type typed struct{ Overlap, Custom, When, At, Name, Confirm string }

type choice struct {
	Value string
	Text  phrase
	On    bool
}

// overlaps are how long the old key of a rotation may still work.
var overlaps = []struct{ value, text string }{
	{"0", "No time: it ends as soon as the new key works"}, {"1h", "An hour"}, {"24h", "A day"}, {"7d", "Seven days"},
}

// later are times by which to extend the old key of a rotation; expiries are
// times after which a key can expire.
var (
	later = []lasting{{time.Hour, "An hour longer"}, {24 * time.Hour, "A day longer"}, {7 * 24 * time.Hour, "Seven days longer"}}

	expiries = []lasting{{30 * 24 * time.Hour, "In 30 days"}, {90 * 24 * time.Hour, "In 90 days"}, {365 * 24 * time.Hour, "In a year"}}
)

type lasting struct {
	time.Duration
	text string
}

const otherTime = "at"

// endChoices are when a key can end. Each is a point in time, so a form that is sent twice does
// nothing the second time.
func (when times) endChoices(key projections.Key, isReplaced bool, chosen string) []choice {
	from, spans, latest := when.now.Truncate(time.Minute), expiries, portal.MaxKeyExpiry
	if isReplaced {
		from, spans, latest = key.Ends, later, portal.MaxKeyOverlap
	}
	var list []choice
	for _, span := range spans {
		at := from.Add(span.Duration)
		if portal.KeyEnd(at, when.now, latest) != nil {
			continue
		}
		value := at.UTC().Format(time.RFC3339)
		list = append(list, choice{value, phrase{plain(span.text + ", on "), when.at(at)}, value == chosen})
	}
	return list
}

func (s *Web) key(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	return s.renderKey(w, r, id, http.StatusOK, keyPage{})
}

func (s *Web) renderKey(w http.ResponseWriter, r *http.Request, id identity.Identity, status int, body keyPage) error {
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
	i := slices.IndexFunc(account.Keys, func(k projections.Key) bool { return k.ID == portal.KeyID(key) })
	if i < 0 {
		return portal.Fail(portal.NotFound, "There is no such key.")
	}
	when := s.times(r.Context())
	body.keyLine, body.Given = when.keyLines(account, revealed)[i], account.Keys[i].Name
	body.Standing, body.Most, body.Carries = s.standingNote(account.Profile), s.keysPerRing, s.carries
	if body.Standing != nil && !(body.Standing.Revocable && body.Fault.Field == "confirm") || body.Over || body.Replaced && body.Fault.Field != "name" && body.Fault.Field != "at" {
		body.Fault.Field = "" // the page does not have that field
	}
	for _, o := range overlaps {
		body.Overlaps = append(body.Overlaps, choice{o.value, phrase{plain(o.text)}, o.value == cmp.Or(body.Typed.Overlap, "24h")})
	}
	body.Choices = when.endChoices(account.Keys[i], body.Replaced, body.Typed.When)
	body.Until = cmp.Or(body.Typed.At, body.EndsAt, when.field(s.now().Add(30*24*time.Hour)))
	s.render(w, r, status, view{page: "key", Title: body.Name, Section: "dashboard", Body: body})
	return nil
}

type keyForm func(r *http.Request, caller operations.Caller, key portal.KeyID) (operations.Operation, error)

// onKey handles a form about a key. If it is not accepted, the key's page says why.
func (s *Web) onKey(ask keyForm) func(http.ResponseWriter, *http.Request, identity.Identity) error {
	return func(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
		key, err := param(r, "key")
		if err != nil {
			return err
		}
		caller, err := s.readForm(w, r, id)
		if err != nil {
			return err
		}
		operation, err := ask(r, caller, portal.KeyID(key))
		if text, ok := refused(w, err); ok && portal.CodeOf(err) != portal.NotFound {
			form := r.PostForm
			return s.renderKey(w, r, id, s.status(err), keyPage{Fault: fault{portal.FieldOf(err), text}, Typed: typed{
				Overlap: form.Get("overlap"), Custom: form.Get("custom"), When: form.Get("when"), At: form.Get("at"), Name: form.Get("name"), Confirm: form.Get("confirm"),
			}})
		}
		return follow(w, r, operation, err)
	}
}

func (s *Web) renameKey(r *http.Request, caller operations.Caller, key portal.KeyID) (operations.Operation, error) {
	return s.operations.RenameKey(r.Context(), caller, key, r.PostForm.Get("name"))
}

func (s *Web) rotateKey(r *http.Request, caller operations.Caller, key portal.KeyID) (operations.Operation, error) {
	text, field := r.PostForm.Get("overlap"), ""
	if text == "custom" {
		text, field = strings.TrimSpace(r.PostForm.Get("custom")), "custom"
	}
	overlap, err := operations.ParseOverlap(text)
	if err != nil {
		return operations.Operation{}, portal.At(field, err)
	}
	operation, err := s.operations.RotateKey(r.Context(), caller, key, operations.Rotation{Overlap: overlap})
	return operation, portal.At(field, err)
}

func (s *Web) replaceLeaked(r *http.Request, caller operations.Caller, key portal.KeyID) (operations.Operation, error) {
	return s.operations.RotateKey(r.Context(), caller, key, operations.Rotation{Leaked: true})
}

func (s *Web) endKey(r *http.Request, caller operations.Caller, key portal.KeyID) (operations.Operation, error) {
	var end operations.End
	switch chosen := r.PostForm.Get("when"); chosen {
	case "":
	case "never":
		end.Keep = true
	case otherTime:
		at, err := s.formMoment(r, "at")
		if err == nil && at == nil {
			err = portal.At("at", portal.Fail(portal.Invalid, "Choose a day and a time."))
		}
		if err == nil {
			err = s.mayEnd(r, caller, key, *at)
		}
		if err != nil {
			return operations.Operation{}, err
		}
		end.At = at
	default:
		at, err := time.Parse(time.RFC3339, chosen)
		if err != nil {
			return operations.Operation{}, portal.Fail(portal.Invalid, "There is no such choice. Choose when the key ends.")
		}
		end.At = &at
	}
	return s.operations.EndKey(r.Context(), caller, key, end)
}

// mayEnd refuses a time that the worker would refuse, so that the person can correct the form.
func (s *Web) mayEnd(r *http.Request, caller operations.Caller, key portal.KeyID, at time.Time) error {
	account, err := s.account(r.Context(), caller.Account)
	if err != nil {
		return err
	}
	latest := portal.MaxKeyExpiry
	for _, k := range account.Keys {
		if k.ID == key && replaced(account, k) {
			latest = portal.MaxKeyOverlap
		}
	}
	return portal.At("at", portal.KeyEnd(at, s.now(), latest))
}

func (s *Web) revokeKey(r *http.Request, caller operations.Caller, key portal.KeyID) (operations.Operation, error) {
	account, err := s.account(r.Context(), caller.Account)
	if err != nil {
		return operations.Operation{}, err
	}
	for _, k := range account.Keys {
		if k.ID == key && strings.TrimSpace(r.PostForm.Get("confirm")) != k.Name {
			return operations.Operation{}, portal.At("confirm", portal.Fail(portal.Invalid, "Type the name of the key exactly as it is shown, to confirm that you revoke it."))
		}
	}
	return s.operations.EndKey(r.Context(), caller, key, operations.End{})
}
