package adoptions_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// table has the rows of adopted keys, and counts the reads of them.
type table struct {
	records.Client
	keys  []portal.GatewayKeyID
	reads int
}

func (t *table) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	t.reads++
	out := &dynamodb.QueryOutput{}
	for _, key := range t.keys {
		row := schema.AdoptedKey(key).Attributes()
		row["account"], row["key"] = schema.Text("ann"), schema.Text("key-"+string(key))
		out.Items = append(out.Items, map[string]types.AttributeValue(row))
	}
	return out, nil
}

func TestAdoptedKeysAreReadAgainAfterHalfAMinuteOrWhileThereAreNone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	tables := &table{}
	store := adoptions.NewStore(tables, "records", func() time.Time { return now })
	for _, step := range []struct {
		name        string
		later       time.Duration
		keys        []portal.GatewayKeyID
		want, reads int
	}{
		{"no key is adopted", 0, nil, 0, 1},
		{"the first one is seen at once", 0, []portal.GatewayKeyID{"gw1"}, 1, 2},
		{"a second one is not seen a moment later", 29 * time.Second, []portal.GatewayKeyID{"gw1", "gw2"}, 1, 2},
		{"it is seen after half a minute", time.Second, []portal.GatewayKeyID{"gw1", "gw2"}, 2, 3},
		{"a clock that was set back does not keep keys for long", -time.Hour, []portal.GatewayKeyID{"gw1", "gw2", "gw3"}, 3, 4},
	} {
		now, tables.keys = now.Add(step.later), step.keys
		all, err := store.Recent(t.Context())
		if err != nil || len(all) != step.want || tables.reads != step.reads {
			t.Errorf("%s: %d keys after %d reads, %v; want %d after %d", step.name, len(all), tables.reads, err, step.want, step.reads)
		}
		for id, is := range all {
			if is != (adoptions.Adopted{Account: "ann", Key: portal.KeyID("key-" + string(id))}) {
				t.Errorf("%s: %s is %+v", step.name, id, is)
			}
		}
	}
}
