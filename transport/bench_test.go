package transport

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

func sample() events.Event {
	return event("01jd3f0v5mvq8x6m7k2z", "account/"+portal.Stream(strings.Repeat("a", 20)), events.UnsubscribeRequested{Plan: "gold"})
}

func BenchmarkEncode(b *testing.B) {
	ev := sample()
	b.ReportAllocs()
	for b.Loop() {
		msg, err := encode(ev, Destination{Queue: "commands"}, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := (pubsub.Wire{}).Marshal(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	ev := sample()
	sent, err := encode(ev, Destination{Queue: "commands"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	wire, err := pubsub.Wire{}.Marshal(sent)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		msg, err := pubsub.Wire{}.Unmarshal(wire)
		if err != nil {
			b.Fatal(err)
		}
		if decode(msg, registrations); handlingOf(msg.Context()).readErr != nil {
			b.Fatal(handlingOf(msg.Context()).readErr)
		}
	}
}
