package stacks

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

func randomHex() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// Action is what a deployment would do with a stack.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	// Recreate deletes a stack whose creation failed, and creates it again.
	Recreate Action = "recreate"
	Keep     Action = "keep"
)

// StackPlan is what a deployment would do with one stack.
type StackPlan struct {
	Name string `json:"name"`
	// Region is where the stack is, or "" if that is the portal's Region.
	Region  string   `json:"region,omitempty"`
	Action  Action   `json:"action"`
	Changes []Change `json:"changes,omitempty"`
}

// Plan is what a deployment would do.
type Plan struct {
	Account string      `json:"account"`
	Region  string      `json:"region"`
	Stacks  []StackPlan `json:"stacks"`
	// Upload is where the zip would be uploaded to, as bucket/key, or "" if it would not be.
	Upload string `json:"upload,omitempty"`
}

// Empty reports whether nothing would change.
func (p Plan) Empty() bool {
	return p.Upload == "" && !slices.ContainsFunc(p.Stacks, func(s StackPlan) bool { return s.Action != Keep })
}

// changes reports whether something would happen to a stack.
func (p Plan) changes(stack string) bool {
	return slices.ContainsFunc(p.Stacks, func(s StackPlan) bool { return s.Name == stack && s.Action != Keep })
}

// Dangers lists the resources, as stack/resource, that hold data and would be replaced or removed.
func (p Plan) Dangers() (all []string) {
	for _, s := range p.Stacks {
		all = append(all, dangers(s.Name, s.Changes)...)
	}
	return all
}

func dangers(stack string, changes []Change) (all []string) {
	for _, c := range changes {
		if c.dangerous() {
			all = append(all, stack+"/"+c.Resource)
		}
	}
	return all
}

// refuse returns an error unless the operator has allowed each of the dangers by name.
func (s Settings) refuse(dangers []string) error {
	dangers = slices.DeleteFunc(slices.Clone(dangers), func(one string) bool { return slices.Contains(s.Allow, one) })
	if len(dangers) == 0 {
		return nil
	}
	return fmt.Errorf("nothing was changed, since this would replace or remove resources that hold data: %s.\nIf that is what you want, make a backup and add --allow %s",
		strings.Join(dangers, ", "), strings.Join(dangers, " --allow "))
}

// planStacks says what would happen to the stacks that the settings want. It changes no resource. For stacks that
// exist it makes change sets and deletes them again; what new stacks would have, it reads from the templates.
func (r *run) planStacks(ctx context.Context) (Plan, error) {
	p := Plan{Account: r.account, Region: r.AWS.Region}
	outputs := map[string]string{}
	for _, have := range r.stacks {
		if !r.settings.wants(have.layer, have.exists()) {
			continue
		}
		given, err := r.given(have, outputs)
		if err != nil {
			return p, err
		}
		one, err := r.planStack(ctx, r.settings, have, given, r.account)
		if err != nil {
			return p, err
		}
		p.Stacks = append(p.Stacks, one)
		if have.usable() {
			copyOutputs(outputs, have)
		}
	}
	return p, nil
}

// copyOutputs adds a stack's outputs to those that later stacks can have as parameters.
func copyOutputs(to map[string]string, from stack) {
	for name, value := range from.outputs {
		to[name] = value
	}
}

func (d Deployer) planStack(ctx context.Context, s Settings, have stack, outputs map[string]string, account string) (StackPlan, error) {
	one := StackPlan{Name: have.name, Region: d.elsewhere(have.layer), Action: Create}
	text, err := have.text()
	if err != nil {
		return one, err
	}
	t, err := have.read()
	if err != nil {
		return one, err
	}
	switch {
	case have.usable():
		proposed, err := d.propose(ctx, have, text, s.values(have, t, outputs))
		if err != nil {
			return one, err
		}
		one.Action, one.Changes = Update, proposed.changes
		if proposed.empty {
			one.Action = Keep
			return one, nil
		}
		return one, d.discard(ctx, proposed)
	case have.neverCreated():
		one.Action = Recreate
	case have.exists():
		return one, d.stuck(have)
	}
	one.Changes, err = d.resources(s, have, t, outputs, account)
	return one, err
}

// stuck says what to do about a stack that can be neither updated nor created again.
func (d Deployer) stuck(have stack) error {
	if have.status == "UPDATE_ROLLBACK_FAILED" {
		return fmt.Errorf("the stack %s is stuck: an update failed, and so did its rollback.\nCorrect what the stack's events name, and have AWS continue the rollback:\naws cloudformation continue-update-rollback --region %[2]s --stack-name %[1]s\nThen run this command again", have.name, d.in(have.layer).AWS.Region)
	}
	if have.status == "DELETE_FAILED" {
		return fmt.Errorf("the stack %s is half deleted. Run `gatehouse destroy` to delete the rest", have.name)
	}
	return fmt.Errorf("the stack %s is in a state that this command does not know: %s", have.name, words(have.status))
}

// resources lists the resources of a new stack. It takes examples for outputs that do not exist yet.
func (d Deployer) resources(s Settings, have stack, t template.Template, outputs map[string]string, account string) ([]Change, error) {
	v := s.values(have, t, outputs)
	var missing []string
	for name, p := range t.Parameters {
		if _, given := v.given[name]; given || p.Default != nil {
			continue
		}
		example, known := examples[name]
		if !known {
			missing = append(missing, name)
		}
		v.given[name] = example
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, fmt.Errorf("the stack %s needs %s. Give --parameter NAME=VALUE, or a flag; docs/deploy.md#reference explains them", have.name, strings.Join(missing, ", "))
	}
	resolved, err := t.Resolve(template.Stack{Name: have.name, Account: account, Region: d.in(have.layer).AWS.Region, Parameters: v.given})
	if err != nil {
		return nil, fmt.Errorf("the stack %s: %w", have.name, err)
	}
	var all []Change
	for _, name := range resolved.Resources {
		all = append(all, Change{Add, name, resolved.Type(name), isStateful(have.layer, resolved.Type(name))})
	}
	return all, nil
}

// examples stand for outputs of stacks that do not exist yet.
var examples = map[string]string{
	"DataStack": "example", "KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/example", "PortalPolicyArns": "example", "WorkerPolicyArns": "example",
	"MarketplaceQueueArn": "arn:aws:sqs:us-east-1:111122223333:example", "DnsTarget": "example.elb.amazonaws.com",
	"LoadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/example/1",
	"OidcIssuer":      "https://example.com", "OidcClientId": "example", "PortalLogGroup": "example", "WorkerLogGroup": "example",
}
