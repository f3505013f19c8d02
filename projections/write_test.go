package projections

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func TestASignUpTakesOneTransactionForEachRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		appends [][]said
		want    map[string]int
	}{
		"fact by fact": {
			[][]said{{registered}, {keyWanted}, {freeWanted}, {keyCreated}, {freeAttached}, {freeActive}},
			map[string]int{"GetItem": 1, "Query": 6, "TransactWriteItems": 6},
		},
		"append by append": {
			[][]said{{registered}, {keyWanted, freeWanted}, {keyCreated}, {freeAttached, freeActive}},
			map[string]int{"GetItem": 1, "Query": 4, "TransactWriteItems": 4},
		},
		"all at once": {
			[][]said{whole[:6]},
			map[string]int{"GetItem": 1, "Query": 1, "TransactWriteItems": 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			counting := watch(s)
			s.projector = s.watchedBy(counting)
			for _, facts := range c.appends {
				s.show(s.say(annStream, facts...)...)
			}
			same(t, "requests", c.want, counting.counts())
			if got := s.checkpoint(annStream); got != 6 {
				t.Errorf("the checkpoint is at %d", got)
			}
		})
	}
}

func TestASingleRowIsWrittenWithoutATransaction(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, registered, painted)
	s.show(facts[0]) // shows both
	s.say(annStream, painted)
	counting := watch(s)
	if err := s.watchedBy(counting).Handle(t.Context(), events.Event{Subject: annStream}); err != nil {
		t.Fatal(err)
	}
	same(t, "requests", map[string]int{"GetItem": 2, "Query": 1, "PutItem": 1}, counting.counts())
	if got := s.checkpoint(annStream); got != 3 {
		t.Errorf("the checkpoint is at %d", got)
	}
}

func TestANewerRowStaysAndTheOthersAreWritten(t *testing.T) {
	t.Parallel()
	for row, newer := range map[string]int64{"now#profile": 99, "now#key#k1": 99, "log#activity#000000000003": 99} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			want := reference(t)
			s := newScreen(t)
			facts := s.say(annStream, whole...)
			planted := map[string]types.AttributeValue{
				"pk": schema.Text(partition(1, accountPartition(ann))), "sk": schema.Text(row), "seq": schema.Number(newer),
			}
			if _, err := s.tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.tables.Views, Item: planted}); err != nil {
				t.Fatal(err)
			}
			want[accountPartition(ann)+" "+row] = s.rows(accountPartition(ann))[accountPartition(ann)+" "+row]
			s.show(facts[8])
			same(t, "rows", want, s.rows(everything...))
			if got := s.checkpoint(annStream); got != 9 {
				t.Errorf("the checkpoint is at %d", got)
			}
		})
	}
}

func TestAfterACollisionRowsAreWrittenOneByOne(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]error{
		"with a transaction":                 canceled("None", "TransactionConflict", "None"),
		"with a transaction and a newer row": canceled("ConditionalCheckFailed", "TransactionConflict"),
		"with a single write":                &types.TransactionConflictException{},
		"with itself, after a lost answer":   &types.TransactionInProgressException{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := reference(t)
			s := newScreen(t)
			facts := s.say(annStream, whole...)
			contended := watch(s)
			contended.before = func(_ int, c call) error {
				if c.operation == "TransactWriteItems" {
					return refusal
				}
				return nil
			}
			if err := s.watchedBy(contended).Handle(t.Context(), facts[8]); err != nil {
				t.Fatal(err)
			}
			same(t, "rows", want, s.rows(everything...))
			if got := s.checkpoint(annStream); got != 9 {
				t.Errorf("the checkpoint is at %d", got)
			}
		})
	}
}

func TestIfASingleRowCollidesTheMessageIsPostponed(t *testing.T) {
	t.Parallel()
	want := reference(t)
	s := newScreen(t)
	facts := s.say(annStream, whole...)
	contended := watch(s)
	var puts atomic.Int32
	contended.before = func(n int, c call) error {
		if c.operation == "PutItem" && puts.Add(1) == 3 {
			return &types.TransactionConflictException{}
		}
		return colliding(n, c)
	}
	projector := s.watchedBy(contended)
	var postponed *portal.Postponed
	if err := projector.Handle(t.Context(), facts[8]); !errors.As(err, &postponed) {
		t.Fatalf("%v, want Postponed", err)
	}
	if err := projector.Handle(t.Context(), facts[8]); err != nil {
		t.Fatal(err)
	}
	same(t, "rows", want, s.rows(everything...))
	if got := s.checkpoint(annStream); got != 9 {
		t.Errorf("the checkpoint is at %d", got)
	}
}

func TestAThrottledTransactionIsPostponed(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, whole...)
	busy := watch(s)
	busy.before = func(_ int, c call) error {
		if c.operation == "TransactWriteItems" {
			return canceled("ConditionalCheckFailed", "ThrottlingError")
		}
		return nil
	}
	var postponed *portal.Postponed
	if err := s.watchedBy(busy).Handle(t.Context(), facts[8]); !errors.As(err, &postponed) {
		t.Fatalf("%v, want Postponed", err)
	}
	if n := busy.counts()["PutItem"]; n > 0 {
		t.Errorf("%d rows were written one by one to a busy table", n)
	}
}

// If the SDK gets no answer to a transaction, it sends it again with the same token.
func TestALostAnswerOfATransactionIsNotAFailure(t *testing.T) {
	t.Parallel()
	want := reference(t)
	server := localawstest.Start(t)
	s := screenOn(t, journaltest.On(t, server.AWSConfig()))
	facts := s.say(annStream, whole...)
	arrived := func() int { return server.Counts().Of("dynamodb", "TransactWriteItems").Requests }
	before := arrived()
	err := server.SetFaults(faults.Plan{Rules: []faults.Rule{{Service: "dynamodb", Operation: "TransactWriteItems", Kind: faults.Lost, Times: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	counting := watch(s)
	if err := s.watchedBy(counting).Handle(t.Context(), facts[0]); err != nil {
		t.Fatal(err)
	}
	same(t, "requests", map[string]int{"GetItem": 1, "Query": 1, "TransactWriteItems": 1}, counting.counts())
	if got := arrived() - before; got != 2 {
		t.Errorf("%d transactions arrived, want one and its retry", got)
	}
	same(t, "rows", want, s.rows(everything...))
	if got := s.checkpoint(annStream); got != 9 {
		t.Errorf("the checkpoint is at %d", got)
	}
}

func TestRowsThatDoNotFitIntoATransactionTakeAsFewAsPossible(t *testing.T) {
	t.Parallel()
	tell := func(facts, length int) []said {
		var all []said
		for i := range facts {
			text := fmt.Sprint(i) + strings.Repeat("x", length)
			all = append(all, said{"op-many", events.RequestRejected{Code: portal.Conflict, Message: text}})
		}
		return all
	}
	for name, c := range map[string]struct {
		facts, length int
		want          []int // how many rows each transaction has
	}{
		"just a hundred rows":              {50, 0, []int{100, 1}},
		"some more":                        {120, 0, []int{100, 100, 41}},
		"rows of more than four megabytes": {40, 40 << 10, []int{58, 23}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			facts := s.say(annStream, tell(c.facts, c.length)...)
			counting := watch(s)
			if err := s.watchedBy(counting).Handle(t.Context(), facts[0]); err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, write := range counting.writes() {
				got = append(got, len(write))
			}
			same(t, "rows of the transactions", c.want, got)
			shown := s.rows(andMany...)
			if len(shown) != 2*c.facts || s.checkpoint(annStream) != int64(c.facts) {
				t.Errorf("%d rows are shown, the checkpoint is at %d", len(shown), s.checkpoint(annStream))
			}
			one := screenOn(t, journaltest.On(t, s.tables.Config))
			one.say(annStream, tell(c.facts, c.length)...)
			byRow := watch(one)
			byRow.before = colliding
			if err := one.watchedBy(byRow).Handle(t.Context(), facts[0]); err != nil {
				t.Fatal(err)
			}
			same(t, "rows, compared with those written one by one", one.rows(andMany...), shown)
		})
	}
}

func TestPartsKeepWithinTheLimitsAndTheOrder(t *testing.T) {
	t.Parallel()
	put := func(size int) *types.Put {
		return &types.Put{Item: map[string]types.AttributeValue{"x": schema.Text(strings.Repeat("x", size))}}
	}
	small, large, huge := put(1), put(390<<10), put(401<<10)
	for name, c := range map[string]struct {
		puts []*types.Put
		want []int
	}{
		"one":                    {[]*types.Put{small}, []int{1}},
		"a hundred":              {slices.Repeat([]*types.Put{small}, 100), []int{100}},
		"a hundred and one":      {slices.Repeat([]*types.Put{small}, 101), []int{100, 1}},
		"the largest items":      {slices.Repeat([]*types.Put{large}, 11), []int{7, 4}},
		"one that is too large":  {[]*types.Put{small, small, huge, small}, []int{2, 1, 1}},
		"two that are too large": {[]*types.Put{huge, huge}, []int{1, 1}},
	} {
		var sizes []int
		var again []*types.Put
		for _, part := range parts(c.puts) {
			sizes = append(sizes, len(part))
			again = append(again, part...)
		}
		same(t, name, c.want, sizes)
		if !slices.Equal(again, c.puts) {
			t.Errorf("%s: the order has changed", name)
		}
	}
}

// The table knows the real size of each row.
func TestTheSizeOfARowIsNotUnderestimated(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.say(annStream, append(many(), said{"op-x", events.SubscriptionWanted{Plan: "p", Name: strings.Repeat("ü", 2000), Ring: portal.AccountRing}})...)
	changed := newRows(1)
	if _, err := s.projector.showAccount(t.Context(), changed, ann, events.Event{}, 0, noLimit); err != nil {
		t.Fatal(err)
	}
	changed.checkpoint(annStream, 3, 9)
	for _, r := range changed.inOrder() {
		put, err := s.projector.store.guarded(r)
		if err != nil {
			t.Fatal(err)
		}
		put.ConditionExpression, put.ExpressionAttributeValues = nil, nil
		in := plainly(put)
		in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
		out, err := s.tables.Client.PutItem(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		units := aws.ToFloat64(out.ConsumedCapacity.CapacityUnits)
		if least := (int(units) - 1) << 10; payloadOf(put) <= least {
			t.Errorf("row %s %s counts as %d bytes and takes %v KB", r.key.PK, r.key.SK, payloadOf(put), units)
		}
	}
}
