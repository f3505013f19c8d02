package jobs

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
)

type pad struct {
	*Scratch
	t      *testing.T
	tables journaltest.Tables
	now    time.Time
}

func newPad(t *testing.T) *pad {
	p := &pad{t: t, tables: journaltest.Start(t), now: opened}
	p.Scratch = NewScratch(p.tables.Client, p.tables.Records, func() time.Time { return p.now })
	return p
}

func (p *pad) put(set, name string, value any) {
	p.t.Helper()
	if err := p.Put(p.t.Context(), set, name, value, time.Hour); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pad) values(set, prefix string) []string {
	p.t.Helper()
	var found []string
	err := p.Each(p.t.Context(), set, prefix, func(name string, body []byte) error {
		found = append(found, name+" "+string(body))
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

func TestScratchGivesBackASetInTheOrderOfItsNamesUntilItsTimeIsUp(t *testing.T) {
	t.Parallel()
	p := newPad(t)
	p.put("run1", "page-2", "b")
	p.put("run1", "page-1", "a")
	p.put("run1", "page-1", "A")
	p.put("run1", "other", "c")
	p.put("run2", "page-1", "d")
	if diff := cmp.Diff([]string{`page-1 "A"`, `page-2 "b"`}, p.values("run1", "page-")); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	var one string
	if found, err := p.Get(t.Context(), "run1", "page-2", &one); !found || one != "b" || err != nil {
		t.Errorf("got %q, %t, %v", one, found, err)
	}
	if found, err := p.Get(t.Context(), "run1", "page", &one); found || err != nil {
		t.Errorf("a name that was never put is found: %t, %v", found, err)
	}
	p.now = p.now.Add(time.Hour)
	if left := p.values("run1", ""); len(left) > 0 {
		t.Errorf("an hour later there is %q", left)
	}
}

func TestALargeValueLiesInPiecesThatFitAnItem(t *testing.T) {
	t.Parallel()
	p := newPad(t)
	random, large := rand.New(rand.NewPCG(1, 2)), make([]string, 50_000)
	for i := range large {
		large[i] = fmt.Sprintf("%016x", random.Uint64())
	}
	p.put("run", "page", large)
	rows := p.tables.Rows(t, p.tables.Records, "scratch#run")
	if len(rows) < 4 {
		t.Errorf("%d pieces", len(rows))
	}
	for _, row := range rows {
		if size := len(row["gzip"].(*types.AttributeValueMemberB).Value); size > 300_000 {
			t.Errorf("a piece of %d bytes", size)
		}
	}
	var got []string
	if found, err := p.Get(t.Context(), "run", "page", &got); !found || err != nil {
		t.Fatal(found, err)
	}
	if diff := cmp.Diff(large, got); diff != "" {
		t.Error("what is found is not what was put")
	}
	p.put("run", "page", []string{"short"})
	if got := p.values("run", "page"); len(got) != 1 || got[0] != `page ["short"]` {
		t.Errorf("after a shorter one was put there are %d values", len(got))
	}
}
