package projections

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
)

// painted is a fact of newer code, decided for an operation that is shown here.
var painted = said{"op-free", events.Unknown{Type: "gatehouse.KeyPainted.v1", Data: []byte(`{"wish":3,"key":"k1"}`)}}

func TestAFactOfNewerCodeAddsNoRowsAndMovesTheCheckpoint(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole[:3]...)
	before := s.rows(everything...)
	s.say(annStream, painted)
	s.show(events.Event{Subject: annStream})
	same(t, "rows", before, s.rows(everything...))
	if got := s.checkpoint(annStream); got != 4 {
		t.Errorf("the checkpoint is at %d, want 4", got)
	}
	if got := s.progress("op-free").Status; got != Running {
		t.Errorf("the operation is %s", got)
	}
}

func TestAProjectionThatLagsCatchesUpPastAFactOfNewerCode(t *testing.T) {
	t.Parallel()
	want := newScreen(t)
	want.shown(annStream, whole[:3]...)
	want.shown(annStream, registered) // in the place of the unknown fact
	want.shown(annStream, whole[3:5]...)

	s := newScreen(t)
	s.shown(annStream, whole[0])
	s.say(annStream, whole[1:3]...)
	s.say(annStream, painted)
	facts := s.say(annStream, whole[3:5]...)
	s.show(facts[1], facts[0])
	if got := s.checkpoint(annStream); got != 6 {
		t.Errorf("the checkpoint is at %d, want 6", got)
	}
	same(t, "the account's keys", want.account().Keys, s.account().Keys)
	same(t, "the account's subscriptions", want.account().Subscriptions, s.account().Subscriptions)
	same(t, "the operation", want.progress("op-free"), s.progress("op-free"))
}

func TestTheCatalogIsShownPastAFactOfNewerCode(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	const stream = "catalog"
	s.say(stream, painted)
	s.shown(stream, said{"", events.CatalogPublished{Hash: "h"}})
	if rows := s.rows(catalogPartition); len(rows) != 1 || rows[catalogPartition+" now"]["hash"] != "h" {
		t.Errorf("the rows are %v", rows)
	}
	if got := s.checkpoint(stream); got != 2 {
		t.Errorf("the checkpoint is at %d, want 2", got)
	}
}
