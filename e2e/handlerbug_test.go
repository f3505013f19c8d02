// This file tests that the runbook puts a bug in a handler right.

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// runbookBlocks returns the blocks of commands in a part of the runbook.
func runbookBlocks(t *testing.T, heading string) (blocks []string) {
	t.Helper()
	page, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n"+heading+"\n")
	if !found {
		t.Fatalf("the runbook has no part %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	text, _, _ = strings.Cut(text, "\n### ")
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, block[1])
	}
	return blocks
}

// fault sets the faults of the local AWS; "" lifts all.
func (s *site) fault(t *testing.T, plan string) {
	t.Helper()
	method := http.MethodPut
	if plan == "" {
		method = http.MethodDelete
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.AWSURL+"/_localaws/faults", strings.NewReader(plan))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("setting faults answers %s", resp.Status)
	}
}

func TestTheRunbookPutsAHandlersBugRight(t *testing.T) {
	t.Parallel()
	bash := needed(t, "bash", "-c", "true")
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	var clock past
	behind := 40 * time.Minute
	clock.setBack(behind)
	s := startWith(t, settings{dir: t.TempDir(), now: clock.now})
	s.waitForCatalog(t)
	o, p := s.operator(t), s.signUp(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	s.fault(t, `{"rules":[{"service":"handler","operation":"SubscribeRequested","kind":"panic"}]}`)
	op := decode[operation](p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "").want(http.StatusAccepted)).ID
	var letter struct {
		deadLetter
		Cause string
	}
	eventually(t, "the request is a dead letter", func() bool {
		if behind > 0 { // four minutes pass between two looks
			behind -= 4 * time.Minute
			clock.setBack(behind)
		}
		list := asJSON[struct {
			Letters []struct {
				deadLetter
				Cause string
			}
		}](o, "dlq", "list")
		if len(list.Letters) == 1 {
			letter = list.Letters[0]
		}
		return letter.ID != ""
	})
	if letter.Class != "panic" {
		t.Fatalf("the letter is %+v", letter)
	}
	env := slices.Concat(o.env, []string{"HOME=" + t.TempDir(), "PATH=" + dir + ":" + os.Getenv("PATH")})
	follow := func(block string, wants ...string) {
		t.Helper()
		text := regexp.MustCompile(`\b(ID|OPERATION|CAUSE)\b`).ReplaceAllStringFunc(block, func(name string) string {
			return map[string]string{"ID": letter.ID, "OPERATION": op, "CAUSE": letter.Cause}[name]
		})
		cmd := exec.CommandContext(t.Context(), bash, "-c", "set -euo pipefail\n"+text)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("the commands fail: %v\n%s\n%s", err, text, out)
		}
		for _, want := range wants {
			if !strings.Contains(string(out), want) {
				t.Errorf("the commands do not print %q:\n%s\n%s", want, text, out)
			}
		}
	}
	blocks := runbookBlocks(t, "### A handler has a bug")
	if len(blocks) != 2 {
		t.Fatalf("the part has %d blocks of commands", len(blocks))
	}
	follow(blocks[0], "panic: the handler of SubscribeRequested", "1 open, 0 replayed", op, "status        failed")
	s.fault(t, "")
	follow(blocks[1], "Would replay 1 letter: 1 carried out.", "Workers have handled 1 of them; 0 failed again", "status        succeeded")
	eventually(t, "the subscription is active", func() bool {
		held := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items
		return len(held) == 1 && held[0].State == "active"
	})
}
