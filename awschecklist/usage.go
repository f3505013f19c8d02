package awschecklist

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

func (t *trial) usage(ctx context.Context, plan string, days int) (map[string][][]int64, error) {
	now := time.Now().UTC()
	out, err := call(ctx, t, t.Gateway.GetUsage, &apigateway.GetUsageInput{
		UsagePlanId: &plan, StartDate: aws.String(now.AddDate(0, 0, 1-days).Format(time.DateOnly)), EndDate: aws.String(now.Format(time.DateOnly)),
	})
	if err != nil {
		return nil, err
	}
	return out.Items, nil
}

// askCounting asks about GetUsage: how fresh it is, what its entries are called, which ranges it takes, and
// whether it counts for a plan without a quota.
func (t *trial) askCounting(ctx context.Context, made things) {
	t.Tell("waiting for API Gateway to count the calls")
	if err := t.attach(ctx, made.free, made.second); err == nil {
		t.wait(ctx, func() (string, bool) { status, _ := t.get(ctx, made.second.value); return "", status == 200 })
	}
	_, _, counted := t.whenCounted(ctx, "until GetUsage shows calls of a plan with a quota", made.quota, made.first)
	t.whenCounted(ctx, "until GetUsage shows calls of a plan without a quota", made.free, made.second)
	if counted {
		for _, days := range []int{90, 91, 366} {
			_, err := t.usage(ctx, made.quota, days)
			t.note(4, fmt.Sprintf("GetUsage of %d days", days), "%s", answerOf(err))
		}
	}
}

func (t *trial) whenCounted(ctx context.Context, question, plan string, k key) (took time.Duration, last string, ok bool) {
	took, last, ok = t.wait(ctx, func() (string, bool) {
		items, err := t.usage(ctx, plan, 1)
		if err != nil {
			return answerOf(err), false
		}
		for name, days := range items {
			if len(days) > 0 && len(days[0]) > 0 && days[0][0] > 0 {
				return fmt.Sprintf("the entry is called by the key's %s, and has %v (used, remaining)", keyField(name, k), days[0]), true
			}
		}
		return fmt.Sprintf("%d entries without calls", len(items)), false
	})
	if ok {
		t.note(4, question, "%v; %s", took, last)
		return took, last, ok
	}
	t.note(4, question, "not within %v; %s", took, last)
	return took, last, ok
}

func keyField(name string, k key) string {
	switch name {
	case k.id:
		return "id"
	case k.value:
		return "value"
	}
	return "neither id nor value"
}

// askEnding asks how soon a key is refused once it is detached or deleted, and what becomes of its usage.
func (t *trial) askEnding(ctx context.Context, made things) {
	t.Tell("detaching and deleting keys")
	t.timed(ctx, "until a key that was detached is refused", made.first, 403, func() error {
		_, err := call(ctx, t, t.Gateway.DeleteUsagePlanKey, &apigateway.DeleteUsagePlanKeyInput{UsagePlanId: &made.quota, KeyId: &made.first.id})
		return err
	})
	t.noteUsage(ctx, "usage of a key that was detached", made.quota, made.first)
	t.timed(ctx, "until a key that was deleted is refused", made.second, 403, func() error {
		_, err := call(ctx, t, t.Gateway.DeleteApiKey, &apigateway.DeleteApiKeyInput{ApiKey: &made.second.id})
		return err
	})
	t.noteUsage(ctx, "usage of a key that was deleted", made.free, made.second)
}

func (t *trial) noteUsage(ctx context.Context, question, plan string, k key) {
	items, err := t.usage(ctx, plan, 1)
	if err != nil {
		t.note(4, question, "%s", answerOf(err))
		return
	}
	_, byID := items[k.id]
	_, byValue := items[k.value]
	if byID || byValue {
		t.note(4, question, "is still there")
		return
	}
	t.note(4, question, "is gone")
}

// keys lists the keys whose names begin with prefix.
func (t *trial) keys(ctx context.Context, prefix string) (all []types.ApiKey, err error) {
	pages := apigateway.NewGetApiKeysPaginator(t.Gateway, &apigateway.GetApiKeysInput{NameQuery: &prefix, Limit: aws.Int32(500)})
	for pages.HasMorePages() {
		if err := t.Pause(ctx); err != nil {
			return nil, err
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
	}
	return slices.DeleteFunc(all, func(k types.ApiKey) bool { return !hasPrefix(k.Name, prefix) }), nil
}
