// This file tests that the commands of docs/admin.md work.

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/demo"
)

func TestTheCommandsOfTheAdminPageWork(t *testing.T) {
	t.Parallel()
	bash := needed(t, "bash", "-c", "true")
	needed(t, "curl", "--version")
	needed(t, "jq", "--version")
	page, err := os.ReadFile("../docs/admin.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 6 || !strings.Contains(blocks[0][1], "portal=http://localhost:8080/api/v1\n") {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	s := start(t)
	s.waitForCatalog(t)
	s.keyOf(s.ofDemo(t, demo.Accounts[0]))
	admin := s.admin(t)
	script := "set -euo pipefail\n"
	for _, block := range blocks {
		script += strings.ReplaceAll(block[1], "http://localhost:8080", s.PortalURL) + "\n"
	}
	command := exec.CommandContext(t.Context(), bash, "-c", script)
	command.Dir, command.Env = t.TempDir(), append(os.Environ(), "token="+admin.token)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("the commands fail: %v\n%s", err, out)
	}
	for _, text := range []string{"user@example.com", "AdminPromotionRequested", "AdminDemotionRequested", "grace@example.com", "AccountSuspensionRequested"} {
		if !strings.Contains(string(out), text) {
			t.Errorf("the commands do not print %s:\n%s", text, out)
		}
	}
	csv, err := os.ReadFile(command.Dir + "/usage.csv")
	if err != nil || !strings.HasPrefix(string(csv), "account,date,plan,") {
		t.Errorf("the file is %q, %v", csv, err)
	}
	// Every path of the page is a route.
	document := string(admin.do(http.MethodGet, "/api/v1/openapi.json", "").want(http.StatusOK).body)
	for _, path := range regexp.MustCompile("`(?:GET|POST|DELETE) (/admin/[^`]*)`").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(document, `"`+path[1]+`"`) {
			t.Errorf("%s is no route", path[1])
		}
	}
}
