package app

import "strings"

// Names are the names of an installation's resources in AWS, by its prefix.
type Names struct {
	Journal, Views, Records, Sessions, Usage string

	Commands, Provisioning, Projections, Jobs, Notices, Deliveries string
	// Marketplace is the queue that AWS Marketplace's topics and event bus fill.
	Marketplace string
	// Trail is the queue that the rule for changes in API Gateway fills, and that rule's name.
	Trail  string
	Events string

	// Feedback is the topic to which operators subscribe for what people tell them.
	Feedback string

	KMSAlias string
	prefix   string
	trail    bool
}

// NamesFor returns the names for GATEHOUSE_PREFIX.
func NamesFor(prefix string) Names {
	return Names{
		Journal: prefix + "-journal", Views: prefix + "-views", Records: prefix + "-records", Sessions: prefix + "-sessions", Usage: prefix + "-usage",
		Commands: prefix + "-commands.fifo", Provisioning: prefix + "-provisioning",
		Projections: prefix + "-projections.fifo", Jobs: prefix + "-jobs.fifo",
		Notices: prefix + "-notices.fifo", Deliveries: prefix + "-deliveries", Marketplace: prefix + "-marketplace",
		Trail:  prefix + "-trail",
		Events: prefix + "-events.fifo", Feedback: prefix + "-feedback",
		KMSAlias: "alias/" + prefix + "-keys",
		prefix:   prefix,
	}
}

// Names are the names of the installation.
func (c Config) Names() Names {
	n := NamesFor(c.Prefix)
	n.trail = c.Trail == TrailOn
	return n
}

// Undelivered is the queue of notices of AWS Marketplace that could not be delivered to Marketplace, in the seller's
// AWS account.
func (n Names) Undelivered() string { return n.Marketplace + "-undelivered" }

// Tables lists the tables.
func (n Names) Tables() []string { return []string{n.Journal, n.Views, n.Records, n.Sessions, n.Usage} }

// Queues lists the queues, without their dead-letter queues. Trail is among them if Config.Trail is on.
func (n Names) Queues() []string {
	all := []string{n.Commands, n.Provisioning, n.Projections, n.Jobs, n.Notices, n.Deliveries, n.Marketplace}
	if n.trail {
		all = append(all, n.Trail)
	}
	return all
}

// Subscribed lists the queues to which the topic sends facts.
func (n Names) Subscribed() []string { return []string{n.Projections, n.Notices} }

const fifoSuffix = ".fifo"

// DeadLetterQueue is where SQS moves messages that were received too often. SQS requires that
// both queues are FIFO or neither is.
func DeadLetterQueue(queue string) string {
	if base, ok := strings.CutSuffix(queue, fifoSuffix); ok {
		return base + "-dlq" + fifoSuffix
	}
	return queue + "-dlq"
}

// KeyNamePrefix begins the names of the installation's API keys in API Gateway.
func (n Names) KeyNamePrefix() string { return n.prefix }
