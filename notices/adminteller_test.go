package notices_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// adminWorld is a world with admins, and registrations that wait for them.
type adminWorld struct {
	*world
	teller  *notices.AdminTeller
	admins  []portal.AccountID
	waiting []notices.Waiting
	rows    []due.Row
}

func newOffice(t *testing.T, admins ...portal.AccountID) *adminWorld {
	o := &adminWorld{world: newWorld(t), admins: admins}
	for _, admin := range admins {
		o.people[admin] = identity.Person{Email: string(admin) + "@example.com", Name: string(admin)}
		o.exists(admin)
	}
	o.teller = &notices.AdminTeller{
		Store: o.notifier.Store, Notifier: o.notifier, Admins: o, Now: o.now,
		Waiting: map[string]func(context.Context, time.Time) ([]notices.Waiting, error){
			due.Registration: o.list, due.Approval: o.list, due.DeadLetter: o.list, due.Feedback: o.list,
		},
	}
	return o
}

func (o *adminWorld) list(context.Context, time.Time) ([]notices.Waiting, error) {
	return slices.Clone(o.waiting[:min(len(o.waiting), notices.MaxWaiting)]), nil
}

func (w *world) exists(account portal.AccountID) {
	w.t.Helper()
	if _, err := w.tables.Client.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: &w.records, Item: schema.Person(account).Attributes()}); err != nil {
		w.t.Fatal(err)
	}
}

func (o *adminWorld) Admins(context.Context) ([]portal.AccountID, error) { return o.admins, nil }

// arrive has a person ask for an account.
func (o *adminWorld) arrive(id string) {
	o.waiting = append(o.waiting, notices.Waiting{ID: id, At: o.now()})
	o.rows = append(o.rows, due.OfAdminItem(portal.AccountStream(portal.AccountID(id)), due.Registration, id, o.now()))
}

// job handles every due row, as often as told, and returns how many are left.
func (o *adminWorld) job(times int) int {
	o.t.Helper()
	for range times {
		var left []due.Row
		for _, row := range o.rows {
			done, err := o.teller.Wake(o.t.Context(), row)
			if err != nil {
				o.t.Fatal(err)
			}
			if !done {
				left = append(left, row)
			}
		}
		if times == 1 {
			o.rows = left
		}
	}
	o.deliver()
	return len(o.rows)
}

// subjects are the mails that went to an admin.
func (o *adminWorld) subjects(admin portal.AccountID) string {
	var all []string
	for _, m := range o.post.mails {
		if strings.HasPrefix(m.To.Address, string(admin)+"@") {
			all = append(all, m.Subject)
		}
	}
	return strings.Join(all, "; ")
}

func TestAdminsAreToldOfTheFirstThingAtOnceAndOfTheRestInOneNotice(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "root", "ada")
	settings := notices.Settings{Off: map[string][]notices.Kind{notices.ChannelMail: {notices.AdminRegistration}}}
	if err := o.desk.SetSettings(t.Context(), "ada", settings); err != nil {
		t.Fatal(err)
	}
	o.arrive("a")
	o.job(3) // due rows may fall due twice before they are deleted
	if left := o.job(1); left != 0 || o.subjects("root") != "A registration waits for your approval" {
		t.Fatalf("%d rows are left, and root has %q", left, o.subjects("root"))
	}
	for n := range 30 {
		o.later(time.Minute)
		o.arrive(fmt.Sprintf("b%d", n))
	}
	if left := o.job(1); left != 30 || o.subjects("root") != "A registration waits for your approval" {
		t.Fatalf("within an hour %d rows are left, and root has %q", left, o.subjects("root"))
	}
	o.waiting = o.waiting[5:] // an admin has answered five meanwhile
	o.later(time.Hour)
	o.job(2)
	if left := o.job(1); left != 0 || o.subjects("root") != "A registration waits for your approval; 26 registrations wait for your approval" {
		t.Errorf("after an hour %d rows are left, and root has %q", left, o.subjects("root"))
	}
	if o.subjects("ada") != "" {
		t.Errorf("ada has switched mails off, and has %q", o.subjects("ada"))
	}
	if all, err := o.desk.List(t.Context(), "ada"); err != nil || len(all) != 2 || all[0].Kind != notices.AdminRegistration {
		t.Errorf("on the dashboard ada has %+v, %v", all, err)
	}
}

// A full list has the oldest items only.
func TestAdminsAreToldOfWhatIsBeyondTheEndOfAFullList(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "root")
	for n := range notices.MaxWaiting {
		o.arrive(fmt.Sprintf("a%d", n))
	}
	o.rows = o.rows[:1]
	if left := o.job(1); left != 0 || o.subjects("root") != "1000 or more registrations wait for your approval" {
		t.Fatalf("%d rows are left, and root has %q", left, o.subjects("root"))
	}
	o.later(time.Hour)
	o.arrive("new")
	o.job(2)
	if left := o.job(1); left != 0 || !strings.HasSuffix(o.subjects("root"), "; 1 or more registrations wait for your approval") {
		t.Errorf("%d rows are left, and root has %q", left, o.subjects("root"))
	}
}

func TestEachNoticeForAdminsLeadsToItsPage(t *testing.T) {
	t.Parallel()
	for about, want := range map[string]struct {
		kind                 notices.Kind
		one, several, leadTo string
	}{
		due.Registration: {notices.AdminRegistration, "A registration waits for your approval", "2 registrations wait for your approval", "/admin/approvals"},
		due.Approval:     {notices.AdminApproval, "A subscription waits for your approval", "2 subscriptions wait for your approval", "/admin/approvals"},
		due.DeadLetter:   {notices.AdminDeadLetter, "A message has become a dead letter", "2 messages have become dead letters", "/admin/dead-letters"},
		due.Feedback:     {notices.AdminFeedback, "A person has sent feedback", "2 messages of feedback", "/admin/feedback"},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, "root")
			for _, ids := range [][]string{{"a"}, {"b", "c"}} {
				o.waiting = nil
				for _, id := range ids {
					o.arrive(id)
				}
				for n := range o.rows {
					o.rows[n].Channel = about
				}
				if left := o.job(1); left != 0 {
					t.Fatalf("%d rows are left", left)
				}
				o.later(time.Hour)
			}
			all, err := o.desk.List(t.Context(), "root")
			if err != nil || len(all) != 2 {
				t.Fatalf("root has %+v, %v", all, err)
			}
			for n, title := range []string{want.several, want.one} {
				if got := all[n]; got.Kind != want.kind || got.Title != title || got.Link != want.leadTo || got.Advice == "" {
					t.Errorf("root has %+v", got)
				}
			}
		})
	}
}

func TestNothingIsToldOfWhatWasAnsweredBefore(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "root")
	o.arrive("a")
	o.waiting = nil
	if left := o.job(1); left != 0 || o.subjects("root") != "" {
		t.Errorf("%d rows are left, and root has %q", left, o.subjects("root"))
	}
}

// An item whose row shows up after the notice that should have counted it comes with the next one.
func TestAnItemThatIsListedLateIsToldWithTheNextNotice(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "root")
	o.arrive("late")
	late, row := o.waiting[0], o.rows[0]
	o.waiting, o.rows = nil, nil
	o.later(time.Second)
	o.arrive("a")
	o.job(1)
	o.waiting, o.rows = append(o.waiting, late), []due.Row{row}
	if left := o.job(1); left != 1 {
		t.Fatal("the late item counts as told")
	}
	o.later(time.Hour)
	if left := o.job(1); left != 0 || strings.Count(o.subjects("root"), ";") != 1 {
		t.Errorf("%d rows are left, and root has %q", left, o.subjects("root"))
	}
}

// A worker may stop between any two writes; the due row has another one finish.
func TestEveryAdminIsToldOnceAlthoughWorkersStop(t *testing.T) {
	t.Parallel()
	for stop := range 5 {
		t.Run(fmt.Sprint("after ", stop, " writes"), func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, "root", "ada", "cy")
			o.arrive("a")
			dying := *o.teller
			store := notices.NewStore(&dyingClient{Client: o.tables.Client, left: stop}, o.records)
			dying.Store, dying.Notifier = store, &notices.Notifier{Accounts: o, Store: store, Sender: o, Now: o.now, Mail: true}
			if _, err := dying.Wake(t.Context(), o.rows[0]); err == nil && stop < 4 {
				t.Error("the worker did not notice that it stopped")
			}
			o.job(2)
			if left := o.job(1); left != 0 {
				t.Errorf("%d rows are left", left)
			}
			for _, admin := range o.admins {
				if got := o.subjects(admin); got != "A registration waits for your approval" {
					t.Errorf("%s has %q", admin, got)
				}
			}
		})
	}
}

// dyingClient writes so many transactions, and then nothing.
type dyingClient struct {
	*dynamodb.Client
	left int
}

func (d *dyingClient) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if d.left--; d.left < 0 {
		return nil, errors.New("the worker is gone")
	}
	return d.Client.TransactWriteItems(ctx, in, opts...)
}

func TestARowAboutSomethingUnknownIsLeftToNewerWorkers(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "root")
	if done, err := o.teller.Wake(t.Context(), due.OfAdminItem("account/a", "weather", "a", noon)); done || err == nil {
		t.Errorf("it is done: %t, %v", done, err)
	}
}
