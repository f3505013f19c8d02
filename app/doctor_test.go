package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// provider is an identity provider that knows its name.
func provider(t *testing.T) string {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/openid-configuration" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(`{"issuer": "` + server.URL + `"}`))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func patient(t *testing.T, vars ...string) Process {
	t.Helper()
	cfg, err := LoadConfig(append([]string{"GATEHOUSE_OIDC_ISSUER=" + provider(t), "GATEHOUSE_OIDC_CLIENT_ID=portal"}, vars...))
	if err != nil {
		t.Fatal(err)
	}
	return Process{AWS: localaws.Start(t).AWSConfig(), Config: cfg, Log: zerolog.Nop(), Metrics: NewMetrics()}
}

func wrongs(checks []Check) map[string]string {
	wrong := map[string]string{}
	for _, check := range checks {
		if check.Problem != "" {
			wrong[check.What] = check.Problem
		}
	}
	return wrong
}

func TestTheDoctorFindsNothingWrongAfterSetup(t *testing.T) {
	t.Parallel()
	p := patient(t)
	if err := Setup(t.Context(), p.AWS, p.Config); err != nil {
		t.Fatal(err)
	}
	checks := Examine(t.Context(), p)
	if wrong := wrongs(checks); len(wrong) != 0 || len(checks) < 10 {
		t.Errorf("of %d things these are wrong: %v", len(checks), wrong)
	}
}

func TestTheDoctorSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	p := patient(t)
	wrong := wrongs(Examine(t.Context(), p))
	for _, what := range []string{"table gatehouse-journal", "queue gatehouse-commands.fifo", "queue gatehouse-jobs-dlq.fifo", "topic gatehouse-events.fifo", "KMS key"} {
		if !strings.Contains(wrong[what], "`gatehouse setup` creates it") {
			t.Errorf("%s: %q", what, wrong[what])
		}
	}
	if problem, ok := wrong["identity provider"]; ok {
		t.Errorf("identity provider: %s", problem)
	}
}

func TestTheDoctorNamesTheOneThingThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vars        []string
		harm        func(t *testing.T, p Process)
		what, tells string
	}{
		"a queue was deleted": {
			harm: func(t *testing.T, p Process) {
				client := sqs.NewFromConfig(p.AWS)
				name := NamesFor(p.Config.Prefix).Jobs
				found, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := client.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: found.QueueUrl}); err != nil {
					t.Fatal(err)
				}
			},
			what: "queue gatehouse-jobs.fifo", tells: "it is not there",
		},
		"the KMS key is another": {vars: []string{"GATEHOUSE_KMS_KEY=alias/none"}, what: "KMS key", tells: "is GATEHOUSE_KMS_KEY right?"},
		"the issuer is away":     {vars: []string{"GATEHOUSE_OIDC_ISSUER=http://127.0.0.1:1"}, what: "identity provider", tells: "it does not answer"},
		"the keys are elsewhere": {
			vars: []string{"GATEHOUSE_OIDC_AUTH_URL=http://127.0.0.1:1/a", "GATEHOUSE_OIDC_TOKEN_URL=http://127.0.0.1:1/t", "GATEHOUSE_OIDC_JWKS_URL=http://127.0.0.1:1/k"},
			what: "identity provider", tells: "it does not answer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := patient(t, c.vars...)
			setUp := p.Config
			setUp.KMSKey = ""
			if err := Setup(t.Context(), p.AWS, setUp); err != nil {
				t.Fatal(err)
			}
			if c.harm != nil {
				c.harm(t, p)
			}
			wrong := wrongs(Examine(t.Context(), p))
			if len(wrong) != 1 || !strings.Contains(wrong[c.what], c.tells) {
				t.Errorf("wrong are %v", wrong)
			}
		})
	}
}

func TestAProbeIsKeptAndTheDoctorTells(t *testing.T) {
	t.Parallel()
	p := patient(t)
	if err := Setup(t.Context(), p.AWS, p.Config); err != nil {
		t.Fatal(err)
	}
	creating := func() string {
		for _, check := range Examine(t.Context(), p) {
			if check.What == "creating keys" {
				return check.Note
			}
		}
		return ""
	}
	if note := creating(); !strings.Contains(note, "never tried out") {
		t.Errorf("before a probe: %s", note)
	}
	finding, err := ProbeImport(t.Context(), p)
	if err != nil || !finding.Usable || finding.At.IsZero() || finding.Region != localaws.Region {
		t.Fatalf("%+v, %v", finding, err)
	}
	if note := creating(); !strings.Contains(note, "together where many wait") {
		t.Errorf("after a probe: %s", note)
	}
	p.Config.Provisioning = provisioningSingle
	if note := creating(); !strings.Contains(note, "GATEHOUSE_PROVISIONING") {
		t.Errorf("with single: %s", note)
	}
}

func TestProvisioningIsAutoOrSingle(t *testing.T) {
	t.Parallel()
	if cfg, err := LoadConfig(nil); err != nil || cfg.Provisioning != provisioningAuto {
		t.Errorf("by default %q, %v", cfg.Provisioning, err)
	}
	if _, err := LoadConfig([]string{"GATEHOUSE_PROVISIONING=bulk"}); err == nil || !strings.Contains(err.Error(), "want auto or single") {
		t.Errorf("bulk: %v", err)
	}
}
