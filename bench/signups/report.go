package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

// report is a crowd's result. Times begin with the first request.
type report struct {
	settings settings
	began    time.Time
	clickErr error

	mu        sync.Mutex
	latencies []time.Duration

	// Answers counts answers by status; 0 is a broken connection.
	Answers map[int]int
	// Arrived is when everybody had been answered, Done when every operation had ended.
	Arrived, Done time.Duration
	// Click is how long one more person waited for the key.
	Click time.Duration
	Kills int
	// Calls counts control-plane calls by operation, and Throttled those that AWS refused.
	Calls     map[string]int
	Throttled int
	// Polls counts the clients' polls of operations.
	Polls int
	// Requests counts requests to AWS by service.
	Requests map[string]int
	// Tables counts requests to DynamoDB by operation.
	Tables map[string]int
	// Rows counts requests to DynamoDB by program, operation and rows, with -rows.
	Rows map[string]int
	// Worked is the processor time by program. The local AWS's includes the clients.
	Worked map[string]time.Duration
	own    time.Duration
	// Succeeded counts operations, Accounts those with a key, Attached keys in the plan,
	// Doubled accounts with several keys.
	Succeeded, Accounts, Attached, Doubled int
	// Journal compares the journal with the views; nil if -source is set.
	Journal *compared
	Kept    bool
}

func (r *report) answered(status int, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Answers == nil {
		r.Answers = map[int]int{}
	}
	r.Answers[status]++
	if status == http.StatusAccepted {
		r.latencies = append(r.latencies, took)
	}
}

func (r *report) count(before, after faults.Counts) {
	r.Requests = map[string]int{}
	for service := range after {
		if n := after.Requests(service) - before.Requests(service); n > 0 {
			r.Requests[service] = n
		}
	}
	r.Tables = map[string]int{}
	for operation, n := range after["dynamodb"] {
		if calls := n.Requests - before.Of("dynamodb", operation).Requests; calls > 0 {
			r.Tables[operation] = calls
		}
	}
	r.Calls = map[string]int{}
	for operation, n := range after["apigateway"] {
		if calls := n.Requests - before.Of("apigateway", operation).Requests; calls > 0 {
			r.Calls[operation] = calls
		}
		r.Throttled += n.Faults[faults.Throttled] - before.Of("apigateway", operation).Faults[faults.Throttled]
	}
}

func (r *report) percentile(p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(r.latencies))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

// floor is the least time for single calls at the share: creating a key has its own quota, and
// both calls count in the total.
func (r *report) floor() time.Duration {
	n, share := float64(r.settings.users), r.settings.share
	create := (n - 5*share) / (5 * share)
	total := (2*n - 40*share) / (10 * share)
	return time.Duration(max(0, create, total) * float64(time.Second))
}

func (r *report) write(out io.Writer) error {
	total := 0
	var calls []string
	for _, operation := range slices.Sorted(maps.Keys(r.Calls)) {
		total += r.Calls[operation]
		calls = append(calls, fmt.Sprintf("%s %d", operation, r.Calls[operation]))
	}
	lines := []string{
		fmt.Sprintf("machine        %s", machine()),
		fmt.Sprintf("people         %d, over %d portals and %d workers", r.settings.users, r.settings.apis, r.settings.workers),
		fmt.Sprintf("answers        %v (status: count; 0 is a broken connection)", r.Answers),
		fmt.Sprintf("answered in    %s median, %s 99th percentile, %s at most", round(r.percentile(0.5)), round(r.percentile(0.99)), round(r.percentile(1))),
		fmt.Sprintf("all answered   after %s", round(r.Arrived)),
		fmt.Sprintf("all done       after %s", round(r.Done)),
		fmt.Sprintf("control plane  %d calls (%.2f a person), %d refused by AWS's quotas: %s", total, float64(total)/float64(r.settings.users), r.Throttled, strings.Join(calls, ", ")),
		fmt.Sprintf("requests       %s", r.perPerson()),
		fmt.Sprintf("of dynamodb    %s a person", r.byOperation()),
		fmt.Sprintf("processor      %s", r.processor()),
		fmt.Sprintf("in the end     %d of %d succeeded, %d accounts with a key, %d attached, %d with more than one key; %s", r.Succeeded, r.settings.users, r.Accounts, r.Attached, r.Doubled, r.Journal),
	}
	if r.settings.quotas {
		lines = append(lines, fmt.Sprintf("the share      %g of the quotas; single calls take at least %s of it, this took %.2f times that",
			r.settings.share, round(r.floor()), r.Done.Seconds()/max(0.001, r.floor().Seconds())))
	}
	if r.settings.click > 0 {
		lines = append(lines, fmt.Sprintf("one more       served in %s, while the others waited", round(r.Click)))
	}
	if r.settings.kill > 0 {
		lines = append(lines, fmt.Sprintf("killed         %d processes", r.Kills))
	}
	if err := writeRows(out, r.Rows, r.settings.users); err != nil {
		return err
	}
	kept := "kept"
	if !r.Kept {
		kept = "NOT KEPT"
	}
	_, err := fmt.Fprintf(out, "%s\npromises       %s\n", strings.Join(lines, "\n"), kept)
	return err
}

func (r *report) perPerson() string {
	var parts []string
	for _, service := range slices.Sorted(maps.Keys(r.Requests)) {
		parts = append(parts, fmt.Sprintf("%.1f of %s", float64(r.Requests[service])/float64(r.settings.users), service))
	}
	return strings.Join(parts, ", ") + fmt.Sprintf(" a person, polls of idle queues included, and the clients' %.1f polls of operations", float64(r.Polls)/float64(r.settings.users))
}

func (r *report) byOperation() string {
	var parts []string
	for _, operation := range slices.Sorted(maps.Keys(r.Tables)) {
		parts = append(parts, fmt.Sprintf("%s %.1f", operation, float64(r.Tables[operation])/float64(r.settings.users)))
	}
	return strings.Join(parts, ", ")
}

func (r *report) processor() string {
	var sum time.Duration
	var parts []string
	for _, program := range slices.Sorted(maps.Keys(r.Worked)) {
		sum += r.Worked[program]
		parts = append(parts, fmt.Sprintf("%s %s", program, r.each(r.Worked[program])))
	}
	return fmt.Sprintf("%s a person: %s", r.each(sum), strings.Join(parts, ", "))
}

func (r *report) each(d time.Duration) time.Duration {
	return (d / time.Duration(r.settings.users)).Round(10 * time.Microsecond)
}

func round(d time.Duration) time.Duration {
	if d > 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
