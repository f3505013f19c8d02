package dynamodb_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// clock is the server's clock. It moves only when a test advances it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func startWithClock(t *testing.T) (*dynamodb.Client, *clock) {
	t.Helper()
	clk := newClock()
	return client(localawstest.Start(t, func(o *localaws.Options) { o.Now = clk.Now })), clk
}

func setTimeToLive(t *testing.T, c *dynamodb.Client, attribute string, on bool) error {
	t.Helper()
	_, err := c.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName:               aws.String("sessions"),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &attribute, Enabled: &on},
	})
	return err
}

func wantTimeToLive(t *testing.T, c *dynamodb.Client, want string) {
	t.Helper()
	out, err := c.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: aws.String("sessions")})
	if err != nil {
		t.Fatal(err)
	}
	got := string(out.TimeToLiveDescription.TimeToLiveStatus) + " " + aws.ToString(out.TimeToLiveDescription.AttributeName)
	if got != want {
		t.Errorf("time to live is %s, want %s", got, want)
	}
}

func TestTimeToLiveChangesTakeAnHour(t *testing.T) {
	t.Parallel()
	c, clk := startWithClock(t)
	newTable(t, c, "sessions", "pk:S")
	wantTimeToLive(t, c, "DISABLED ")
	wantError(t, setTimeToLive(t, c, "expires", false), "ValidationException", "TimeToLive is already disabled")
	if err := setTimeToLive(t, c, "expires", true); err != nil {
		t.Fatal(err)
	}
	wantTimeToLive(t, c, "ENABLED expires")
	wantError(t, setTimeToLive(t, c, "expires", true), "ValidationException", "TimeToLive is already enabled")
	wantError(t, setTimeToLive(t, c, "other", true), "ValidationException", "active on a different AttributeName")
	wantError(t, setTimeToLive(t, c, "expires", false), "ValidationException", "modified multiple times")
	clk.advance(time.Hour)
	wantTimeToLive(t, c, "ENABLED expires")
	if err := setTimeToLive(t, c, "expires", false); err != nil {
		t.Fatal(err)
	}
	wantTimeToLive(t, c, "DISABLING expires")
	wantError(t, setTimeToLive(t, c, "other", true), "ValidationException", "modified multiple times")
	clk.advance(time.Hour)
	wantTimeToLive(t, c, "DISABLED ")
	if err := setTimeToLive(t, c, "other", true); err != nil {
		t.Fatal(err)
	}
	wantTimeToLive(t, c, "ENABLED other")
}

func TestExpiredItemsExistUntilTheyAreSwept(t *testing.T) {
	t.Parallel()
	c, clk := startWithClock(t)
	newTable(t, c, "sessions", "pk:S")
	newTable(t, c, "other", "pk:S")
	if err := setTimeToLive(t, c, "expires", true); err != nil {
		t.Fatal(err)
	}
	clk.advance(time.Hour)
	soon := clk.Now().Add(time.Minute).Unix()
	put(t, c, "other", attributes{"pk": "kept", "expires": num(fmt.Sprint(soon))})
	put(t, c, "sessions",
		attributes{"pk": "expired", "expires": num(fmt.Sprint(soon))},
		attributes{"pk": "prolonged", "expires": num(fmt.Sprint(soon))},
		attributes{"pk": "later", "expires": num(fmt.Sprint(soon + 3600))},
		attributes{"pk": "as text", "expires": fmt.Sprint(soon)},
		attributes{"pk": "nested", "m": attributes{"expires": num(fmt.Sprint(soon))}},
		attributes{"pk": "long ago", "expires": num("1000")},
		attributes{"pk": "never"},
	)
	clk.advance(60 * time.Minute)
	if get(t, c, "sessions", attributes{"pk": "expired"}) == nil {
		t.Error("the item was deleted less than an hour after it expired")
	}
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("sessions"), Item: attributes{"pk": "expired"}.wire(), ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	wantError(t, err, "ConditionalCheckFailedException", "")
	put(t, c, "sessions", attributes{"pk": "prolonged", "expires": num(fmt.Sprint(soon + 10000))})
	clk.advance(11 * time.Minute)
	out, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("sessions"), Select: types.SelectCount})
	if err != nil {
		t.Fatal(err)
	}
	if out.Count != 6 || get(t, c, "sessions", attributes{"pk": "expired"}) != nil {
		t.Errorf("%d items remain, want all but the expired one", out.Count)
	}
	if get(t, c, "other", attributes{"pk": "kept"}) == nil {
		t.Error("an item of a table without time to live was deleted")
	}
	_, err = c.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("sessions"), Item: attributes{"pk": "expired"}.wire(), ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	if err != nil {
		t.Errorf("writing a swept item again: %v", err)
	}
}

func TestNothingIsSweptWhileTimeToLiveIsOff(t *testing.T) {
	t.Parallel()
	c, clk := startWithClock(t)
	newTable(t, c, "sessions", "pk:S")
	put(t, c, "sessions", attributes{"pk": "a", "expires": num(fmt.Sprint(clk.Now().Unix()))})
	if err := setTimeToLive(t, c, "expires", true); err != nil {
		t.Fatal(err)
	}
	clk.advance(time.Hour)
	if err := setTimeToLive(t, c, "expires", false); err != nil {
		t.Fatal(err)
	}
	clk.advance(48 * time.Hour)
	if get(t, c, "sessions", attributes{"pk": "a"}) == nil {
		t.Error("the item was deleted")
	}
}

func TestExpiredItemsAreSweptAfterARestart(t *testing.T) {
	t.Parallel()
	dir, clk := t.TempDir(), newClock()
	for i := range 2 {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true, Now: clk.Now})
		if err != nil {
			t.Fatal(err)
		}
		c := client(srv)
		if i == 0 {
			newTable(t, c, "sessions", "pk:S")
			if err := setTimeToLive(t, c, "expires", true); err != nil {
				t.Fatal(err)
			}
			put(t, c, "sessions", attributes{"pk": "a", "expires": num(fmt.Sprint(clk.Now().Unix()))})
			clk.advance(2 * time.Hour)
		} else {
			wantTimeToLive(t, c, "ENABLED expires")
			if get(t, c, "sessions", attributes{"pk": "a"}) != nil {
				t.Error("the expired item exists")
			}
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
