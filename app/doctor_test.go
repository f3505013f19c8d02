package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/schema"
)

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

func testProcess(t *testing.T, vars ...string) Process {
	t.Helper()
	return testProcessAt(t, localawstest.Start(t), vars...)
}

// testProcessAt is a process that uses the local AWS local.
func testProcessAt(t *testing.T, local *localaws.Server, vars ...string) Process {
	t.Helper()
	cfg, err := LoadConfig(append([]string{"GATEHOUSE_OIDC_ISSUER=" + provider(t), "GATEHOUSE_OIDC_CLIENT_ID=portal"}, vars...))
	if err != nil {
		t.Fatal(err)
	}
	return Process{AWS: local.AWSConfig(), Config: cfg, Log: zerolog.Nop(), Metrics: NewMetrics("worker")}
}

func wrongs(checks []Check) map[string]string {
	wrong := map[string]string{}
	for _, check := range checks {
		if check.Problem != "" {
			wrong[check.What] = check.Problem + " " + check.Advice
		}
	}
	return wrong
}

func TestDoctorFindsNothingWrongAfterSetup(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	if err := Setup(t.Context(), p.AWS, p.Config); err != nil {
		t.Fatal(err)
	}
	checks := Examine(t.Context(), p)
	if wrong := wrongs(checks); len(wrong) != 0 || len(checks) < 10 {
		t.Errorf("of %d things these are wrong: %v", len(checks), wrong)
	}
}

func TestDoctorReportsWhatIsMissing(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	wrong := wrongs(Examine(t.Context(), p))
	for _, what := range []string{"table gatehouse-journal", "queue gatehouse-commands.fifo", "queue gatehouse-jobs-dlq.fifo", "topic gatehouse-events.fifo", "KMS key"} {
		if !strings.Contains(wrong[what], "un `gatehouse setup`.") {
			t.Errorf("%s: %q", what, wrong[what])
		}
	}
	if problem, ok := wrong["identity provider"]; ok {
		t.Errorf("identity provider: %s", problem)
	}
}

func TestDoctorReportsARestoreThatHasNotEnded(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	if err := Setup(t.Context(), p.AWS, p.Config); err != nil {
		t.Fatal(err)
	}
	row := schema.RestoreRun().Attributes()
	row["rows"], row["done"] = schema.Number(47), schema.Number(25)
	records := NamesFor(p.Config.Prefix).Records
	if _, err := newClients(p.AWS).dynamodb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &records, Item: row}); err != nil {
		t.Fatal(err)
	}
	if said := wrongs(Examine(t.Context(), p))["views"]; !strings.Contains(said, "A restore has not ended: 25 of 47 rows") || !strings.Contains(said, "again with the same file") {
		t.Errorf("it says %q", said)
	}
}

func TestDoctorReportsTheSavedProbe(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	if err := Setup(t.Context(), p.AWS, p.Config); err != nil {
		t.Fatal(err)
	}
	gatewayNote := func() string {
		for _, check := range Examine(t.Context(), p) {
			if check.What == "API Gateway" {
				return check.Note
			}
		}
		return ""
	}
	if note := gatewayNote(); !strings.Contains(note, "never tested") {
		t.Errorf("before a probe: %s", note)
	}
	finding, err := ProbeImport(t.Context(), p)
	if err != nil || !finding.Usable || finding.At.IsZero() || finding.Region != localaws.Region {
		t.Fatalf("%+v, %v", finding, err)
	}
	if note := gatewayNote(); !strings.Contains(note, "many at a time when many wait") {
		t.Errorf("after a probe: %s", note)
	}
	p.Config.Provisioning = ProvisioningSingle
	if note := gatewayNote(); !strings.Contains(note, "GATEHOUSE_PROVISIONING") {
		t.Errorf("with single: %s", note)
	}
}

func TestProvisioningIsAutoOrSingle(t *testing.T) {
	t.Parallel()
	if cfg, err := LoadConfig(nil); err != nil || cfg.Provisioning != ProvisioningAuto {
		t.Errorf("by default %q, %v", cfg.Provisioning, err)
	}
	if _, err := LoadConfig([]string{"GATEHOUSE_PROVISIONING=bulk"}); err == nil || !strings.Contains(err.Error(), "want auto or single") {
		t.Errorf("bulk: %v", err)
	}
}
