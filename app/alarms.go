package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/gatehouse-portal/gatehouse/alarms"
	"github.com/gatehouse-portal/gatehouse/keys"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/outbound"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var topicForm = regexp.MustCompile(`^arn:aws[a-z-]*:sns:([a-z0-9-]+):[0-9]{12}:([A-Za-z0-9_-]{1,256})$`)

// operatorsFaults checks GATEHOUSE_OPERATORS_TOPIC and GATEHOUSE_OPERATORS_WEBHOOK. No fault has the
// webhook's address, which may hold a secret.
func (c Config) operatorsFaults() []error {
	var faults []error
	switch {
	case c.OperatorsTopic == "" || topicForm.MatchString(c.OperatorsTopic):
	case strings.HasSuffix(c.OperatorsTopic, fifoSuffix):
		faults = append(faults, fmt.Errorf("GATEHOUSE_OPERATORS_TOPIC %q: want a standard topic, since e-mail addresses cannot subscribe to a FIFO topic", c.OperatorsTopic))
	default:
		faults = append(faults, fmt.Errorf("GATEHOUSE_OPERATORS_TOPIC %q: want the ARN of an SNS topic, like arn:aws:sns:eu-west-1:111122223333:operators", c.OperatorsTopic))
	}
	if err := operatorsWebhookFault(c.OperatorsWebhook, c.OperatorsWebhookPrivate); err != nil {
		faults = append(faults, fmt.Errorf("GATEHOUSE_OPERATORS_WEBHOOK: %w", err))
	}
	return faults
}

func operatorsWebhookFault(address string, private bool) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		return errors.New("want a full URL, like https://alarms.example.com/gatehouse")
	case u.User != nil:
		return errors.New("want a URL without a user name or password. Check the signature of each request instead")
	case u.Scheme == "http" && !private:
		return errors.New("want https; http is for addresses inside your network, with GATEHOUSE_OPERATORS_WEBHOOK_PRIVATE=true")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("want a URL that begins with https://")
	}
	return nil
}

// tellsOperators reports whether there is a channel to operators.
func (c Config) tellsOperators() bool { return c.OperatorsTopic != "" || c.OperatorsWebhook != "" }

// operatorsChannels returns the channels that are configured. The secret of the webhook is derived from
// kmsKey and the webhook's address, so another address has another secret. Errors about the secret name
// a hash of the address, since its path may be secret.
func operatorsChannels(c clients, p Process, deriver *keys.Deriver, kmsKey string) []alarms.Channel {
	channels := slices.Clone(p.Operators)
	if arn := p.Config.OperatorsTopic; arn != "" {
		channels = append(channels, alarms.Topic{SNS: c.operatorsSNS(arn), ARN: arn, Words: InWords})
	}
	if p.Config.OperatorsWebhook != "" {
		channels = append(channels, alarms.Webhook{
			URL: p.Config.OperatorsWebhook, Outbound: operatorsHosts(p), Source: strings.TrimSuffix(p.Config.BaseURL, "/"), Now: p.now(),
			Secret: func(ctx context.Context) ([]byte, error) { return operatorsSecret(ctx, p.Config, deriver, kmsKey) },
		})
	}
	return channels
}

// operatorsSNS is a client for the topic's Region, which need not be the portal's.
func (c clients) operatorsSNS(topic string) *sns.Client {
	cfg := c.config.Copy()
	if found := topicForm.FindStringSubmatch(topic); found != nil {
		cfg.Region = found[1]
	}
	return sns.NewFromConfig(cfg)
}

// operatorsHosts allows all hosts but metadata services if the operator says so. Otherwise it allows
// what webhooks of people may have.
func operatorsHosts(p Process) outbound.Config {
	if p.Config.OperatorsWebhookPrivate {
		return outbound.Config{AllowPrivate: func(string) bool { return true }}
	}
	return webhookHosts(p)
}

func operatorsSecret(ctx context.Context, c Config, deriver *keys.Deriver, kmsKey string) ([]byte, error) {
	return deriver.WebhookSecret(ctx, kmsKey, "", portal.DeriveID("operators-webhook", c.OperatorsWebhook), 1)
}

// OperatorAlarms are the alarms for an operator at the command line.
type OperatorAlarms struct {
	clients
	names   Names
	process Process
}

// OpenAlarms makes no call.
func OpenAlarms(p Process) OperatorAlarms {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	return OperatorAlarms{clients: c, names: names, process: p}
}

// Rows returns what workers know of each alarm.
func (o OperatorAlarms) Rows(ctx context.Context) ([]alarms.Row, error) {
	rows, err := alarms.NewStore(o.dynamodb, o.names.Records).All(ctx)
	return rows, InWords(err)
}

// Tried is what came of a test message.
type Tried struct {
	Channel string
	// Problem is "" if the message was sent.
	Problem string
}

// ErrNoChannel means that no channel to operators is configured.
var ErrNoChannel = portal.Fail(portal.Conflict, "No channel to operators is configured. Set GATEHOUSE_OPERATORS_TOPIC or GATEHOUSE_OPERATORS_WEBHOOK; see docs/configuration.md.")

// Try sends a test message through every channel, from this machine and with this operator's
// permissions.
func (o OperatorAlarms) Try(ctx context.Context) ([]Tried, error) {
	channels, err := o.channels(ctx)
	if err != nil {
		return nil, err
	}
	now := o.process.now()().UTC()
	m := alarms.TestMessage("msg_"+portal.DeriveID("alarm-test", now.String()), strings.TrimSuffix(o.process.Config.BaseURL, "/"), now)
	var all []Tried
	for _, channel := range channels {
		tried := Tried{Channel: channel.Name()}
		if err := channel.Send(ctx, m); err != nil {
			tried.Problem = Explain(err)
		}
		all = append(all, tried)
	}
	return all, nil
}

func (o OperatorAlarms) channels(ctx context.Context) ([]alarms.Channel, error) {
	if !o.process.Config.tellsOperators() {
		return nil, ErrNoChannel
	}
	var deriver *keys.Deriver
	var kmsKey string
	if o.process.Config.OperatorsWebhook != "" {
		var err error
		if deriver, kmsKey, err = o.keyMaterial(ctx, o.process.Config); err != nil {
			return nil, InWords(err)
		}
	}
	return operatorsChannels(o.clients, o.process, deriver, kmsKey), nil
}

// Secret returns the secret that signs alarms to the webhook, as receivers need it.
func (o OperatorAlarms) Secret(ctx context.Context) (string, error) {
	if o.process.Config.OperatorsWebhook == "" {
		return "", portal.Fail(portal.Conflict, "GATEHOUSE_OPERATORS_WEBHOOK is not set, so there is no secret.")
	}
	deriver, kmsKey, err := o.keyMaterial(ctx, o.process.Config)
	if err != nil {
		return "", InWords(err)
	}
	secret, err := operatorsSecret(ctx, o.process.Config, deriver, kmsKey)
	if err != nil {
		return "", InWords(err)
	}
	return notices.SecretText(secret), nil
}
