package web

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// shownPerPage is how many letters a page lists.
const shownPerPage = 25

// maxFilter bounds a filter's text.
const maxFilter = 200

// letterFilters are the filters of the list, as the admin wrote them.
type letterFilters struct {
	Queue, Type, Account, Cause string
	// Older and Newer are ages in hours, such as "2", "" for none.
	Older, Newer string
	All          bool
	// now is the time of the request, from which the ages count.
	now time.Time
}

func filtersOf(values url.Values, now time.Time) (letterFilters, error) {
	f := letterFilters{
		Queue: values.Get("queue"), Type: values.Get("type"), Account: values.Get("account"), Cause: values.Get("cause"),
		Older: values.Get("older"), Newer: values.Get("newer"), All: values.Get("all") != "", now: now,
	}
	for _, text := range []*string{&f.Queue, &f.Type, &f.Account, &f.Cause, &f.Older, &f.Newer} {
		*text = strings.TrimSpace(*text)
		if len(*text) > maxFilter || !utf8.ValidString(*text) {
			return f, portal.Fail(portal.Invalid, "A filter is too long, or not text.")
		}
	}
	for _, age := range []string{f.Older, f.Newer} {
		if _, err := hours(age); err != nil {
			return f, err
		}
	}
	return f, nil
}

func hours(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text + "h")
	if err != nil || d <= 0 || strings.Trim(text, "0123456789.") != "" {
		return 0, portal.Fail(portal.Invalid, "Give an age in hours, such as 2 or 0.5.")
	}
	return d, nil
}

// choice returns the choice of the letters in these states that the filters let through.
func (f letterFilters) choice(states ...deadletters.State) deadletters.Choice {
	choice := deadletters.Choice{States: states, Queue: f.Queue, Type: f.Type, Account: portal.AccountID(f.Account), Cause: f.Cause}
	if d, _ := hours(f.Older); d > 0 {
		choice.Before = f.now.Add(-d)
	}
	if d, _ := hours(f.Newer); d > 0 {
		choice.After = f.now.Add(-d)
	}
	return choice
}

func (f letterFilters) query() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"queue": f.Queue, "type": f.Type, "account": f.Account, "cause": f.Cause, "older": f.Older, "newer": f.Newer} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if f.All {
		values.Set("all", "on")
	}
	return values
}

// Any reports whether a filter is set.
func (f letterFilters) Any() bool { return len(f.query()) > 0 }

func (f letterFilters) listAddress(more ...string) string {
	values := f.query()
	for i := 0; i+1 < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	return withQuery(lettersPath, values)
}

// confirmAddress returns the address of the page that confirms the verb for all open letters that the filters
// let through.
func (f letterFilters) confirmAddress(verb administration.Verb) string {
	f.All = false
	values := f.query()
	values.Set("verb", string(verb))
	return withQuery(confirmLettersPath, values)
}

type lettersPage struct {
	Filters  letterFilters
	Done     string
	Groups   []groupLine
	Others   string
	Letters  []letterLine
	Counts   map[deadletters.State]int
	Open     int
	Replayed int
	Closed   int
	Older    string
	// Start leads to the first page; it is "" on that page.
	Start   string
	Waiting []orderLine
	// Replay and Discard are the addresses of the confirmations for all open letters that the filters let through.
	Replay, Discard string
}

type groupLine struct {
	deadletters.Group
	Number        string
	Of            string
	First, Last   moment
	Show, Confirm string
}

type letterLine struct {
	ID        string
	Badge     badge
	What      string
	Account   string
	Operation string
	Cause     string
	Error     string
	Class     string
	First     moment
	Attempts  string
	Outlook   string
}

type orderLine struct {
	Text string
	At   moment
}

func (s *Web) letters(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	query := r.URL.Query()
	when := s.times(r.Context())
	filters, err := filtersOf(query, when.now)
	if err != nil {
		return err
	}
	states := []deadletters.State{deadletters.Open, deadletters.Replayed}
	if filters.All {
		states = append(states, deadletters.Settled, deadletters.Discarded)
	}
	after := query.Get("after")
	found, err := s.admin.Desk.List(r.Context(), filters.choice(states...), after, shownPerPage)
	if err != nil {
		return err
	}
	orders, err := s.admin.Desk.Waiting(r.Context())
	if err != nil {
		return err
	}
	body := lettersPage{
		Filters: filters, Done: orderedText(query, len(orders) > 0), Counts: found.Counts,
		Open: found.Counts[deadletters.Open], Replayed: found.Counts[deadletters.Replayed], Closed: found.Counts[deadletters.Settled] + found.Counts[deadletters.Discarded],
		Replay: filters.confirmAddress(administration.Replay), Discard: filters.confirmAddress(administration.Discard),
	}
	if found.More > 0 {
		body.Others = count(found.More, "letter")
	}
	if after != "" {
		body.Start = filters.listAddress()
	}
	for _, g := range found.Groups {
		body.Groups = append(body.Groups, when.groupLine(g, filters))
	}
	for _, l := range found.Letters {
		body.Letters = append(body.Letters, when.letterLine(l))
	}
	if found.Left > 0 {
		body.Older = filters.listAddress("after", found.Letters[len(found.Letters)-1].Place())
	}
	for _, order := range orders {
		body.Waiting = append(body.Waiting, orderLine{orderText(order), when.moment(order.At)})
	}
	s.render(w, r, http.StatusOK, adminView("admin-letters", "Dead letters", tabDeadLetters, body))
	return nil
}

// orderedText says what became of the order in the query. waits: a worker has some order to carry out, perhaps
// another admin's.
func orderedText(query url.Values, waits bool) string {
	verb := administration.Verb(query.Get("ordered"))
	switch {
	case verb == administration.Replay && !waits:
		return "A worker has replayed what you chose. Letters that cannot be replayed stay open."
	case verb == administration.Discard && !waits:
		return "A worker has discarded what you chose."
	case verb == administration.Replay:
		return "Your replay is ordered, and workers have orders to carry out. Reload this page to see how far they are."
	case verb == administration.Discard:
		return "Your discard is ordered, and workers have orders to carry out. Reload this page to see how far they are."
	}
	return ""
}

func orderText(order administration.LetterOrder) string {
	verb := map[administration.Verb]string{administration.Replay: "Replaying ", administration.Discard: "Discarding "}[order.Verb]
	if order.Letter != "" {
		return verb + "the letter " + order.Letter
	}
	choice := order.Choice
	choice.Before = time.Time{}
	if choice.All() {
		return verb + "all letters that were open"
	}
	return verb + "letters: " + choice.String()
}

func (when times) groupLine(g deadletters.Group, filters letterFilters) groupLine {
	filters.Cause = g.ID
	names := make([]string, 0, len(g.Types))
	for _, name := range g.Types {
		if name = events.Name(name); name != "" {
			names = append(names, name)
		}
	}
	return groupLine{
		Group: g, Number: grouped(g.Letters), Of: strings.Join(names, ", "), First: when.moment(g.First), Last: when.moment(g.Last),
		Show: filters.listAddress(), Confirm: filters.confirmAddress(administration.Replay),
	}
}

func (when times) letterLine(l deadletters.Letter) letterLine {
	line := letterLine{
		ID: l.ID, Badge: letterBadge(l.State()), What: events.Name(l.Type), Operation: string(l.Operation), Cause: l.Cause().ID, Error: l.Error, Class: l.Class,
		First: when.moment(l.First), Attempts: count(l.Attempts, "attempt"),
	}
	if line.What == "" {
		line.What = "A message from the queue " + l.Queue
	}
	if account, ok := l.Subject.Account(); ok {
		line.Account = string(account)
	}
	return line
}

func letterBadge(state deadletters.State) badge {
	switch state {
	case deadletters.Replayed:
		return badge{"busy", "clock", "Replayed"}
	case deadletters.Settled:
		return badge{"ok", "check", "Settled"}
	case deadletters.Discarded:
		return badge{"quiet", "minus", "Discarded"}
	}
	return badge{"bad", "cross", "Open"}
}

type letterPage struct {
	letterLine
	Subject, Queue string
	Last           moment
	Replays        int64
	OutlookText    string
	Body           string
	Bytes          string
	Encoded        bool
	// Cut says how much of the body the page shows; it is "" if that is all.
	Cut        string
	Discarded  *discardedLine
	MayReplay  bool
	MayDiscard bool
	Replay     string
	Discard    string
}

type discardedLine struct {
	By, Reason string
	At         moment
}

// maxShownBody is how many bytes of a body the page shows. `gatehouse dlq export` prints the whole body.
const maxShownBody = 64 << 10

func (s *Web) letter(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	id, err := param(r, "letter")
	if err != nil {
		return err
	}
	letter, outlook, err := s.admin.Desk.Letter(r.Context(), id)
	if err != nil {
		return err
	}
	when := s.times(r.Context())
	state := letter.State()
	body := letterPage{
		letterLine: when.letterLine(letter), Subject: string(letter.Subject), Queue: letter.Queue, Last: when.moment(letter.Last), Replays: letter.Replays,
		OutlookText: outlook.Text, Bytes: grouped(len(letter.Body)) + " bytes",
		MayReplay: outlook.Outlook != administration.NotReplayable, MayDiscard: state == deadletters.Open || state == deadletters.Replayed,
		Replay:  withQuery(confirmLettersPath, url.Values{"verb": {string(administration.Replay)}, "letter": {id}}),
		Discard: withQuery(confirmLettersPath, url.Values{"verb": {string(administration.Discard)}, "letter": {id}}),
	}
	shown := letter.Body[:min(len(letter.Body), maxShownBody)]
	if len(shown) < len(letter.Body) {
		body.Cut = grouped(len(shown)) + " bytes"
	}
	if body.Encoded = !utf8.Valid(letter.Body); body.Encoded {
		body.Body = hex.Dump(shown)
	} else {
		body.Body = strings.ToValidUTF8(string(shown), "")
	}
	if d := letter.Discard; d != nil {
		body.Discarded = &discardedLine{d.By, d.Reason, when.moment(d.At)}
	}
	s.render(w, r, http.StatusOK, adminView("admin-letter", "Dead letter "+letter.ID, tabDeadLetters, body))
	return nil
}

type confirmLettersPage struct {
	Verb    administration.Verb
	Discard bool
	Error   string
	Reason  string
	// Fields are hidden fields of the form.
	Fields  []link
	Letters string
	One     bool
	Which   string
	First   []letterLine
	More    int
	// Stay counts letters that cannot be replayed, and Left gives the reasons.
	Stay string
	Left []leftLine
	Back string
}

type leftLine struct{ Letters, Why string }

// confirmLetters says what an order would do. Only its form places the order.
func (s *Web) confirmLetters(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	return s.renderConfirm(w, r, http.StatusOK, r.URL.Query(), "")
}

// asOf is the field of a confirmation that holds the time when the admin read it.
const asOf = "as_of"

// confirmedAt is the time of the confirmation that the admin read, so that an order leaves out letters that have
// failed since. Without one it is now.
func confirmedAt(values url.Values, now time.Time) time.Time {
	if at, err := time.Parse(time.RFC3339Nano, values.Get(asOf)); err == nil && at.Before(now) {
		return at
	}
	return now
}

func (s *Web) orderOf(values url.Values, when times) (administration.LetterOrder, letterFilters, error) {
	order := administration.LetterOrder{Verb: administration.Verb(values.Get("verb")), Letter: values.Get("letter"), Reason: values.Get("reason")}
	if order.Verb != administration.Replay && order.Verb != administration.Discard || len(order.Letter) > maxID {
		return order, letterFilters{}, errNothing
	}
	filters, err := filtersOf(values, confirmedAt(values, when.now))
	if order.Choice = filters.choice(); order.Choice.Before.IsZero() {
		order.Choice.Before = filters.now
	}
	return order, filters, err
}

func (s *Web) renderConfirm(w http.ResponseWriter, r *http.Request, status int, values url.Values, fault string) error {
	when := s.times(r.Context())
	order, filters, err := s.orderOf(values, when)
	if err != nil {
		return err
	}
	preview, err := s.admin.Desk.Preview(r.Context(), order)
	if err != nil {
		return err
	}
	body := confirmLettersPage{
		Verb: order.Verb, Discard: order.Verb == administration.Discard, Error: fault, Reason: order.Reason, Letters: count(preview.Letters, "dead letter"), One: preview.Letters == 1,
		More: preview.Letters - len(preview.First), Back: filters.listAddress(), Fields: []link{{"verb", string(order.Verb)}, {asOf, filters.now.UTC().Format(time.RFC3339Nano)}},
	}
	if order.Letter != "" {
		body.Fields, body.Back = append(body.Fields, link{"letter", order.Letter}), escapedPath("admin", "dead-letters", order.Letter)
	} else {
		for name, list := range filters.query() {
			body.Fields = append(body.Fields, link{name, list[0]})
		}
		if body.Which = filters.choice().String(); filters.choice().All() {
			body.Which = ""
		}
	}
	for _, one := range preview.First {
		line := when.letterLine(one.Letter)
		line.Outlook = one.ReplayOutlook.Text
		body.First = append(body.First, line)
	}
	if stay := preview.Skipped(); stay > 0 {
		body.Stay = count(stay, "dead letter")
	}
	for _, left := range preview.NotReplayable {
		body.Left = append(body.Left, leftLine{count(left.Letters, "letter"), left.Why})
	}
	title := "Replay " + body.Letters + "?"
	if preview.Letters == 0 {
		title = "No dead letter can be replayed"
	}
	if body.Discard {
		title = "Discard " + body.Letters + "?"
	}
	s.render(w, r, status, adminView("admin-letters-confirm", title, tabDeadLetters, body))
	return nil
}

func (s *Web) orderLetters(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	order, filters, err := s.orderOf(r.PostForm, s.times(r.Context()))
	if err != nil {
		return err
	}
	order.By = id.Account
	_, _, err = s.admin.Desk.Order(r.Context(), order)
	if portal.CodeOf(err) == portal.Invalid {
		return s.renderConfirm(w, r, s.status(err), r.PostForm, portal.MessageOf(err))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, filters.listAddress("ordered", string(order.Verb)), http.StatusSeeOther)
	return nil
}
