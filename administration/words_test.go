package administration_test

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/events"
)

func TestTheHistorySaysReasonsInWordsAndMessagesAsTheyAre(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for want, fact := range map[string]events.Fact{
		"Another key has replaced it.":                     events.KeyEnding{Key: "k", Reason: events.EndRotated},
		"The usage plan was deleted.":                      events.SubscriptionLost{Plan: "p", Reason: events.LostPlanGone},
		"API Gateway does not answer, or refuses for now.": events.WishParked{Reason: events.WaitingForAWS},
		"lost": events.AccountSuspended{Message: "lost"},
		"":     events.UserRegistered{},
	} {
		entries, _, err := administration.History{Journal: stream{{Sequence: 1, Time: at, Data: fact}}}.Page(t.Context(), "ann", 0, 1)
		if err != nil || len(entries) != 1 || entries[0].WhyText() != want {
			t.Errorf("%T: %+v, %v, want %q", fact, entries, err, want)
		}
	}
}
