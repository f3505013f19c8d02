package projections

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func TestEveryAccountIsListedOnceByItsRegistrationAndWithItsStatus(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	var want []string
	for n := range 45 {
		stream := portal.AccountStream(portal.AccountID(fmt.Sprintf("account%02d", n)))
		s.tell(stream, began.Add(time.Duration(n)*time.Minute), registered)
		status := StatusRegistered
		if n%3 == 0 {
			s.tell(stream, began.Add(time.Hour), said{"", events.AccountSuspended{Message: "No."}})
			status = StatusSuspended
		}
		want = append([]string{fmt.Sprintf("account%02d %s", n, status)}, want...)
	}
	// Nobody has approved this one, so the list does not have it.
	s.tell(portal.AccountStream("waiting"), began, said{"op", events.RegistrationPending{}})
	for _, limit := range []int32{1, 7, 45, 100} {
		var got []string
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			page, err := s.Accounts(t.Context(), cursor, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, account := range page.Accounts {
				got = append(got, string(account.ID)+" "+account.Status)
			}
			if cursor = page.Next; pages > 45 {
				t.Fatal("the pages do not end")
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in pages of %d (-want +got):\n%s", limit, diff)
		}
	}
	for _, cursor := range []string{"x", "#", "000000000000001#", "~", "-00000000000001#a"} {
		if _, err := s.Accounts(t.Context(), cursor, 5); portal.CodeOf(err) != portal.Invalid {
			t.Errorf("the cursor %q: %v", cursor, err)
		}
	}
}

func TestTheAccountOfAKeyIsFound(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.tell(portal.AccountStream("ann"), time.Now(), registered)
	s.tell(portal.AccountStream("ann"), time.Now(), keyWanted)
	for key, want := range map[portal.KeyID]portal.AccountID{"k1": "ann", "k2": "", "": "", "k1#": ""} {
		if got, err := s.OwnerOf(t.Context(), key); got != want || err != nil {
			t.Errorf("the owner of %q is %q, %v, want %q", key, got, err, want)
		}
	}
}

func TestWhatAnAdminDoesIsSaidWithoutTheAdminAndTheOperation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fact events.Fact
		want string
	}{
		"suspending":        {events.AccountSuspended{Message: "Unpaid bills."}, "The operator of this portal suspended the account: Unpaid bills."},
		"deleting":          {events.AccountDeleting{}, "The operator of this portal deletes the account."},
		"approving":         {events.UserRegistered{Link: link(1)}, "The operator of this portal approved your registration."},
		"a refused request": {events.RequestRejected{Code: portal.Conflict, Message: "Not now."}, ""},
	} {
		fact := events.Event{Subject: portal.AccountStream("ann"), Actor: portal.AccountActor("root"), Operation: "op", Sequence: 2, Data: c.fact}
		account := state.NewAccount("ann")
		if got := activityText(account, fact); got != c.want {
			t.Errorf("%s is told as %q, want %q", name, got, c.want)
		}
		if got := ownOperation(account, fact); got != "" {
			t.Errorf("%s leads to the operation %s", name, got)
		}
	}
}
