package operations_test

import (
	"fmt"
	"maps"
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

// counters are the attributes of the row of an actor's limits.
type counters map[string]int64

func (d *fixture) counters(account portal.AccountID) counters {
	d.t.Helper()
	found := counters{}
	for _, row := range d.tables.Rows(d.t, d.tables.Records, "account#"+string(account)) {
		if sk, ok := row["sk"].(*types.AttributeValueMemberS); !ok || sk.Value != "intent" {
			continue
		}
		for name, value := range row {
			var n int64
			if _, number := value.(*types.AttributeValueMemberN); number && attributevalue.Unmarshal(value, &n) == nil {
				found[name] = n
			}
		}
	}
	return found
}

func (d *fixture) plant(account portal.AccountID, c counters) {
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

// limit is a window's state when a request comes: how many are counted in each slot, from the
// present one on.
type limit struct {
	name  string
	slot  int64
	count func(most int64) int64
	full  bool
}

func limits() []limit {
	room := func(most int64) int64 { return most - 1 }
	full := func(most int64) int64 { return most }
	return []limit{
		{name: "never counted"},
		{"full before", -1, full, false},
		{"running, with room", 0, room, false},
		{"running, and full", 0, full, true},
		{"a little ahead, with room", 1, room, false},
		{"a little ahead, and full", 1, full, true},
		{"far ahead, by a wrong clock, and full", 2, full, false},
	}
}

func TestEveryCombinationOfWindowsIsCountedCorrectly(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	minute, changes := d.now.Unix()/60, d.now.Unix()/int64(operations.ChangesWithin.Seconds())
	runs := 0
	for _, m := range limits() {
		for _, c := range limits() {
			for _, request := range []events.Request{register, leaveFree} {
				runs++
				account := portal.AccountID(fmt.Sprint("account", runs))
				name := fmt.Sprintf("%s; minute %s; changes %s", events.Name(request.EventType()), m.name, c.name)
				before := counters{"intent": 7}
				if m.count != nil {
					before[fmt.Sprint("minute_", minute+m.slot)] = m.count(operations.MaxPerMinute)
				}
				if c.count != nil {
					before[fmt.Sprint("changes_", changes+c.slot)] = c.count(operations.MaxChanges)
				}
				d.plant(account, before)
				_, err := d.Accept(t.Context(), ask(account, "", request))
				change := request == events.Request(leaveFree)
				want := maps.Clone(before)
				switch {
				case m.full:
					refused(t, name, err, "requests in a minute")
				case change && c.full:
					refused(t, name, err, "plan changes in 10 minutes")
				default:
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					want["intent"]++
					want[fmt.Sprint("minute_", minute)]++
					if change {
						want[fmt.Sprint("changes_", changes)]++
					}
				}
				same(t, name, want, d.counters(account))
			}
		}
	}
}

func TestPastCountsAreRemovedFromTimeToTime(t *testing.T) {
	t.Parallel()
	d, _ := mayHaveOpen(t, 1000)
	for n := range 100 {
		d.accepts(ask(ann, "", leaveFree))
		found := d.counters(ann)
		if len(found) > 20 || found["intent"] != int64(n+1) {
			t.Fatalf("after %d requests: %v", n+1, found)
		}
		d.pass(7 * time.Minute)
	}
}

func refused(t *testing.T, name string, err error, says string) {
	t.Helper()
	if portal.CodeOf(err) != portal.TooManyRequests || !strings.Contains(portal.MessageOf(err), says) {
		t.Errorf("%s: %v, want a refusal that says %q", name, err, says)
	}
}

func TestChangesOfPlansAreLimited(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.now = d.now.Truncate(operations.ChangesWithin)
	kept := d.accepts(ask(ann, "k", leaveFree))
	for range operations.MaxChanges - 1 {
		d.pass(30 * time.Second)
		d.accepts(ask(ann, "", leaveFree))
	}
	_, err := d.Accept(t.Context(), ask(ann, "", leavePlus))
	refused(t, "one more", err, "plan changes")
	if again := d.accepts(ask(ann, "k", leaveFree)); again.ID != kept.ID {
		t.Error("what was accepted before cannot be sent again")
	}
	d.accepts(ask(ann, "", register))
	d.accepts(ask(bob, "", leaveFree))
	d.pass(operations.ChangesWithin)
	d.accepts(ask(ann, "", leaveFree))
}
