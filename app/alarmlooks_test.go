package app

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/alarms"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// heard is a channel that keeps what it is told.
type heard struct{ got []alarms.Message }

func (*heard) Name() string { return alarms.TopicName }

func (h *heard) Send(_ context.Context, m alarms.Message) error {
	h.got = append(h.got, m)
	return nil
}

// watched is an installation in which one condition is true.
type watched struct {
	*testing.T
	tables journaltest.Tables
	names  Names
	now    time.Time
	late   *lateFacts
}

func (w *watched) put(table string, key schema.Key, row any) {
	w.Helper()
	item, err := attributevalue.MarshalMap(row)
	ok(w.T, err)
	for name, value := range key.Attributes() {
		item[name] = value
	}
	_, err = w.tables.Client.PutItem(w.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item})
	ok(w.T, err)
}

func (w *watched) remember(set string, value any) {
	w.Helper()
	ok(w.T, jobs.NewScratch(w.tables.Client, w.names.Records, func() time.Time { return w.now }).Put(w.Context(), set, "last", value, 24*time.Hour))
}

func (w *watched) sweep(found provisioning.Found) {
	w.Helper()
	found.Ended = w.now
	w.remember(schema.SweepResult(), found)
}

func TestEachConditionIsToldOnceAndItsEnd(t *testing.T) {
	t.Parallel()
	for alarm, c := range map[alarms.Name]struct {
		begin, end func(w *watched)
		says       string
	}{
		alarms.DeadLetters: {
			func(w *watched) {
				w.put(w.names.Records, schema.DeadLetter("m1"), deadletters.Letter{Report: deadletters.Report{ID: "m1", Operation: "o1", First: w.now, Last: w.now}})
			},
			func(w *watched) {
				w.put(w.names.Records, schema.DeadLetter("m1"), deadletters.Letter{Report: deadletters.Report{ID: "m1"}, Discard: &deadletters.Discard{By: "an operator", At: w.now}})
			},
			"1 dead letter is open. 1 of them: people's requests",
		},
		alarms.Drift: {
			func(w *watched) { w.sweep(provisioning.Found{Drifted: 2, Strays: 1}) },
			func(w *watched) { w.sweep(provisioning.Found{}) }, "API Gateway: 2. Keys with a name of Gatehouse's that the journal does not know: 1.",
		},
		alarms.Keys: {
			func(w *watched) { w.sweep(provisioning.Found{Keys: 8000}) },
			func(w *watched) { w.sweep(provisioning.Found{Keys: 7799}) }, "holds 8000 API keys",
		},
		alarms.Budget: {
			func(w *watched) {
				w.put(w.names.Records, schema.Budget(""), map[string]any{"tokens": map[string]float64{"total": 0}, "at": w.now.UnixMilli()})
			},
			nil, "at most a quarter",
		},
		alarms.Metering: {
			func(w *watched) {
				hour := w.now.Truncate(time.Hour).Add(-4 * time.Hour)
				w.put(w.names.Usage, schema.MeteringUnanswered("prod", "licence/l-1", hour, "requests"), map[string]any{
					"record_sk": schema.MeteringRecord("licence/l-1", hour, "requests").SK,
				})
			},
			nil, "waits for AWS Marketplace. AWS takes it until",
		},
		alarms.Catalog: {
			func(w *watched) {
				w.remember(schema.CatalogReport(), catalog.Report{Ended: w.now, Failed: true})
			},
			func(w *watched) {
				w.remember(schema.CatalogReport(), catalog.Report{Ended: w.now.Add(20 * time.Minute)})
			}, "could not read the catalog's sources",
		},
		alarms.Projections: {
			func(w *watched) { w.late.note(w.Context(), w.now.Add(-6*time.Minute)) },
			func(w *watched) { w.now = w.now.Add(noteCounts) }, "was not shown five minutes later",
		},
	} {
		t.Run(string(alarm), func(t *testing.T) {
			t.Parallel()
			w := &watched{T: t, tables: journaltest.Start(t), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
			w.names = Names{Journal: w.tables.Journal, Records: w.tables.Records, Views: w.tables.Views, Usage: w.tables.Views}
			clock := func() time.Time { return w.now }
			w.late = &lateFacts{rows: records.New(w.tables.Client, w.names.Records), now: clock}
			p := Process{Config: Config{QuotaShare: 0.5, MarketplaceAccounts: []string{"111122223333"}}, Now: clock}
			all, err := newAlarms(p, clients{dynamodb: w.tables.Client}, w.names, w.late)
			ok(t, err)
			channel, begun := &heard{}, false
			job := alarms.Watch{Store: alarms.NewStore(w.tables.Client, w.names.Records), Alarms: all, Channels: []alarms.Channel{channel}, BaseURL: "https://portal.example.com", Now: clock}
			pass := func(minutes int) {
				t.Helper()
				for range minutes {
					for cursor := ""; ; {
						next, err := job.Step(zerolog.Nop().WithContext(t.Context()), cursor)
						ok(t, err)
						if cursor = next; cursor == "" {
							break
						}
					}
					w.now = w.now.Add(time.Minute)
					if begun && (alarm == alarms.Projections || alarm == alarms.Budget) {
						c.begin(w) // it goes on
					}
				}
			}
			pass(1)
			if len(channel.got) != 0 {
				t.Fatalf("before, it is told %+v", channel.got)
			}
			c.begin(w)
			begun = true
			pass(20)
			if len(channel.got) != 1 || channel.got[0].Alarm != alarm || channel.got[0].Phase != alarms.Began || !strings.Contains(channel.got[0].Text, c.says) {
				t.Fatalf("it is told %+v, want %q once", channel.got, c.says)
			}
			if c.end == nil {
				return
			}
			c.end(w)
			begun = false
			pass(20)
			if len(channel.got) != 2 || channel.got[1].Phase != alarms.Over {
				t.Errorf("after the end it is told %+v", channel.got)
			}
		})
	}
}

func TestEveryAlarmLeadsToAnEntryOfTheRunbook(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/runbook.md")
	ok(t, err)
	anchors := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if title, heading := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); heading && strings.HasPrefix(line, "#") {
			anchors[strings.ReplaceAll(strings.ToLower(strings.TrimSpace(title)), " ", "-")] = true
		}
	}
	all, err := newAlarms(Process{Config: Config{QuotaShare: 0.5, MarketplaceAccounts: []string{"111122223333"}}}, clients{}, NamesFor("acme"), nil)
	ok(t, err)
	if len(all) != 7 {
		t.Errorf("there are %d alarms, want 7", len(all))
	}
	for _, alarm := range all {
		if !anchors[alarm.Runbook] {
			t.Errorf("%s leads to %q, which docs/runbook.md does not have", alarm.Name, alarm.Runbook)
		}
	}
	_, anchor, _ := strings.Cut(alarms.TestMessage("x", "", time.Now()).Runbook, "#")
	if !anchors[anchor] {
		t.Errorf("the test leads to %q", anchor)
	}
}
