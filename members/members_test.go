package members_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// testStore is a store whose people exist, with a clock.
type testStore struct {
	*members.Store
	t      *testing.T
	tables journaltest.Tables
	now    time.Time
}

func open(t *testing.T, people ...portal.AccountID) *testStore {
	t.Helper()
	h := &testStore{t: t, tables: journaltest.Start(t), now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	h.Store = members.NewStore(h.tables.Client, h.tables.Records, func() time.Time { return h.now })
	for _, account := range people {
		h.put(schema.Person(account))
	}
	return h
}

func (h *testStore) put(key schema.Key) {
	h.t.Helper()
	if _, err := h.tables.Client.PutItem(h.t.Context(), &dynamodb.PutItemInput{TableName: &h.tables.Records, Item: key.Attributes()}); err != nil {
		h.t.Fatal(err)
	}
}

// keys lists the keys of all rows of the records table.
func (h *testStore) keys() []string {
	h.t.Helper()
	out, err := h.tables.Client.Scan(h.t.Context(), &dynamodb.ScanInput{TableName: &h.tables.Records})
	if err != nil {
		h.t.Fatal(err)
	}
	var all []string
	for _, item := range out.Items {
		key := schema.KeyOf(item)
		all = append(all, key.PK+" "+key.SK)
	}
	slices.Sort(all)
	return all
}

func (h *testStore) refuses(what string, err error, code portal.Code, says string) {
	h.t.Helper()
	if portal.CodeOf(err) != code || !strings.Contains(portal.MessageOf(err), says) {
		h.t.Errorf("%s: %v, want %s with %q", what, err, code, says)
	}
}

func TestAnUnknownTimeZoneIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t, "ann")
	for _, zone := range []string{"Mars/Olympus", "Local", "local", "../etc/passwd", "/etc/localtime", strings.Repeat("a", 10_000), "Europe/Berlin\x00"} {
		h.refuses("the time zone "+zone[:min(20, len(zone))], h.SetSettings(t.Context(), "ann", members.Settings{TimeZone: zone}), portal.Invalid, "There is no such time zone.")
	}
	for _, zone := range []string{"Europe/Berlin", "UTC", ""} {
		if err := h.SetSettings(t.Context(), "ann", members.Settings{TimeZone: zone}); err != nil {
			t.Errorf("the time zone %q: %v", zone, err)
		}
		if got, err := h.Settings(t.Context(), "ann"); err != nil || got.TimeZone != zone {
			t.Errorf("the time zone is %q, %v, want %q", got.TimeZone, err, zone)
		}
	}
}

func TestFeedbackIsLimitedInLengthAndRate(t *testing.T) {
	t.Parallel()
	h := open(t, "ann", "bob")
	say := func(account portal.AccountID, topic, page, text string) error {
		_, err := h.AddFeedback(t.Context(), members.Feedback{Account: account, Topic: topic, Page: page, Text: text})
		return err
	}
	h.refuses("10,000 characters", say("ann", "api", "", strings.Repeat("ä", 10_000)), portal.Invalid, "The text is longer than 4000 characters. Shorten it.")
	h.refuses("nothing", say("ann", "api", "", " \n"), portal.Invalid, "The text is empty.")
	h.refuses("another topic", say("ann", "weather", "", "Hello."), portal.Invalid, "Choose a topic: documentation, api,")
	h.refuses("another site's page", say("ann", "api", "https://evil.example", "Hello."), portal.Invalid, "not a path of this portal")
	if err := say("ann", "api", "/apis", strings.Repeat("ä", members.MaxFeedback)); err != nil {
		t.Errorf("4,000 characters: %v", err)
	}
	for n := 1; n < members.MaxFeedbackPerHour; n++ {
		h.now = h.now.Add(time.Minute)
		if err := say("ann", "other", "", fmt.Sprintf("Message %d.", n)); err != nil {
			t.Fatal(err)
		}
	}
	h.refuses("one too many", say("ann", "api", "", "Hello."), portal.TooManyRequests, "More than 10 messages in an hour.")
	h.now = h.now.Add(time.Second)
	if err := say("bob", "api", "", "Hello."); err != nil {
		t.Errorf("another person: %v", err)
	}
	h.now = h.now.Add(time.Hour)
	if err := say("ann", "api", "", "Hello again."); err != nil {
		t.Errorf("an hour later: %v", err)
	}
	h.refuses("an account that was deleted", say("gone", "api", "", "Hello."), portal.Unauthorized, "This account was deleted a moment ago, or")
	var texts []string
	for next, pages := "", 0; pages == 0 || next != ""; pages++ {
		page, following, err := h.AllFeedback(t.Context(), members.FeedbackFilter{}, next, 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, said := range page {
			texts = append(texts, said.Text)
		}
		next = following
	}
	if len(texts) != 12 || texts[0] != "Hello again." || texts[1] != "Hello." {
		t.Errorf("the list has %d messages, the latest %q", len(texts), texts[:2])
	}
}

func TestErasingLeavesOnlyWhatIsKeptForTheAudit(t *testing.T) {
	t.Parallel()
	h := open(t, "ann", "bob")
	for _, account := range []portal.AccountID{"ann", "bob"} {
		for _, key := range []schema.Key{
			schema.Intent(portal.AccountStream(account)), schema.ListedOperation(portal.AccountActor(account), h.now, "op-"+portal.OperationID(account)),
			schema.Reveal(account, h.now), schema.RevealCount(account), schema.Notice(account, "n"), schema.Webhook(account, "w"), schema.WebhookCount(account),
			schema.NoticeSettings(account), schema.Delivery(account, "mail", "n"),
		} {
			h.put(key)
		}
		if err := h.SetSettings(t.Context(), account, members.Settings{TimeZone: "Europe/Berlin"}); err != nil {
			t.Fatal(err)
		}
		h.put(schema.Admin(account))
		h.put(schema.GroupAdmin(account))
		if _, err := h.AddFeedback(t.Context(), members.Feedback{Account: account, Topic: "api", Text: "I am " + string(account) + "."}); err != nil {
			t.Fatal(err)
		}
	}
	tables := identity.Tables{Journal: h.tables.Journal, Records: h.tables.Records, Sessions: h.tables.Records}
	erasure := members.Erasure{
		Store: h.Store, People: identity.Lookup{DynamoDB: h.tables.Client, Tables: tables}, Identities: identity.Eraser{DynamoDB: h.tables.Client, Tables: tables},
	}
	before := h.keys()
	for range 2 { // a second time changes nothing
		if err := erasure.Erase(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
	}
	var left []string
	for _, key := range h.keys() {
		if strings.Contains(key, "ann") {
			left = append(left, key)
		}
	}
	want := []string{"account#ann intent", "account#ann operation#" + schema.Milliseconds(h.now) + "#op-ann"}
	if !slices.Equal(left, want) {
		t.Errorf("left of her is %q, want %q", left, want)
	}
	if all, _, err := h.AllFeedback(t.Context(), members.FeedbackFilter{}, "", 10); err != nil || len(all) != 1 || all[0].Account != "bob" {
		t.Errorf("the feedback left is %v, %v", all, err)
	}
	others := func(keys []string) (n int) {
		for _, key := range keys {
			if strings.Contains(key, "bob") {
				n++
			}
		}
		return n
	}
	if others(before) != others(h.keys()) {
		t.Error("rows of another account are gone")
	}
}

func TestFeedbackIsMarkedAsDoneAndOpenedAgainOnce(t *testing.T) {
	t.Parallel()
	h := open(t, "ann")
	said, err := h.AddFeedback(t.Context(), members.Feedback{Account: "ann", Topic: "api", Text: "Slow."})
	if err != nil {
		t.Fatal(err)
	}
	lists := func(state string, want int) {
		t.Helper()
		if all, _, err := h.AllFeedback(t.Context(), members.FeedbackFilter{State: state}, "", 5); err != nil || len(all) != want {
			t.Errorf("%q has %+v, %v, want %d", state, all, err, want)
		}
	}
	lists(members.FeedbackOpen, 1)
	for range 2 {
		if marked, err := h.MarkFeedback(t.Context(), root, said.ID, true); err != nil || marked.DoneBy != "root" || !marked.Done() || marked.Text != "Slow." {
			t.Errorf("marked is %+v, %v", marked, err)
		}
	}
	lists(members.FeedbackOpen, 0)
	lists(members.FeedbackDone, 1)
	h.now = h.now.Add(time.Second)
	for range 2 {
		if marked, err := h.MarkFeedback(t.Context(), members.By{Operator: "ops@bastion"}, said.ID, false); err != nil || marked.Done() {
			t.Errorf("opened again is %+v, %v", marked, err)
		}
	}
	lists(members.FeedbackOpen, 1)
	entries, _, err := h.Audit(t.Context(), members.AuditFilter{Subject: "ann"}, "", 5)
	if err != nil || len(entries) != 2 || entries[0].What != members.AuditFeedbackReopened || entries[0].Operator != "ops@bastion" || entries[1].What != members.AuditFeedbackDone || entries[1].Admin != "root" {
		t.Errorf("the audit is %+v, %v", entries, err)
	}
	_, err = h.MarkFeedback(t.Context(), root, "f-none", true)
	h.refuses("unknown feedback", err, portal.NotFound, "There is no such feedback.")
}
