package migration

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

type opener interface {
	Open(ctx context.Context, issuer, subject string, said identity.Person) (portal.AccountID, error)
}

type directory interface {
	BySubject(ctx context.Context, issuer, subject string) (portal.AccountID, error)
	EachPerson(ctx context.Context, visit func(portal.AccountID, identity.Person) error) error
}

type rows interface {
	Find(ctx context.Context, key portal.GatewayKeyID) (adoptions.Adopted, bool, error)
	Migrated(ctx context.Context, issuer, subject string) (portal.AccountID, error)
	SetMigrated(ctx context.Context, issuer, subject string, account portal.AccountID) error
	AddWaiting(ctx context.Context, email string, key events.KeyToAdopt) error
}

type accountReader interface {
	Account(ctx context.Context, id portal.AccountID) (accounts.History, error)
}

type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
}

type feedback interface {
	ImportFeedback(ctx context.Context, account portal.AccountID, origin string, at time.Time, text string) (added bool, err error)
}

// Runner carries out plans. Running a plan twice, also at the same time, does no more than running it once.
type Runner struct {
	Issuer   string
	Opener   opener
	People   directory
	Rows     rows
	Accounts accountReader
	Sender   sender
	Feedback feedback
	Now      func() time.Time
	// Progress, if not nil, gets the number of people who are done, and of all.
	Progress func(done, of int)
	// DecisionTimeout is how long Run waits for the workers' decision on one request; 0 means a minute. Poll
	// is the time between the first two looks for it, which doubles up to two seconds; 0 means a tenth of a
	// second.
	DecisionTimeout, Poll time.Duration
}

// Done counts what a run has done, and what it found done.
type Done struct {
	// Accounts counts the accounts that the run opened, and Adopted the keys that accounts have adopted.
	Accounts int `json:"accounts_opened"`
	Adopted  int `json:"keys_adopted"`
	// Waiting counts the keys that wait for the first sign-in of their owner.
	Waiting int `json:"keys_waiting"`
	// Before counts the people for whom nothing was left to do.
	Before int `json:"people_done_before"`
	// Deleted counts the people who have deleted their account since an earlier run.
	Deleted int `json:"people_deleted_since"`
	// Feedback counts the pieces of feedback that the run moved.
	Feedback int `json:"feedback_moved"`
	// Undecided counts the people whose requests no worker has decided on in time.
	Undecided int         `json:"people_undecided"`
	Unmatched []Unmatched `json:"-"`
}

// atOnce is how many people a run works on at the same time.
const atOnce = 32

// Run carries the plan out. After an error, another run continues.
func (r *Runner) Run(ctx context.Context, list Worklist) (Done, error) {
	var mu sync.Mutex
	var total Done
	finished := 0
	byEmail, err := r.accountsByEmail(ctx, list)
	if err != nil {
		return total, err
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, person := range list.People {
		group.Go(portal.Guard(func() error {
			one, err := r.person(within, person, byEmail)
			mu.Lock()
			defer mu.Unlock()
			total.add(one)
			finished++
			if err == nil && r.Progress != nil {
				r.Progress(finished, len(list.People))
			}
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return total, err
	}
	for _, said := range list.Feedback {
		added, err := r.moveFeedback(ctx, said)
		if err != nil {
			return total, err
		}
		if added {
			total.Feedback++
		}
	}
	return total, nil
}

func (d *Done) add(one Done) {
	d.Accounts, d.Adopted, d.Waiting, d.Before = d.Accounts+one.Accounts, d.Adopted+one.Adopted, d.Waiting+one.Waiting, d.Before+one.Before
	d.Deleted, d.Undecided, d.Unmatched = d.Deleted+one.Deleted, d.Undecided+one.Undecided, append(d.Unmatched, one.Unmatched...)
}

// accountsByEmail finds the accounts of verified e-mail addresses, if the plan names people by them.
func (r *Runner) accountsByEmail(ctx context.Context, list Worklist) (map[string][]portal.AccountID, error) {
	wanted := map[string][]portal.AccountID{}
	for _, person := range list.People {
		if person.Subject == "" {
			wanted[strings.ToLower(person.Email)] = nil
		}
	}
	if len(wanted) == 0 {
		return wanted, nil
	}
	err := r.People.EachPerson(ctx, func(account portal.AccountID, is identity.Person) error {
		email := strings.ToLower(is.Email)
		if _, asked := wanted[email]; asked && !is.Unverified {
			wanted[email] = append(wanted[email], account)
		}
		return nil
	})
	return wanted, err
}

func (r *Runner) person(ctx context.Context, person Person, byEmail map[string][]portal.AccountID) (Done, error) {
	if person.Subject != "" {
		return r.personBySubject(ctx, person)
	}
	switch found := byEmail[strings.ToLower(person.Email)]; len(found) {
	case 0:
		return r.addWaiting(ctx, person)
	case 1:
		return r.migrate(ctx, found[0], person)
	default:
		return Done{Unmatched: []Unmatched{{What: "person " + clip(person.Email), Why: fmt.Sprintf(
			"%d accounts have this e-mail address. Delete those that nobody uses, then run the migration again.", len(found))}}}, nil
	}
}

// addWaiting has the keys wait for their owner, except those that an account has adopted.
func (r *Runner) addWaiting(ctx context.Context, person Person) (Done, error) {
	var done Done
	for _, key := range person.Keys {
		_, adopted, err := r.Rows.Find(ctx, key.GatewayID)
		switch {
		case err != nil:
			return done, err
		case adopted:
			done.Unmatched = append(done.Unmatched, takenBefore(key))
			continue
		}
		if err := r.Rows.AddWaiting(ctx, person.Email, key); err != nil {
			return done, err
		}
		done.Waiting++
	}
	return done, nil
}

func takenBefore(key events.KeyToAdopt) Unmatched {
	return Unmatched{What: "key " + string(key.GatewayID), Why: "Another account has taken it over before. `gatehouse keys whose " + string(key.GatewayID) + "` shows which."}
}

// personBySubject opens the account of a person whose subject the plan names, and migrates it. A person who
// has deleted the account that an earlier run opened gets no other.
func (r *Runner) personBySubject(ctx context.Context, person Person) (Done, error) {
	before, err := r.Rows.Migrated(ctx, r.Issuer, person.Subject)
	if err != nil {
		return Done{}, err
	}
	now, err := r.People.BySubject(ctx, r.Issuer, person.Subject)
	if err != nil {
		return Done{}, err
	}
	if before != "" && now != before {
		return Done{Deleted: 1}, nil
	}
	account, err := r.Opener.Open(ctx, r.Issuer, person.Subject, identity.Person{Email: person.Email, Unverified: !person.Verified})
	if err != nil {
		return Done{}, err
	}
	done, err := r.migrate(ctx, account, person)
	if err == nil && done.Undecided == 0 {
		err = r.Rows.SetMigrated(ctx, r.Issuer, person.Subject, account)
	}
	return done, err
}

// migrate sends the requests for what is not done yet, and waits for the workers' decisions.
func (r *Runner) migrate(ctx context.Context, account portal.AccountID, person Person) (Done, error) {
	history, err := r.Accounts.Account(ctx, account)
	if err != nil {
		return Done{}, err
	}
	var done Done
	var asked []events.Event
	for _, key := range person.Keys {
		adopted, ok, err := r.Rows.Find(ctx, key.GatewayID)
		switch {
		case err != nil:
			return done, err
		case ok && adopted.Account != account:
			done.Unmatched = append(done.Unmatched, takenBefore(key))
		case !ok:
			asked = append(asked, r.request(account, events.AccountMigrationRequested{Key: &key}))
		}
	}
	if len(asked) == 0 && !history.Account.Registered && !history.Account.Standing.Leaving() {
		asked = append(asked, r.request(account, events.AccountMigrationRequested{}))
	}
	if len(asked) == 0 {
		if len(done.Unmatched) == 0 {
			done.Before++
		}
		return done, nil
	}
	// One after the other, since each decision depends on the one before.
	for _, request := range asked {
		if err := r.Sender.Send(ctx, request); err != nil {
			return done, portal.Postpone("the queues do not answer", err)
		}
		decided, err := r.decision(ctx, account, request)
		if err != nil {
			return done, err
		}
		done.add(outcome(decided, request, person))
		if done.Undecided > 0 {
			return done, nil
		}
	}
	return done, nil
}

func (r *Runner) request(account portal.AccountID, request events.AccountMigrationRequested) events.Event {
	key := ""
	if request.Key != nil {
		key = string(request.Key.GatewayID)
	}
	now := r.Now()
	id := portal.DeriveID("migration", string(account), key, now.Format(time.RFC3339Nano))
	return events.Event{
		ID: id, Source: "/gatehouse/migration", Subject: portal.AccountStream(account), Time: now, Actor: portal.Operator, Correlation: id, Data: request,
	}
}

// decision is what a request has led to. It has no facts if no worker has decided in time, or if what the
// request asks for was done before.
type decision struct {
	facts     []events.Event
	undecided bool
}

func (r *Runner) decision(ctx context.Context, account portal.AccountID, request events.Event) (decision, error) {
	until, poll := time.Now().Add(cmp.Or(r.DecisionTimeout, time.Minute)), cmp.Or(r.Poll, 100*time.Millisecond)
	for {
		history, err := r.Accounts.Account(ctx, account)
		if err != nil {
			return decision{}, err
		}
		var caused []events.Event
		for _, fact := range history.Facts {
			if fact.Causation == request.ID {
				caused = append(caused, fact)
			}
		}
		done := len(caused) > 0
		if !done {
			if done, err = r.alreadyDone(ctx, history.Account, request); err != nil {
				return decision{}, err
			}
		}
		if undecided := !done && time.Now().After(until); done || undecided {
			return decision{facts: caused, undecided: undecided}, nil
		}
		select {
		case <-ctx.Done():
			return decision{}, ctx.Err()
		case <-time.After(poll):
		}
		poll = min(2*poll, 2*time.Second)
	}
}

// alreadyDone reports whether what the request asks for is done, because another run has asked for it, too.
func (r *Runner) alreadyDone(ctx context.Context, account state.Account, request events.Event) (bool, error) {
	asked, _ := request.Data.(events.AccountMigrationRequested)
	if !account.Registered || asked.Key == nil {
		return account.Registered, nil
	}
	_, adopted, err := r.Rows.Find(ctx, asked.Key.GatewayID)
	return adopted, err
}

func outcome(is decision, request events.Event, person Person) Done {
	var done Done
	if is.undecided {
		done.Undecided = 1
		return done
	}
	asked, _ := request.Data.(events.AccountMigrationRequested)
	for _, fact := range is.facts {
		switch f := fact.Data.(type) {
		case events.UserRegistered:
			done.Accounts++
		case events.KeyAdopted:
			done.Adopted++
		case events.RequestRejected:
			what := "person " + clip(person.Called())
			if asked.Key != nil {
				what = fmt.Sprintf("key %s of %s", asked.Key.GatewayID, clip(person.Called()))
			}
			done.Unmatched = append(done.Unmatched, Unmatched{What: what, Why: f.Message})
		}
	}
	return done
}

func (r *Runner) moveFeedback(ctx context.Context, said Feedback) (added bool, err error) {
	account, err := r.People.BySubject(ctx, r.Issuer, said.Subject)
	if err != nil || account == "" {
		return false, err
	}
	before, err := r.Rows.Migrated(ctx, r.Issuer, said.Subject)
	if err != nil || before != account {
		return false, err
	}
	return r.Feedback.ImportFeedback(ctx, account, said.ID, said.At, said.Text)
}
