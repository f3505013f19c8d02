package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
)

type Report struct {
	Machine   Machine  `json:"machine"`
	LatencyMS float64  `json:"latency_ms"`
	HandlerMS float64  `json:"handler_ms"`
	Results   []Result `json:"results"`
}

// Machine is what the figures depend on. Both transports and the local AWS share it.
type Machine struct {
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	OS    string `json:"os"`
	Arch  string `json:"arch"`
}

func newReport(s settings) Report {
	return Report{
		Machine:   Machine{Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH},
		LatencyMS: s.latency.Seconds() * 1000, HandlerMS: s.handler.Seconds() * 1000,
	}
}

// write groups the results by queue, ours last.
func (r Report) write(w io.Writer) error {
	fmt.Fprintf(w, "%d cores, %s, %s/%s; %.0f ms for each request, %.0f ms for handling a message\n",
		r.Machine.Cores, r.Machine.Go, r.Machine.OS, r.Machine.Arch, r.LatencyMS, r.HandlerMS)
	for _, queue := range r.queues() {
		fmt.Fprintf(w, "\n%s\n", queue)
		if err := writeResults(w, r.of(queue)); err != nil {
			return err
		}
	}
	return nil
}

func writeResults(w io.Writer, results []Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, strings.Join([]string{
		"", "published/s", "requests each", "consumed/s", "requests each", "requests both", "allocs both", "order", "",
	}, "\t"))
	for _, result := range results {
		fmt.Fprintf(table, "%s\t%.0f\t%.2f\t%.0f\t%.2f\t%.2f\t%.0f\t%s\t\n",
			result.Transport, result.Publish.PerSecond, result.Publish.RequestsPerMessage,
			result.Consume.PerSecond, result.Consume.RequestsPerMessage, result.requestsPerMessage(),
			result.Publish.AllocsPerMessage+result.Consume.AllocsPerMessage, result.Order)
	}
	ours := results[len(results)-1]
	for _, stock := range results[:len(results)-1] {
		fmt.Fprintf(table, "ours to %s\t%.1fx\t%.2fx\t%.1fx\t%.2fx\t%.2fx\t%.2fx\t\t\n", stock.Transport,
			ratio(ours.Publish.PerSecond, stock.Publish.PerSecond),
			ratio(ours.Publish.RequestsPerMessage, stock.Publish.RequestsPerMessage),
			ratio(ours.Consume.PerSecond, stock.Consume.PerSecond),
			ratio(ours.Consume.RequestsPerMessage, stock.Consume.RequestsPerMessage),
			ratio(ours.requestsPerMessage(), stock.requestsPerMessage()),
			ratio(ours.Publish.AllocsPerMessage+ours.Consume.AllocsPerMessage, stock.Publish.AllocsPerMessage+stock.Consume.AllocsPerMessage))
	}
	return table.Flush()
}

func (o Order) String() string {
	if o == (Order{}) {
		return "kept"
	}
	return fmt.Sprintf("%d reordered, %d overlapping, %d repeated", o.Reordered, o.Overlapping, o.Repeated)
}

func (r Report) queues() []string {
	var names []string
	for _, result := range r.Results {
		if len(names) == 0 || names[len(names)-1] != result.Queue {
			names = append(names, result.Queue)
		}
	}
	return names
}

func (r Report) of(queue string) []Result {
	var results []Result
	for _, result := range r.Results {
		if result.Queue == queue {
			results = append(results, result)
		}
	}
	return results
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
