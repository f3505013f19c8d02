package stacks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Status is the state of a portal.
type Status struct {
	Account string        `json:"account"`
	Region  string        `json:"region"`
	Address string        `json:"address,omitempty"`
	Stacks  []StackStatus `json:"stacks"`
	Queues  []QueueStatus `json:"queues"`
}

// StackStatus is the state of one stack.
type StackStatus struct {
	Name string `json:"name"`
	// Region is where the stack is, or "" if that is the portal's Region.
	Region string `json:"region,omitempty"`
	// Status is CloudFormation's word, in lower case.
	Status string `json:"status"`
	// Programs is the zip or image that runs, or "".
	Programs string `json:"programs,omitempty"`
	// Problem says what is wrong with the stack, or what is out of date, or "".
	Problem string `json:"problem,omitempty"`
}

// QueueStatus is the state of one queue. The counts are SQS's approximations.
type QueueStatus struct {
	Name string `json:"name"`
	// Region is where the queue is, or "" if that is the portal's Region.
	Region  string `json:"region,omitempty"`
	Waiting int    `json:"waiting"`
	// InWork counts messages that a worker has, Delayed those that become visible later.
	InWork  int `json:"in_work"`
	Delayed int `json:"delayed"`
	// Dead says that this is a dead-letter queue.
	Dead bool `json:"dead,omitempty"`
}

// Messages is the number of messages in the queue.
func (q QueueStatus) Messages() int { return q.Waiting + q.InWork + q.Delayed }

// NotFound means that there is no portal of a name.
type NotFound struct{ Name, Region string }

// Error says where there is none.
func (n *NotFound) Error() string {
	return fmt.Sprintf("there is no portal named %s in %s. Check --stack and --region", n.Name, n.Region)
}

// Status describes a portal. zip is the zip that Deploy would take, or "" if that is not to be compared.
func (d Deployer) Status(ctx context.Context, name, zip string) (Status, error) {
	out := Status{Region: d.AWS.Region}
	if err := CheckName(name); err != nil {
		return out, err
	}
	me, err := d.caller(ctx)
	if err != nil {
		return out, err
	}
	out.Account = me.account
	all, err := d.look(ctx, name)
	if err != nil {
		return out, err
	}
	for _, one := range all {
		if !one.exists() {
			continue
		}
		described, err := d.describeStatus(ctx, one, zip, name, me.account)
		if err != nil {
			return out, err
		}
		out.Stacks = append(out.Stacks, described)
		if address := one.outputs["Address"]; address != "" {
			out.Address = address
		}
		if slices.Contains([]string{dataLayer.template, marketplaceLayer.template, "trail"}, one.template) {
			queues, err := d.queues(ctx, one)
			if err != nil {
				return out, err
			}
			out.Queues = append(out.Queues, queues...)
		}
	}
	if len(out.Stacks) == 0 {
		return out, &NotFound{name, d.AWS.Region}
	}
	return out, nil
}

func (d Deployer) describeStatus(ctx context.Context, s stack, zip, name, account string) (StackStatus, error) {
	out := StackStatus{Name: s.name, Region: d.elsewhere(s.layer), Status: words(s.status)}
	if s.template == "lambda" {
		out.Programs = s.parameters["CodeKey"]
	} else {
		out.Programs = s.parameters["Image"]
	}
	switch {
	case s.inProgress():
		out.Problem = "It is being changed."
	case s.neverCreated():
		out.Problem = "It could not be created. `gatehouse deploy` creates it again."
	case s.status == "UPDATE_ROLLBACK_COMPLETE":
		out.Problem = "The last update failed and was taken back. `gatehouse deploy` tries again."
	case !s.usable():
		out.Problem = capital(d.stuck(s).Error()) + "."
	default:
		var err error
		out.Problem, err = d.outdated(ctx, s, zip, name, account)
		return out, err
	}
	return out, nil
}

// outdated says what differs from this version of the program.
func (d Deployer) outdated(ctx context.Context, s stack, zip, name, account string) (string, error) {
	text, err := s.text()
	if err != nil {
		return "", err
	}
	deployed, err := d.stacks(s.layer).GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &s.id})
	if err != nil {
		return "", fmt.Errorf("reading the template of the stack %s: %w", s.name, err)
	}
	if aws.ToString(deployed.TemplateBody) != text {
		return "It was made by another version of Gatehouse. `gatehouse deploy diff` shows what this one would change.", nil
	}
	if s.runs() && !s.workersMayRun() {
		return "Its workers are stopped, so requests wait. `gatehouse deploy` starts them.", nil
	}
	if s.template != "lambda" || zip == "" {
		return "", nil
	}
	c, err := d.readCode(zip, name, account)
	if err != nil {
		return "", nil //nolint:nilerr // without a zip there is nothing to compare with
	}
	if c.key != s.parameters["CodeKey"] {
		return "It runs other programs than " + zip + ". `gatehouse deploy` takes those.", nil
	}
	return "", nil
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// resourceIDs returns the ids of a stack's resources of a type, by name.
func (d Deployer) resourceIDs(ctx context.Context, s stack, kind string) (map[string]string, error) {
	out, err := d.stacks(s.layer).DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &s.id})
	if err != nil {
		return nil, fmt.Errorf("reading the resources of the stack %s: %w", s.name, err)
	}
	all := map[string]string{}
	for _, r := range out.StackResources {
		if kind == aws.ToString(r.ResourceType) && aws.ToString(r.PhysicalResourceId) != "" {
			all[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
		}
	}
	return all, nil
}

// queues describes the queues of a stack that exist.
func (d Deployer) queues(ctx context.Context, s stack) ([]QueueStatus, error) {
	urls, err := d.resourceIDs(ctx, s, "AWS::SQS::Queue")
	if err != nil {
		return nil, err
	}
	var all []QueueStatus
	for _, resource := range slices.Sorted(maps.Keys(urls)) {
		url := urls[resource]
		q := QueueStatus{Name: url[strings.LastIndex(url, "/")+1:], Region: d.elsewhere(s.layer)}
		q.Dead = strings.HasSuffix(strings.TrimSuffix(q.Name, ".fifo"), "-dlq") || s.template == marketplaceLayer.template
		out, err := sqs.NewFromConfig(d.in(s.layer).AWS).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{
			sqstypes.QueueAttributeNameApproximateNumberOfMessages, sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		}})
		if isCode(err, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue") {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the queue %s: %w", q.Name, err)
		}
		for name, into := range map[sqstypes.QueueAttributeName]*int{
			sqstypes.QueueAttributeNameApproximateNumberOfMessages: &q.Waiting, sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible: &q.InWork,
			sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed: &q.Delayed,
		} {
			if *into, err = strconv.Atoi(out.Attributes[string(name)]); err != nil {
				return nil, fmt.Errorf("reading the queue %s: %w", q.Name, err)
			}
		}
		all = append(all, q)
	}
	return all, nil
}
