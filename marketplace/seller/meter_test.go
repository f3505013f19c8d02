package seller_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestUsageIsMeteredAndEachRecordHasItsResult(t *testing.T) {
	t.Parallel()
	local := localawstest.Start(t)
	s := seller.New(local.AWSConfig(), seller.Options{})
	buy := func(product, customer, licence string) seller.Record {
		token, err := local.Metering().IssueToken(product, buyer, licence, customer)
		if err != nil {
			t.Fatal(err)
		}
		bought, err := s.Resolve(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		r := seller.Record{Licence: bought.ARN, Buyer: bought.Buyer, Dimension: "requests", Quantity: 5, At: time.Now()}
		if customer != "" {
			r.Customer = customer
		}
		return r
	}
	meter := func(product portal.ProductCode, records ...seller.Record) []seller.Metered {
		t.Helper()
		got, err := s.Meter(t.Context(), product, records)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first, second := buy("new", "", "l-first"), buy("new", "", "l-second")
	second.Quantity = 0
	got := meter("new", first, second)
	if len(got) != 2 || got[0].Outcome != seller.Accepted || got[1].Outcome != seller.Accepted || got[0].ID == "" || got[0].Record != first {
		t.Errorf("metering by licence returned %+v", got)
	}
	if again := meter("new", first); again[0].Outcome != seller.Accepted {
		t.Errorf("the same record again is %s, want accepted", again[0].Outcome)
	}
	more := first
	more.Quantity = 6
	if err := local.Metering().EndLicence("l-second"); err != nil {
		t.Fatal(err)
	}
	late := second
	late.Dimension = "more"
	got = meter("new", late, more)
	if got[0].Outcome != seller.NotSubscribed || got[1].Outcome != seller.Duplicate || got[0].ID != "" || got[1].ID != "" {
		t.Errorf("metering returned %+v, want not_subscribed and duplicate", got)
	}
	if got := meter("old", buy("old", "X01EXAMPLEX", "")); got[0].Outcome != seller.Accepted {
		t.Errorf("metering by customer returned %+v", got)
	}
	if got := meter("new"); len(got) != 0 {
		t.Errorf("metering nothing returned %+v", got)
	}
	wrong := first
	wrong.Licence += "x"
	_, err := s.Meter(t.Context(), "new", []seller.Record{first, wrong})
	var refused *seller.BatchRefused
	if !errors.As(err, &refused) || refused.Code != "InvalidLicenseException" {
		t.Errorf("the error is %v, want InvalidLicenseException for the batch", err)
	}
}

func TestRecordsThatAWSHasNotProcessedAreToldFromThoseItDoesNotMention(t *testing.T) {
	t.Parallel()
	s := answering(t, 200, `{"Results":[{"Status":"Strange","UsageRecord":{"Timestamp":1764259200,"Dimension":"b","LicenseArn":"l"}}],"UnprocessedRecords":[{"Timestamp":1764259200,"Dimension":"c","LicenseArn":"l"}]}`)
	at := time.Unix(1764259200, 0)
	got, err := s.Meter(t.Context(), "p", []seller.Record{{Licence: "l", Dimension: "a", At: at}, {Licence: "l", Dimension: "b", At: at}, {Licence: "l", Dimension: "c", At: at}})
	if err != nil || len(got) != 3 || got[0].Outcome != seller.Unanswered || got[1].Outcome != seller.Unanswered || got[2].Outcome != seller.Unprocessed {
		t.Errorf("it returned %+v, %v", got, err)
	}
}

func TestBatchesThatCannotBeRightAreNotSent(t *testing.T) {
	t.Parallel()
	s := answering(t, 200, `{}`)
	one := seller.Record{Licence: "l", Dimension: "a", At: time.Unix(0, 0)}
	for name, records := range map[string][]seller.Record{
		"at most 25":      make([]seller.Record, 26),
		"cannot mix":      {one, {Customer: "c", Dimension: "a"}},
		"two are for a":   {one, one},
		"at least 0":      {{Licence: "l", Quantity: -1}},
		"at most 2147483": {{Licence: "l", Quantity: 1 << 31}},
	} {
		if _, err := s.Meter(t.Context(), "p", records); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error is %v, want %q in it", err, name)
		}
	}
}

func TestAThrottledBatchIsNotRefused(t *testing.T) {
	t.Parallel()
	_, err := answering(t, 400, `{"__type":"ThrottlingException"}`).Meter(t.Context(), "p", []seller.Record{{Licence: "l"}})
	var refused *seller.BatchRefused
	if errors.As(err, &refused) || !errors.Is(err, seller.ErrThrottled) {
		t.Errorf("the error is %v, want ErrThrottled", err)
	}
}

// A repeated call would hide what became of the first one.
func TestTheCallIsMadeOnce(t *testing.T) {
	t.Parallel()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("X-Amzn-ErrorType", "ThrottlingException")
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer server.Close()
	s := seller.New(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}, seller.Options{})
	_, err := s.Meter(t.Context(), "p", []seller.Record{{Licence: "l", Dimension: "a", At: time.Unix(1764259200, 0)}})
	if !errors.Is(err, seller.ErrThrottled) || calls != 1 {
		t.Errorf("%d calls were made, and the error is %v", calls, err)
	}
}
