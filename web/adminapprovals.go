package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type approving interface {
	Page(ctx context.Context, cursor string, limit int) (approvals.Page, error)
	Waits(ctx context.Context, asked time.Time, account portal.AccountID, wish int64) (approvals.Row, bool, error)
}

type registering interface {
	PendingRegistrations(ctx context.Context, after string, limit int) ([]members.PendingRegistration, string, error)
	PendingRegistration(ctx context.Context, account portal.AccountID) (members.PendingRegistration, bool, error)
}

type people interface {
	Person(ctx context.Context, account portal.AccountID) (identity.Person, error)
	FindPeople(ctx context.Context, begins string, limit int32) (found []portal.AccountID, more bool, err error)
}

type answering interface {
	Review(ctx context.Context, caller operations.Caller, answer operations.Answer) (operations.Operation, error)
	ReviewRegistration(ctx context.Context, admin operations.Caller, account portal.AccountID, approved bool, message string) (operations.Operation, error)
}

const (
	// waitingPerPage is how many subscriptions, and how many registrations, a page of the inbox has.
	waitingPerPage = 25
	// maxAnswers bounds the requests that an admin answers at once.
	maxAnswers = 2 * waitingPerPage
	// atOnce is how many rows of a page are read, or sent, at the same time.
	atOnce = 10
	// listEnded stands for the cursor of a list that has no more pages.
	listEnded = "-"
)

// pendingItem is a subscription or a registration that an admin may answer.
type pendingItem struct {
	Account portal.AccountID
	// Plan is "" for a registration.
	Plan  portal.PlanID
	Wish  int64
	Asked time.Time
	// PlanName and Replaces are names for people.
	PlanName, Replaces string
}

// Item is the item in forms, account:plan:wish:asked with escaped ids and the time in Unix nanoseconds. itemOf
// reads it.
func (w pendingItem) Item() string {
	return strings.Join([]string{url.QueryEscape(string(w.Account)), url.QueryEscape(string(w.Plan)), strconv.FormatInt(w.Wish, 10), strconv.FormatInt(w.Asked.UnixNano(), 10)}, ":")
}

func itemOf(text string) (pendingItem, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 4 || len(text) > 3*maxID {
		return pendingItem{}, errNothing
	}
	account, err := url.QueryUnescape(parts[0])
	if err != nil || account == "" || !utf8.ValidString(account) {
		return pendingItem{}, errNothing
	}
	plan, err := url.QueryUnescape(parts[1])
	if err != nil || !utf8.ValidString(plan) {
		return pendingItem{}, errNothing
	}
	wish, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || wish < 0 || plan != "" && wish == 0 {
		return pendingItem{}, errNothing
	}
	asked, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return pendingItem{}, errNothing
	}
	return pendingItem{Account: portal.AccountID(account), Plan: portal.PlanID(plan), Wish: wish, Asked: time.Unix(0, asked).UTC()}, nil
}

// pendingLine is a pendingItem as pages show it.
type pendingLine struct {
	Item, ID      string
	Person, Email string
	Account       string
	What          string
	Asked         moment
	// Meanwhile says what was decided since the admin ticked it, "" if it still waits.
	Meanwhile string
}

type inboxPage struct {
	Lines []pendingLine
	First bool
	Next  string
	Error string
}

func (s *Web) inbox(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	return s.renderInbox(w, r, http.StatusOK, "")
}

func (s *Web) renderInbox(w http.ResponseWriter, r *http.Request, status int, fault string) error {
	query := r.URL.Query()
	subscriptions, registrations := query.Get("subscriptions"), query.Get("registrations")
	if len(subscriptions) > maxID || len(registrations) > maxID || !utf8.ValidString(subscriptions+registrations) {
		return errNothing
	}
	waiting, next, err := s.waiting(r, subscriptions, registrations)
	if err != nil {
		return err
	}
	body := inboxPage{First: subscriptions == "" && registrations == "", Error: fault}
	if body.Lines, err = s.pendingLines(r, waiting); err != nil {
		return err
	}
	if len(next) > 0 {
		body.Next = withQuery(approvalsPath, next)
	}
	s.render(w, r, status, adminView("admin-approvals", "Approvals", tabApprovals, body))
	return nil
}

// waiting returns a page of both lists, those that have waited longest first.
func (s *Web) waiting(r *http.Request, subscriptions, registrations string) ([]pendingItem, url.Values, error) {
	var all []pendingItem
	next := url.Values{"subscriptions": {listEnded}, "registrations": {listEnded}}
	if subscriptions != listEnded {
		page, err := s.admin.Approvals.Page(r.Context(), subscriptions, waitingPerPage)
		if err != nil {
			return nil, nil, err
		}
		shelf, err := s.shelf(r)
		if err != nil {
			return nil, nil, err
		}
		offered := offersIn(shelf.Products)
		for _, row := range page.Rows {
			all = append(all, pendingSubscription(row, offered))
		}
		next.Set("subscriptions", cmp.Or(page.Next, listEnded))
	}
	if registrations != listEnded {
		page, more, err := s.admin.Registrations.PendingRegistrations(r.Context(), registrations, waitingPerPage)
		if err != nil {
			return nil, nil, err
		}
		for _, one := range page {
			all = append(all, pendingItem{Account: one.Account, Wish: one.Wish, Asked: one.AskedAt})
		}
		next.Set("registrations", cmp.Or(more, listEnded))
	}
	slices.SortStableFunc(all, func(a, b pendingItem) int { return a.Asked.Compare(b.Asked) })
	if next.Get("subscriptions") == listEnded && next.Get("registrations") == listEnded {
		next = nil
	}
	return all, next, nil
}

func pendingSubscription(row approvals.Row, offered offers) pendingItem {
	name := func(plan portal.PlanID, otherwise string) string {
		if found, ok := offered[plan]; ok {
			return planOf(found.Plan.Name, found.Product.Name)
		}
		return cmp.Or(otherwise, string(plan))
	}
	one := pendingItem{Account: row.Account, Plan: row.Plan, Wish: row.Wish, Asked: row.Asked, PlanName: name(row.Plan, row.Name)}
	if row.Replaces != "" {
		one.Replaces = name(row.Replaces, row.ReplacesName)
	}
	return one
}

func (s *Web) pendingLines(r *http.Request, all []pendingItem) ([]pendingLine, error) {
	lines := make([]pendingLine, len(all))
	when := s.times(r.Context())
	group, within := errgroup.WithContext(r.Context())
	group.SetLimit(atOnce)
	for i, one := range all {
		group.Go(portal.Guard(func() error {
			person, err := s.admin.People.Person(within, one.Account)
			if err != nil && portal.CodeOf(err) != portal.NotFound {
				return err
			}
			lines[i] = when.pendingLine(one, person)
			lines[i].ID = "tick-" + strconv.Itoa(i)
			return nil
		}))
	}
	return lines, group.Wait()
}

func (when times) pendingLine(one pendingItem, person identity.Person) pendingLine {
	line := pendingLine{Item: one.Item(), Account: string(one.Account), Person: cmp.Or(person.Name, person.Email, string(one.Account)), Asked: when.moment(one.Asked)}
	if person.Name != "" {
		line.Email = person.Email
	}
	switch {
	case one.Plan == "":
		line.What = "wants to register"
	case one.Replaces != "":
		line.What = "wants to change from " + one.Replaces + " to " + one.PlanName
	default:
		line.What = "wants to subscribe to " + one.PlanName
	}
	return line
}

// chosenAnswers are what an admin wants to answer, and how.
type chosenAnswers struct {
	Approve bool
	Reason  string
	Items   []pendingItem
}

var errTickNone = portal.Fail(portal.Invalid, "Tick at least one request.")

func chosenOf(values url.Values) (chosenAnswers, error) {
	chosen := chosenAnswers{Approve: values.Get("verb") == "approve", Reason: strings.TrimSpace(values.Get("reason"))}
	if verb := values.Get("verb"); verb != "approve" && verb != "deny" {
		return chosen, errNothing
	}
	items := slices.Compact(slices.Sorted(slices.Values(values["item"])))
	if len(items) > maxAnswers {
		return chosen, portal.Fail(portal.Invalid, fmt.Sprintf("Answer at most %d requests at once.", maxAnswers))
	}
	for _, item := range items {
		one, err := itemOf(item)
		if err != nil {
			return chosen, err
		}
		chosen.Items = append(chosen.Items, one)
	}
	slices.SortStableFunc(chosen.Items, func(a, b pendingItem) int { return a.Asked.Compare(b.Asked) })
	if len(chosen.Items) == 0 {
		return chosen, errTickNone
	}
	return chosen, nil
}

type confirmAnswersPage struct {
	Approve bool
	Verb    string
	Error   string
	Reason  string
	// Waits are the requests that the form answers, Over those that wait no longer.
	Waits, Over []pendingLine
	Number      string
}

// confirmAnswers says what an answer would do. Nothing happens before the form is sent.
func (s *Web) confirmAnswers(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	return s.renderAnswers(w, r, http.StatusOK, r.URL.Query(), "")
}

func (s *Web) renderAnswers(w http.ResponseWriter, r *http.Request, status int, values url.Values, fault string) error {
	chosen, err := chosenOf(values)
	if portal.CodeOf(err) == portal.Invalid {
		return s.renderInbox(w, r, s.status(err), portal.MessageOf(err))
	}
	if err != nil {
		return err
	}
	decided, err := s.refreshItems(r, chosen.Items)
	if err != nil {
		return err
	}
	lines, err := s.pendingLines(r, chosen.Items)
	if err != nil {
		return err
	}
	body := confirmAnswersPage{Approve: chosen.Approve, Verb: values.Get("verb"), Error: fault, Reason: chosen.Reason}
	for i, line := range lines {
		if line.Meanwhile = decided[i]; line.Meanwhile == "" {
			body.Waits = append(body.Waits, line)
		} else {
			body.Over = append(body.Over, line)
		}
	}
	body.Number = count(len(body.Waits), "request")
	title := map[bool]string{true: "Approve ", false: "Deny "}[chosen.Approve] + body.Number + "?"
	if len(body.Waits) == 0 {
		title = "Nothing to answer"
	}
	s.render(w, r, status, adminView("admin-answers", title, tabApprovals, body))
	return nil
}

// refreshItems fills in the names of plans. It returns what was decided about each item since the list was
// read, "" if it still waits.
func (s *Web) refreshItems(r *http.Request, all []pendingItem) ([]string, error) {
	shelf, err := s.shelf(r)
	if err != nil {
		return nil, err
	}
	offered := offersIn(shelf.Products)
	said := make([]string, len(all))
	group, within := errgroup.WithContext(r.Context())
	group.SetLimit(atOnce)
	for i := range all {
		group.Go(portal.Guard(func() (err error) {
			said[i], err = s.decided(within, &all[i], offered)
			return err
		}))
	}
	return said, group.Wait()
}

func (s *Web) decided(ctx context.Context, one *pendingItem, offered offers) (string, error) {
	if one.Plan == "" {
		row, ok, err := s.admin.Registrations.PendingRegistration(ctx, one.Account)
		if err != nil || ok && row.Wish == one.Wish {
			return "", err
		}
	} else {
		row, ok, err := s.admin.Approvals.Waits(ctx, one.Asked, one.Account, one.Wish)
		if err != nil {
			return "", err
		}
		if ok && row.Plan == one.Plan {
			*one = pendingSubscription(row, offered)
			return "", nil
		}
		one.PlanName = pendingSubscription(approvals.Row{Plan: one.Plan}, offered).PlanName
	}
	account, err := s.views.Account(ctx, one.Account)
	if err != nil {
		return "", err
	}
	return decidedText(account, one.Plan), nil
}

// decidedText says what became of a request that no longer waits.
func decidedText(account projections.Account, plan portal.PlanID) string {
	switch status := account.Profile.Status; {
	case status == projections.StatusDeleting, status == projections.StatusDeleted:
		return "It no longer waits: the account is being deleted, or is deleted."
	case plan == "" && (status == projections.StatusRegistered || status == projections.StatusSuspended):
		return "It no longer waits: it was approved meanwhile."
	case plan == "" && status == projections.StatusDenied:
		return "It no longer waits: it was denied meanwhile."
	}
	if plan != "" {
		switch subscriptionTo(account, plan).State {
		case projections.SubscriptionPending, projections.SubscriptionActive:
			return "It no longer waits: it was approved meanwhile."
		}
	}
	return "It no longer waits: it was answered or withdrawn meanwhile, or a newer request has replaced it."
}

// answerInbox sends an answer for each ticked request. Sending the form again sends no second answer.
func (s *Web) answerInbox(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	caller, err := s.readForm(w, r, id)
	if err != nil {
		return err
	}
	chosen, err := chosenOf(r.PostForm)
	fault := ""
	switch {
	case err != nil && portal.CodeOf(err) != portal.Invalid:
		return err
	case err == nil && !chosen.Approve && chosen.Reason == "":
		fault = "Give a reason. The person reads it."
	case utf8.RuneCountInString(chosen.Reason) > operations.MaxMessage:
		fault = fmt.Sprintf("The reason is longer than %d characters.", operations.MaxMessage)
	}
	if err != nil || fault != "" {
		return s.renderAnswers(w, r, http.StatusBadRequest, r.PostForm, fault)
	}
	if caller.IdempotencyKey == "" {
		return portal.Fail(portal.Invalid, "The form has no idempotency_key. Reload the page and send it again.")
	}
	sent, errs := s.submitAnswers(r.Context(), caller, chosen)
	query := url.Values{"verb": {r.PostForm.Get("verb")}}
	for i, operation := range sent {
		if errs[i] == nil {
			query.Add("operation", string(operation.ID))
		}
	}
	switch accepted := len(query["operation"]); accepted {
	case 0:
		return errs[0]
	case len(sent):
		http.Redirect(w, r, withQuery(approvalsPath+"/answers", query), http.StatusSeeOther)
		return nil
	}
	return s.partlySent(w, r, id, chosen, errs, query["operation"])
}

// partlySent shows which answers were not accepted, and why. Sending the form again sends only those.
func (s *Web) partlySent(w http.ResponseWriter, r *http.Request, id identity.Identity, chosen chosenAnswers, errs []error, accepted []string) error {
	body, status := answersPage{Approve: chosen.Approve}, http.StatusOK
	if err := s.readAnswers(r, id, accepted, &body); err != nil {
		return err
	}
	if _, err := s.refreshItems(r, chosen.Items); err != nil {
		return err
	}
	lines, err := s.pendingLines(r, chosen.Items)
	if err != nil {
		return err
	}
	again := url.Values{"verb": {r.PostForm.Get("verb")}}
	for i, err := range errs {
		if err == nil {
			continue
		}
		status = s.status(err)
		lines[i].Meanwhile = cmp.Or(portal.MessageOf(err), "Something went wrong.")
		body.Unsent = append(body.Unsent, lines[i])
		again.Add("item", lines[i].Item)
	}
	body.Again = withQuery(approvalsPath+"/confirm", again)
	s.render(w, r, status, adminView("admin-answered", "Your answers", tabApprovals, body))
	return nil
}

func (s *Web) submitAnswers(ctx context.Context, caller operations.Caller, chosen chosenAnswers) ([]operations.Operation, []error) {
	sent, errs := make([]operations.Operation, len(chosen.Items)), make([]error, len(chosen.Items))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, one := range chosen.Items {
		group.Go(func() error {
			errs[i] = portal.Guard(func() (err error) {
				each := caller
				each.IdempotencyKey = portal.DeriveID("answer", caller.IdempotencyKey, one.Item())
				sent[i], err = s.submitAnswer(ctx, each, chosen, one)
				return err
			})()
			return nil
		})
	}
	_ = group.Wait() // the errors are those of each answer
	return sent, errs
}

func (s *Web) submitAnswer(ctx context.Context, caller operations.Caller, chosen chosenAnswers, one pendingItem) (operations.Operation, error) {
	reason := chosen.Reason
	if chosen.Approve {
		reason = ""
	}
	if one.Plan == "" {
		return s.admin.Answers.ReviewRegistration(ctx, caller, one.Account, chosen.Approve, reason)
	}
	return s.admin.Answers.Review(ctx, caller, operations.Answer{Account: one.Account, Plan: one.Plan, Approved: chosen.Approve, Reason: reason, Wish: one.Wish})
}

type answersPage struct {
	Approve bool
	Lines   []answerLine
	// Unsent are requests whose answer was not accepted. Again leads to the confirmation for them.
	Unsent []pendingLine
	Again  string
	// Reload leads to the page itself while Open, "" if the form's answer is the page.
	Reload string
	Open   bool
}

type answerLine struct {
	ID            portal.OperationID
	Badge         badge
	Person, Email string
	Account       string
	What, Text    string
}

// answers shows what came of the admin's answers.
func (s *Web) answers(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	query := r.URL.Query()
	body := answersPage{Approve: query.Get("verb") == "approve"}
	ids := query["operation"]
	if len(ids) == 0 || len(ids) > maxAnswers {
		return errNothing
	}
	if err := s.readAnswers(r, id, ids, &body); err != nil {
		return err
	}
	body.Reload = r.URL.RequestURI()
	s.render(w, r, http.StatusOK, adminView("admin-answered", "Your answers", tabApprovals, body))
	return nil
}

func (s *Web) readAnswers(r *http.Request, id identity.Identity, ids []string, body *answersPage) error {
	shelf, err := s.shelf(r)
	if err != nil {
		return err
	}
	offered := offersIn(shelf.Products)
	body.Lines = make([]answerLine, len(ids))
	found := make([]operations.Operation, len(ids))
	group, within := errgroup.WithContext(r.Context())
	group.SetLimit(atOnce)
	for i, name := range ids {
		group.Go(portal.Guard(func() (err error) {
			if len(name) > maxID || !utf8.ValidString(name) {
				return errNothing
			}
			if found[i], err = s.operations.Find(within, id.Account, portal.OperationID(name)); err != nil {
				return err
			}
			body.Lines[i], err = s.answerLine(within, found[i], offered, body.Approve)
			return err
		}))
	}
	err = group.Wait()
	body.Open = slices.ContainsFunc(found, func(o operations.Operation) bool { return !o.Status.Over() })
	return err
}

func (s *Web) answerLine(ctx context.Context, operation operations.Operation, offered offers, approve bool) (answerLine, error) {
	account, _ := operation.Subject.Account()
	person, err := s.admin.People.Person(ctx, account)
	if err != nil && portal.CodeOf(err) != portal.NotFound {
		return answerLine{}, err
	}
	line := answerLine{ID: operation.ID, Badge: statusBadge(operation), Account: string(account), Person: cmp.Or(person.Name, person.Email, string(account)), What: "Registration"}
	if person.Name != "" {
		line.Email = person.Email
	}
	if operation.Plan != "" {
		line.What = "Subscription to " + pendingSubscription(approvals.Row{Plan: operation.Plan}, offered).PlanName
	}
	switch operation.Status {
	case projections.Succeeded:
		line.Text = map[bool]string{true: "Approved.", false: "Denied. The person reads your reason."}[approve]
	case projections.Rejected:
		line.Text = "Your answer had no effect. " + operation.Message
	case projections.Failed:
		line.Text = "Your answer failed, and is a dead letter now. Replay it under Dead letters."
	default:
		line.Text = "A worker is recording your answer."
	}
	return line, nil
}
