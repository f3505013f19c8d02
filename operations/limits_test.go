package operations_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// counters is what is written down of how much an actor has asked for.
type counters struct {
	Intent      int64 `dynamodbav:"intent"`
	Minute      int64 `dynamodbav:"minute,omitempty"`
	Count       int64 `dynamodbav:"count,omitempty"`
	ChangesSlot int64 `dynamodbav:"changes_slot,omitempty"`
	Changes     int64 `dynamodbav:"changes,omitempty"`
}

func (d *desk) counters(account portal.AccountID) (found counters) {
	d.t.Helper()
	for _, row := range d.tables.Rows(d.t, d.tables.Records, "account#"+string(account)) {
		if sk, ok := row["sk"].(*types.AttributeValueMemberS); ok && sk.Value == "intent" {
			if err := attributevalue.UnmarshalMap(row, &found); err != nil {
				d.t.Fatal(err)
			}
		}
	}
	return found
}

func (d *desk) plant(account portal.AccountID, c counters) {
	d.t.Helper()
	item, err := attributevalue.MarshalMap(c)
	if err != nil {
		d.t.Fatal(err)
	}
	item["pk"], item["sk"] = &types.AttributeValueMemberS{Value: "account#" + string(account)}, &types.AttributeValueMemberS{Value: "intent"}
	if _, err := d.tables.Client.PutItem(d.t.Context(), &dynamodb.PutItemInput{TableName: &d.tables.Records, Item: item}); err != nil {
		d.t.Fatal(err)
	}
}

// limit is a window as it stands when a request comes, and what becomes of it.
type limit struct {
	name        string
	slot, count func(slot, most int64) int64
	// anew says whether the request begins the window anew, full whether there is no room.
	anew, full bool
}

func limits() []limit {
	ahead := func(by int64) func(int64, int64) int64 { return func(slot, _ int64) int64 { return slot + by } }
	none := func(int64, int64) int64 { return 0 }
	room := func(_, most int64) int64 { return most - 1 }
	full := func(_, most int64) int64 { return most }
	return []limit{
		{"never counted", none, none, true, false},
		{"full before", ahead(-1), full, true, false},
		{"running, with room", ahead(0), room, false, false},
		{"running, and full", ahead(0), full, false, true},
		{"a little ahead, with room", ahead(1), room, false, false},
		{"a little ahead, and full", ahead(1), full, false, true},
		{"far ahead, by a wrong clock, and full", ahead(2), full, true, false},
	}
}

func TestEveryCombinationOfWindowsIsCountedRight(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	minute, changes := d.now.Unix()/60, d.now.Unix()/int64(operations.ChangesWithin.Seconds())
	runs := 0
	for _, m := range limits() {
		for _, c := range limits() {
			for _, request := range []events.Request{register, leaveFree} {
				runs++
				account := portal.AccountID(fmt.Sprint("account", runs))
				name := fmt.Sprintf("%s; minute %s; changes %s", events.Name(request.EventType()), m.name, c.name)
				before := counters{
					Intent: 7, Minute: m.slot(minute, operations.MaxPerMinute), Count: m.count(minute, operations.MaxPerMinute),
					ChangesSlot: c.slot(changes, operations.MaxChanges), Changes: c.count(changes, operations.MaxChanges),
				}
				d.plant(account, before)
				_, err := d.Accept(t.Context(), ask(account, "", request))
				change := request == events.Request(leaveFree)
				want := before
				switch {
				case m.full:
					refused(t, name, err, "requests in a minute")
				case change && c.full:
					refused(t, name, err, "changes of plans in 10 minutes")
				default:
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					want.Intent++
					want.Minute, want.Count = counted1(m, minute, before.Minute, before.Count)
					if change {
						want.ChangesSlot, want.Changes = counted1(c, changes, before.ChangesSlot, before.Changes)
					}
				}
				same(t, name, want, d.counters(account))
			}
		}
	}
}

// counted1 is the window after one more.
func counted1(l limit, now, slot, count int64) (newSlot, newCount int64) {
	if l.anew {
		return now, 1
	}
	return slot, count + 1
}

func refused(t *testing.T, name string, err error, says string) {
	t.Helper()
	if portal.CodeOf(err) != portal.TooManyRequests || !strings.Contains(portal.MessageOf(err), says) {
		t.Errorf("%s: %v, want a refusal that says %q", name, err, says)
	}
}

func TestAnAccountMayChangeItsPlansSoOften(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.now = d.now.Truncate(operations.ChangesWithin)
	kept := d.accepts(ask(ann, "k", leaveFree))
	for range operations.MaxChanges - 1 {
		d.pass(30 * time.Second)
		d.accepts(ask(ann, "", leaveFree))
	}
	_, err := d.Accept(t.Context(), ask(ann, "", leavePlus))
	refused(t, "one more", err, "changes of plans")
	if again := d.accepts(ask(ann, "k", leaveFree)); again.ID != kept.ID {
		t.Error("what was accepted before cannot be sent again")
	}
	d.accepts(ask(ann, "", register))
	d.accepts(ask(bob, "", leaveFree))
	d.pass(operations.ChangesWithin)
	d.accepts(ask(ann, "", leaveFree))
}
