package projections

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func (s *screen) verifier() *Verifier {
	return NewVerifier(s.journal, s.tables.Client, s.names(), func() time.Time { return start.Add(s.passed) }, func(context.Context, time.Duration) error { return nil })
}

func (s *screen) verify() Verification {
	s.t.Helper()
	found, err := s.verifier().Verify(s.t.Context(), func(int) {})
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

func (s *screen) set(key schema.Key, name string, value types.AttributeValue) {
	s.t.Helper()
	_, err := s.tables.Client.UpdateItem(s.t.Context(), &dynamodb.UpdateItemInput{
		TableName: &s.tables.Views, Key: key.Attributes(), UpdateExpression: new("SET #name = :value"),
		ExpressionAttributeNames: map[string]string{"#name": name}, ExpressionAttributeValues: map[string]types.AttributeValue{":value": value},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) drop(key schema.Key) {
	s.t.Helper()
	if _, err := s.tables.Client.DeleteItem(s.t.Context(), &dynamodb.DeleteItemInput{TableName: &s.tables.Views, Key: key.Attributes()}); err != nil {
		s.t.Fatal(err)
	}
}

// shown has Ann's whole story on the screen, and Bob's registration.
func shown(t *testing.T) *screen {
	t.Helper()
	s := newScreen(t)
	for _, fact := range append(s.say(annStream, whole...), s.say("account/bob", registered)...) { // each fact alone, as its message comes
		s.show(fact)
	}
	return s
}

func TestViewsThatFollowFromTheJournalHaveNoDifferences(t *testing.T) {
	t.Parallel()
	s := shown(t)
	found := s.verify()
	if found.Found != 0 || found.Streams != 2 || found.Facts != int64(len(whole)+1) || found.Rows < 20 || found.Behind != 0 || found.Leftover != 0 || found.Generation != 1 {
		t.Errorf("it finds %+v", found)
	}
	s.pass(100 * time.Hour)
	s.eachRow(func(key schema.Key, item map[string]types.AttributeValue) { // DynamoDB removes what has expired
		if item[schema.TTL] != nil {
			s.drop(key)
		}
	})
	if found := s.verify(); found.Found != 0 {
		t.Errorf("once empty rows have expired it finds %+v", found)
	}
}

func (s *screen) eachRow(visit func(schema.Key, map[string]types.AttributeValue)) {
	s.t.Helper()
	pages := dynamodb.NewScanPaginator(s.tables.Client, &dynamodb.ScanInput{TableName: &s.tables.Views})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, item := range page.Items {
			visit(schema.KeyOf(item), item)
		}
	}
}

func TestEveryRowThatIsNotAsTheJournalSaysIsNamed(t *testing.T) {
	t.Parallel()
	const live = schema.Generation(1)
	for name, c := range map[string]struct {
		harm func(*screen)
		want Difference
	}{
		"a row that is gone": {
			func(s *screen) { s.drop(live.Profile(ann)) },
			Difference{Stream: annStream, PK: live.Profile(ann).PK, SK: live.Profile(ann).SK, What: RowMissing},
		},
		"a row that somebody changed": {
			func(s *screen) { s.set(live.Profile(ann), "status", schema.Text("suspended")) },
			Difference{Stream: annStream, PK: live.Profile(ann).PK, SK: live.Profile(ann).SK, What: RowDiffers, Attributes: []string{"status"}},
		},
		"a row with an attribute too many": {
			func(s *screen) { s.set(live.Key(ann, "k1"), "colour", schema.Text("red")) },
			Difference{Stream: annStream, PK: live.Key(ann, "k1").PK, SK: live.Key(ann, "k1").SK, What: RowDiffers, Attributes: []string{"colour"}},
		},
		"a row of another sequence and type": {
			func(s *screen) {
				s.set(live.Activity(ann, 1), "seq", schema.Number(9))
				s.set(live.Activity(ann, 1), "at", schema.Number(1))
			},
			Difference{Stream: annStream, PK: live.Activity(ann, 1).PK, SK: live.Activity(ann, 1).SK, What: RowDiffers, Attributes: []string{"at", "seq"}},
		},
		"a row that no stream has": {
			func(s *screen) { s.set(live.Profile("eve"), "status", schema.Text("registered")) },
			Difference{PK: live.Profile("eve").PK, SK: live.Profile("eve").SK, What: RowUnexpected},
		},
		"a step that no stream has": {
			func(s *screen) { s.set(live.OperationStep("op-free", annStream, 99), "seq", schema.Number(99)) },
			Difference{PK: live.OperationStep("op-free", annStream, 99).PK, SK: live.OperationStep("op-free", annStream, 99).SK, What: RowUnexpected},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shown(t)
			c.harm(s)
			found := s.verify()
			if found.Found != 1 || len(found.Differences) != 1 {
				t.Fatalf("it finds %+v", found)
			}
			got := found.Differences[0]
			if got.Stream != c.want.Stream || got.PK != c.want.PK || got.SK != c.want.SK || got.What != c.want.What || !slices.Equal(got.Attributes, c.want.Attributes) {
				t.Errorf("it finds %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestFactsThatAreNotShownYetAreNoDifference(t *testing.T) {
	t.Parallel()
	s := shown(t)
	s.say(annStream, lifeAfter(int64(len(whole)))[:2]...)
	s.say("account/new", registered)
	if found := s.verify(); found.Found != 0 || found.Streams != 3 || found.Behind != 2 || found.Unshown != 3 {
		t.Errorf("it finds %+v", found)
	}
	lag, err := s.verifier().Lag(t.Context(), func(int) {})
	if err != nil || lag.Streams != 3 || lag.Behind != 2 || lag.Unshown != 3 || !lag.Oldest.Equal(at(1)) {
		t.Errorf("the lag is %+v (%v)", lag, err)
	}
}

// Streams are listed first, and stored rows afterwards.
func TestAStreamThatIsShownMeanwhileIsNoDifference(t *testing.T) {
	t.Parallel()
	s := shown(t)
	begun := false
	found, err := s.verifier().Verify(t.Context(), func(streams int) {
		if streams == 2 && !begun {
			begun = true
			s.show(s.say("account/new", registered)...)
			s.show(s.say(annStream, lifeAfter(int64(len(whole)))...)...)
		}
	})
	if err != nil || found.Found != 0 || !begun {
		t.Errorf("it finds %+v (%v)", found, err)
	}
}

// A projector that is writing has written some rows of a fact, and not the checkpoint.
func TestAStreamThatIsBeingShownIsComparedAgain(t *testing.T) {
	t.Parallel()
	s := shown(t)
	s.set(schema.Generation(1).Profile(ann), "status", schema.Text("suspended"))
	verifier := s.verifier()
	waits := 0
	verifier.wait = func(context.Context, time.Duration) error {
		waits++
		s.set(schema.Generation(1).Profile(ann), "status", schema.Text(StatusRegistered))
		return nil
	}
	found, err := verifier.Verify(t.Context(), func(int) {})
	if err != nil || found.Found != 0 || waits != 1 {
		t.Errorf("after %d waits it finds %+v (%v)", waits, found, err)
	}
}

func TestOldRowsAreCountedAndUnreadableStreamsAreLeftOut(t *testing.T) {
	t.Parallel()
	s := shown(t)
	if _, err := s.tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.tables.Views, Item: schema.Generation(0).Profile(ann).Attributes()}); err != nil {
		t.Fatal(err)
	}
	if found := s.verify(); found.Leftover != 1 || found.Found != 0 {
		t.Errorf("with a row of an older generation it finds %+v", found)
	}
	damaged := schema.Fact("account/bob", 1).Attributes()
	damaged["event"] = schema.Text("{")
	if _, err := s.tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.tables.Journal, Item: damaged}); err != nil {
		t.Fatal(err)
	}
	if found := s.verify(); found.Unreadable != 1 || found.Found != 0 || found.Streams != 2 {
		t.Errorf("with a fact that cannot be read it finds %+v", found)
	}
}

func TestVerifyingEndsWithoutAnAnswerWhenTheViewsAreReplaced(t *testing.T) {
	t.Parallel()
	s := shown(t)
	verifier := s.verifier()
	var once sync.Once
	_, err := verifier.Verify(t.Context(), func(int) {
		once.Do(func() {
			moved := first
			moved.Live = 2
			if err := verifier.projector.store.generations.move(t.Context(), first, moved); err != nil {
				t.Error(err)
			}
		})
	})
	if portal.CodeOf(err) != portal.Conflict {
		t.Errorf("%v, want a conflict", err)
	}
}
