// Package deploytest makes the resources of Gatehouse's CloudFormation templates on a local AWS, for
// tests.
package deploytest

import (
	"io/fs"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/gatehouse-portal/gatehouse/deploy"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

// Read returns a template of Gatehouse, such as "data".
func Read(t testing.TB, name string) template.Template {
	t.Helper()
	text, err := fs.ReadFile(deploy.Templates, "cloudformation/"+name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	read, err := template.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return read
}

// Resolve resolves a template of Gatehouse for a stack. An empty account or Region is that of the local
// AWS.
func Resolve(t testing.TB, name string, stack template.Stack) *template.Resolved {
	t.Helper()
	if stack.Account == "" {
		stack.Account = localaws.Account
	}
	if stack.Region == "" {
		stack.Region = localaws.Region
	}
	resolved, err := Read(t, name).Resolve(stack)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return resolved
}

// Properties returns the resolved properties of a resource in the stack.
func Properties(t testing.TB, r *template.Resolved, resource string) map[string]any {
	t.Helper()
	properties, err := r.Properties(resource)
	if err != nil {
		t.Fatal(err)
	}
	return properties
}

// Stack is a stack that exists.
type Stack struct {
	// Outputs are the outputs of the stack.
	Outputs map[string]string
}

// Create makes a stack of a template of Gatehouse on the local AWS. A stack that cannot be made fails
// the test.
func Create(t testing.TB, cfg aws.Config, name string, stack template.Stack) Stack {
	t.Helper()
	text, err := fs.ReadFile(deploy.Templates, "cloudformation/"+name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := maker{t, cloudformation.NewFromConfig(cfg), stack.Name}
	m.execute(string(text), stack.Parameters)
	return Stack{m.wait()}
}

type maker struct {
	t      testing.TB
	client *cloudformation.Client
	stack  string
}

func (m maker) execute(text string, given map[string]string) {
	m.t.Helper()
	in := cloudformation.CreateChangeSetInput{
		StackName: &m.stack, ChangeSetName: aws.String("create"), ChangeSetType: types.ChangeSetTypeCreate, TemplateBody: &text,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	}
	for key, value := range given {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &key, ParameterValue: &value})
	}
	_, err := m.client.CreateChangeSet(m.t.Context(), &in)
	m.ok(err)
	for {
		set, err := m.client.DescribeChangeSet(m.t.Context(), &cloudformation.DescribeChangeSetInput{StackName: &m.stack, ChangeSetName: in.ChangeSetName})
		m.ok(err)
		if set.Status == types.ChangeSetStatusCreateComplete {
			break
		}
	}
	_, err = m.client.ExecuteChangeSet(m.t.Context(), &cloudformation.ExecuteChangeSetInput{StackName: &m.stack, ChangeSetName: in.ChangeSetName})
	m.ok(err)
}

// wait returns the outputs. Each look at the stack makes the local AWS do the next part of the work.
func (m maker) wait() map[string]string {
	m.t.Helper()
	for {
		out, err := m.client.DescribeStacks(m.t.Context(), &cloudformation.DescribeStacksInput{StackName: &m.stack})
		m.ok(err)
		switch stack := out.Stacks[0]; stack.StackStatus {
		case types.StackStatusCreateInProgress, types.StackStatusRollbackInProgress:
		case types.StackStatusCreateComplete:
			outputs := map[string]string{}
			for _, output := range stack.Outputs {
				outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
			}
			return outputs
		default:
			m.t.Fatalf("the stack %s is %s: %s", m.stack, stack.StackStatus, m.failures())
		}
	}
}

func (m maker) failures() (all []string) {
	m.t.Helper()
	out, err := m.client.DescribeStackEvents(m.t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &m.stack})
	m.ok(err)
	for _, event := range out.StackEvents {
		if reason := aws.ToString(event.ResourceStatusReason); reason != "" {
			all = append(all, aws.ToString(event.LogicalResourceId)+": "+reason)
		}
	}
	return all
}

func (m maker) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}
