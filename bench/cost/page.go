package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// The program assumes that an account does so many of these in a month.
const (
	dashboards = 10
	pages      = 50
)

// bill is a month of one design.
type bill struct {
	lines map[string]float64
}

func (b bill) total() float64 {
	sum := 0.0
	for _, n := range b.lines {
		sum += n
	}
	return sum
}

// groups put prices together as lines of the page.
var groups = map[string]string{
	"sqs": "SQS", "sns": "SNS", "dynamodb": "DynamoDB", "kms": "KMS", "lambda": "AWS Lambda", "http": "HTTP API or load balancer", "rest": "HTTP API or load balancer", "alarm": "CloudWatch",
	"metric": "CloudWatch", "logs": "CloudWatch", "fargate": "Fargate", "ipv4": "public addresses", "load": "HTTP API or load balancer", "cloud": "HTTP API or load balancer", "cognito": "Cognito",
}

func (p prices) bill(c counts) (bill, error) {
	b := bill{map[string]float64{}}
	// The free requests of SQS are for all queues together. The dearer ones are taken from them.
	free := p.Prices["sqs_free"].Free
	c = maps.Clone(c)
	for _, name := range []string{"sqs_fifo", "sqs_standard"} {
		used := min(free, c[name])
		c[name], free = c[name]-used, free-used
	}
	for name, n := range c {
		if name == controlPlane {
			continue
		}
		group, _, _ := strings.Cut(name, "_")
		cost := p.of(name, n)
		if math.IsNaN(cost) || groups[group] == "" {
			return b, fmt.Errorf("prices.yaml has no price for %s", name)
		}
		b.lines[groups[group]] += cost
	}
	return b, nil
}

const gigabyte = 1e9

func (a activity) onLambda() counts {
	return a.counts.plus(counts{"lambda_request": a.portal + a.worker, "lambda_time": a.gigabyteSecs, "http_api": a.portal, "logs": a.logs / gigabyte}, 1)
}

func (a activity) onContainers(http string) counts {
	c := a.counts.plus(counts{"logs": a.logs / gigabyte}, 1)
	if http != "" {
		c[http] += a.portal
	}
	return c
}

// monthOf is what so many accounts and the jobs do in a month.
func (m measurements) monthOf(accounts float64) activity {
	each := activity{}.plus(more(m.PeopleHour, m.IdleHour), 1/float64(m.People))
	all := activity{}.plus(m.IdleHour, hoursOfMonth).plus(each, accounts*hoursOfMonth)
	return all.plus(m.SignUp, accounts).plus(m.Dashboard, accounts*dashboards).plus(m.Page, accounts*pages)
}

type design struct {
	name string
	bill func(accounts float64) (bill, error)
}

func designs(p prices, m measurements) ([]design, error) {
	lambda, err := lambdaHour()
	if err != nil {
		return nil, err
	}
	small, err := containersHour("small")
	if err != nil {
		return nil, err
	}
	standard, err := containersHour("standard")
	if err != nil {
		return nil, err
	}
	watched := map[string]counts{}
	for _, name := range []string{"lambda", "small", "standard"} {
		if watched[name], err = month(name); err != nil {
			return nil, err
		}
	}
	people := func(accounts float64) counts { return counts{"cognito": accounts} }
	return []design{
		{"AWS Lambda", func(n float64) (bill, error) {
			return p.bill(m.monthOf(n).onLambda().plus(lambda, hoursOfMonth).plus(watched["lambda"], 1).plus(people(n), 1))
		}},
		{"containers, small", func(n float64) (bill, error) {
			return p.bill(m.monthOf(n).onContainers("http_api").plus(small, hoursOfMonth).plus(containerPolls, hoursOfMonth).plus(watched["small"], 1).plus(people(n), 1))
		}},
		{"containers, standard", func(n float64) (bill, error) {
			return p.bill(m.monthOf(n).onContainers("").plus(standard, hoursOfMonth).plus(containerPolls, hoursOfMonth).plus(watched["standard"], 1).plus(people(n), 1))
		}},
		{"the predecessor", func(n float64) (bill, error) { return p.bill(predecessor(n)) }},
	}, nil
}

// containerPolls is what one idle worker polls in an hour: each of its pollers for 20 seconds at a time. See
// consumers in app/worker.go: two pollers for three FIFO queues and for provisioning, one for the others and
// for each dead-letter queue.
var containerPolls = counts{"sqs_fifo": (3*2 + 1 + 4) * pollsOfHour, "sqs_standard": (2 + 1 + 1 + 3) * pollsOfHour}

// predecessor is an estimate of the AWS Serverless Developer Portal: one function behind a REST API, pages
// from S3, three tables, no queues, no jobs, no alarms. Signing in makes two reads and two writes, and a
// dashboard three requests. It was not run.
func predecessor(accounts float64) counts {
	requests := accounts * (2 + 3*dashboards)
	return counts{
		"rest_api": requests, "lambda_request": requests, "lambda_time": requests * 0.2, "logs": requests * 500 / gigabyte,
		"dynamodb_read": accounts * 2, "dynamodb_write": accounts * 2, "cognito": accounts,
	}
}

// The targets of an idle month, in dollars.
const lambdaTarget, smallTarget = 7, 20

func page(p prices, m measurements) (string, error) {
	all, err := designs(p, m)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	write := func(format string, args ...any) { fmt.Fprintf(&text, format, args...) }
	write(pageHead, p.Checked)
	write("## A month\n\n")
	write("| accounts a month |")
	for _, d := range all {
		write(" %s |", d.name)
	}
	write("\n|---|%s\n", strings.Repeat("---|", len(all)))
	idle := make([]bill, len(all))
	for _, n := range []float64{0, 1_000, 100_000} {
		write("| %s |", accountsText(n))
		for i, d := range all {
			b, err := d.bill(n)
			if err != nil {
				return "", err
			}
			if n == 0 {
				idle[i] = b
			}
			write(" %s |", cmp.Or(dollars(b.total()), "0"))
		}
		write("\n")
	}
	write(assumptions, dashboards, pages)
	for _, n := range []float64{0, 100_000} {
		if err := breakdown(write, all, n); err != nil {
			return "", err
		}
	}
	write("\n## Targets\n\n| an idle month | target | calculated | |\n|---|---|---|---|\n")
	for i, target := range []float64{lambdaTarget, smallTarget} {
		met := "met"
		if idle[i].total() > target {
			met = "**missed**"
		}
		write("| %s | %s | %s | %s |\n", all[i].name, dollars(target), dollars(idle[i].total()), met)
	}
	write("%s", savings)
	counted(write, m)
	write("%s", whatIsLarge)
	write("\n## Prices\n\n| what | price | free each month | source |\n|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(p.Prices)) {
		one := p.Prices[name]
		write("| %s | $%v for %s | %s | <%s> |\n", one.Of, one.Price, number(one.Per), cmp.Or(number(one.Free), "0"), one.Source)
	}
	return text.String(), nil
}

func accountsText(n float64) string {
	if n == 0 {
		return "none (idle)"
	}
	return number(n)
}

func breakdown(write func(string, ...any), all []design, n float64) error {
	write("\n| %s |", map[bool]string{true: "idle", false: number(n) + " accounts"}[n == 0])
	lines := map[string]bool{}
	var bills []bill
	for _, d := range all {
		b, err := d.bill(n)
		if err != nil {
			return err
		}
		bills = append(bills, b)
		for line := range b.lines {
			lines[line] = true
		}
		write(" %s |", d.name)
	}
	write("\n|---|%s\n", strings.Repeat("---|", len(all)))
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		write("| %s |", line)
		for _, b := range bills {
			write(" %s |", dollars(b.lines[line]))
		}
		write("\n")
	}
	return nil
}

func counted(write func(string, ...any), m measurements) {
	write("%s", countedHead)
	write("| | SQS | SNS | DynamoDB reads | DynamoDB writes | KMS | control plane | portal | worker |\n|---|---|---|---|---|---|---|---|---|\n")
	each := activity{}.plus(more(m.PeopleHour, m.IdleHour), 1/float64(m.People))
	for _, row := range []struct {
		what string
		a    activity
	}{
		{"a person signs up and subscribes", m.SignUp},
		{"a person leaves the plan", m.Leave},
		{"a look at the dashboard", m.Dashboard},
		{"the home page", m.Page},
		{"an hour of jobs without accounts", m.IdleHour},
		{"the same hour, for each account more", each},
	} {
		c := row.a.counts
		write("| %s |", row.what)
		for _, n := range []float64{c["sqs_fifo"] + c["sqs_standard"], c["sns_fifo"], c["dynamodb_read"], c["dynamodb_write"], c["kms_request"], c[controlPlane], row.a.portal, row.a.worker} {
			write(" %.1f |", n)
		}
		write("\n")
	}
}

func dollars(n float64) string {
	switch {
	case n == 0:
		return ""
	case n < 0.005:
		return "under 0.01"
	case n < 100:
		return fmt.Sprintf("%.2f", n)
	}
	return number(math.Round(n))
}

// number writes a whole number with commas.
func number(n float64) string {
	if n == 0 {
		return ""
	}
	text := fmt.Sprintf("%.0f", n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
