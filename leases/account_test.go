package leases

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/clock"
	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// leasesOf are one process's; all processes of a world share a table.
func leasesOf(w *gatewaytest.World) *Leases {
	return New(w.DB, Config{Table: gatewaytest.Records})
}

func TestAnAccountLeaseHasOneHolderUntilItEndsOrRunsOut(t *testing.T) {
	t.Parallel()
	w := gatewaytest.New(t)
	synctest.Test(t, func(t *testing.T) {
		one, two := leasesOf(w), leasesOf(w)
		lease, ok := accountLease(t, one, "a", "w1")
		_, again := accountLease(t, two, "a", "w2")
		_, other := accountLease(t, two, "b", "w3")
		lease.End(true)
		_, after := accountLease(t, two, "a", "w2")
		time.Sleep(time.Minute)
		_, late := accountLease(t, one, "a", "w4")
		want := []bool{true, false, true, true, true}
		if diff := cmp.Diff(want, []bool{ok, again, other, after, late}); diff != "" {
			t.Errorf("had (-want +got):\n%s", diff)
		}
	})
}

func accountLease(t *testing.T, cp *Leases, account portal.AccountID, message string) (AccountLease, bool) {
	t.Helper()
	lease, ok, err := cp.AccountLease(t.Context(), account, message, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return lease, ok
}

func TestARedeliveredMessageTakesItsLeaseOver(t *testing.T) {
	t.Parallel()
	w := gatewaytest.New(t)
	one, two := leasesOf(w), leasesOf(w)
	first, _ := accountLease(t, one, "a", "w1")
	again, ok := accountLease(t, two, "a", "w1")
	if !ok || again.LastUnrecorded.IsZero() {
		t.Errorf("taken: %v, last unrecorded at %v", ok, again.LastUnrecorded)
	}
	first.End(true) // it was only late
	if _, ok := accountLease(t, one, "a", "w2"); ok {
		t.Error("the late holder ended its successor's lease")
	}
	again.End(false)
	if _, ok := accountLease(t, one, "a", "w2"); !ok {
		t.Error("the lease did not end")
	}
}

func TestALeaseRemembersWhatMayBeUnrecordedUntilAHolderHasRecordedIt(t *testing.T) {
	t.Parallel()
	w := gatewaytest.New(t)
	synctest.Test(t, func(t *testing.T) {
		one, two := leasesOf(w), leasesOf(w)
		messages := 0
		had := func(cp *Leases, last time.Time, when string) AccountLease {
			t.Helper()
			messages++
			lease, ok := accountLease(t, cp, "a", fmt.Sprint("w", messages))
			if !ok || !lease.LastUnrecorded.Equal(last) {
				t.Errorf("%s: taken %v, last unrecorded at %v, want %v", when, ok, lease.LastUnrecorded, last)
			}
			return lease
		}
		stalled := had(one, time.Time{}, "the first ever")
		time.Sleep(time.Hour)
		second := had(two, stalled.Until, "an hour after one that ran out")
		stalled.End(true) // another has the lease by now
		if _, ok := accountLease(t, one, "a", "w"); ok {
			t.Error("the late holder ended another's lease")
		}
		time.Sleep(10 * time.Second)
		ended := time.Now()
		second.End(false)
		time.Sleep(time.Hour)
		had(one, ended, "an hour after one that left something unrecorded").End(true)
		had(two, time.Time{}, "after one that recorded everything").End(false)
		had(one, time.Now(), "after one that found everything recorded and left something unrecorded")
		time.Sleep(10 * time.Second)
		again, ok, err := two.AccountLease(t.Context(), "a", fmt.Sprint("w", messages), time.Minute)
		if err != nil || !ok || !again.LastUnrecorded.Equal(time.Now()) {
			t.Errorf("taken over: %v, last unrecorded at %v, want now; %v", ok, again.LastUnrecorded, err)
		}
	})
}

func TestATimeOfALeaseTooFarAheadCountsAsNow(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	for at, held := range map[time.Duration]bool{time.Minute + clock.Skew: true, time.Minute + clock.Skew + time.Millisecond: false} {
		w := gatewaytest.New(t)
		l := New(w.DB, Config{Table: gatewaytest.Records, Now: func() time.Time { return now }})
		stored := schema.Number(now.Add(at).UnixMilli())
		item := schema.AccountLease("", "a").Attributes()
		item["holder"], item["message"], item["until"], item["unsettled"] = schema.Text("h"), schema.Text("m"), stored, stored
		if _, err := w.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(gatewaytest.Records), Item: item}); err != nil {
			t.Fatal(err)
		}
		lease, ok, err := l.AccountLease(t.Context(), "a", "w", time.Minute)
		if ok && !lease.LastUnrecorded.Equal(now) {
			t.Errorf("last unrecorded at %v, want now", lease.LastUnrecorded)
		}
		if got := err == nil && !ok; got != held {
			t.Errorf("%v ahead: held %v, want %v; %v", at, got, held, err)
		}
	}
}

func TestTargetsShareNoLease(t *testing.T) {
	t.Parallel()
	w := gatewaytest.New(t)
	for _, target := range []portal.Target{"", "eu"} {
		l := New(w.DB, Config{Table: gatewaytest.Records, Target: target})
		if _, ok, err := l.AccountLease(t.Context(), "a", "m"+string(target), time.Minute); !ok || err != nil {
			t.Errorf("the account's lease of target %q is not free: %v", target, err)
		}
	}
}
