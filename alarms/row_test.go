package alarms

import (
	"testing"
	"time"
)

var opened = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// minute is a look: what it sees, and what the row is then.
type minute struct {
	fires   bool
	state   State
	episode int64
}

func TestAnAlarmIsRaisedAndOverOnlyOnceItsConditionHasHeldLongEnough(t *testing.T) {
	t.Parallel()
	const yes, no = true, false
	for name, c := range map[string]struct {
		after, clear time.Duration
		looks        []minute
	}{
		"at once":                           {0, 0, []minute{{no, Quiet, 0}, {yes, Raised, 1}, {yes, Raised, 1}, {no, Quiet, 1}, {yes, Raised, 2}}},
		"it must hold for two minutes":      {2 * time.Minute, 0, []minute{{yes, Pending, 0}, {yes, Pending, 0}, {yes, Raised, 1}, {no, Quiet, 1}}},
		"it does not hold long enough":      {2 * time.Minute, 0, []minute{{yes, Pending, 0}, {yes, Pending, 0}, {no, Quiet, 0}, {yes, Pending, 0}, {yes, Pending, 0}, {yes, Raised, 1}}},
		"it must be gone for two minutes":   {0, 2 * time.Minute, []minute{{yes, Raised, 1}, {no, Clearing, 1}, {no, Clearing, 1}, {no, Quiet, 1}}},
		"it returns before it is over":      {0, 2 * time.Minute, []minute{{yes, Raised, 1}, {no, Clearing, 1}, {yes, Raised, 1}, {no, Clearing, 1}, {no, Clearing, 1}, {no, Quiet, 1}}},
		"it returns after it was over":      {0, time.Minute, []minute{{yes, Raised, 1}, {no, Clearing, 1}, {no, Quiet, 1}, {yes, Raised, 2}}},
		"nothing ever happens":              {0, 0, []minute{{no, Quiet, 0}, {no, Quiet, 0}}},
		"it comes and goes, never for long": {2 * time.Minute, 0, []minute{{yes, Pending, 0}, {no, Quiet, 0}, {yes, Pending, 0}, {no, Quiet, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row, now := Row{State: Quiet}, opened
			for i, look := range c.looks {
				row = row.looked(Alarm{After: c.after, Clear: c.clear}, Finding{Fires: look.fires, Count: i}, now)
				if row.State != look.state || row.Episode != look.episode {
					t.Fatalf("look %d: %s in episode %d, want %s in %d", i+1, row.State, row.Episode, look.state, look.episode)
				}
				now = now.Add(time.Minute)
			}
		})
	}
}

func TestAnEpisodeHasItsTimes(t *testing.T) {
	t.Parallel()
	alarm := Alarm{After: 2 * time.Minute, Clear: 5 * time.Minute}
	row := Row{State: Quiet}
	at := func(minutes int) time.Time { return opened.Add(time.Duration(minutes) * time.Minute) }
	for m := range 3 {
		row = row.looked(alarm, Finding{Fires: true}, at(m))
	}
	if !row.Since.Equal(opened) || !row.Ended.IsZero() {
		t.Errorf("it began at %v and ended at %v, want the first look and not yet", row.Since, row.Ended)
	}
	for m := 10; m <= 15; m++ {
		row = row.looked(alarm, Finding{}, at(m))
	}
	if row.State != Quiet || !row.Ended.Equal(at(10)) {
		t.Errorf("it is %s and ended at %v, want %v", row.State, row.Ended, at(10))
	}
	for m := 20; m < 23; m++ {
		row = row.looked(alarm, Finding{Fires: true, Since: at(18)}, at(m))
	}
	if !row.Since.Equal(at(18)) || !row.Ended.IsZero() {
		t.Errorf("the second time it began at %v and ended at %v; the look knows that it began at %v", row.Since, row.Ended, at(18))
	}
}

func TestTheCountIsThatOfTheLastLookThatSawTheCondition(t *testing.T) {
	t.Parallel()
	alarm := Alarm{Clear: time.Hour}
	row := Row{State: Quiet}.looked(alarm, Finding{Fires: true, Count: 3, Text: "Three."}, opened)
	row = row.looked(alarm, Finding{Fires: true, Count: 5000, AtLeast: true, Text: "Many."}, opened.Add(time.Minute))
	row = row.looked(alarm, Finding{}, opened.Add(2*time.Minute))
	if row.Count != 5000 || !row.AtLeast || row.Text != "Many." {
		t.Errorf("it says %d, %v and %q", row.Count, row.AtLeast, row.Text)
	}
}

func TestAStoredTimeInTheFutureDoesNotHoldAnAlarmBack(t *testing.T) {
	t.Parallel()
	row := Row{State: Pending, Turned: opened.Add(10 * time.Hour)}
	if got := row.looked(Alarm{After: time.Hour}, Finding{Fires: true}, opened); got.State != Raised {
		t.Errorf("it is %s", got.State)
	}
}

func TestAChannelIsToldOfTheBeginningOfRemindersAndOfTheEnd(t *testing.T) {
	t.Parallel()
	raised := Row{State: Raised, Episode: 2, Since: opened}
	over := Row{State: Quiet, Episode: 2, Since: opened, Ended: opened.Add(time.Hour)}
	clearing := raised
	clearing.State = Clearing
	grown := raised
	grown.Count = 200
	after := func(d time.Duration) time.Time { return opened.Add(d) }
	for name, c := range map[string]struct {
		row      Row
		told     Told
		now      time.Time
		phase    Phase
		reminder int
	}{
		"never told":                            {raised, Told{}, opened, Began, 0},
		"told of an earlier episode":            {raised, Told{Episode: 1, Phase: Over, At: opened}, opened, Began, 0},
		"not told of the end of an earlier one": {raised, Told{Episode: 1, Phase: Began, At: opened}, opened, Began, 0},
		"told, and it lasts":                    {raised, Told{Episode: 2, Phase: Began, At: opened}, after(24*time.Hour - 1), "", 0},
		"told a day ago":                        {raised, Told{Episode: 2, Phase: Began, At: opened}, after(24 * time.Hour), Reminder, 1},
		"twice as much after an hour":           {grown, Told{Episode: 2, Phase: Began, Count: 100, At: opened}, after(time.Hour), Reminder, 1},
		"twice as much within the hour":         {grown, Told{Episode: 2, Phase: Began, Count: 100, At: opened}, after(time.Hour - 1), "", 0},
		"a little more after an hour":           {grown, Told{Episode: 2, Phase: Began, Count: 101, At: opened}, after(time.Hour), "", 0},
		"reminded a day ago":                    {raised, Told{Episode: 2, Phase: Reminder, Reminder: 4, At: opened}, after(24 * time.Hour), Reminder, 5},
		"it may be over soon":                   {clearing, Told{Episode: 2, Phase: Began, At: opened}, after(time.Hour), "", 0},
		"over":                                  {over, Told{Episode: 2, Phase: Reminder, Reminder: 1, At: opened}, after(time.Hour), Over, 0},
		"told that it is over":                  {over, Told{Episode: 2, Phase: Over, At: opened}, after(time.Hour), "", 0},
		"over before it was told":               {over, Told{}, after(time.Hour), "", 0},
		"over for days":                         {over, Told{Episode: 2, Phase: Began, At: opened}, after(26 * time.Hour), "", 0},
		"over, and told of an earlier one only": {over, Told{Episode: 1, Phase: Began, At: opened}, after(time.Hour), "", 0},
		"never raised":                          {Row{State: Quiet}, Told{}, opened, "", 0},
		"pending":                               {Row{State: Pending, Turned: opened}, Told{}, opened, "", 0},
	} {
		phase, reminder := c.row.tell("topic", c.told).due("topic", c.now)
		if phase != c.phase || reminder != c.reminder {
			t.Errorf("%s: it is due to say %q %d, want %q %d", name, phase, reminder, c.phase, c.reminder)
		}
	}
}
