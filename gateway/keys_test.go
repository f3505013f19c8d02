package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func value(n int) string { return fmt.Sprintf("gh%040d", n) }

func TestAKeyIsCreatedEnabledWithItsValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, err := w.session(t).CreateKey(t.Context(), Key{Name: "gatehouse/a/k", Value: value(1), Description: "of a"})
	if err != nil {
		t.Fatal(err)
	}
	key, ok := w.Keys(t)[id]
	if !ok || !key.Enabled || aws.ToString(key.Value) != value(1) || aws.ToString(key.Name) != "gatehouse/a/k" || aws.ToString(key.Description) != "of a" {
		t.Errorf("key %s is %+v", id, key)
	}
}

func TestCreatingAgainAfterALostAnswerFindsTheOneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	// nameQuery finds this name, too.
	w.Key(t, "gatehouse/a/k1-old")
	w.Key(t, "gatehouse/a/k1/2")
	w.Wire.Once("CreateApiKey", gatewaytest.Lost)
	key := Key{Name: "gatehouse/a/k1", Value: value(1)}
	_, err := s.CreateKey(t.Context(), key)
	var unavailable *Unavailable
	if !errors.As(err, &unavailable) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("error %v", err)
	}
	first, err := s.CreateKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.CreateKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	keys := w.Keys(t)
	if first != second || aws.ToString(keys[first].Value) != value(1) || len(keys) != 3 {
		t.Errorf("ids %s and %s of keys %v", first, second, keys)
	}
}

func TestATakenValueOfAKeyThatIsNotListedYetIsNoRefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	key := Key{Name: "gatehouse/a/k", Value: value(1)}
	first, err := s.CreateKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	w.Wire.Once("GetApiKeys", func(pass func() (*http.Response, error)) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"item":[]}`))}, nil
	})
	var unavailable *Unavailable
	if _, err := s.CreateKey(t.Context(), key); !errors.As(err, &unavailable) || !unavailable.ValueTaken {
		t.Errorf("not listed yet: %v", err)
	}
	if again, err := s.CreateKey(t.Context(), key); again != first || err != nil {
		t.Errorf("once it is listed: key %s, %v; want %s", again, err, first)
	}
}

func TestAKeyIsFoundByItsWholeNameOnAnyPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	w.Wire.PageSize = 2
	ids := map[string]portal.GatewayKeyID{}
	for _, name := range []string{"gatehouse/a/k", "gatehouse/a/k1", "gatehouse/a/k12", "gatehouse/a/k123", "gatehouse/a/k1234"} {
		ids[name] = w.Key(t, name)
	}
	for name, want := range ids {
		if id, found, err := s.FindKey(t.Context(), name); id != want || !found || err != nil {
			t.Errorf("%s: key %s, %v, %v; want %s", name, id, found, err, want)
		}
	}
	if id, found, err := s.FindKey(t.Context(), "gatehouse/a/"); found || err != nil {
		t.Errorf("the beginning of a name: key %s, %v, %v", id, found, err)
	}
}

func TestNoErrorOrLogLineHoldsAValueEvenIfAWSQuotesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var lines bytes.Buffer
	ctx := zerolog.New(&lines).WithContext(t.Context())
	key := Key{Name: "gatehouse/a/k", Value: value(1)}
	w.Wire.Once("CreateApiKey", gatewaytest.Answer(http.StatusBadRequest, "BadRequestException", "Invalid value "+value(1)))
	_, err := w.session(t).CreateKey(ctx, key)
	var no *Refused
	if !errors.As(err, &no) || no.Reason != Invalid {
		t.Fatalf("error %v", err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s", key, key, &key, []Key{key})
	for what, text := range map[string]string{"the error": err.Error(), "the log": lines.String(), "a printed key": printed} {
		if strings.Contains(text, value(1)) {
			t.Errorf("%s holds the value: %s", what, text)
		}
	}
	if n := strings.Count(lines.String(), "\n"); n != 1 {
		t.Errorf("%d log lines of one failed attempt:\n%s", n, lines.String())
	}
}

func TestOnlyKeyNamesAreParsed(t *testing.T) {
	t.Parallel()
	name := KeyName("gatehouse", "01acc", "01key")
	if name != "gatehouse/01acc/01key" {
		t.Errorf("name %s", name)
	}
	account, key, ok := ParseKeyName("gatehouse", name)
	if account != "01acc" || key != "01key" || !ok {
		t.Errorf("read as %s, %s, %v", account, key, ok)
	}
	if _, key, ok := ParseKeyName("team/portal", KeyName("team/portal", "a", "k")); key != "k" || !ok {
		t.Errorf("with a slash in the prefix: %s, %v", key, ok)
	}
	for _, other := range []string{"", "gatehouse", "gatehouse/a", "gatehouse/a/", "gatehouse//k", "gatehouse/a/k/x", "gatehouse2/a/k", "my key"} {
		if _, _, ok := ParseKeyName("gatehouse", other); ok {
			t.Errorf("%q is taken for a key of ours", other)
		}
	}
}

func TestEveryAnswerOfAWSIsClassified(t *testing.T) {
	t.Parallel()
	type sorted struct {
		Full, Throttled, Forbidden, Unavailable bool
		Refused                                 RefusedReason
	}
	for name, c := range map[string]struct {
		status    int
		exception string
		want      sorted
		outcome   string
	}{
		"too many requests":                       {429, "TooManyRequestsException", sorted{Unavailable: true, Throttled: true}, "throttled"},
		"too many, without a name":                {429, "", sorted{Unavailable: true, Throttled: true}, "throttled"},
		"the account is full":                     {429, "LimitExceededException", sorted{Full: true}, "full"},
		"a bad request":                           {400, "BadRequestException", sorted{Refused: Invalid}, "refused"},
		"a bad request that is not API Gateway's": {400, "ValidationError", sorted{Unavailable: true}, "unavailable"},
		"access is denied":                        {403, "AccessDeniedException", sorted{Unavailable: true, Forbidden: true}, "forbidden"},
		"the token has expired":                   {403, "ExpiredTokenException", sorted{Unavailable: true, Forbidden: true}, "forbidden"},
		"not authorised":                          {401, "UnauthorizedException", sorted{Unavailable: true, Forbidden: true}, "forbidden"},
		"a fault of AWS's":                        {500, "InternalFailure", sorted{Unavailable: true}, "unavailable"},
		"AWS is busy":                             {503, "ServiceUnavailableException", sorted{Unavailable: true}, "unavailable"},
		"not found, without a name":               {404, "", sorted{Unavailable: true}, "unavailable"},
		"not found where it must exist":           {404, "NotFoundException", sorted{Unavailable: true}, "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var outcomes []string
			cp := w.controlPlane(t, w.process(t, 1), Config{Observe: func(operation, outcome string) {
				outcomes = append(outcomes, operation+" "+outcome)
			}})
			w.Wire.Once("CreateApiKey", gatewaytest.Answer(c.status, c.exception, "in AWS's words"))
			_, err := cp.Session(Interactive, nil).CreateKey(t.Context(), Key{Name: "n", Value: value(1)})
			var (
				got         sorted
				full        *LimitReached
				no          *Refused
				unavailable *Unavailable
			)
			got.Full = errors.As(err, &full)
			if errors.As(err, &no) {
				got.Refused = no.Reason
			}
			if got.Unavailable = errors.As(err, &unavailable); got.Unavailable {
				got.Throttled, got.Forbidden = unavailable.Throttled, unavailable.Forbidden
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%v is (-want +got):\n%s", err, diff)
			}
			if !strings.Contains(err.Error(), "in AWS's words") {
				t.Errorf("the error does not hold AWS's words: %v", err)
			}
			if diff := cmp.Diff([]string{"CreateApiKey " + c.outcome}, outcomes); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
		})
	}
}
