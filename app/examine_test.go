package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestErrorsOfAWSAreSaidInWords(t *testing.T) {
	t.Parallel()
	const setUp = "it is not there. `gatehouse setup` creates it"
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"none":           {nil, ""},
		"no table":       {&ddbtypes.ResourceNotFoundException{}, setUp},
		"no queue":       {&sqstypes.QueueDoesNotExist{}, setUp},
		"no topic":       {&snstypes.NotFoundException{}, setUp},
		"no key":         {&kmstypes.NotFoundException{}, setUp},
		"not permitted":  {&smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User is not authorized"}, "AWS does not permit it with these credentials: User is not authorized"},
		"nor by S3":      {&smithy.GenericAPIError{Code: "AccessDenied", Message: "No."}, "AWS does not permit it with these credentials: No."},
		"no answer":      {&smithyhttp.RequestSendError{Err: errors.New("connection refused")}, "it does not answer: connection refused"},
		"a slow answer":  {context.DeadlineExceeded, "it does not answer within 10s"},
		"something else": {errors.New("the moon is full"), "something else: the moon is full"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.err
			if err != nil {
				err = fmt.Errorf("something else: %w", err)
			}
			if got := inWords(err); got != c.want {
				t.Errorf("it says %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheDoctorUnderstandsTheIdentityProvider(t *testing.T) {
	t.Parallel()
	answers := http.NewServeMux()
	answers.HandleFunc("/other/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer": "https://login.example.com"}`))
	})
	answers.HandleFunc("/page/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>"))
	})
	answers.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys": [{"kid": "1"}]}`)) })
	answers.HandleFunc("/none", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys": []}`)) })
	server := httptest.NewServer(answers)
	t.Cleanup(server.Close)
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"none is configured":    {Config{}, "the portal cannot start, only workers can: GATEHOUSE_OIDC_ISSUER is missing"},
		"no client":             {Config{OIDCIssuer: server.URL}, "the portal cannot start, only workers can: GATEHOUSE_OIDC_CLIENT_ID is missing"},
		"it has another name":   {Config{OIDCIssuer: server.URL + "/other/"}, `it calls itself "https://login.example.com": GATEHOUSE_OIDC_ISSUER must be that to the letter`},
		"there is none":         {Config{OIDCIssuer: server.URL + "/nothing"}, "openid-configuration answers 404 Not Found"},
		"it is a web page":      {Config{OIDCIssuer: server.URL + "/page"}, "answers something else than JSON"},
		"its address is none":   {Config{OIDCIssuer: "http://bad host"}, `the address "http://bad host/.well-known/openid-configuration" makes no sense`},
		"its keys are there":    {Config{OIDCIssuer: "http://127.0.0.1:1", OIDCJWKSURL: server.URL + "/keys"}, ""},
		"it has no keys":        {Config{OIDCIssuer: "http://127.0.0.1:1", OIDCJWKSURL: server.URL + "/none"}, "there are no keys: is GATEHOUSE_OIDC_JWKS_URL right?"},
		"its keys are not here": {Config{OIDCIssuer: "http://127.0.0.1:1", OIDCJWKSURL: server.URL + "/nothing"}, "/nothing answers 404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.cfg.OIDCIssuer != "" && name != "no client" {
				c.cfg.OIDCClientID = "portal"
			}
			if c.cfg.OIDCJWKSURL != "" {
				c.cfg.OIDCAuthURL, c.cfg.OIDCTokenURL = "https://login.example.com/a", "https://login.example.com/t"
			}
			_, err := examination{p: Process{Config: c.cfg}}.issuer(t.Context())
			if got := inWords(err); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("it says %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheDoctorNoticesThatFactsDoNotReachTheViews(t *testing.T) {
	t.Parallel()
	p := patient(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	arn, err := c.topicARN(t.Context(), names.Events)
	ok(t, err)
	listed, err := c.sns.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
	ok(t, err)
	for _, s := range listed.Subscriptions {
		_, err := c.sns.Unsubscribe(t.Context(), &sns.UnsubscribeInput{SubscriptionArn: s.SubscriptionArn})
		ok(t, err)
	}
	wrong := wrongs(Examine(t.Context(), p))
	const want = "queue gatehouse-projections.fifo is not subscribed to it, so nothing new is shown. `gatehouse setup` subscribes it"
	if len(wrong) != 1 || wrong["topic gatehouse-events.fifo"] != want {
		t.Errorf("wrong are %v", wrong)
	}
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	if wrong := wrongs(Examine(t.Context(), p)); len(wrong) != 0 {
		t.Errorf("after set-up wrong are %v", wrong)
	}
}

func TestTheDoctorSaysHowMuchIsWaitingAndChangesNothing(t *testing.T) {
	t.Parallel()
	p := patient(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	_, err := SetupDemo(t.Context(), p.AWS, p.Config, "http://localhost:4566/demo-api")
	ok(t, err)
	before := survey(t, p)
	notes := map[string]string{}
	for _, check := range Examine(t.Context(), p) {
		notes[check.What] = check.Note
		if check.Problem != "" {
			t.Errorf("%s: %s", check.What, check.Problem)
		}
	}
	if notes["queue gatehouse-commands.fifo"] != "about 1 waiting" || notes["queue gatehouse-jobs.fifo"] != "" {
		t.Errorf("the notes are %v", notes)
	}
	if notes["KMS key"] != before.Key["arn"] {
		t.Errorf("the KMS key is noted as %q", notes["KMS key"])
	}
	after := survey(t, p)
	if before.Queues[NamesFor(p.Config.Prefix).Commands]["ApproximateNumberOfMessages"] != after.Queues[NamesFor(p.Config.Prefix).Commands]["ApproximateNumberOfMessages"] {
		t.Error("what was waiting waits no longer")
	}
	client := dynamodb.NewFromConfig(p.AWS)
	names := NamesFor(p.Config.Prefix)
	_, err = client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &names.Views})
	ok(t, err)
	wrong := wrongs(Examine(t.Context(), p))
	if len(wrong) != 1 || !strings.Contains(wrong["table gatehouse-views"], "`gatehouse setup` creates it") {
		t.Errorf("without its views wrong are %v", wrong)
	}
}
