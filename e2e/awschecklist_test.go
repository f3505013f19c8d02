package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/app"
)

func TestTheDoctorAsksAnAWSAccount(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	code, stdout, stderr := runToEnd(t, c.env, "gatehouse", "doctor", "--aws", "--yes", "--timeout", "5s", "--json")
	var asked app.AWSAnswers
	if err := json.Unmarshal([]byte(stdout), &asked); err != nil || code != 0 {
		t.Fatalf("it exits with %d: %s%s", code, stdout, stderr)
	}
	numbers := map[int]bool{}
	for _, a := range asked.Answers {
		numbers[a.Number] = true
	}
	for _, number := range []int{1, 2, 3, 4, 5, 8, 10} {
		if !numbers[number] {
			t.Errorf("question %d has no answer", number)
		}
	}
	if len(asked.Left) != 3 || !strings.Contains(stderr, "creates a REST API") {
		t.Errorf("%d questions are left, and it says before: %s", len(asked.Left), stderr)
	}

	// Nobody at a terminal says yes.
	code, stdout, stderr = runToEnd(t, c.env, "gatehouse", "doctor", "--aws")
	if code != 0 || !strings.Contains(stdout, "- 8. ResolveCustomer in us-east-1: answers (InvalidTokenException)") || strings.Contains(stdout, "- 3. ") ||
		!strings.Contains(stdout, "doctor --aws --yes") || !strings.Contains(stderr, "Without --yes") {
		t.Errorf("without an answer it exits with %d: %s%s", code, stdout, stderr)
	}
}
