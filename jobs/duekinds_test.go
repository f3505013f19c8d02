package jobs

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// slowMeter takes so long for each licence.
type slowMeter struct {
	*fixture
	takes time.Duration
	woken []portal.Stream
}

func (m *slowMeter) Wake(_ context.Context, row due.Row) (done bool, err error) {
	m.fixture.now = m.fixture.now.Add(m.takes)
	m.woken = append(m.woken, row.Stream)
	return true, nil
}

func (d *fixture) ends(licences int) {
	d.t.Helper()
	for i := range licences {
		row := due.OfMetering(portal.Stream(fmt.Sprintf("licence/l-%02d", i)), 3, opened)
		if err := d.facts.Write(d.t.Context(), journal.PutDue(row)); err != nil {
			d.t.Fatal(err)
		}
	}
}

// AWS Marketplace and API Gateway may take many seconds to answer about a licence that ends.
func TestSlowMeteringDelaysNoOtherRow(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	meter := &slowMeter{fixture: d, takes: 15 * time.Second}
	lastUsage := d.DueRows
	lastUsage.Only, lastUsage.Metering = due.Metering, meter
	d.DueRows.Elsewhere = map[due.Kind]string{due.Metering: "lastusage"}
	d.ends(20)
	d.want("ann", "free")
	d.now = opened.Add(3 * time.Minute)
	began := d.now
	d.run()
	var wakeUps, demands int
	ids := map[string]bool{}
	for _, msg := range d.outbox.empty() {
		switch data := msg.Data.(type) {
		case events.ProvisionRequested:
			wakeUps++
		case events.JobRequested:
			demands, ids[msg.ID] = demands+1, true
			if data.Job != "lastusage" || data.Cursor != demandCursor {
				t.Errorf("it sends %+v", data)
			}
		}
	}
	if wakeUps != 1 || demands == 0 || len(ids) != 1 || !d.now.Equal(began) || len(meter.woken) > 0 {
		t.Errorf("ann is woken %d times, after %v; the other job is asked by %d messages of %d ids", wakeUps, d.now.Sub(began), demands, len(ids))
	}

	steps := 0
	for cursor := ""; ; steps++ {
		before, at := len(meter.woken), d.now
		next, err := lastUsage.Run(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		if n, took := len(meter.woken)-before, d.now.Sub(at); n > 1 || took > 15*time.Second {
			t.Errorf("a step meters %d licences, and takes %v", n, took)
		}
		if next == "" {
			break
		}
		cursor = next
	}
	seen := map[portal.Stream]int{}
	for _, stream := range meter.woken {
		seen[stream]++
	}
	if len(seen) != 20 || len(meter.woken) != 20 {
		t.Errorf("of 20 licences these are metered: %v", seen)
	}
	if left := d.wishes(); len(left) != 1 || left[0].Kind != due.Wish {
		t.Errorf("these rows are left: %+v", left)
	}
}

func TestAMeteringRowStaysIfTheOtherJobCannotBeAsked(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.DueRows.Elsewhere = map[due.Kind]string{due.Metering: "lastusage"}
	d.ends(1)
	d.now = opened.Add(3 * time.Minute)
	d.outbox.down = fmt.Errorf("the queue is down")
	cursor, err := "", error(nil)
	for err == nil {
		if cursor, err = d.Run(t.Context(), cursor); cursor == "" {
			break
		}
	}
	if !isPostponed(err) || len(d.wishes()) != 1 {
		t.Errorf("the error is %v, and these rows are left: %+v", err, d.wishes())
	}
}
