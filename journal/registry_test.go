package journal_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func textOf(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func TestStreamsVisitsEveryStreamOnce(t *testing.T) {
	t.Parallel()
	j := journaltest.Start(t).Open()
	want := map[portal.Stream]int{}
	for i := range 40 {
		stream := portal.AccountStream(portal.AccountID(fmt.Sprint(i)))
		want[stream] = 1
		grow(t, j, stream, 0, events.UserRegistered{})
		grow(t, j, stream, 1, events.KeyObserved{})
	}
	got := map[portal.Stream]int{}
	err := j.Streams(t.Context(), func(s portal.Stream) error { got[s]++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
}

func TestEveryStreamIsInOneShardOfTheRegistry(t *testing.T) {
	t.Parallel()
	j := journaltest.Start(t).Open()
	want := map[portal.Stream]int{}
	for i := range 40 {
		stream := portal.AccountStream(portal.AccountID(fmt.Sprint(i)))
		want[stream] = 1
		grow(t, j, stream, 0, events.UserRegistered{})
	}
	got, used := map[portal.Stream]int{}, 0
	for shard := range schema.RegistryShards {
		before := len(got)
		if err := j.StreamsOf(t.Context(), shard, func(s portal.Stream) error { got[s]++; return nil }); err != nil {
			t.Fatal(err)
		}
		if len(got) > before {
			used++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	if used < schema.RegistryShards/2 {
		t.Errorf("the streams are in only %d of %d shards", used, schema.RegistryShards)
	}
}

func TestStreamsStopsAtTheFirstErrorOfVisit(t *testing.T) {
	t.Parallel()
	j := journaltest.Start(t).Open()
	grow(t, j, ann, 0, events.UserRegistered{})
	grow(t, j, bob, 0, events.UserRegistered{})
	enough, visited := errors.New("enough"), 0
	err := j.Streams(t.Context(), func(portal.Stream) error { visited++; return enough })
	if !errors.Is(err, enough) || isPostponed(err) || visited != 1 {
		t.Errorf("stopped after %d streams with %v, want after one with visit's error", visited, err)
	}
}

func TestTheHeadIsTheStreamsLastSequence(t *testing.T) {
	t.Parallel()
	j := journaltest.Start(t).Open()
	longer := ann + "a"
	for after := range int64(11) {
		grow(t, j, longer, after, events.UserRegistered{})
	}
	grow(t, j, ann, 0, events.UserRegistered{}, events.UserRegistered{})
	for stream, want := range map[portal.Stream]int64{ann: 2, longer: 11, bob: 0} {
		if got, err := j.Head(t.Context(), stream); err != nil || got != want {
			t.Errorf("the head of %s is %d, %v; want %d", stream, got, err, want)
		}
	}
}
