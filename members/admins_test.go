package members_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func (h *testStore) remove(key schema.Key) {
	h.t.Helper()
	if _, err := h.tables.Client.DeleteItem(h.t.Context(), &dynamodb.DeleteItemInput{TableName: &h.tables.Records, Key: key.Attributes()}); err != nil {
		h.t.Fatal(err)
	}
}

func TestAPromotionHasEffectWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	h := open(t, "ann")
	is := func(now, cached bool) {
		t.Helper()
		if got, err := h.PromotedNow(t.Context(), "ann"); got != now || err != nil {
			t.Errorf("promoted now: %t, %v, want %t", got, err, now)
		}
		if got, err := h.Promoted(t.Context(), "ann"); got != cached || err != nil {
			t.Errorf("promoted: %t, %v, want %t", got, err, cached)
		}
	}
	is(false, false)
	h.put(schema.Admin("ann"))
	is(true, false)
	h.now = h.now.Add(5 * time.Second)
	is(true, true)
	h.remove(schema.Admin("ann"))
	is(false, true)
	h.now = h.now.Add(5 * time.Second)
	is(false, false)
}

func TestAdminsByPromotionAndByGroupAreListedOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.put(schema.Admin("ann"))
	h.put(schema.Admin("cy"))
	h.put(schema.GroupAdmin("ann"))
	h.put(schema.GroupAdmin("bob"))
	if all, err := h.Admins(t.Context()); err != nil || !slices.Equal(all, []portal.AccountID{"ann", "bob", "cy"}) {
		t.Errorf("the admins are %v, %v", all, err)
	}
}

func TestListsForAdminsHavePagesAndFilters(t *testing.T) {
	t.Parallel()
	h := open(t, "ann", "bob")
	for n := range 5 {
		h.put(schema.PendingRegistration(portal.AccountID(fmt.Sprintf("new-%d", n))))
		h.now = h.now.Add(time.Second)
		if _, err := h.AddFeedback(t.Context(), members.Feedback{Account: "ann", Topic: members.Topics()[n%2], Text: fmt.Sprintf("Message %d.", n)}); err != nil {
			t.Fatal(err)
		}
	}
	var waiting []portal.AccountID
	for next, pages := "", 0; pages == 0 || next != ""; pages++ {
		page, following, err := h.PendingRegistrations(t.Context(), next, 2)
		if err != nil || len(page) > 2 {
			t.Fatal(page, err)
		}
		for _, one := range page {
			waiting = append(waiting, one.Account)
		}
		next = following
	}
	if !slices.Equal(waiting, []portal.AccountID{"new-0", "new-1", "new-2", "new-3", "new-4"}) {
		t.Errorf("waiting are %v", waiting)
	}
	for account, want := range map[portal.AccountID]bool{"new-3": true, "new-9": false} {
		if one, ok, err := h.PendingRegistration(t.Context(), account); err != nil || ok != want || one.Account != account {
			t.Errorf("%s: %+v, %t, %v", account, one, ok, err)
		}
	}
	first, next, err := h.AllFeedback(t.Context(), members.FeedbackFilter{Topic: "api"}, "", 1)
	if err != nil || len(first) != 1 || first[0].Text != "Message 3." || next == "" {
		t.Fatalf("the first page is %+v, next %q, %v", first, next, err)
	}
	rest, next, err := h.AllFeedback(t.Context(), members.FeedbackFilter{Topic: "api"}, next, 5)
	if err != nil || len(rest) != 1 || rest[0].Text != "Message 1." || next != "" {
		t.Errorf("the last page is %+v, next %q, %v", rest, next, err)
	}
	for range 3 {
		h.invite(fmt.Sprintf("ada%d@example.com", h.now.Unix()))
		h.now = h.now.Add(time.Second)
	}
	if entries, _, err := h.Audit(t.Context(), members.AuditFilter{By: "root", What: members.AuditInvited}, "", 10); err != nil || len(entries) != 3 {
		t.Errorf("the audit has %+v, %v", entries, err)
	}
	if entries, next, err := h.Audit(t.Context(), members.AuditFilter{Subject: "bob"}, "", 10); err != nil || len(entries) != 0 || next != "" {
		t.Errorf("about bob the audit has %+v, %q, %v", entries, next, err)
	}
}
