package keys

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// fixedKey is KMS with a key of known material.
type fixedKey string

func (k fixedKey) GenerateMac(_ context.Context, in *kms.GenerateMacInput, _ ...func(*kms.Options)) (*kms.GenerateMacOutput, error) {
	mac := hmac.New(sha256.New, []byte(string(k)+aws.ToString(in.KeyId)))
	mac.Write(in.Message)
	return &kms.GenerateMacOutput{Mac: mac.Sum(nil)}, nil
}

func deriver(t *testing.T, client macGenerator, prefix string) *Deriver {
	t.Helper()
	d, err := New(client, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func value(t *testing.T, d *Deriver, scheme string, account portal.AccountID, key portal.KeyID) string {
	t.Helper()
	v, err := d.Value(t.Context(), scheme, "k", account, key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValuesOfTheFirstSchemeNeverChange(t *testing.T) {
	t.Parallel()
	d := deriver(t, fixedKey("material"), "")
	const want = "gh0Mv4jrDF8xUUC2tsGFIorBvkoC9zpIRjUuDOl8HuyvD1gCiaZ"
	if got := value(t, d, "v1", "01account", "01key"); got != want {
		t.Errorf("value %s, want %s", got, want)
	}
}

func TestEveryValueHasTheFormThatAPIGatewayAndScannersNeed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.StringMatching(`[A-Za-z][A-Za-z0-9]{1,7}`).Draw(t, "prefix")
		d, err := New(fixedKey(rapid.String().Draw(t, "material")), prefix)
		if err != nil {
			t.Fatal(err)
		}
		v, err := d.Value(context.Background(), d.Scheme(), "k",
			portal.AccountID(rapid.StringN(1, 20, -1).Draw(t, "account")), portal.KeyID(rapid.StringN(1, 20, -1).Draw(t, "key")))
		if err != nil {
			t.Fatal(err)
		}
		if len(v) < 40 || len(v) > 64 || !alphanumeric(v) || !Check(v, prefix) {
			t.Fatalf("value %q with prefix %q", v, prefix)
		}
		changed := []byte(v)
		at := rapid.IntRange(len(prefix), len(v)-1).Draw(t, "at")
		changed[at] = digits[(strings.IndexByte(digits, changed[at])+1)%len(digits)]
		if Check(string(changed), prefix) {
			t.Fatalf("%q passes the check; it is %q with one character changed", changed, v)
		}
	})
}

func TestEveryPartOfAKeysNameChangesItsValue(t *testing.T) {
	t.Parallel()
	d := deriver(t, fixedKey("material"), "acme")
	seen := map[string]string{}
	note := func(what, v string) {
		if before, ok := seen[v]; ok {
			t.Errorf("%s has the value of %s", what, before)
		}
		seen[v] = what
	}
	note("account ab, key c", value(t, d, Scheme, "ab", "c"))
	note("account a, key bc", value(t, d, Scheme, "a", "bc"))
	note("another key", value(t, d, Scheme, "ab", "d"))
	note("another scheme", value(t, d, d.Scheme(), "ab", "c"))
	other, err := d.Value(t.Context(), Scheme, "k2", "ab", "c")
	if err != nil {
		t.Fatal(err)
	}
	note("another KMS key", other)
}

func TestConfiguringAnotherPrefixChangesNoExistingKey(t *testing.T) {
	t.Parallel()
	before, after := deriver(t, fixedKey("material"), "acme"), deriver(t, fixedKey("material"), "zenith")
	scheme := before.Scheme()
	if a, b := value(t, before, scheme, "a", "k"), value(t, after, scheme, "a", "k"); a != b {
		t.Errorf("value %s became %s", a, b)
	}
	if before.Scheme() == after.Scheme() {
		t.Errorf("both prefixes record the scheme %s", scheme)
	}
}

func TestAnUnknownSchemeIsAnError(t *testing.T) {
	t.Parallel()
	d := deriver(t, fixedKey("material"), "")
	for _, scheme := range []string{"", "v2", "v1:", "v1:no good", "v1x"} {
		if v, err := d.Value(t.Context(), scheme, "k", "a", "k"); err == nil || v != "" {
			t.Errorf("scheme %q: value %q, error %v", scheme, v, err)
		}
	}
}

func TestPrefixesAreChecked(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]bool{
		"gh": true, "Acme2026": true,
		"g": false, "toolongxx": false, "9gh": false, "g-h": false, "gé": false,
	} {
		if _, err := New(fixedKey(""), prefix); (err == nil) != want {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
}

type answering struct {
	status int
	code   string
	err    error
}

func (a answering) Do(r *http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{
		StatusCode: a.status, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Errortype": {a.code}},
		Body:   io.NopCloser(strings.NewReader(`{"__type":"` + a.code + `","message":"no"}`)),
	}, nil
}

func TestTheErrorSaysWhyKMSComputedNothingAndWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer answering
		cause  Cause
		says   string
	}{
		"throttled":                    {answering{status: 400, code: "ThrottlingException"}, Throttled, "Gatehouse retries"},
		"a fault of KMS":               {answering{status: 500, code: "KMSInternalException"}, Unreachable, "Gatehouse retries"},
		"a fault without a name":       {answering{status: 503, code: "Whatever"}, Unreachable, "Gatehouse retries"},
		"the connection drops":         {answering{err: io.ErrUnexpectedEOF}, Unreachable, "Gatehouse retries"},
		"the KMS key is disabled":      {answering{status: 400, code: "DisabledException"}, Disabled, "aws kms enable-key --key-id k"},
		"the KMS key is to be deleted": {answering{status: 400, code: "KMSInvalidStateException"}, Deleting, "aws kms cancel-key-deletion --key-id k"},
		"the KMS key is gone":          {answering{status: 400, code: "NotFoundException"}, Gone, "GATEHOUSE_KMS_KEY"},
		"the policy does not permit":   {answering{status: 400, code: "AccessDeniedException"}, Denied, "kms:GenerateMac"},
		"the credentials are wrong":    {answering{status: 400, code: "UnrecognizedClientException"}, Denied, "kms:GenerateMac"},
		"the KMS key is for signing":   {answering{status: 400, code: "InvalidKeyUsageException"}, Unusable, "HMAC_256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := aws.Config{Region: "us-east-1", HTTPClient: c.answer, Credentials: aws.AnonymousCredentials{}}
			client := kms.NewFromConfig(cfg, func(o *kms.Options) { o.Retryer = aws.NopRetryer{} })
			_, err := deriver(t, client, "").Value(t.Context(), Scheme, "k", "a", "01key")
			var failed *KMSError
			if !errors.As(err, &failed) || failed.Cause != c.cause || failed.Key != "k" || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("the error is %v, want cause %q and %q", err, c.cause, c.says)
			}
			var material interface {
				KeyMaterial()
				Passes() bool
			}
			if !errors.As(err, &material) || material.Passes() != (c.cause == Throttled || c.cause == Unreachable) {
				t.Error("it is not marked as an error of the key material, or Passes is wrong")
			}
			if portal.CodeOf(err) != portal.Unavailable {
				t.Errorf("code %q", portal.CodeOf(err))
			}
			if shown := portal.MessageOf(err); !strings.Contains(shown, "KMS") || strings.Contains(shown, "operator") == failed.Passes() {
				t.Errorf("people read %q", shown)
			}
			if strings.Contains(err.Error(), "StatusCode") {
				t.Errorf("the error repeats AWS's words: %v", err)
			}
			if c.answer.err != nil && !errors.Is(err, c.answer.err) {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
}

// worldwide is KMS in one Region, with a replica of the multi-Region key.
type worldwide struct {
	region string
	called []string
}

func (w *worldwide) Options() kms.Options { return kms.Options{Region: w.region} }

func (w *worldwide) GenerateMac(ctx context.Context, in *kms.GenerateMacInput, _ ...func(*kms.Options)) (*kms.GenerateMacOutput, error) {
	w.called = append(w.called, *in.KeyId)
	plain := *in
	id := strings.TrimPrefix(*in.KeyId, "arn:aws:kms:"+w.region+":111122223333:key/")
	plain.KeyId = &id
	return fixedKey("material").GenerateMac(ctx, &plain)
}

func TestAMultiRegionKeyGivesTheSameValuesInEveryRegionByIDAndByARN(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234"
	values := map[string]bool{}
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		for _, recorded := range []string{arn, Recorded(arn)} {
			d := deriver(t, &worldwide{region: region}, "")
			v, err := d.Value(t.Context(), Scheme, recorded, "a", "k")
			if err != nil {
				t.Fatal(err)
			}
			values[v] = true
		}
	}
	if len(values) != 1 {
		t.Errorf("one key has %d values", len(values))
	}
}

func TestAKeyOfOneRegionKeepsItsName(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:kms:eu-west-1:111122223333:key/1234"
	client := &worldwide{region: "us-east-1"}
	if _, err := deriver(t, client, "").Value(t.Context(), Scheme, arn, "a", "k"); err != nil {
		t.Fatal(err)
	}
	if client.called[0] != arn || Recorded(arn) != arn {
		t.Errorf("KMS was asked for %s, recorded is %s", client.called[0], Recorded(arn))
	}
}
