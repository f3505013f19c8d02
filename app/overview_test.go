package app

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/alarms"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func TestTheOverviewHasTheAlarmsThatAreRaised(t *testing.T) {
	t.Parallel()
	w := &watched{T: t, tables: journaltest.Start(t), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	for _, row := range []alarms.Row{
		{Alarm: alarms.Metering, State: alarms.Clearing, Since: w.now, Text: "It waits."},
		{Alarm: alarms.Keys, State: alarms.Pending},
		{Alarm: alarms.Budget, State: alarms.Quiet},
		{Alarm: alarms.DeadLetters, State: alarms.Raised},
	} {
		w.put(w.tables.Records, schema.Alarm(string(row.Alarm)), row)
	}
	o := &overviews{estate: estate{clients: clients{dynamodb: w.tables.Client}, names: Names{Records: w.tables.Records}}}
	var got administration.Overview
	ok(t, o.readAlarms(t.Context(), &got))
	want := administration.Alarm{Title: "Usage may not be billed", Text: "It waits.", Runbook: alarms.RunbookURL + "#usage-waits-for-aws-marketplace", Since: w.now}
	if len(got.Alarms) != 1 || got.Alarms[0] != want {
		t.Errorf("it has %+v, want %+v", got.Alarms, want)
	}
}
