package provisioning_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// painted is a fact of newer code.
var painted = events.Unknown{Type: "gatehouse.KeyPainted.v1", Data: json.RawMessage(`{"colour":"red"}`)}

func TestConvergingGoesOnAfterAFactOfNewerCode(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, painted, keyWanted, freeWanted, painted)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("create key1", "attach free gw1")
	b.wantOutcomes(events.KeyCreated{Key: "key1", GatewayID: "gw1"}, attached("free", 4))
	if got := b.facts(); got[5].Sequence != 6 {
		t.Errorf("the outcome has sequence %d", got[5].Sequence)
	}
}

func TestAnOutcomeOfNewerCodeIsPublishedAgainUnchanged(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{})
	recorded := journal.Stamp(events.Event{ID: "w1", Subject: stream}, "/newer", b.now, 1, []events.Fact{painted})
	if err := b.journal.Append(t.Context(), stream, 1, recorded); err != nil {
		t.Fatal(err)
	}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(recorded, b.sent.repeated); diff != "" {
		t.Errorf("published again (-want +got):\n%s", diff)
	}
}

// shownTo is how far every stream is shown.
type shownTo int64

func (s shownTo) Checkpoint(context.Context, portal.Stream) (int64, error) { return int64(s), nil }

func TestTheSweepWakesShowingForStreamsNotShownToTheirEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shown shownTo
		want  []events.Payload
	}{
		"the last fact is not shown": {2, []events.Payload{events.ShowRequested{}}},
		"all is shown":               {3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, events.UserRegistered{}, keyWanted, painted)
			found := b.swept(b.sweep(&listings{}, c.shown))
			if found.Unshown != len(c.want) {
				t.Errorf("it found %+v", found)
			}
			var got []events.Payload
			for _, msg := range b.sent.repeated {
				got = append(got, msg.Data)
				// A projector that remembers that fact as shown would not look.
				if msg.Sequence != 0 {
					t.Errorf("the wake-up names fact %d", msg.Sequence)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}
