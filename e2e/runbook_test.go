// This file tests that the commands in the runbook's entries for alerts work, and say what the entries promise.

package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// alertCommands has what the commands of each entry print on a portal that a person uses and that has one dead letter.
var alertCommands = map[string][]string{
	"A process does not answer":       {`"queues":"ok"`, `"tables":"ok"`, "ok     table gatehouse-records"},
	"Workers are silent":              {"ok     workers: the last sign of life", `gatehouse_job_last_success_timestamp_seconds{job_name="due"}`, "Compared "},
	"The portal answers errors":       {`status="5xx"`, "ok     AWS"},
	"The portal is slow":              {`gatehouse_http_request_seconds_sum{method="GET",route="/api/v1/`, "process_resident_memory_bytes"},
	"A message became a dead letter":  {"RegisterUser", "1 letter", "redriven"},
	"Failures cannot be recorded":     {"ok     table gatehouse-records", `gatehouse_failures_unrecorded_total{consumer="commands"} 0`},
	"Workers log errors":              {"ok     AWS", "0 open"},
	"Messages wait":                   {`gatehouse_messages_in_flight{consumer="commands"}`, `outcome="buried"`, "ok     queue gatehouse-commands.fifo"},
	"The views lag":                   {"lag", "0 differences", "Rebuilt the views"},
	"Provisioning waits":              {`outcome="ok"`, `gatehouse_provisioning_waits_total{reason="kms_key"} 0`, "Workers can create many keys at a time here."},
	"AWS throttles or forbids calls":  {`outcome="throttled"} 0`, `outcome="forbidden"} 0`, "ok     API Gateway"},
	"API keys run out":                {"Nothing differs.", "Compared "},
	"The KMS key cannot be used":      {"ok     KMS key", "Compared "},
	"A job does not end":              {`gatehouse_job_last_success_timestamp_seconds{job_name="sweep"}`, "0 open", "ok     workers"},
	"The catalog cannot be read":      {"No problems.", "The catalog"},
	"Due rows wait":                   {`gatehouse_due_rows_passed_over_total{kind="unknown"} 0`, "gatehouse_due_row_late_seconds", "0 open"},
	"Usage waits for AWS Marketplace": {"ok     metering", "0 licences metered by the portal.", "Nothing was metered yet.", "AWS has refused no usage."},
	"Alerts":                          nil,
}

type runbookEntry struct {
	name     string
	commands []string
}

// alertEntries reads the blocks of commands in the chapter about alerts.
func alertEntries(t *testing.T) (entries []runbookEntry) {
	t.Helper()
	page, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, found := strings.Cut(string(page), "\n## Alerts\n")
	if !found {
		t.Fatal("the runbook has no chapter about alerts")
	}
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	for i, text := range strings.Split(chapter, "\n### ") {
		name := "Alerts"
		if i > 0 {
			name, text, _ = strings.Cut(text, "\n")
		}
		e := runbookEntry{name: name}
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
			e.commands = append(e.commands, block[1])
		}
		entries = append(entries, e)
	}
	return entries
}

func TestTheCommandsOfTheRunbooksAlertsWork(t *testing.T) {
	t.Parallel()
	bash := needed(t, "bash", "-c", "true")
	needed(t, "curl", "--version")
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	s := start(t)
	s.waitForCatalog(t)
	s.keyOf(s.ofDemo(t, demo.Accounts[0]))
	letter := s.bury(t)
	env := slices.Concat(s.operator(t).env, []string{
		"HOME=" + t.TempDir(), "PATH=" + dir + ":" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true",
		"GATEHOUSE_MARKETPLACE_ACCOUNTS=" + localaws.Account, "GATEHOUSE_MARKETPLACE_TOPICS=" + strings.Join(olderTopics(), ","),
	})
	seen := map[string]bool{}
	script := "set -euo pipefail\n"
	for _, e := range alertEntries(t) {
		wants, known := alertCommands[e.name]
		seen[e.name] = true
		if !known || len(e.commands) == 0 {
			t.Errorf("%q has %d blocks of commands, and the test knows it: %t", e.name, len(e.commands), known)
		}
		text := strings.NewReplacer(" ID", " "+letter, "http://127.0.0.1:8081", s.OperatorsURL, "http://127.0.0.1:8082", s.OperatorsURL).
			Replace(strings.Join(e.commands, "\n"))
		if e.name == "Alerts" {
			script += text
			continue
		}
		cmd := exec.CommandContext(t.Context(), bash, "-c", script+text)
		cmd.Env, cmd.Dir = env, t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: the commands fail: %v\n%s\n%s", e.name, err, text, out)
		}
		for _, want := range wants {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: the commands do not print %q:\n%s\n%s", e.name, want, text, out)
			}
		}
	}
	for name := range alertCommands {
		if !seen[name] {
			t.Errorf("the runbook has no entry %q", name)
		}
	}
}

// bury makes a registration a dead letter, as if workers had died with it again and again, and returns its id.
func (s *site) bury(t *testing.T) string {
	t.Helper()
	body, err := events.Encode(events.Event{
		ID: "given-up", Source: "/test", Subject: portal.AccountStream("somebody"), Time: time.Now(), Operation: "given-up", Intent: 1, Data: events.RegisterUser{},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.put(t, app.DeadLetterQueue(names.Commands), string(body))
	o, id := s.operator(t), ""
	eventually(t, "the message is a dead letter", func() bool {
		list := asJSON[struct{ Letters []deadLetter }](o, "dlq", "list")
		if len(list.Letters) == 1 {
			id = list.Letters[0].ID
		}
		return id != ""
	})
	return id
}

func olderTopics() (arns []string) {
	for _, older := range []local.Listed{local.Fleet, local.OlderContracts} {
		product := marketplace.Product{Code: older.Code}
		arns = append(arns, product.SubscriptionTopic(), product.EntitlementTopic())
	}
	return arns
}
