package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (w *world) join(t *testing.T, plan portal.PlanID, key portal.GatewayKeyID) {
	t.Helper()
	_, err := w.API.CreateUsagePlanKey(t.Context(), &apigateway.CreateUsagePlanKeyInput{
		UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(key)), KeyType: aws.String("API_KEY"),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUsageIsReadPageByPageAndForOneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Wire.PageSize = 2
	s := w.session(t)
	plan := w.limitedPlan(t).ID
	keys := map[portal.GatewayKeyID]bool{}
	for n := range 5 {
		key := w.Key(t, fmt.Sprint("key ", n))
		w.join(t, plan, key)
		keys[key] = true
	}
	one := portal.GatewayKeyID("")
	for one = range keys {
	}
	_, err := w.API.UpdateUsage(t.Context(), &apigateway.UpdateUsageInput{
		UsagePlanId: aws.String(string(plan)), KeyId: aws.String(string(one)),
		PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/remaining"), Value: aws.String("77")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	yesterday := today.AddDate(0, 0, -1)
	found, pages := map[portal.GatewayKeyID]bool{}, 0
	for position := ""; ; {
		page, next, err := s.UsagePage(t.Context(), plan, yesterday, today, position)
		if err != nil {
			t.Fatal(err)
		}
		for key, days := range page {
			found[key] = true
			if len(days) != 2 || !days[0].Day.Equal(yesterday) || !days[1].Day.Equal(today) || days[1].Used != 0 {
				t.Errorf("%s has %+v", key, days)
			}
		}
		pages++
		if position = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff(keys, found); diff != "" || pages != 3 {
		t.Errorf("%d pages, keys (-want +got):\n%s", pages, diff)
	}
	days, err := s.UsageOf(t.Context(), plan, one, today, today)
	if diff := cmp.Diff([]DayUsage{{Day: today, Remaining: 77}}, days); diff != "" || err != nil {
		t.Errorf("of one key (-want +got):\n%s%v", diff, err)
	}
	if days, err := s.UsageOf(t.Context(), plan, "nosuch", today, today); len(days) != 0 || err != nil {
		t.Errorf("of no key: %v, %v", days, err)
	}
}

func TestFailuresToReadUsageAreTranslated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	plan := w.limitedPlan(t).ID
	today := time.Now()
	var gone, refused *Refused
	if _, _, err := s.UsagePage(t.Context(), "nosuch", today, today, ""); !errors.As(err, &gone) || gone.Reason != PlanGone {
		t.Errorf("of a plan that is gone: %v", err)
	}
	if _, _, err := s.UsagePage(t.Context(), plan, today.AddDate(-1, 0, 0), today, ""); !errors.As(err, &refused) || refused.Reason != Invalid {
		t.Errorf("of a year: %v", err)
	}
	if _, _, err := s.UsagePage(t.Context(), plan, today.AddDate(0, 0, 1-MaxUsageDays), today, ""); err != nil {
		t.Errorf("of %d days: %v", MaxUsageDays, err)
	}
	w.Wire.Tamper(func(_ string, pass gatewaytest.Pass) (*http.Response, error) {
		return gatewaytest.Answer(http.StatusTooManyRequests, "TooManyRequestsException", "Too Many Requests")(pass)
	})
	var busy *Unavailable
	if _, _, err := s.UsagePage(t.Context(), plan, today, today, ""); !errors.As(err, &busy) || !busy.Throttled {
		t.Errorf("throttled: %v", err)
	}
}

// The SDK documents a list of pairs, and nothing more.
func TestOddUsageIsReadAsFarAsItMakesSense(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	got := days([][]int64{{1, 9}, {2}, nil, {4, 6}, {5, 5}}, first, first.AddDate(0, 0, 3))
	want := []DayUsage{{Day: first, Used: 1, Remaining: 9}, {Day: first.AddDate(0, 0, 3), Used: 4, Remaining: 6}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
